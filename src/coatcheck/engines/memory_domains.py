"""Own domains in a dict."""

from __future__ import annotations

from collections.abc import Sequence

from ..ports.catalog import AlreadyThere, Gone, TooMany
from ..ports.domains import CertificateChange, DomainCertificate, DomainToken, OtherCertificate, OwnDomain
from .memory import MemoryCatalog


class MemoryDomains:
    """Names in a dict. A name whose bucket is gone is bound to nothing."""

    def __init__(self, catalog: MemoryCatalog) -> None:
        self._catalog = catalog
        self._bound: dict[str, tuple[int, int]] = {}
        self._tokens: dict[tuple[int, str], DomainToken] = {}
        self._certificates: dict[str, DomainCertificate] = {}

    def clear(self) -> None:
        """Every name goes."""
        self._bound.clear()
        self._tokens.clear()

    async def find_domain(self, name: str) -> str | None:
        return self.look_for_domain(name)

    def look_for_domain(self, name: str) -> str | None:
        bound = self._bound.get(name)
        bucket = self._catalog.bucket_of(bound[0]) if bound else None
        return bucket.name if bucket else None

    async def list_domains(self, bucket_id: int | None = None) -> Sequence[OwnDomain]:
        return [
            OwnDomain(name, bucket.name, bound_at)
            for name, (bound_to, bound_at) in sorted(self._bound.items())
            if bucket_id in (None, bound_to) and (bucket := self._catalog.bucket_of(bound_to)) is not None
        ]

    def look_for_certificate(self, name: str) -> DomainCertificate | None:
        return self._certificates.get(name) if self.look_for_domain(name) is not None else None

    async def bind_domain(
        self, name: str, bucket_id: int, *, now: int, most: int, change: CertificateChange | None = None
    ) -> None:
        self._check_bucket(bucket_id)
        is_bound = self.look_for_domain(name) is not None
        if is_bound and self._bound[name][0] != bucket_id:
            raise AlreadyThere(name)
        if not is_bound and len(await self.list_domains(bucket_id)) >= most:
            raise TooMany(f"bucket {bucket_id}")
        held = self.look_for_certificate(name)
        if change is not None and change.replaces not in (None, held and held.cert_id):
            raise OtherCertificate(held.cert_id if held else "")
        if not is_bound:
            self._bound[name] = bucket_id, now
            self._certificates.pop(name, None)
        if change is not None:
            self._certificates.pop(name, None)
            if change.certificate is not None:
                self._certificates[name] = change.certificate

    async def unbind_domain(self, name: str, bucket_id: int) -> None:
        if name not in self._bound or self._bound[name][0] != bucket_id:
            raise Gone(name)
        del self._bound[name]
        self._certificates.pop(name, None)

    async def keep_token(self, bucket_id: int, token: DomainToken, *, now: int, most: int) -> DomainToken:
        self._check_bucket(bucket_id)
        kept = await self.find_token(bucket_id, token.domain, now=now)
        if kept is not None:
            return kept
        if sum(place[0] == bucket_id and held.is_good(now) for place, held in self._tokens.items()) >= most:
            raise TooMany(f"bucket {bucket_id}")
        self._tokens[bucket_id, token.domain] = token
        return token

    async def find_token(self, bucket_id: int, domain: str, *, now: int) -> DomainToken | None:
        token = self._tokens.get((bucket_id, domain))
        return token if token and token.is_good(now) and self._catalog.bucket_of(bucket_id) else None

    def _check_bucket(self, bucket_id: int) -> None:
        if self._catalog.bucket_of(bucket_id) is None:
            raise Gone(f"bucket {bucket_id}")
