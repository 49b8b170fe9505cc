"""Blobs on their way into an object store, and which store that is. See `ports.blob_intents`."""

from __future__ import annotations

import secrets

from msgspec import Struct

from ...clock import Clock
from ..directory_faults import BadDirectory
from .blobs import release_intents
from .contract import NOTHING, SqlConnection, SqlWriter


class SqlBlobIntents:
    """See `ports.blob_intents`."""

    def __init__(self, writer: SqlWriter, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock

    async def intend(self, blob_id: str) -> None:
        row = (bytes.fromhex(blob_id), int(self._clock()))
        await self._writer.run(lambda connection: _intend(connection, row), NOTHING)

    async def abandon(self, blob_id: str) -> None:
        await self._writer.run(lambda connection: release_intents(connection, [bytes.fromhex(blob_id)]), NOTHING)

    async def abandon_old(self, before: int, *, limit: int) -> int:
        return await self._writer.run(lambda connection: _abandon_old(connection, before, limit), NOTHING)


def _intend(connection: SqlConnection, row: tuple[bytes, int]) -> None:
    connection.execute(
        "INSERT INTO blob_intent (blob_id, intended_at) VALUES (?, ?)"
        " ON CONFLICT (blob_id) DO UPDATE SET intended_at = excluded.intended_at",
        row,
    )


def _abandon_old(connection: SqlConnection, before: int, limit: int) -> int:
    old = "SELECT blob_id FROM blob_intent WHERE intended_at < ? ORDER BY intended_at LIMIT ?"
    blob_ids = [row[0] for row in connection.execute(old, (before, limit))]
    release_intents(connection, blob_ids)
    return len(blob_ids)


# --- the store -------------------------------------------------------------------------------------------------------


class NotedPlace(Struct, frozen=True):
    """
    Attributes:
        marker: what the store's marker has to say.
        is_new: no blob was put there yet.
    """

    url: str
    marker: str
    is_new: bool


def find_place(connection: SqlConnection) -> NotedPlace | None:
    """None: blobs are files."""
    row = connection.execute("SELECT url, marker FROM byte_place").fetchone()
    return None if row is None else NotedPlace(row[0], row[1], not has_blobs(connection))


def note_place(connection: SqlConnection, url: str) -> NotedPlace:
    """Blobs are there from now on; where a store was noted before, it is called by this URL now. In a transaction that
    nobody else has at the same time."""
    if connection.execute("UPDATE byte_place SET url = ?", (url,)).rowcount == 0:
        connection.execute("INSERT INTO byte_place (marker, url) VALUES (?, ?)", (secrets.token_hex(16), url))
    noted = find_place(connection)
    assert noted is not None
    return noted


def need_files(connection: SqlConnection) -> None:
    """For what works on the files of blobs. Also asked of a catalog of an older version. Raises: BadDirectory."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", ("byte_place",)).fetchone():
        place = find_place(connection)
        if place is not None:
            raise BadDirectory(f"Objects are kept in {place.url}; this works on files. See docs/scale-out.md.")


def has_blobs(connection: SqlConnection) -> bool:
    """Whether a row knows of a blob, wherever it is."""
    tables = ("blob", "garbage", "blob_intent")
    return any(connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() for table in tables)  # noqa: S608
