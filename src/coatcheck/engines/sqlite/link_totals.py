"""The totals of links in SQLite."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Final

from ...ports.link_totals import Totals
from .connection import Reader
from .writer import Writer

_KNOWN: Final = "SELECT id FROM link WHERE id IN (SELECT value FROM json_each(?))"
_KNOWN_AT_ONCE: Final = 500  # links that are looked up before requests go on


class SqliteLinkTotals:
    """See `ports.link_totals`."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def add(self, segment: str, start: int, stop: int, totals: Mapping[str, Totals]) -> None:
        await self._writer.run(lambda connection: _add(connection, segment, start, stop, totals))

    async def known(self, link_ids: Collection[str]) -> Collection[str]:
        found: list[str] = []
        looked_for = iter(link_ids)
        while some := list(islice(looked_for, _KNOWN_AT_ONCE)):
            found += (row[0] for row in self._reader.rows(_KNOWN, (json.dumps(some),)))
            await asyncio.sleep(0)  # requests go on
        return found

    async def find(self, link_ids: Collection[str]) -> Mapping[str, Totals]:
        sql = (
            "SELECT id, uses, sent_bytes, broken, refused, last_use_ms FROM link_total"
            " WHERE id IN (SELECT value FROM json_each(?))"
        )
        return {row[0]: Totals(*row[1:]) for row in self._reader.rows(sql, (json.dumps(list(link_ids)),))}

    async def counted(self) -> Mapping[str, int]:
        return dict(self._reader.rows("SELECT segment, stop FROM link_audit_counted", ()))

    async def forget_segment(self, segment: str) -> None:
        await self._writer.run(lambda connection: _forget(connection, segment))


# --- mutations, run by the writer ------------------------------------------------------------------------------------


def _add(connection: sqlite3.Connection, segment: str, start: int, stop: int, totals: Mapping[str, Totals]) -> None:
    row = connection.execute("SELECT stop FROM link_audit_counted WHERE segment = ?", (segment,)).fetchone()
    if (row[0] if row else 0) != start:
        return
    connection.execute("INSERT OR REPLACE INTO link_audit_counted (segment, stop) VALUES (?, ?)", (segment, stop))
    connection.executemany(
        "INSERT INTO link_total (id, uses, sent_bytes, broken, refused, last_use_ms)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM link WHERE id = ?1)"
        " ON CONFLICT (id) DO UPDATE SET uses = uses + excluded.uses, sent_bytes = sent_bytes + excluded.sent_bytes,"
        " broken = broken + excluded.broken, refused = refused + excluded.refused,"
        " last_use_ms = max(last_use_ms, excluded.last_use_ms)",
        [(link_id, *more) for link_id, more in totals.items()],
    )


def _forget(connection: sqlite3.Connection, segment: str) -> None:
    connection.execute("DELETE FROM link_audit_counted WHERE segment = ?", (segment,))
