"""Check and scrub of a store whose catalog is a database, or whose blobs are in an object store, beside its servers.

Nothing is repaired, nor moved aside: an engine's own copies are what repairs it. What is stored is listed first; then
all that the catalog says comes from one transaction. What looks wrong in that is told only if a later look says so too.
What is counted lies in a temporary database, so memory stays flat.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from ...clock import wall_clock
from ...core.database_urls import is_database
from ...core.digests import EMPTY_CRC64, update_crc64
from ...core.encryption_label import CUSTOMER, is_customers
from ...ports.byte_store import BlobGone, BlobStore, is_encrypted
from ...ports.damage import Damaged
from ...ports.object import Segment
from ..encrypted import EncryptingByteStore, content_size, open_body
from ..master_keys import MasterKeys
from ..moving.blob_ends import BlobEnd, FileEnd, ObjectEnd
from ..moving.move import open_catalog
from ..moving.tables import Catalog, Row, Table
from ..needed_keys import check_opening_keys
from ..object_store.place import BytePlace
from ..secret_files import FileSecrets
from ..sql.blob_intents import find_place
from ..sql.objects import damage_of
from ..sql.rows import read_crc64, read_segments, write_crc64
from .blob_bytes import Pace
from .problems import Place, Problem

_AT_ONCE: Final = 256
_OBJECT_COLUMNS: Final = ("bucket_id", "key", "seq", "version_id", "size", "crc64", "encryption", "body_id", "segments")
_OBJECTS: Final = Table("object", _OBJECT_COLUMNS, ("bucket_id", "key", "seq"), _AT_ONCE, True)
_PARTS: Final = Table("part", ("upload", "number", "crc64", "segments"), ("upload", "number"), _AT_ONCE, True)
_UNDER_CUSTOMERS_KEYS: Final = f"SELECT id FROM upload WHERE encryption LIKE '{CUSTOMER}:%'"  # noqa: S608  our own text
_ARRIVALS: Final = Table("arrival", ("id", "segments"), ("id",), _AT_ONCE, True)
_BLOBS: Final = Table("blob", ("id", "object_count"), ("id",), _AT_ONCE, True)
_KNOWN: Final = (
    _BLOBS,
    Table("garbage", ("blob_id",), ("blob_id",), _AT_ONCE, True),
    Table("blob_intent", ("blob_id",), ("blob_id",), _AT_ONCE, True),
)
_SUM: Final = "CAST(sum(size) AS bigint)"
_IN_BUCKETS: Final = (
    f"SELECT bucket_id, {_SUM}, CAST(sum(objects) AS bigint) FROM ("  # noqa: S608  our own text
    " SELECT bucket_id, sum(size) AS size, sum(CASE WHEN kind = 'DeleteMarker' THEN 0 ELSE 1 END) AS objects"
    " FROM object GROUP BY bucket_id"
    " UNION ALL SELECT bucket_id, sum(size), 0 FROM part JOIN upload ON upload.id = upload GROUP BY bucket_id"
    " UNION ALL SELECT bucket_id, sum(size), 0 FROM arrival GROUP BY bucket_id"
    ") AS held GROUP BY bucket_id"
)
_COUNTED: Final = (
    "INSERT INTO counted (id, named, needed) VALUES (?, 1, ?)"
    " ON CONFLICT DO UPDATE SET named = named + 1, needed = max(needed, excluded.needed)"
)


def look_elsewhere(url: str, data: Path, credentials: Path | None, pace: Pace) -> Elsewhere | None:
    """None for a data directory that has both its catalog and its blobs.

    Args:
        url: of the database that has the catalog; another URL for the directory's own.
        data: the directory.
        credentials: of the object store; None for the AWS_* variables.
    Raises: BadDirectory, BadDatabase, NewerStore; what the engines raise.
    """
    if not is_database(url) and not _has_place(data / "catalog.sqlite"):
        return None
    catalog = open_catalog(url, data, wall_clock)
    try:
        place = find_place(catalog.connection)
        blobs = FileEnd(data) if place is None else ObjectEnd(BytePlace(place.url, credentials))
    except BaseException:
        catalog.close()
        raise
    return Elsewhere(catalog, blobs, pace)


def _has_place(path: Path) -> bool:
    """Whether the blobs of a catalog file are in an object store. One that can't be read is told of by who uses it."""
    try:
        with closing(sqlite3.connect(path)) as catalog:
            return catalog.execute("SELECT 1 FROM byte_place").fetchone() is not None
    except sqlite3.Error:
        return False


class Content(NamedTuple):
    """Of a version of an object, a part or an arrival.

    Attributes:
        crc64: of it all; None where nobody wrote one down, or where it takes a client's key to see what it is of.
        body: a small content, as the catalog keeps it.
    """

    place: Place
    size: int | None
    crc64: int | None
    encryption: str
    body: bytes | None
    segments: tuple[Segment, ...]


class Elsewhere:
    """A store as one look sees it. Used outside of event loops, by one thread. `close` it."""

    def __init__(self, catalog: Catalog, blobs: BlobEnd, pace: Pace) -> None:
        self._catalog, self._blobs, self._pace = catalog, blobs, pace
        self._runner = asyncio.Runner()
        self._buckets: dict[int, str] = dict(self._all("SELECT id, name FROM bucket"))

    def close(self) -> None:
        self._catalog.close()
        self._runner.close()

    # --- check ---

    def check(self) -> Iterator[Problem]:
        """What doesn't fit: counters, how often blobs are named, blobs that are missing, too short, or unknown."""
        with closing(sqlite3.connect("", isolation_level=None)) as counts:
            counts.execute("CREATE TABLE counted (id BLOB PRIMARY KEY, named INTEGER, needed INTEGER) WITHOUT ROWID")
            counts.execute("CREATE TABLE stored (id BLOB PRIMARY KEY, size INTEGER) WITHOUT ROWID")
            counts.execute("CREATE TABLE known (id BLOB PRIMARY KEY) WITHOUT ROWID")
            self._runner.run(self._note_stored(counts))
            with self._catalog.looking():
                yield from self._check_usage()
                self._count(counts)
                yield from self._check_counts(counts)
                self._note_known(counts)
            yield from self._check_stored(counts)
            yield from self._check_orphans(counts)

    def _check_usage(self) -> Iterator[Problem]:
        found = {row[0]: tuple(row[1:]) for row in self._all(_IN_BUCKETS)}
        noted = {row[0]: tuple(row[1:]) for row in self._all("SELECT bucket_id, size, objects FROM bucket_usage")}
        for bucket_id in sorted(found.keys() | noted.keys()):
            holds, says = found.get(bucket_id, (0, 0)), noted.get(bucket_id, (0, 0))
            if holds != says:
                why = f"it holds {holds[0]} bytes, {holds[1]} objects, and its counter says {says[0]}, {says[1]}"
                yield Problem("usage", f"bucket {self._buckets.get(bucket_id, '-')}", why)

    def _count(self, counts: sqlite3.Connection) -> None:
        counts.execute("BEGIN")
        for content in self._contents():
            self._pace.take(0)
            needed: dict[str, int] = {}
            for blob_id, _, stop in content.segments:
                needed[blob_id] = max(stop, needed.get(blob_id, 0))
            counts.executemany(_COUNTED, [(bytes.fromhex(blob_id), stop) for blob_id, stop in needed.items()])
        counts.execute("COMMIT")

    def _check_counts(self, counts: sqlite3.Connection) -> Iterator[Problem]:
        for raw_id, stated in self._rows(_BLOBS):
            row = counts.execute("SELECT named FROM counted WHERE id = ?", (raw_id,)).fetchone()
            named = 0 if row is None else row[0]
            if named != stated:
                yield Problem("count", f"blob {raw_id.hex()}", f"{named} rows name it, and its count is {stated}")

    def _note_known(self, counts: sqlite3.Connection) -> None:
        counts.execute("BEGIN")
        for table in _KNOWN:
            counts.executemany("INSERT OR IGNORE INTO known VALUES (?)", (row[:1] for row in self._rows(table)))
        counts.execute("COMMIT")

    def _check_stored(self, counts: sqlite3.Connection) -> Iterator[Problem]:
        """What is named, against what was listed; what came later than the list is asked for."""
        suspects = counts.execute(
            "SELECT counted.id, needed, size FROM counted LEFT JOIN stored ON stored.id = counted.id"
        )
        for raw_id, needed, listed in suspects:
            blob_id = raw_id.hex()
            if (why := _fault_of(blob_id, needed, listed)) and (why := self._fault_now(blob_id, needed)):
                kind = "missing" if "missing" in why else "size"
                yield Problem(kind, f"blob {blob_id}", why, self._places_of(blob_id))

    def _fault_now(self, blob_id: str, needed: int) -> str:
        """What the store says now, of a blob that is named still."""
        try:
            why = _fault_of(blob_id, needed, self._runner.run(self._blobs.size(blob_id)))
        except BlobGone:
            why = "it is missing"
        return why if self._is_named(blob_id) else ""

    def _is_named(self, blob_id: str) -> bool:
        row = (bytes.fromhex(blob_id),)
        return self._catalog.connection.execute("SELECT 1 FROM blob WHERE id = ?", row).fetchone() is not None

    def _check_orphans(self, counts: sqlite3.Connection) -> Iterator[Problem]:
        """What was listed before the catalog was read, and is known to no row of it."""
        unknown = counts.execute("SELECT id FROM stored WHERE id NOT IN (SELECT id FROM known)")
        for (raw_id,) in unknown:
            if not self._is_named(raw_id.hex()) and self._runner.run(self._blobs.is_stray(raw_id.hex())):
                yield Problem("orphan", f"blob {raw_id.hex()}", "no row names it")

    async def _note_stored(self, counts: sqlite3.Connection) -> None:
        counts.execute("BEGIN")
        async for blob_id, size in self._blobs.list():
            counts.execute("INSERT OR REPLACE INTO stored VALUES (?, ?)", (bytes.fromhex(blob_id), size))
        counts.execute("COMMIT")

    # --- scrub ---

    def scrub(self, data: Path, watch: Callable[[str, int], None]) -> Iterator[Problem]:
        """Every content, read from where it is, against its CRC-64. One that several objects share is read for each.

        Args:
            data: has the keys.
            watch: told how many bytes were read.
        Raises: WrongKey, Stopped, BytesAway.
        """
        _, keys = check_opening_keys(self._catalog.connection, FileSecrets(data))
        store, checked = EncryptingByteStore(self._blobs.store(), keys, None), 0
        for content in self._contents(with_bodies=True):
            why = self._fault_of_content(content, keys, store)
            if why and self._is_there(content) and self._fault_of_content(content, keys, store):
                yield Problem(
                    "damaged" if content.segments else "body", f"object {content.place.key!a}", why, (content.place,)
                )
            checked += content.size or 0
            watch("objects", checked)

    def _fault_of_content(self, content: Content, keys: MasterKeys, store: BlobStore) -> str:
        try:
            if content.body is not None:
                self._pace.take(len(content.body))
                return _fault_of_body(content, content.body, keys)
            return self._runner.run(self._fault_of_segments(content, store)) if content.segments else ""
        except Damaged as damage:
            return damage.reason
        except BlobGone:
            return "a blob of it is missing"

    async def _fault_of_segments(self, content: Content, store: BlobStore) -> str:
        size = sum(segment.stop - segment.start for segment in content.segments)
        reader = await store.open(content.segments)
        crc64 = EMPTY_CRC64
        try:
            async for piece in reader.chunks(0, size):
                self._pace.take(len(piece))
                crc64 = update_crc64(piece, crc64)
        finally:
            await reader.close()
        if content.size not in (None, size):
            return f"its segments have {size} bytes, not {content.size}"
        return "" if content.crc64 in (None, crc64) else "the CRC-64 of its bytes is another one"

    def _is_there(self, content: Content) -> bool:
        """Whether a blob of it is named still: what was deleted meanwhile is no problem."""
        return not content.segments or all(self._is_named(segment.blob_id) for segment in content.segments)

    # --- rows ---

    def _contents(self, *, with_bodies: bool = False) -> Iterator[Content]:
        for page in self._pages(_OBJECTS):
            bodies = self._bodies([row[7] for row in page if row[7] is not None], with_bodies=with_bodies)
            for bucket_id, key, _, version, size, crc64, encryption, body_id, segments in page:
                body, more = bodies.get(body_id, (None, None))
                place = Place(self._buckets.get(bucket_id, "-"), key, version)
                known = None if is_customers(encryption) else read_crc64(crc64)
                yield Content(place, size, known, encryption, body, _read(segments or more))
        under_keys = {upload for (upload,) in self._all(_UNDER_CUSTOMERS_KEYS)}
        for upload, number, crc64, segments in self._rows(_PARTS):
            place = Place("-", f"(part {number})", upload_id=str(upload))
            known = None if upload in under_keys else read_crc64(crc64)
            yield Content(place, None, known, "", None, _read(segments))
        for arrival_id, segments in self._rows(_ARRIVALS):
            yield Content(Place("-", f"(arrival {arrival_id})"), None, None, "", None, _read(segments))

    def _bodies(self, ids: list[int], *, with_bodies: bool) -> dict[int, tuple[bytes | None, bytes | None]]:
        if not ids:
            return {}
        content, places = "content" if with_bodies else "NULL", ", ".join("?" * len(ids))
        sql = f"SELECT id, {content}, segments FROM body WHERE id IN ({places})"  # noqa: S608
        rows = self._catalog.connection.execute(sql, tuple(ids)).fetchall()
        return {row[0]: (row[1], row[2]) for row in rows}

    def _places_of(self, blob_id: str) -> tuple[Place, ...]:
        """In one scan: this is rare."""
        return tuple(
            dict.fromkeys(
                content.place
                for content in self._contents()
                if any(segment.blob_id == blob_id for segment in content.segments)
            )
        )

    def _pages(self, table: Table) -> Iterator[list[Row]]:
        after: Row | None = None
        while page := self._catalog.read(table, after):
            yield page
            after = page[-1][: len(table.keys)]

    def _rows(self, table: Table) -> Iterator[Row]:
        for page in self._pages(table):
            yield from page

    def _all(self, sql: str) -> list[Any]:
        return self._catalog.connection.execute(sql).fetchall()


def _fault_of(blob_id: str, needed: int, size: int | None) -> str:
    if size is None:
        return "it is missing"
    held = content_size(size) if is_encrypted(blob_id) else size
    return "" if held >= needed else f"it has {held} bytes of content, and should have {needed} at least"


def _fault_of_body(content: Content, body: bytes, keys: MasterKeys) -> str:
    assert content.size is not None
    if content.encryption and body:
        body = open_body(body, keys)
    if content.crc64 is None:
        return "" if len(body) == content.size else f"its body has {len(body)} bytes, not {content.size}"
    return damage_of(content.size, write_crc64(content.crc64), body, (), "")


def _read(segments: bytes | None) -> tuple[Segment, ...]:
    return read_segments(segments) if segments else ()
