"""Own domains (CNAMEs): which bucket a host name stands for, and the tokens by which a name's ownership is proved.

Names are in lower case. Every method is atomic; a mutation that has returned is durable and seen by every later read in
every process, and one that has raised changed nothing. A bucket's domains and tokens go with the bucket, and a domain's
certificate goes with the domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from ..core.limits import DOMAIN_TOKEN_LIFE_S
from .catalog import Gone


class OwnDomain(Struct, frozen=True):
    """A name bound to a bucket, since `bound_at` (Unix seconds)."""

    name: str
    bucket: str
    bound_at: int


class DomainCertificate(Struct, frozen=True):
    """What HTTPS under a domain is spoken with where this server ends it. The key is kept sealed, and shown to nobody.

    Attributes:
        cert_id: what its owner calls it.
        chain: the certificate, and those that lead to its authority; PEM.
        key: its private key; PEM.
        created_at, valid_from, valid_until: Unix seconds.
        fingerprint: see `CertificateFacts`.
    """

    cert_id: str
    chain: str
    key: str
    created_at: int
    fingerprint: str
    valid_from: int
    valid_until: int

    def __repr__(self) -> str:
        return f"DomainCertificate(cert_id={self.cert_id!r}, fingerprint={self.fingerprint!r})"


class CertificateChange(Struct, frozen=True):
    """What becomes of a domain's certificate.

    Attributes:
        certificate: the one that is there from then on; None for none.
        replaces: the id of the one that must be there before; None for whatever is.
    """

    certificate: DomainCertificate | None
    replaces: str | None = None


class OtherCertificate(Exception):
    """The domain has another certificate than the one that was to be replaced; the message is its id, or empty."""


class DomainToken(Struct, frozen=True):
    """What the owner of a domain puts into its TXT record; 32 hex digits, good until `expires_at` (Unix seconds)."""

    domain: str
    token: str
    expires_at: int

    def is_good(self, now: int) -> bool:
        """Not over; and not of the future, as one is that was made before a clock went back."""
        return now < self.expires_at <= now + DOMAIN_TOKEN_LIFE_S


class Domains(Protocol):
    """See the module for what every method promises."""

    async def find_domain(self, name: str) -> str | None:
        """The name of the bucket that a domain is bound to. On the path of requests: answered from memory while nothing
        has changed, for names that are bound to nothing too."""
        ...

    async def list_domains(self, bucket_id: int | None = None) -> Sequence[OwnDomain]:
        """A bucket's domains by name; those of all buckets with None."""
        ...

    def look_for_certificate(self, name: str) -> DomainCertificate | None:
        """The certificate of a domain that has one; one whose key can't be opened any more is none. At every handshake:
        answered from memory while nothing has changed."""
        ...

    async def bind_domain(
        self, name: str, bucket_id: int, *, now: int, most: int, change: CertificateChange | None = None
    ) -> None:
        """Fine if it is bound to that bucket already. Its certificate changes with it, if that is asked for.

        Raises: Gone (no such bucket), AlreadyThere (bound to another bucket), TooMany (the bucket has `most`),
            OtherCertificate.
        """
        ...

    async def unbind_domain(self, name: str, bucket_id: int) -> None:
        """Raises: Gone, if it isn't bound to that bucket."""
        ...

    async def keep_token(self, bucket_id: int, token: DomainToken, *, now: int, most: int) -> DomainToken:
        """Keep a token for a domain, unless there is one that is still good: the one that counts is returned.

        Raises: Gone (no such bucket), TooMany (the bucket has `most` that are still good).
        """
        ...

    async def find_token(self, bucket_id: int, domain: str, *, now: int) -> DomainToken | None:
        """The token that was kept, if it is still good."""
        ...


class NoDomains:
    """Domains where there can be none."""

    async def find_domain(self, name: str) -> str | None:
        return None

    async def list_domains(self, bucket_id: int | None = None) -> Sequence[OwnDomain]:
        return ()

    def look_for_certificate(self, name: str) -> DomainCertificate | None:
        return None

    async def bind_domain(
        self, name: str, bucket_id: int, *, now: int, most: int, change: CertificateChange | None = None
    ) -> None:
        raise Gone(f"bucket {bucket_id}")

    async def unbind_domain(self, name: str, bucket_id: int) -> None:
        raise Gone(name)

    async def keep_token(self, bucket_id: int, token: DomainToken, *, now: int, most: int) -> DomainToken:
        raise Gone(f"bucket {bucket_id}")

    async def find_token(self, bucket_id: int, domain: str, *, now: int) -> DomainToken | None:
        return None
