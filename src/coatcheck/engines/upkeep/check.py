"""Do rows and files agree? Looked at in the order that makes no false alarm beside a running server.

All that the catalog says comes from one read transaction. A blob that it names and that has no file is missing only if
a later transaction names it still: blobs are removed after the rows that named them. A file that it doesn't name is an
orphan only if it isn't arriving (a blob has its name in `incoming/` until its commit), a later transaction doesn't name
it, and it is still there. What is counted lies in a temporary database, so memory stays flat.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Final

from ...ports.byte_store import is_encrypted
from ...ports.secrets import WrongKey
from ..blob_paths import BlobPaths
from ..directory_faults import BadDirectory
from ..encrypted import content_size
from ..needed_keys import verify_keys
from ..secret_files import FileSecrets
from ..sql.blob_intents import need_files
from ..sqlite.connection import open_connection
from ..sqlite.row_sums import wrong_rows
from ..sqlite.schema import STEPS, migrate, read_version
from .blob_bytes import Stopped
from .problems import Problem, find_places, named_blobs
from .quarantine import Quarantine

CACHE_KIB: Final = 16 * 1024
# What a catalog raises that can't be read; SQLite's own words may quote bytes of it that are no text.
UNREADABLE: Final = (sqlite3.DatabaseError, UnicodeDecodeError)
_STEPS_BETWEEN_LOOKS: Final = 100_000  # of SQLite's machine: some milliseconds
_AT_ONCE: Final = 50_000  # suspects whose objects are found in one scan
_NO_FILE: Final = -1

_IN_BUCKETS: Final = (
    "SELECT bucket_id, sum(size), sum(objects) FROM ("
    " SELECT bucket_id, sum(size) AS size, sum(kind <> 'DeleteMarker') AS objects FROM object GROUP BY bucket_id"
    " UNION ALL SELECT bucket_id, sum(size), 0 FROM part JOIN upload ON upload.id = upload GROUP BY bucket_id"
    " UNION ALL SELECT bucket_id, sum(size), 0 FROM arrival JOIN bucket ON bucket.id = bucket_id GROUP BY bucket_id"
    ") GROUP BY bucket_id"
)
_IN_ACCOUNTS: Final = (
    "SELECT owner, sum(size), sum(objects) FROM bucket_usage JOIN bucket ON id = bucket_id GROUP BY owner"
)
_NAMED: Final = "SELECT 1 FROM blob WHERE id = ? UNION ALL SELECT 1 FROM garbage WHERE blob_id = ?"
_COUNTED: Final = (
    "INSERT INTO counted VALUES (?, 1, ?)"
    " ON CONFLICT DO UPDATE SET named = named + 1, needed = max(needed, excluded.needed)"
)


def check(data: Path, stop: Event | None = None) -> Iterator[Problem]:
    """What doesn't fit in a data directory; changes nothing. The bytes of objects aren't read: `scrub` does that.

    Args:
        stop: ends it soon after it is set.
    Raises: BadDirectory, NewerStore, Stopped.
    """
    stop = stop or Event()
    with closing(open_catalog(data)) as connection, closing(sqlite3.connect("", isolation_level=None)) as counts:
        interrupt(connection, stop)
        try:
            connection.execute("BEGIN")
            yield from _check_schema(connection)
            yield from _check_keys(connection, data)
            yield from check_rows(connection)
            yield from _check_usage(connection)
            yield from _Blobs(data, connection, counts, stop).check()
        except UNREADABLE as error:
            if stop.is_set():
                raise Stopped from None
            yield Problem("catalog", "catalog.sqlite", f"it can't be read: {error}")


def interrupt(connection: sqlite3.Connection, stop: Event) -> None:
    """Let a statement that takes long end by an error when `stop` is set."""
    connection.set_progress_handler(lambda: int(stop.is_set()), _STEPS_BETWEEN_LOOKS)


def open_catalog(data: Path) -> sqlite3.Connection:
    """For reading. Raises: BadDirectory (none there, or of an older coatcheck), NewerStore."""
    path = data / "catalog.sqlite"
    if not path.exists():
        raise BadDirectory(f"{data} is not a data directory.")
    try:
        connection = open_connection(path, cache_kib=CACHE_KIB, query_only=True)
        try:
            if read_version(connection) < len(STEPS):
                raise BadDirectory(f"{data} is of an older coatcheck; start this one's server on it, which updates it.")
            need_files(connection)
        except BaseException:
            connection.close()
            raise
    except UNREADABLE as error:
        raise unusable(data, error) from None
    return connection


def unusable(data: Path, error: Exception) -> BadDirectory:
    """What to say of a catalog that can't even be begun with."""
    return BadDirectory(f"{data / 'catalog.sqlite'} cannot be used ({error}). Restore it from a backup.")


def _check_schema(connection: sqlite3.Connection) -> Iterator[Problem]:
    """Tables, indexes and triggers are those that the steps make."""
    schema = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh)
        for row in sorted(set(fresh.execute(schema)) ^ set(connection.execute(schema)), key=str):
            yield Problem("catalog", f"{row[0]} {row[1]}", "its definition is another one")


def _check_keys(connection: sqlite3.Connection, data: Path) -> Iterator[Problem]:
    try:
        verify_keys(connection, FileSecrets(data), BlobPaths(data))
    except WrongKey as wrong:
        yield Problem("key", "key", str(wrong))


def check_rows(connection: sqlite3.Connection) -> Iterator[Problem]:
    """Rows that don't fit their sums, and numbers that can't be."""
    for table, key in wrong_rows(connection):
        yield Problem("row", f"{table} {key}", "the row is not what was written")
    for (blob_id,) in connection.execute("SELECT id FROM blob WHERE typeof(id) <> 'blob'"):
        yield Problem("row", f"blob {_hex(blob_id)}", "its id is none")
    for blob_id, *_ in connection.execute("SELECT id FROM blob WHERE (size IS NULL) <> (crc64 IS NULL)"):
        yield Problem("row", f"blob {_hex(blob_id)}", "it has half of a sum")
    lost = (
        "SELECT name, (SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'bucket') AS used"
        " FROM bucket WHERE id > used"
    )
    for name, used in connection.execute(lost):
        yield Problem("row", f"bucket {name}", f"its number is past the last one that was given out, {used}")


def _check_usage(connection: sqlite3.Connection) -> Iterator[Problem]:
    for what, counted, stated in (("bucket", _IN_BUCKETS, "bucket_usage"), ("account", _IN_ACCOUNTS, "account_usage")):
        found = {row[0]: row[1:] for row in connection.execute(counted)}
        noted = {row[0]: row[1:] for row in connection.execute(f"SELECT * FROM {stated}")}  # noqa: S608
        for name in sorted(found.keys() | noted.keys(), key=str):
            holds, says = found.get(name, (0, 0)), noted.get(name, (0, 0))
            if holds != says:
                why = f"it holds {holds[0]} bytes, {holds[1]} objects, and its counter says {says[0]}, {says[1]}"
                yield Problem("usage", f"{what} {name}", why)


class _Blobs:
    """Blobs: how often each is named, and what there is of them."""

    def __init__(self, data: Path, connection: sqlite3.Connection, counts: sqlite3.Connection, stop: Event) -> None:
        self._stop = stop
        self._data, self._paths, self._quarantine = data, BlobPaths(data), Quarantine(data)
        self._connection, self._counts = connection, counts

    def check(self) -> Iterator[Problem]:
        self._count()
        yield from self._check_counts()
        yield from self._check_files()
        yield from self._check_orphans()

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise Stopped

    def _count(self) -> None:
        self._counts.execute("CREATE TABLE counted (id BLOB PRIMARY KEY, named INTEGER, needed INTEGER) WITHOUT ROWID")
        self._counts.execute("BEGIN")
        for _, segments in named_blobs(self._connection):
            self._go_on()
            needed: dict[str, int] = {}
            for blob_id, _, stop in segments:
                needed[blob_id] = max(stop, needed.get(blob_id, 0))
            self._counts.executemany(_COUNTED, [(bytes.fromhex(blob_id), stop) for blob_id, stop in needed.items()])
        self._counts.execute("COMMIT")

    def _check_counts(self) -> Iterator[Problem]:
        stated = self._connection.execute("SELECT id, object_count FROM blob WHERE typeof(id) = 'blob' ORDER BY id")
        counted = self._counts.execute("SELECT id, named FROM counted ORDER BY id")
        ours, theirs = next(stated, None), next(counted, None)
        while ours or theirs:
            if theirs is None or (ours is not None and ours[0] < theirs[0]):
                assert ours is not None
                yield _miscounted(ours[0], 0, ours[1])
                ours = next(stated, None)
            elif ours is None or theirs[0] < ours[0]:
                yield _miscounted(theirs[0], theirs[1], 0)
                theirs = next(counted, None)
            else:
                if ours[1] != theirs[1]:
                    yield _miscounted(ours[0], theirs[1], ours[1])
                ours, theirs = next(stated, None), next(counted, None)

    def _check_files(self) -> Iterator[Problem]:
        suspects: dict[str, str] = {}
        for raw, needed in self._counts.execute("SELECT id, needed FROM counted ORDER BY id"):
            self._go_on()
            row = self._connection.execute("SELECT size FROM blob WHERE id = ?", (raw,)).fetchone()
            if why := self._fault_of(raw.hex(), needed, row and row[0]):
                suspects[raw.hex()] = why
            if len(suspects) >= _AT_ONCE:
                yield from self._still_named(suspects)
                suspects = {}
        yield from self._still_named(suspects)

    def _fault_of(self, blob_id: str, needed: int, size: int | None) -> str:
        found = _file_size(self._paths.blob(blob_id))
        if found == _NO_FILE:
            return "quarantined" if self._quarantine.has(blob_id) else "its file is missing"
        if size is not None and found != size:
            return f"its file has {found} bytes, not {size}"
        held = content_size(found) if is_encrypted(blob_id) else found
        return "" if held >= needed else f"its file has {held} bytes of content, and should have {needed} at least"

    def _still_named(self, suspects: dict[str, str]) -> Iterator[Problem]:
        """Those of a moment later that are named still, with their objects."""
        if not suspects:
            return
        with closing(open_catalog(self._data)) as later:
            for blob_id, places in find_places(later, suspects).items():
                why = suspects[blob_id]
                if why == "quarantined":
                    yield self._quarantine.problem(blob_id, places)
                else:
                    yield Problem("missing" if "missing" in why else "size", f"blob {blob_id}", why, places)

    def _check_orphans(self) -> Iterator[Problem]:
        for blob_id in self._paths.stored():
            self._go_on()
            raw = _raw(blob_id)
            if raw is None or (not self._is_known(self._connection, raw) and self._is_orphan(blob_id, raw)):
                yield Problem("orphan", f"blob {blob_id}", "no row names its file")

    def _is_orphan(self, blob_id: str, raw: bytes) -> bool:
        if os.path.exists(self._paths.incoming(blob_id)):
            return False
        with closing(open_catalog(self._data)) as later:
            if self._is_known(later, raw):
                return False
        return os.path.exists(self._paths.blob(blob_id))

    @staticmethod
    def _is_known(connection: sqlite3.Connection, raw: bytes) -> bool:
        return connection.execute(_NAMED, (raw, raw)).fetchone() is not None


def _miscounted(raw: bytes, counted: int, stated: int) -> Problem:
    return Problem("count", f"blob {_hex(raw)}", f"{counted} rows name it, and its count is {stated}")


def _hex(raw: object) -> str:
    return raw.hex() if isinstance(raw, bytes) else repr(raw)


def _raw(blob_id: str) -> bytes | None:
    try:
        return bytes.fromhex(blob_id)
    except ValueError:
        return None


def _file_size(path: str) -> int:
    """_NO_FILE if there is none."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return _NO_FILE
