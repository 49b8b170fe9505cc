"""A store whose catalog is a PostgreSQL database, and whose bytes are in an object store, or files of a directory; and
what happens before a server starts on it.

The directory holds what a data directory does but for the catalog (see `local`): locks, keys, certificates, and blobs
if they are files. `bytes.id` says which it is: a database notes the one that has its objects' bytes, and is opened with
no other. Where the bytes are in an object store, any number of servers have a directory each, with the same keys.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from ...clock import Clock, SteadyClock, monotonic_clock, wall_clock
from ...core.database_urls import shown
from ...core.times import write_iso
from ...ports.byte_store import BlobStore, RemovalHeld
from ...ports.secrets import CALLBACK, TLS
from ...ports.store import Commits
from ..blob_paths import BlobPaths, sync_directory
from ..byte_places import prepare_place
from ..checks import BlobFacts
from ..directory_faults import BadDatabase, BadDirectory, told
from ..encrypted import EncryptingByteStore
from ..files import FileByteStore
from ..key_text import find_key_text
from ..local import CLOCK_WAITS, FileLock, alone_in, log, make_private, was_left
from ..master_keys import MasterKeys
from ..move_mark import check_served, read_mark
from ..needed_keys import (
    ROOT,
    ROOT_SECRET,
    check_keys,
    check_opening_keys,
    fingerprint,
    is_authority_known,
    is_root_key_needed,
    known_fingerprints,
    note_fingerprint,
    note_keys,
    note_shared_root_key,
    set_fingerprints,
)
from ..noted_secrets import NotedSecrets
from ..object_store.place import BytePlace
from ..object_store.store import ObjectByteStore
from ..opened import Opened
from ..results import prepare_results
from ..secret_files import FileSecrets
from ..sql.arrivals import SqlArrivals
from ..sql.blob_intents import NotedPlace, SqlBlobIntents, find_place
from ..sql.blobs import forget_blobs
from ..sql.content_sums import SqlContentSums
from ..sql.identities import SqlIdentities, make_root_account
from ..sql.link_totals import SqlLinkTotals
from ..sql.noted_time import accept_wall_time, begin_clock
from ..sql.seal import Seal
from ..sql.tickets import SqlTickets
from .catalog import PostgresCatalog
from .connection import Address, Connection, Reader
from .domains import PostgresDomains
from .faults import is_lost, sqlstate_of
from .held import REGISTER
from .keyring import PostgresKeyring
from .known import DOMAINS, NUMBERS, Known
from .leases import PostgresLeases
from .links import ANY_LINK, SOME_RULES, PostgresLinks
from .reads import PostgresReads
from .schema import STEPS, migrate, read_version
from .seen import Seen
from .server_check import check_server
from .watch import Watch
from .writer import Writer

T = TypeVar("T")

ID_FILE: Final = "bytes.id"
BYTES: Final = "bytes"  # the name under which a database notes the directory
_ANY_GATEWAY: Final = "SELECT 1 FROM gateway LIMIT 1"  # that has written, and has not ended in order
_BROUGHT: Final = ("tls", "root-credentials.json")


@dataclass(frozen=True, slots=True)
class PostgresStore(Opened):
    """See `ports.store`. Close it when no call is running any more."""

    catalog: PostgresCatalog
    byte_store: EncryptingByteStore
    keyring: PostgresKeyring
    identities: SqlIdentities
    domains: PostgresDomains
    links: PostgresLinks
    tickets: SqlTickets
    content_sums: SqlContentSums
    link_totals: SqlLinkTotals
    arrivals: SqlArrivals
    reads: PostgresReads
    leases: PostgresLeases
    secrets: NotedSecrets
    reader: Reader
    _watch: Watch
    _files: FileByteStore
    _writer: Writer
    _in_use: FileLock

    @property
    def commits(self) -> Commits:
        return Commits(self._writer.changes, self._writer.seconds, lambda: self._writer.waiting)

    def close(self) -> None:
        """Commit what is queued, end the threads, close the files and the connections."""
        self._watch.close()
        self._files.close()
        self.reader.close()
        self._writer.close()
        self._in_use.close()


class _Begun(NamedTuple):
    """What a process has found that opens a database."""

    secret_key: bytes
    master_keys: MasterKeys
    steady: SteadyClock
    opened_at: int
    numbers: tuple[int, int]
    domains: list[Any]
    has_links: bool
    rules: list[Any]
    noted: NotedPlace | None


def open_postgres(
    url: str,
    data: Path,
    clock: Clock = wall_clock,
    monotonic: Clock = monotonic_clock,
    *,
    place: BytePlace | None = None,
) -> PostgresStore:
    """Open a prepared database, and the directory of its bytes; any number of processes may.

    Args:
        place: as `open_local` has it.
    Raises: WrongKey, NewerStore, BadDirectory, BadDatabase, InUse.
    """
    address, files = Address(url), FileSecrets(data)
    in_use = FileLock(data / "open.lock")
    in_use.share(0)
    try:

        def begin(line: Connection) -> _Begun:
            if read_version(line) < len(STEPS):
                raise BadDatabase("The database is of an older coatcheck; start this one's server on it.")
            opened_at, noted = read_mark(line).number, find_place(line)  # whoever has read an old place may not write
            if noted is None:
                _check_directory(line, data)
            opening = check_opening_keys(line, files)
            numbers, _ = line.ask(NUMBERS)
            domains, _ = line.ask(DOMAINS)
            links, _ = line.ask(ANY_LINK)
            rules, _ = line.ask(SOME_RULES)
            clock_then = begin_clock(line, clock, monotonic)
            return _Begun(*opening, clock_then, opened_at, numbers[0], domains, bool(links), rules, noted)

        begun = _with_line(address, clock, begin)
    except BaseException:
        in_use.close()
        raise
    seal, seen, reader = Seal(begun.secret_key), Seen(), Reader(address)
    writer = Writer(address, clock, begun.steady, seen, begun.opened_at)
    known = Known(reader, seal, seen)
    known.begin(begun.numbers, begun.domains)
    keyring, links = PostgresKeyring(known, writer, seal, clock), PostgresLinks(reader, writer, seen)
    watch = Watch(known, links)
    links.begin(begun.has_links, begun.rules)
    files_here = FileByteStore(data, _no_facts)
    blobs: BlobStore = files_here
    own_id = ""
    if begun.noted is not None:
        blobs = ObjectByteStore(place or BytePlace(begun.noted.url), SqlBlobIntents(writer, clock))
        own_id = read_own_id(data)
    return PostgresStore(
        catalog=PostgresCatalog(known, writer, begun.steady.moments),
        byte_store=EncryptingByteStore(blobs, begun.master_keys),
        keyring=keyring,
        identities=SqlIdentities(reader, writer, clock),
        domains=PostgresDomains(known, writer, seal),
        links=links,
        tickets=SqlTickets(reader, writer),
        content_sums=SqlContentSums(reader, writer),
        link_totals=SqlLinkTotals(reader, writer, own_id),
        arrivals=SqlArrivals(reader, writer, begun.steady.moments),
        reads=PostgresReads(known, keyring, links, watch),
        leases=PostgresLeases(reader, writer),
        secrets=_noted_secrets(address, clock, files, writer),
        reader=reader,
        _watch=watch,
        _files=files_here,
        _writer=writer,
        _in_use=in_use,
    )


def forget_root_key(url: str) -> None:
    """The next gateway says which counts from then on. Raises: BadDatabase."""
    _with_line(Address(url), wall_clock, lambda line: set_fingerprints(line, ROOT_SECRET, []))


def _no_facts(blob_id: str) -> BlobFacts | None:
    """Nothing is asked of the database while a file is opened: a blob is compared with its object's CRC-64."""
    return None


def _noted_secrets(address: Address, clock: Clock, files: FileSecrets, writer: Writer) -> NotedSecrets:
    def needs(name: str) -> bool:
        return _with_line(address, clock, lambda line: bool(known_fingerprints(line, name)))

    async def note(name: str, key: bytes) -> None:
        await writer.run(lambda line: note_fingerprint(line, name, key))

    return NotedSecrets(files, needs, note)


class PostgresPrepared:
    """A database that is ready, and the directory beside it, locked. See `opening.PreparedStore`."""

    def __init__(
        self, url: str, data: Path, clock: Clock, *, accept_clock: bool = False, place: BytePlace | None = None
    ) -> None:
        """Make both ready for a server: what is missing is made, tables are brought up to date.

        Args:
            accept_clock, place: as `prepare_local` has them.
        Raises: InUse, NewerStore, WrongKey, BadDirectory, BadDatabase.
        """
        self._address, self._clock = Address(url), clock
        self.data, self.secrets = data, FileSecrets(data)
        with told(data):
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (data / "catalog.sqlite").exists() and not was_left(data):
                raise BadDirectory(
                    f"{data} has a catalog of its own. Name another directory for --data, or call coatcheck migrate."
                )
            if any(map(_is_strange, data.iterdir())) and not (data / ID_FILE).exists():
                raise BadDirectory(f"{data} is not empty, and not of coatcheck. Name another directory for --data.")
            keep_id(data)
            make_private(data)
            self._lock = FileLock(data / "server.lock")
        try:
            self._lock.own(0)
            with told(data), alone_in(data):
                behind = self._ask(lambda line: self._prepare(line, accept_clock, place))
            if behind is not None:
                log.warning(CLOCK_WAITS, write_iso(behind))
        except BaseException:
            self._lock.close()
            raise

    def _ask(self, question: Callable[[Connection], T]) -> T:
        return _with_line(self._address, self._clock, question)

    def _prepare(self, line: Connection, accept_clock: bool, place: BytePlace | None) -> int | None:
        check_server(line)
        migrate(line)
        check_served(line, shown(self._address.url))
        in_files = place is None and find_place(line) is None
        if in_files:
            _check_directory(line, self.data)
        paths = BlobPaths(self.data)
        check_keys(line, self.secrets, paths)
        if not in_files and self.secrets.find(CALLBACK) is None and not line.ask(_ANY_GATEWAY)[0]:
            from ..notifier import make_callback_key  # loads OpenSSL

            # As the others, by the first of several, so that it is there to be brought to the next; not beside one
            # of an older version, which would lack it.
            self.secrets.keep(CALLBACK, make_callback_key())
        paths.prepare()
        prepare_results(self.data / "results")
        prepare_place(line, "The database", place, lambda: _alone(line))
        with _alone(line):
            check_opening_keys(line, self.secrets)  # again: another gateway may have been first
            note_keys(line, self.secrets)
            if in_files:
                note_fingerprint(line, BYTES, (self.data / ID_FILE).read_bytes())
            make_root_account(line, int(self._clock()))
            behind = accept_wall_time(line, self._clock(), accepted=accept_clock)
        if in_files:
            _recover(line, paths)
        sync_directory(self.data)
        return behind

    def needs_root_key(self) -> bool:
        return self._ask(is_root_key_needed)

    def note_root_key(self, access_key_id: str, secret: str) -> None:
        def note(line: Connection) -> None:
            if find_place(line) is None:  # with files there is one server, whose key is its own matter
                set_fingerprints(line, ROOT, [access_key_id.encode()])
            else:
                note_shared_root_key(line, self.secrets, access_key_id, secret)

        self._ask(note)

    def has_authority(self) -> bool:
        from ..certificates import tls_files  # loads OpenSSL

        return self._ask(lambda line: is_authority_known(line, self.secrets, tls_files(self.data).ca))

    def note_authority(self) -> None:
        self._ask(lambda line: note_fingerprint(line, TLS, find_key_text(self.secrets, TLS)))

    def close(self) -> None:
        self._lock.close()


@contextmanager
def _alone(line: Connection) -> Iterator[None]:
    """A transaction that holds the register."""
    line.run("BEGIN")
    line.ask("SELECT slot FROM held WHERE slot = $1 FOR UPDATE", REGISTER)
    yield
    line.run("COMMIT")


def _is_strange(path: Path) -> bool:
    """Whether it is more than the keys that an operator has brought from another gateway."""
    return path.suffix != ".key" and path.name not in _BROUGHT


def read_own_id(data: Path) -> str:
    """What begins the names of this gateway's audit files in a catalog that several have."""
    return f"{(data / ID_FILE).read_text().strip()}/"


def keep_id(data: Path) -> None:
    """Give the directory its name, unless it has one."""
    path = data / ID_FILE
    if not path.exists():
        path.write_text(secrets.token_hex(16) + "\n")
        path.chmod(0o600)
        sync_directory(data)


def _check_directory(line: Connection, data: Path) -> None:
    """Raises: BadDirectory."""
    known = known_fingerprints(line, BYTES)
    if known and fingerprint(BYTES, (data / ID_FILE).read_bytes()) not in known:
        raise BadDirectory(f"The bytes of this database's objects are not in {data}. Name their directory with --data.")


def _recover(line: Connection, paths: BlobPaths) -> None:
    """Finish what a crash interrupted. A blob in flight that a row names is kept, another one removed; then the blobs
    that were released are."""
    for blob_id in paths.in_flight():
        rows, _ = line.ask("SELECT 1 FROM blob WHERE id = $1", bytes.fromhex(blob_id))
        if rows:
            paths.keep(blob_id)
        else:
            paths.discard(blob_id)
    rows, _ = line.ask("SELECT blob_id FROM garbage")
    garbage = [row[0].hex() for row in rows]
    try:
        paths.remove(garbage)
    except RemovalHeld:
        return  # a backup is under way; the sweep removes them
    forget_blobs(line, garbage)


def _with_line(address: Address, clock: Clock, question: Callable[[Connection], T]) -> T:
    """Ask on a connection of its own, in a thread of its own: an event loop may run in this one.

    Raises: BadDatabase; what the question raises.
    """

    def ask() -> T:
        with Connection(address, clock) as line:
            return question(line)

    with ThreadPoolExecutor(1) as thread:
        try:
            return thread.submit(ask).result()
        except Exception as error:
            raise told_of(error) from error if isinstance(error, BadDatabase) else None


def told_of(error: Exception) -> Exception:
    """What the database says, in words that say what to do."""
    state = sqlstate_of(error)
    if state in ("28P01", "28000"):
        return BadDatabase(
            f"The database refuses this user ({error}). Set PGPASSWORD or PGPASSFILE, or correct --store."
        )
    if state == "3D000":
        return BadDatabase(f"{error}. Make it (createdb), or correct --store.")
    if state == "42501":
        return BadDatabase(f"The database allows this user too little ({error}). Let it own the database.")
    if state == "25006":
        return BadDatabase("The database is read only: a standby, perhaps. Name the primary in --store.")
    if is_lost(error) and not isinstance(error, BadDirectory):
        return BadDatabase(f"The database cannot be reached ({type(error).__name__}). Start it, or correct --store.")
    if isinstance(error, ValueError):
        return BadDatabase(f"--store is no URL of a database: {error}")
    return error
