"""The engines of one data directory, opened together; and what happens to that directory before a server starts.

server.lock       held (flock) by the one server of this directory
open.lock         held, shared, by every process that has the engines open
*.key, tls/       secrets, see `secret_files`; and certificates, see `certificates`
catalog.sqlite    with -wal and -shm: all metadata, and small objects
catalog.lock      held while a write transaction runs
catalog.changes   a number that moves with every commit, see `sqlite.changes`
incoming/ blobs/  see `files`
results/          rendered pictures, see `results`; can be removed at any time

The directory and what lies in it are for its owner alone: a start sees to that, see `make_private`.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ..clock import Clock, monotonic_clock, wall_clock
from ..core.times import write_iso
from ..ports.byte_store import RemovalHeld
from ..ports.store import Commits
from .blob_hold import removing
from .blob_paths import BlobPaths, sync_directory
from .checks import BlobFacts, FindBlob
from .directory_faults import BadDirectory, InUse, told
from .encrypted import EncryptingByteStore
from .files import FileByteStore
from .local_reads import LocalReads
from .needed_keys import check_keys, check_opening_keys, fingerprint, note_fingerprint, note_keys
from .noted_secrets import NotedSecrets
from .results import prepare_results
from .secret_files import FileSecrets
from .sqlite.arrivals import SqliteArrivals
from .sqlite.blobs import forget_blobs
from .sqlite.catalog import SqliteCatalog
from .sqlite.changes import Changes
from .sqlite.connection import Reader, open_connection
from .sqlite.content_sums import SqliteContentSums
from .sqlite.domains import SqliteDomains
from .sqlite.identities import SqliteIdentities
from .sqlite.keyring import SqliteKeyring
from .sqlite.link_totals import SqliteLinkTotals
from .sqlite.links import SqliteLinks
from .sqlite.noted_time import accept_wall_time, begin_clock
from .sqlite.objects import damage_of
from .sqlite.row_sums import keep_row_sums, wrong_rows
from .sqlite.rows import read_crc64, read_segments
from .sqlite.schema import STEPS, make_root_account, migrate, read_version
from .sqlite.seal import Seal
from .sqlite.tickets import SqliteTickets
from .sqlite.writer import Writer

RESTORING: Final = "restoring"  # a file that is there until a restore is whole
OPEN_WAIT_S: Final = 5.0  # how long a start waits for the last processes of the server before it

_MAINTENANCE_CACHE_KIB: Final = 2 * 1024


# What lies directly in a data directory, and is for its owner alone.
_OURS: Final = (
    "*.lock",
    "*.key",
    "*.key.new",
    "catalog.*",
    "root-credentials.json",
    "endpoint.json*",
    "share-credentials.json",
    "lifecycle.day*",
    "refusals",
    "scrub.json*",
    "tls/*",
    "results/boot",
    "access-log/*.log",
    "access-log/*/*.log",
    "link-audit/*.rows",
    "link-audit/*.index",
)
_CLOCK_WAITS: Final = (
    "the clock is more than 24 hours past the newest commit (%s), so no retention ends by it: if the clock is right, "
    "start once with --accept-clock"
)
_OUR_FOLDERS: Final = (
    *("incoming", "blobs", "results", "results/*", "tls", "access-log", "access-log/*", "link-audit", "quarantine"),
)

log = logging.getLogger("coatcheck")


@dataclass(frozen=True, slots=True)
class LocalEngines:
    """The engines of one process; the directory was prepared. Close them when no call is running any more."""

    catalog: SqliteCatalog
    byte_store: EncryptingByteStore
    keyring: SqliteKeyring
    identities: SqliteIdentities
    domains: SqliteDomains
    links: SqliteLinks
    tickets: SqliteTickets
    content_sums: SqliteContentSums
    link_totals: SqliteLinkTotals
    arrivals: SqliteArrivals
    _files: FileByteStore
    _reader: Reader
    _writer: Writer
    _changes: Changes
    _open: FileLock
    _secrets: FileSecrets

    @property
    def reads(self) -> LocalReads:
        return LocalReads(self.catalog, self.keyring, self.domains)

    @property
    def secrets(self) -> NotedSecrets:
        return NotedSecrets(self._secrets, self.needs_key, self.note_key)

    @property
    def commits(self) -> Commits:
        return Commits(self._writer.changes, self._writer.seconds, lambda: self._writer.waiting)

    def needs_key(self, name: str) -> bool:
        """Whether a key of that name was noted: it is not to be made anew. See `needed_keys`."""
        rows = self._reader.rows("SELECT 1 FROM key_fingerprint WHERE name = ? LIMIT 1", (name,))
        return bool(rows)

    async def note_key(self, name: str, key: bytes) -> None:
        """A key was made, or is used; fine if it was noted before."""
        known = self._reader.rows("SELECT fingerprint FROM key_fingerprint WHERE name = ?", (name,))
        if (fingerprint(name, key),) not in known:
            await self._writer.run(lambda connection: note_fingerprint(connection, name, key))

    def close(self) -> None:
        """Commit what is queued, end the threads, close the files."""
        self._files.close()
        self.catalog.close()
        self._reader.close()
        self._writer.close()
        self._changes.close()
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_local(data: Path, clock: Clock = wall_clock, monotonic: Clock = monotonic_clock) -> LocalEngines:
    """Open the engines of a prepared data directory; any number of processes may.

    Raises: WrongKey, NewerStore, BadDirectory; InUse (a server is just preparing the directory, for longer than it
        should).
    """
    in_use = FileLock(data / "open.lock")
    in_use.share(OPEN_WAIT_S)
    path, secrets = data / "catalog.sqlite", FileSecrets(data)
    try:
        with told(data), closing(_open_catalog(path, query_only=True)) as connection:
            if read_version(connection) < len(STEPS):
                raise BadDirectory(f"{data} is of an older coatcheck; start this one's server on it, which updates it.")
            secret_key, master_keys = check_opening_keys(connection, secrets)
            steady = begin_clock(connection, clock, monotonic)
    except BaseException:
        in_use.close()
        raise
    seal = Seal(secret_key)
    changes = Changes(data / "catalog.changes")
    reader = Reader(path, changes)
    writer = Writer(path, data / "catalog.lock", changes, clock, steady)
    files = FileByteStore(data, _blob_finder(reader))
    return LocalEngines(
        SqliteCatalog(path, reader, writer, changes, steady),
        EncryptingByteStore(files, master_keys),
        SqliteKeyring(reader, writer, seal, clock),
        SqliteIdentities(reader, writer, clock),
        SqliteDomains(reader, writer, seal),
        SqliteLinks(reader, writer, changes),
        SqliteTickets(reader, writer),
        SqliteContentSums(reader, writer),
        SqliteLinkTotals(reader, writer),
        SqliteArrivals(reader, writer, steady.moments),
        files,
        reader,
        writer,
        changes,
        in_use,
        secrets,
    )


def _blob_finder(reader: Reader) -> FindBlob:
    def find_blob(blob_id: str) -> BlobFacts | None:
        row = reader.row("SELECT size, crc64 FROM blob WHERE id = ?", (bytes.fromhex(blob_id),))
        return row and BlobFacts(row[0], None if row[1] is None else read_crc64(row[1]))

    return find_blob


def prepare_local(data: Path, clock: Clock = wall_clock, *, accept_clock: bool = False) -> FileLock:
    """Make the directory ready for a server: what is missing is made, tables are brought up to date, leftovers go.

    Args:
        accept_clock: believe the wall clock, however far past the newest commit it is: retention ends by it.
    Returns: the server's lock on the directory, to be closed when the server and its workers have ended.
    Raises: InUse, NewerStore, WrongKey, BadDirectory.
    """
    with told(data):
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (data / RESTORING).exists():
            raise BadDirectory(f"A restore into {data} was broken off, or is under way. Repeat coatcheck restore.")
        make_private(data)
        server = FileLock(data / "server.lock")
    try:
        server.own(0)
        with told(data), alone_in(data):
            _prepare(data, clock, accept_clock=accept_clock)
    except BaseException:
        server.close()
        raise
    return server


@contextmanager
def alone_in(data: Path) -> Iterator[None]:
    """While no process has the engines open. Raises: InUse."""
    alone = FileLock(data / "open.lock")
    try:
        alone.own(OPEN_WAIT_S)
        yield
    finally:
        alone.close()


@contextmanager
def no_backup(data: Path) -> Iterator[None]:
    """While no backup is taken. Raises: InUse."""
    with removing(data) as allowed:
        if not allowed:
            raise InUse(f"A backup of {data} is under way. Try again when it is done.")
        yield


def needs_preparing(data: Path) -> bool:
    """Whether there is no data directory there yet, or one of an older coatcheck. Raises: NewerStore, BadDirectory."""
    path = data / "catalog.sqlite"
    if not path.exists():
        return True
    with told(data), closing(_open_catalog(path, query_only=True)) as connection:
        return read_version(connection) < len(STEPS)


def _prepare(data: Path, clock: Clock, *, accept_clock: bool) -> None:
    with closing(_open_catalog(data / "catalog.sqlite", query_only=False)) as connection:
        read_version(connection)
        paths, secrets = BlobPaths(data), FileSecrets(data)
        check_keys(connection, secrets, paths)
        paths.prepare()
        prepare_results(data / "results")
        migrate(connection)
        (data / "catalog.changes").unlink(
            missing_ok=True
        )  # a writer that died may have left it odd; nobody has it open
        keep_row_sums(connection)
        note_keys(connection, secrets)
        make_root_account(connection, int(clock()))
        recover(connection, paths)
        behind = accept_wall_time(connection, clock(), accepted=accept_clock)
    if behind is not None:
        log.warning(_CLOCK_WAITS, write_iso(behind))
    _make_files_private(data)
    sync_directory(data)


def _open_catalog(path: Path, *, query_only: bool) -> sqlite3.Connection:
    return open_connection(path, cache_kib=_MAINTENANCE_CACHE_KIB, query_only=query_only)


def make_private(data: Path) -> None:
    """Close a data directory that others may enter; say so in the log.

    Raises: BadDirectory, for one that is somebody else's, or that has other things in it and isn't ours to close.
    """
    status = data.stat()
    if not status.st_mode & 0o077:
        return
    ours = status.st_uid == os.geteuid() and not status.st_mode & stat.S_ISVTX
    if not ours or not ((data / "catalog.sqlite").exists() or not any(data.iterdir())):
        raise BadDirectory(
            f"Others may enter {data}, where secrets would lie. Close it (chmod 700), or name an empty directory."
        )
    os.chmod(data, 0o700)
    log.warning("%s was open to others (mode %o); it is closed now (700)", data, stat.S_IMODE(status.st_mode))


def _make_files_private(data: Path) -> None:
    """What an older coatcheck, or a copy, has left readable."""
    for patterns, mode in ((_OURS, 0o600), (_OUR_FOLDERS, 0o700)):
        for pattern in patterns:
            for path in data.glob(pattern):
                if not path.is_symlink() and path.is_dir() == (mode == 0o700) and path.stat().st_mode & 0o077:
                    path.chmod(mode)


def recover(connection: sqlite3.Connection, paths: BlobPaths) -> None:
    """Finish what a crash interrupted. Nobody else may have the directory open.

    A blob in flight that a row names is kept, another one removed; then the blobs that were released are.
    """
    for blob_id in paths.in_flight():
        if _is_named(connection, blob_id):
            paths.keep(blob_id)
        else:
            paths.discard(blob_id)
    garbage = [row[0].hex() for row in connection.execute("SELECT blob_id FROM garbage")]
    try:
        paths.remove(garbage)
    except RemovalHeld:
        return  # a backup is under way; the sweep removes them
    connection.execute("BEGIN IMMEDIATE")
    forget_blobs(connection, garbage)
    connection.execute("COMMIT")


def _is_named(connection: sqlite3.Connection, blob_id: str) -> bool:
    try:
        raw = bytes.fromhex(blob_id)
    except ValueError:
        return False
    return connection.execute("SELECT 1 FROM blob WHERE id = ?", (raw,)).fetchone() is not None


class FileLock:
    """An advisory lock on a file, given up by the kernel when its holder dies. `own` excludes, `share` doesn't."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def own(self, wait_s: float) -> None:
        """Raises: InUse."""
        self._lock(fcntl.LOCK_EX, wait_s)

    def share(self, wait_s: float) -> None:
        """Raises: InUse."""
        self._lock(fcntl.LOCK_SH, wait_s)

    def close(self) -> None:
        """Give it up. May be called twice."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def _lock(self, kind: int, wait_s: float) -> None:
        give_up_at = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(self._fd, kind | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= give_up_at:
                    raise InUse(
                        f"Another process uses {self._path.parent}. End it, or name another directory with --data."
                    ) from None
                time.sleep(0.01)


# --- audit -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What does not fit in a data directory.

    Attributes:
        orphans: blobs with a file that no row names and that aren't garbage.
        missing: (bucket_id, key, blob id) of rows whose blob has no file, or one too short.
        miscounted: blobs whose count of objects is wrong.
        in_flight: blobs being written; left over, if nobody has the directory open.
        garbage: blobs released and not yet removed.
        wrong_sizes: blobs whose file is longer or shorter than it was written.
        wrong_rows: (table, key) of rows that don't fit their CRC-32.
        wrong_bodies: (bucket_id, key, why) of objects whose body or list of segments isn't what was written.
    """

    orphans: tuple[str, ...]
    missing: tuple[tuple[int, str, str], ...]
    miscounted: tuple[str, ...]
    in_flight: tuple[str, ...]
    garbage: tuple[str, ...]
    wrong_sizes: tuple[str, ...]
    wrong_rows: tuple[tuple[str, str], ...]
    wrong_bodies: tuple[tuple[int, str, str], ...]

    @property
    def clean(self) -> bool:
        return self == _CLEAN


_CLEAN: Final = AuditReport((), (), (), (), (), (), (), ())


def audit(data: Path) -> AuditReport:
    """Compare catalog and files, changing nothing. Exact only while nobody writes. The bytes of blobs aren't read."""
    paths = BlobPaths(data)
    with closing(_open_catalog(data / "catalog.sqlite", query_only=True)) as connection:
        counted: dict[str, int] = {}
        missing = []
        for bucket_id, key, blob_id, needed in _named_blobs(connection):
            counted[blob_id] = counted.get(blob_id, 0) + 1
            if _file_size(paths.blob(blob_id)) < needed:
                missing.append((bucket_id, key, blob_id))
        blobs = [(row[0].hex(), *row[1:]) for row in connection.execute("SELECT id, object_count, size FROM blob")]
        wrong = tuple(wrong_rows(connection))
        bodies = tuple(_wrong_bodies(connection))
        garbage = {row[0].hex() for row in connection.execute("SELECT blob_id FROM garbage")}
    stated = {blob_id: count for blob_id, count, _ in blobs}
    sizes = {blob_id: _file_size(paths.blob(blob_id)) for blob_id, _, size in blobs if size is not None}
    in_flight = set(paths.in_flight())
    return AuditReport(
        orphans=tuple(sorted(set(paths.stored()) - counted.keys() - garbage - in_flight)),
        missing=tuple(missing),
        miscounted=tuple(sorted(b for b in counted.keys() | stated.keys() if counted.get(b) != stated.get(b))),
        in_flight=tuple(sorted(in_flight)),
        garbage=tuple(sorted(garbage)),
        wrong_sizes=tuple(sorted(b for b, _, size in blobs if b in sizes and sizes[b] not in (size, _NO_FILE))),
        wrong_rows=wrong,
        wrong_bodies=bodies,
    )


def _wrong_bodies(connection: sqlite3.Connection) -> Iterator[tuple[int, str, str]]:
    for bucket_id, key, *facts, segments, encryption in connection.execute(
        "SELECT bucket_id, key, size, crc64, content, ifnull(object.segments, body.segments), encryption"
        " FROM object LEFT JOIN body ON body.id = body_id"
    ):
        size, crc64, body = facts
        if why := damage_of(size, crc64, body, read_segments(segments), encryption):
            yield bucket_id, key, why


def _named_blobs(connection: sqlite3.Connection) -> Iterator[tuple[int, str, str, int]]:
    """For every version, part or arrival, and each blob it names: bucket_id, key, blob id, and the bytes that its file
    must have."""
    for bucket_id, key, column in connection.execute(
        "SELECT bucket_id, key, ifnull(object.segments, body.segments) AS named FROM object LEFT JOIN body"
        " ON body.id = body_id WHERE named IS NOT NULL UNION ALL SELECT bucket_id, key, segments FROM part"
        " JOIN upload ON upload.id = upload WHERE segments IS NOT NULL"
        " UNION ALL SELECT bucket_id, id, segments FROM arrival WHERE segments IS NOT NULL"
    ):
        needed: dict[str, int] = {}
        for segment in read_segments(column):
            needed[segment.blob_id] = max(segment.stop, needed.get(segment.blob_id, 0))
        for blob_id, stop in needed.items():
            yield bucket_id, key, blob_id, stop


_NO_FILE: Final = -1


def _file_size(path: str) -> int:
    """_NO_FILE if there is none."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return _NO_FILE
