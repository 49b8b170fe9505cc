"""Leases in PostgreSQL. Time is the database's own, so clocks of gateways that differ do no harm."""

from __future__ import annotations

from typing import Final

from ...core.limits import LEASE_S
from ..sql.contract import NOTHING
from .connection import Connection, Reader
from .writer import Writer

_NOW: Final = "CAST(extract(epoch FROM now()) AS bigint)"
_TAKE: Final = (
    f"INSERT INTO lease (name, holder, token, ends_at) VALUES ($1, $2, 1, {_NOW} + {LEASE_S})"  # noqa: S608
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at,"
    " token = lease.token + CASE WHEN lease.holder = excluded.holder THEN 0 ELSE 1 END"
    f" WHERE lease.holder = excluded.holder OR lease.ends_at < {_NOW} RETURNING token"
)
_IS_HELD: Final = f"SELECT 1 FROM lease WHERE name = $1 AND holder <> $2 AND ends_at >= {_NOW}"  # noqa: S608
_GIVE_BACK: Final = "UPDATE lease SET ends_at = 0 WHERE name = $1 AND holder = $2"
_LAST_DAY: Final = "SELECT last_day FROM lease WHERE name = $1"
_NOTE_DAY: Final = "UPDATE lease SET last_day = $2 WHERE name = $1"


class PostgresLeases:
    """See `ports.leases`."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def take(self, name: str, holder: str) -> int | None:
        if await self._reader.ask(_IS_HELD, name, holder):  # most who ask haven't got it, and need no transaction
            return None

        def take(line: Connection) -> int | None:
            rows, _ = line.ask(_TAKE, name, holder)
            return rows[0][0] if rows else None

        return await self._writer.run_free(take)

    async def give_back(self, name: str, holder: str) -> None:
        await self._writer.run_free(lambda line: line.ask(_GIVE_BACK, name, holder))

    async def last_day(self, name: str) -> int:
        rows = await self._reader.ask(_LAST_DAY, name)
        return int(rows[0][0]) if rows else -1

    async def note_day(self, name: str, day: int) -> None:
        await self._writer.run(lambda line: line.ask(_NOTE_DAY, name, day), NOTHING)
