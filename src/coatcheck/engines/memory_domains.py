"""Own domains in a dict."""

from __future__ import annotations

from collections.abc import Sequence

from ..ports.catalog import AlreadyThere, Gone, TooMany
from ..ports.domains import DomainToken, OwnDomain
from .memory import MemoryCatalog


class MemoryDomains:
    """Names in a dict. A name whose bucket is gone is bound to nothing."""

    def __init__(self, catalog: MemoryCatalog) -> None:
        self._catalog = catalog
        self._bound: dict[str, tuple[int, int]] = {}
        self._tokens: dict[tuple[int, str], DomainToken] = {}

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

    async def bind_domain(self, name: str, bucket_id: int, *, now: int, most: int) -> None:
        self._check_bucket(bucket_id)
        if await self.find_domain(name) is not None:
            if self._bound[name][0] != bucket_id:
                raise AlreadyThere(name)
            return
        if len(await self.list_domains(bucket_id)) >= most:
            raise TooMany(f"bucket {bucket_id}")
        self._bound[name] = bucket_id, now

    async def unbind_domain(self, name: str, bucket_id: int) -> None:
        if name not in self._bound or self._bound[name][0] != bucket_id:
            raise Gone(name)
        del self._bound[name]

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
