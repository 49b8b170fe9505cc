"""Own domains in SQLite."""

from __future__ import annotations

from typing import Final

from ...ports.domains import DomainCertificate
from ..sql.domains import CERTIFICATE, SqlDomains, read_certificate
from ..sql.seal import Seal
from .connection import Reader
from .writer import Writer

_REMEMBERED_MAX: Final = 256  # certificates


class SqliteDomains(SqlDomains):
    """See `ports.domains`. All names are remembered, once one was asked for, until any process changes one."""

    def __init__(self, reader: Reader, writer: Writer, seal: Seal) -> None:
        super().__init__(reader, writer, seal)
        self._reader = reader
        self._buckets: dict[str, str] = {}
        self._certificates: dict[str, DomainCertificate | None] = {}
        self._generation = -1

    async def find_domain(self, name: str) -> str | None:
        return self.look_for_domain(name)

    def look_for_domain(self, name: str) -> str | None:
        generation = self._reader.generation()
        if generation != self._generation:
            rows = self._reader.rows("SELECT domain.name, bucket.name FROM domain JOIN bucket ON bucket.id = bucket_id")
            self._buckets, self._generation = dict(rows), generation
            self._certificates.clear()
        return self._buckets.get(name)

    def look_for_certificate(self, name: str) -> DomainCertificate | None:
        if self.look_for_domain(name) is None:
            return None
        if name not in self._certificates:
            if len(self._certificates) >= _REMEMBERED_MAX:
                self._certificates.clear()
            row = self._reader.row(CERTIFICATE, (name,))
            self._certificates[name] = None if row is None else read_certificate(row[0], name, self._seal)
        return self._certificates[name]
