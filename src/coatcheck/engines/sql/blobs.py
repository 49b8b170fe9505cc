"""Which rows name which blobs: the counts, and what becomes garbage. Called inside the writer's transactions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from ...core.digests import EMPTY_CRC64, combine_crc64
from ...core.record import Record
from ...ports.byte_store import is_encrypted
from ...ports.catalog import Stale
from ...ports.object import Segment
from .contract import SqlConnection
from .rows import read_crc64, write_crc64


class BlobSum(Record, frozen=True):
    """What a blob's file holds: bytes, and their CRC-64."""

    size: int
    crc64: int


RELEASED: Final = "SELECT blob_id FROM garbage WHERE coalesce(released_at, 0) < ? ORDER BY blob_id LIMIT ?"
_RELEASE: Final = "INSERT INTO garbage (blob_id, released_at) VALUES (?, wall_time())"
_COUNTS: Final = "SELECT id, object_count FROM blob WHERE id IN ({})"
_IN_GARBAGE: Final = "SELECT 1 FROM garbage WHERE blob_id IN ({}) LIMIT 1"
_GROUP: Final = 256  # blobs in one statement
_NO_SUMS: Final[Mapping[bytes, BlobSum]] = {}


def _groups(blob_ids: Iterable[bytes]) -> Iterator[tuple[bytes, ...]]:
    """Some at a time, each group but the last as large as can be."""
    left = list(blob_ids)
    for at in range(0, len(left), _GROUP):
        yield tuple(left[at : at + _GROUP])


def _of_many(sql: str, blob_ids: Sequence[bytes]) -> str:
    return sql.format(", ".join("?" * len(blob_ids)))


def check_blobs(connection: SqlConnection, blob_ids: Iterable[bytes], *, shared: bool = False) -> None:
    """May a row name these? Raises: ValueError, for a released one; Stale, with `shared`, for one nobody names."""
    for some in _groups(blob_ids):
        if shared:
            named = {row[0] for row in connection.execute(_of_many(_COUNTS, some), some)}
            for blob_id in some:
                if blob_id not in named:
                    raise Stale(blob_id.hex())
        if connection.execute(_of_many(_IN_GARBAGE, some), some).fetchone():
            raise ValueError("A released blob cannot be named again.")


def name_blobs(connection: SqlConnection, blob_ids: Iterable[bytes], sums: Mapping[bytes, BlobSum] = _NO_SUMS) -> None:
    """One row more names each of these. `sums` of those that are named for the first time, as far as they are known."""
    named = list(blob_ids)
    connection.executemany(
        "INSERT INTO blob (id, object_count, size, crc64) VALUES (?, 1, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET object_count = blob.object_count + 1",
        [(blob_id, *_columns(sums.get(blob_id))) for blob_id in named],
    )
    connection.executemany("DELETE FROM blob_intent WHERE blob_id = ?", [(blob_id,) for blob_id in named])


def _columns(blob_sum: BlobSum | None) -> tuple[int | None, int | None]:
    return (None, None) if blob_sum is None else (blob_sum.size, write_crc64(blob_sum.crc64))


def release_blobs(connection: SqlConnection, blob_ids: Iterable[bytes]) -> tuple[str, ...]:
    """For each of these one row less names it; those that none names any more become garbage and are returned."""
    less = Counter(blob_ids)
    released: list[str] = []
    for some in _groups(less):
        left = {row[0]: row[1] - less[row[0]] for row in connection.execute(_of_many(_COUNTS, some), some)}
        kept = [(count, blob_id) for blob_id, count in left.items() if count > 0]
        gone = [(blob_id,) for blob_id, count in left.items() if count <= 0]
        connection.executemany("UPDATE blob SET object_count = ? WHERE id = ?", kept)
        connection.executemany("DELETE FROM blob WHERE id = ?", gone)
        connection.executemany(_RELEASE, gone)
        released += [blob_id.hex() for (blob_id,) in gone]
    return tuple(released)


def release_intents(connection: SqlConnection, blob_ids: Iterable[bytes]) -> None:
    """These are not on their way any more; those that no row names become garbage."""
    for blob_id in blob_ids:
        if connection.execute("DELETE FROM blob_intent WHERE blob_id = ?", (blob_id,)).rowcount:
            connection.execute(
                "INSERT OR IGNORE INTO garbage (blob_id, released_at)"
                " SELECT ?, wall_time() WHERE NOT EXISTS (SELECT 1 FROM blob WHERE id = ?)",
                (blob_id, blob_id),
            )


def move_blobs(
    connection: SqlConnection,
    taken: Collection[bytes],
    let_go: Iterable[bytes],
    sums: Mapping[bytes, BlobSum] = _NO_SUMS,
) -> tuple[str, ...]:
    """One row more names each of `taken`, one less each of `let_go`; returns what was released.

    What is both is left alone: of an upload's thousands of blobs, its object takes over all.
    """
    less = Counter(let_go)
    less.subtract(taken)
    name_blobs(connection, [blob_id for blob_id, count in less.items() for _ in range(-count)], sums)
    return release_blobs(connection, list(less.elements()))


def released_blobs(connection: SqlConnection, before: int, limit: int) -> list[str]:
    rows = connection.execute(RELEASED, (before, limit))
    return [blob_id.hex() for (blob_id,) in rows]


def forget_blobs(connection: SqlConnection, blob_ids: Iterable[str]) -> None:
    connection.executemany("DELETE FROM garbage WHERE blob_id = ?", [(bytes.fromhex(blob_id),) for blob_id in blob_ids])


# --- sums ------------------------------------------------------------------------------------------------------------


def sums_of(segments: Sequence[Segment], crc64: int) -> dict[bytes, BlobSum]:
    """Of the one new blob that a content was written to; encrypted ones have none, nor has a content of several."""
    if len(segments) != 1 or segments[0].start or is_encrypted(segments[0].blob_id):
        return {}
    return {bytes.fromhex(segments[0].blob_id): BlobSum(segments[0].stop, crc64)}


class Content(Protocol):
    """Bytes in segments, an object's or an arrival's, and their CRC-64."""

    @property
    def segments(self) -> tuple[Segment, ...]: ...
    @property
    def crc64(self) -> int: ...


def sums_of_tail(connection: SqlConnection, before: Content, after: Content) -> dict[bytes, BlobSum]:
    """Of the new blob at the end of what became longer, from what came before it: all that the object was, or
    blobs that have sums."""
    *kept, tail = after.segments or (None,)
    if not kept or tail is None:
        return sums_of(after.segments, after.crc64)
    if tuple(kept) == before.segments:
        crc64: int | None = before.crc64
    else:
        crc64 = _combined(connection, kept)
    # CRC(kept + tail) is CRC(kept) moved on, plus CRC(tail): adding the first again leaves the second.
    return {} if crc64 is None else sums_of((tail,), combine_crc64(crc64, after.crc64, tail.stop - tail.start))


def _combined(connection: SqlConnection, segments: Iterable[Segment]) -> int | None:
    """The CRC-64 of whole blobs, one behind the other; None if one has no sum or isn't there whole."""
    crc64 = EMPTY_CRC64
    for blob_id, start, stop in segments:
        found = connection.execute("SELECT size, crc64 FROM blob WHERE id = ?", (bytes.fromhex(blob_id),)).fetchone()
        if found is None or found[1] is None or (start, stop) != (0, found[0]):
            return None
        crc64 = combine_crc64(crc64, read_crc64(found[1]), stop)
    return crc64
