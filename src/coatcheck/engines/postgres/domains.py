"""Own domains in PostgreSQL."""

from __future__ import annotations

from ...ports.domains import CertificateChange, DomainCertificate
from ..sql.contract import SqlWriter
from ..sql.domains import SqlDomains
from ..sql.seal import Seal
from .known import Known


class PostgresDomains(SqlDomains):
    """See `ports.domains`. A certificate that another gateway was given is seen with this process's next question of
    whatever kind, or by its next look at the numbers."""

    def __init__(self, known: Known, writer: SqlWriter, seal: Seal) -> None:
        super().__init__(known.reader, writer, seal)
        self._known = known

    async def find_domain(self, name: str) -> str | None:
        return await self._known.find(lambda: self._known.domain(name))

    def look_for_certificate(self, name: str) -> DomainCertificate | None:
        return self._known.certificate(name)

    async def bind_domain(
        self, name: str, bucket_id: int, *, now: int, most: int, change: CertificateChange | None = None
    ) -> None:
        await super().bind_domain(name, bucket_id, now=now, most=most, change=change)
        await self.find_domain(name)  # so that its certificate is served from now on

    async def unbind_domain(self, name: str, bucket_id: int) -> None:
        await super().unbind_domain(name, bucket_id)
        await self.find_domain(name)
