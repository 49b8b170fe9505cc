"""CRC-32s of contents, by SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...core.limits import ARCHIVE_SUMS_MAX
from .contract import SqlConnection, SqlReader, SqlWriter


class SqlContentSums:
    """See `ports.content_sums`. A row has some 60 bytes with its index."""

    def __init__(self, reader: SqlReader, writer: SqlWriter, most: int = ARCHIVE_SUMS_MAX) -> None:
        self._reader = reader
        self._writer = writer
        self._most = most

    async def find(self, names: Sequence[bytes]) -> Mapping[bytes, int]:
        if not names:
            return {}
        marks = ", ".join("?" * len(names))
        sql = f"SELECT name, crc32 FROM content_sum WHERE name IN ({marks})"  # noqa: S608
        return dict(await self._reader.find_all(sql, tuple(names)))

    async def note(self, sums: Mapping[bytes, int]) -> None:
        await self._writer.run(lambda connection: _note(connection, sums, self._most))


def _note(connection: SqlConnection, sums: Mapping[bytes, int], most: int) -> None:
    connection.executemany("INSERT OR IGNORE INTO content_sum (name, crc32) VALUES (?, ?)", sums.items())
    connection.execute("DELETE FROM content_sum WHERE number <= (SELECT max(number) FROM content_sum) - ?", (most,))
