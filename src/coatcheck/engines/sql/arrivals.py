"""Arrivals, by SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from ...core.times import Moments
from ...ports.arrivals import Arrival, ArrivalChange, Changed, Taken
from ...ports.catalog import Written
from ...ports.object import ObjectRecord
from ...ports.quota import Usage
from ..arrival_text import read_arrival, write_arrival
from .blobs import BlobSum, Content, check_blobs, move_blobs, sums_of, sums_of_tail
from .contract import REGISTER, SqlConnection, SqlReader, SqlWriter, held_keys
from .objects import Columns, check_overwrite, find_replaced, growth, put_version, rules_of, write_columns
from .rows import read_blob_ids, read_segments, write_segments
from .usage import check_quota, grow

_ARRIVAL: Final = "SELECT id, link_id, bucket_id, size, whole, ends_at, document, segments FROM arrival"
_TAKEN: Final = "SELECT files, bytes, under_way FROM box_taken WHERE id = ?"


class SqlArrivals:
    """See `ports.arrivals`."""

    def __init__(self, reader: SqlReader, writer: SqlWriter, moments: Callable[[], Moments]) -> None:
        self._reader = reader
        self._writer = writer
        self._moments = moments

    async def find_arrival(self, arrival_id: str) -> Arrival | None:
        row = await self._reader.find(f"{_ARRIVAL} WHERE id = ?", (arrival_id,))
        return None if row is None else _read(row)

    async def find_taken(self, link_id: str) -> Taken:
        row = await self._reader.find(_TAKEN, (link_id,))
        return Taken() if row is None else Taken(*row)

    async def list_arrivals(self, link_id: str, *, after: str = "", most: int) -> Sequence[Arrival]:
        sql = f"{_ARRIVAL} WHERE link_id = ? AND whole = 1 AND id > ? ORDER BY id LIMIT ?"
        return [_read(row) for row in await self._reader.find_all(sql, (link_id, after, most))]

    async def list_ended(self, before: int, most: int) -> Sequence[Arrival]:
        sql = f"{_ARRIVAL} WHERE ends_at < ? ORDER BY ends_at LIMIT ?"
        return [_read(row) for row in await self._reader.find_all(sql, (before, most))]

    async def change_arrival(self, link_id: str, arrival_id: str, change: ArrivalChange) -> Changed:
        return await self._writer.run(lambda connection: _change(connection, link_id, arrival_id, change))

    async def make_object(self, link_id: str, arrival_id: str, change: ArrivalChange, record: ObjectRecord) -> Written:
        columns = write_columns(record)
        arrival = await self.find_arrival(arrival_id)  # stays in its bucket for good
        held = REGISTER if arrival is None else held_keys(arrival.bucket_id, record.key)._replace(register=True)
        return await self._writer.run(
            lambda connection: _make_object(
                connection, (link_id, arrival_id), change, record, columns, moments=self._moments()
            ),
            held,
        )


def _read(row: Any) -> Arrival:
    arrival_id, link_id, bucket_id, size, whole, ends_at, document, segments = row
    return read_arrival(
        document,
        id=arrival_id,
        link_id=link_id,
        bucket_id=bucket_id,
        size=size,
        is_whole=bool(whole),
        ends_at=ends_at,
        segments=read_segments(segments),
    )


# --- mutations, run by the writer: each checks before it writes ------------------------------------------------------


def _look(connection: SqlConnection, link_id: str, arrival_id: str) -> tuple[Arrival | None, Taken]:
    row = connection.execute(f"{_ARRIVAL} WHERE id = ? AND link_id = ?", (arrival_id, link_id)).fetchone()
    taken = connection.execute(_TAKEN, (link_id,)).fetchone()
    return (None if row is None else _read(row)), (Taken(*taken) if taken else Taken())


def _change(connection: SqlConnection, link_id: str, arrival_id: str, change: ArrivalChange) -> Changed:
    before, taken = _look(connection, link_id, arrival_id)
    after, becomes = change(before, taken)
    old = [] if before is None else read_blob_ids(write_segments(before.segments))
    new = [] if after is None else read_blob_ids(write_segments(after.segments))
    added = set(new) - set(old)
    more, bucket_id = _growth(before, after)
    check_quota(connection, bucket_id, more)
    check_blobs(connection, added)
    sums = _sums_of_new(connection, before, after) if after is not None and added else {}
    _grow(connection, bucket_id, more)
    _put(connection, link_id, arrival_id, after, becomes)
    return Changed(after, move_blobs(connection, new, old, sums))


def _growth(before: Arrival | None, after: Arrival | None) -> tuple[Usage, int]:
    """What which bucket holds more; of neither, nothing of none."""
    arrival = after or before
    if arrival is None:
        return Usage(), 0
    return Usage((after.size if after else 0) - (before.size if before else 0)), arrival.bucket_id


def _grow(connection: SqlConnection, bucket_id: int, more: Usage) -> None:
    """Of a bucket that is gone nothing is counted."""
    if more.size and connection.execute("SELECT 1 FROM bucket WHERE id = ?", (bucket_id,)).fetchone():
        grow(connection, bucket_id, more)


def _sums_of_new(connection: SqlConnection, before: Arrival | None, after: Content) -> dict[bytes, BlobSum]:
    """Of the one blob that a change adds."""
    if before is None or not before.segments:
        return sums_of(after.segments, after.crc64)
    return {} if before.segments == after.segments else sums_of_tail(connection, before, after)


def _put(connection: SqlConnection, link_id: str, arrival_id: str, arrival: Arrival | None, taken: Taken) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO box_taken (id, files, bytes, under_way) VALUES (?, ?, ?, ?)", (link_id, *taken)
    )
    if arrival is None:
        connection.execute("DELETE FROM arrival WHERE id = ?", (arrival_id,))
        return
    connection.execute(
        "INSERT OR REPLACE INTO arrival (id, link_id, bucket_id, size, whole, ends_at, document, segments)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(arrival.id, arrival.link_id, arrival.bucket_id, arrival.size, int(arrival.is_whole), arrival.ends_at),
            *(write_arrival(arrival), write_segments(arrival.segments)),
        ),
    )


def _make_object(
    connection: SqlConnection,
    place: tuple[str, str],
    change: ArrivalChange,
    record: ObjectRecord,
    columns: Columns,
    *,
    moments: Moments,
) -> Written:
    link_id, arrival_id = place
    before, taken = _look(connection, link_id, arrival_id)
    after, becomes = change(before, taken)
    assert before is not None
    assert after is None, "what becomes an object leaves no row"
    rules = rules_of(connection, before.bucket_id, moments)
    check_overwrite(connection, before.bucket_id, record.key, forbid=True)
    replaced = find_replaced(connection, before.bucket_id, rules, record.key)
    more = growth(record, replaced)
    check_quota(connection, before.bucket_id, more._replace(size=more.size - before.size))
    old, new = read_blob_ids(write_segments(before.segments)), read_blob_ids(columns.segments)
    check_blobs(connection, set(new) - set(old))
    sums = _sums_of_new(connection, before, record)
    _grow(connection, before.bucket_id, Usage(-before.size))
    _put(connection, link_id, arrival_id, None, becomes)
    moved = move_blobs(connection, new, old, sums)
    written = put_version(connection, before.bucket_id, rules, record, columns, replaced)
    return Written(written.version_id, written.released + moved)
