"""The totals of links, by SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Final

from ...ports.link_totals import Totals
from .contract import SqlConnection, SqlReader, SqlWriter

_KNOWN_AT_ONCE: Final = 500  # links that are looked up before requests go on


class SqlLinkTotals:
    """See `ports.link_totals`."""

    def __init__(self, reader: SqlReader, writer: SqlWriter, gateway: str = "") -> None:
        """
        Args:
            gateway: whose segments are meant, where several count theirs in one database.
        """
        self._gateway = gateway
        self._reader = reader
        self._writer = writer

    async def add(self, segment: str, start: int, stop: int, totals: Mapping[str, Totals]) -> None:
        await self._writer.run(lambda connection: _add(connection, self._gateway + segment, start, stop, totals))

    async def known(self, link_ids: Collection[str]) -> Collection[str]:
        found: list[str] = []
        looked_for = iter(link_ids)
        while some := list(islice(looked_for, _KNOWN_AT_ONCE)):
            marks = ", ".join("?" * len(some))
            rows = await self._reader.find_all(f"SELECT id FROM link WHERE id IN ({marks})", tuple(some))  # noqa: S608
            found += (row[0] for row in rows)
            await asyncio.sleep(0)  # requests go on
        return found

    async def find(self, link_ids: Collection[str]) -> Mapping[str, Totals]:
        if not link_ids:
            return {}
        marks = ", ".join("?" * len(link_ids))
        sql = f"SELECT id, uses, sent_bytes, broken, refused, last_use_ms FROM link_total WHERE id IN ({marks})"  # noqa: S608
        return {row[0]: Totals(*row[1:]) for row in await self._reader.find_all(sql, tuple(link_ids))}

    async def counted(self) -> Mapping[str, int]:
        sql, own = "SELECT segment, stop FROM link_audit_counted WHERE substr(segment, 1, ?) = ?", self._gateway
        return {row[0][len(own) :]: row[1] for row in await self._reader.find_all(sql, (len(own), own))}

    async def forget_segment(self, segment: str) -> None:
        await self._writer.run(lambda connection: _forget(connection, self._gateway + segment))


# --- mutations, run by the writer ------------------------------------------------------------------------------------


def _add(connection: SqlConnection, segment: str, start: int, stop: int, totals: Mapping[str, Totals]) -> None:
    row = connection.execute("SELECT stop FROM link_audit_counted WHERE segment = ?", (segment,)).fetchone()
    if (row[0] if row else 0) != start:
        return
    connection.execute("INSERT OR REPLACE INTO link_audit_counted (segment, stop) VALUES (?, ?)", (segment, stop))
    connection.executemany(
        "INSERT INTO link_total (id, uses, sent_bytes, broken, refused, last_use_ms)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM link WHERE id = ?1)"
        " ON CONFLICT (id) DO UPDATE SET uses = link_total.uses + excluded.uses,"
        " sent_bytes = link_total.sent_bytes + excluded.sent_bytes, broken = link_total.broken + excluded.broken,"
        " refused = link_total.refused + excluded.refused, last_use_ms = CASE WHEN"
        " excluded.last_use_ms > link_total.last_use_ms THEN excluded.last_use_ms ELSE link_total.last_use_ms END",
        [(link_id, *more) for link_id, more in totals.items()],
    )


def _forget(connection: SqlConnection, segment: str) -> None:
    connection.execute("DELETE FROM link_audit_counted WHERE segment = ?", (segment,))
