"""The engines of one data directory, opened together; and what happens to that directory before a server starts.

server.lock       held (flock) by the one server of this directory
open.lock         held, shared, by every process that has the engines open
*.key, tls/       secrets, see `secret_files`; and certificates, see `certificates`
catalog.sqlite    with -wal and -shm: all metadata, and small objects
catalog.lock      held while a write transaction runs
catalog.changes   a number that moves with every commit, see `sqlite.changes`
catalog.links     which links have no row, see `sqlite.link_filter`
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
from pathlib import Path
from typing import Final

from msgspec import Struct

from ..clock import Clock, monotonic_clock, wall_clock
from ..core.times import write_iso
from ..ports.byte_store import BlobStore, RemovalHeld
from ..ports.store import Commits
from .blob_hold import removing
from .blob_paths import BlobPaths, sync_directory
from .byte_places import prepare_place
from .checks import BlobFacts, FindBlob
from .directory_faults import BadDirectory, InUse, told
from .encrypted import EncryptingByteStore
from .files import FileByteStore
from .local_reads import LocalReads
from .move_mark import LEFT, check_served, read_mark
from .needed_keys import check_keys, check_opening_keys, fingerprint, note_fingerprint, note_keys
from .noted_secrets import NotedSecrets
from .object_store.place import BytePlace
from .object_store.store import ObjectByteStore
from .opened import Opened
from .results import prepare_results
from .secret_files import FileSecrets
from .sql.arrivals import SqlArrivals
from .sql.blob_intents import SqlBlobIntents, find_place
from .sql.blobs import forget_blobs
from .sql.content_sums import SqlContentSums
from .sql.identities import SqlIdentities, make_root_account
from .sql.link_totals import SqlLinkTotals
from .sql.noted_time import accept_wall_time, begin_clock
from .sql.rows import read_crc64
from .sql.seal import Seal
from .sql.tickets import SqlTickets
from .sqlite.catalog import SqliteCatalog
from .sqlite.changes import Changes
from .sqlite.connection import Reader, open_connection
from .sqlite.domains import SqliteDomains
from .sqlite.keyring import SqliteKeyring
from .sqlite.link_filter import LinkFilter
from .sqlite.links import SqliteLinks
from .sqlite.row_sums import keep_row_sums
from .sqlite.schema import STEPS, migrate, read_version
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
CLOCK_WAITS: Final = (
    "the clock is more than 24 hours past the newest commit (%s), so no retention ends by it: if the clock is right, "
    "start once with --accept-clock"
)
_OUR_FOLDERS: Final = (
    *("incoming", "blobs", "results", "results/*", "tls", "access-log", "access-log/*", "link-audit", "quarantine"),
)

log = logging.getLogger("coatcheck")


class LocalEngines(Struct, Opened, frozen=True, eq=False):
    """The engines of one process; the directory was prepared. Close them when no call is running any more."""

    catalog: SqliteCatalog
    byte_store: EncryptingByteStore
    keyring: SqliteKeyring
    identities: SqlIdentities
    domains: SqliteDomains
    links: SqliteLinks
    tickets: SqlTickets
    content_sums: SqlContentSums
    link_totals: SqlLinkTotals
    arrivals: SqlArrivals
    _files: FileByteStore
    _reader: Reader
    _writer: Writer
    _changes: Changes
    _link_rows: LinkFilter
    _open: FileLock
    _secrets: FileSecrets

    @property
    def reads(self) -> LocalReads:
        return LocalReads(self.catalog, self.keyring, self.domains, self._changes.of_generation)

    @property
    def secrets(self) -> NotedSecrets:
        return NotedSecrets(self._secrets, self.needs_key, self.note_key)

    @property
    def leases(self) -> None:
        """One machine does all."""
        return None

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
        self._link_rows.close()
        self._open.close()


def open_local(
    data: Path, clock: Clock = wall_clock, monotonic: Clock = monotonic_clock, place: BytePlace | None = None
) -> LocalEngines:
    """Open the engines of a prepared data directory; any number of processes may.

    Args:
        place: where blobs are, if they aren't files here; None for where the catalog says they are.
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
            opened_at = read_mark(connection).number  # before the place: who has read an old one may not write
            noted = find_place(connection)
    except BaseException:
        in_use.close()
        raise
    seal = Seal(secret_key)
    changes, links = Changes(data / "catalog.changes"), LinkFilter(data / "catalog.links")
    reader = Reader(path, changes)
    writer = Writer(path, data / "catalog.lock", changes, links, clock, steady, opened_at)
    files = FileByteStore(data, _blob_finder(reader))
    blobs: BlobStore = files
    if noted is not None:
        blobs = ObjectByteStore(place or BytePlace(noted.url), SqlBlobIntents(writer, clock))
    return LocalEngines(
        SqliteCatalog(path, reader, writer, changes, steady),
        EncryptingByteStore(blobs, master_keys),
        SqliteKeyring(reader, writer, seal, clock),
        SqlIdentities(reader, writer, clock),
        SqliteDomains(reader, writer, seal),
        SqliteLinks(reader, writer, changes, links),
        SqlTickets(reader, writer),
        SqlContentSums(reader, writer),
        SqlLinkTotals(reader, writer),
        SqlArrivals(reader, writer, steady.moments),
        files,
        reader,
        writer,
        changes,
        links,
        in_use,
        secrets,
    )


def _blob_finder(reader: Reader) -> FindBlob:
    def find_blob(blob_id: str) -> BlobFacts | None:
        row = reader.row("SELECT size, crc64 FROM blob WHERE id = ?", (bytes.fromhex(blob_id),))
        return row and BlobFacts(row[0], None if row[1] is None else read_crc64(row[1]))

    return find_blob


def prepare_local(
    data: Path, clock: Clock = wall_clock, *, accept_clock: bool = False, place: BytePlace | None = None
) -> FileLock:
    """Make the directory ready for a server: what is missing is made, tables are brought up to date, leftovers go.

    Args:
        accept_clock: believe the wall clock, however far past the newest commit it is: retention ends by it.
        place: where blobs are kept, for a new directory; an old one's may have another name now. None for files, or
            for where the catalog says they are.
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
            _prepare(data, clock, place, accept_clock=accept_clock)
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


def was_left(data: Path) -> bool:
    """Whether the catalog of a data directory was moved elsewhere, and is no more than a memory of that."""
    with told(data), closing(_open_catalog(data / "catalog.sqlite", query_only=True)) as connection:
        has_mark = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'move'").fetchone()
        return has_mark is not None and read_mark(connection).state == LEFT


def _prepare(data: Path, clock: Clock, place: BytePlace | None, *, accept_clock: bool) -> None:
    with closing(_open_catalog(data / "catalog.sqlite", query_only=False)) as connection:
        read_version(connection)
        paths, secrets = BlobPaths(data), FileSecrets(data)
        check_keys(connection, secrets, paths)
        paths.prepare()
        prepare_results(data / "results")
        migrate(connection)
        check_served(connection, str(data))
        for shared in ("catalog.changes", "catalog.links"):  # nobody has them open
            (data / shared).unlink(missing_ok=True)  # a writer that died may have left the first odd
        keep_row_sums(connection)
        note_keys(connection, secrets)
        make_root_account(connection, int(clock()))
        prepare_place(connection, str(data), place, lambda: _alone(connection))
        recover(connection, paths)
        behind = accept_wall_time(connection, clock(), accepted=accept_clock)
    if behind is not None:
        log.warning(CLOCK_WAITS, write_iso(behind))
    _make_files_private(data)
    sync_directory(data)


@contextmanager
def _alone(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


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
    if find_place(connection) is not None:
        return  # the sweep removes them
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
