"""A backup of a data directory that is in use, into a `place.Place`.

Why nothing is lost that was acknowledged before it began: first this process makes sure that nobody removes a blob
(`blob_hold`), and waits for removals that are under way; then one read transaction of SQLite fixes the catalog's
moment. A commit that was acknowledged before lies in that moment, and its blobs were durable under their names before
it was committed. A blob that the moment names wasn't released before it, so whoever wants to remove it does so later
than the hold began, and mustn't. Hence every blob that the copied catalog names is there to be copied, or is damage,
and named.

Keys are copied after the catalog: one that the catalog needs was durable before the catalog noted it, and a rotation of
the master key doesn't begin while a backup is taken. They are held against the copied catalog before it counts.

The next backup into the same place writes a snapshot of its own and adds the blobs that aren't there yet; the old
manifest, snapshot and blobs stay until the new manifest has taken the place of the old one. So one that is broken off
leaves the one before it whole, and what it has copied is there for the next.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct, field

from ...ports.byte_store import is_encrypted
from ...ports.secrets import ENCRYPTION, SECRET
from ..blob_hold import nothing_removed
from ..blob_paths import SHARDS, BlobPaths
from ..directory_faults import BadDirectory
from ..encrypted import HEADER_BYTES
from ..needed_keys import known_fingerprints, verify_keys
from ..secret_files import SECRET_FILES, FileSecrets
from ..sql.blob_intents import need_files
from ..sql.rows import read_crc64
from ..sqlite.connection import open_connection
from ..sqlite.schema import read_version
from .copying import copy_file, make_folder, sum_file
from .in_order import in_order
from .manifest import CATALOG, SNAPSHOTS, Head, KeptBlob, KeptFile, ManifestWriter, find_head, read_blobs
from .place import Kept, Place, WantedBlob, shard_names

KEY_FILES: Final = (*SECRET_FILES.values(), "root-credentials.json", "share-credentials.json", "lifecycle.day", "tls/*")
SETTINGS: Final = "settings"  # folder of a snapshot for files that lie outside the data directory
_PAGES: Final = 2048  # of the catalog, copied between two words to whoever watches
_CACHE_KIB: Final = 2 * 1024
_AT_ONCE: Final = 1024  # blobs read from the copied catalog

Note = Callable[[str, int, int], None]  # what is copied, bytes of it so far, and of how many


class Backup(Struct):
    """What a backup consists of, and what taking it showed.

    Attributes:
        copied, linked, kept: blobs that were copied, hard-linked, or there already.
        copied_bytes: of blobs that were copied.
        damaged: blobs that are missing, or aren't what was written: id and reason.
        keys_elsewhere: keys that came from the environment: they are not in it.
    """

    made_at: int
    copied: int = 0
    linked: int = 0
    kept: int = 0
    copied_bytes: int = 0
    files: int = 0
    bytes: int = 0
    damaged: list[tuple[str, str]] = field(default_factory=list)
    keys_elsewhere: tuple[str, ...] = ()


def back_up(data: Path, place: Place, *, now: float, note: Note, settings: Sequence[Path] = ()) -> Backup:
    """Take a backup, or bring the one that is there up to date.

    Args:
        settings: files outside the data directory that belong to the server.
    Raises: BadDirectory, NoBackup, InUse, HeldByOther, WrongKey, DiskFull, OSError, NewerStore.
    """
    if not (data / CATALOG).exists():
        raise BadDirectory(f"{data} is not a data directory.")
    with place.taking(data):
        before = find_head(place.folder, place.name)
        with nothing_removed(data):
            place.drop_snapshots(before.snapshot if before else "")
            return _Run(data, place, before, int(now), note).take(settings)


class _Named(NamedTuple):
    """A blob that the copied catalog names.

    Attributes:
        size, crc64: of its file, where the catalog knows them.
        earlier: what the manifest before says of it.
        stored: sizes of what lies in its shard, by name.
    """

    blob_id: str
    size: int | None
    crc64: int | None
    earlier: KeptBlob | None
    stored: Mapping[str, int]


class _Outcome(NamedTuple):
    """What became of a blob; `damage` says why it is no part of the backup."""

    blob_id: str
    kept: Kept | None
    damage: str = ""


class _Run:
    """One backup while it is taken."""

    def __init__(self, data: Path, place: Place, before: Head | None, now: int, note: Note) -> None:
        self._paths = BlobPaths(data)
        self._data, self._place, self._before, self._note = data, place, before, note
        self._name = f"{now:x}-{secrets.token_hex(4)}"
        self._snapshot = place.folder / SNAPSHOTS / self._name
        self._found = Backup(now)

    def take(self, settings: Sequence[Path]) -> Backup:
        make_folder(self._snapshot)
        self._copy_catalog()
        self._copy_files(settings)
        with closing(_open_copy(self._snapshot / CATALOG)) as catalog:
            self._found.keys_elsewhere = _check_keys(catalog, self._data, self._snapshot)
            source = catalog.execute("SELECT uid FROM account WHERE root = 1").fetchone()[0]
            if self._before is not None and self._before.source != source:
                raise BadDirectory(f"{self._place.name} is a backup of another data directory. Name another place.")
            self._place.keep_snapshot(self._name)
            head = Head(self._name, source, self._found.made_at, self._found.keys_elsewhere)
            with closing(ManifestWriter(self._place.folder, head)) as manifest:
                self._write(manifest, catalog)
        self._place.drop_snapshots(self._name)
        self._drop_blobs()
        return self._found

    def _write(self, manifest: ManifestWriter, catalog: sqlite3.Connection) -> None:
        for path in sorted(path for path in self._snapshot.rglob("*") if path.is_file()):
            manifest.add_file(KeptFile(path.relative_to(self._snapshot).as_posix(), *sum_file(path)))
        total = catalog.execute("SELECT ifnull(sum(size), 0) FROM object WHERE size > 65536").fetchone()[0]
        done, place = 0, self._place
        for outcome in in_order(self._keep, self._named(catalog), place.at_once, place.given_up):
            if outcome.damage:
                self._found.damaged.append((outcome.blob_id, outcome.damage))
                if outcome.kept:
                    place.drop_blobs([outcome.kept.blob.name])
            elif outcome.kept:
                manifest.add_blob(outcome.kept.blob)
                self._count(outcome.kept)
                done += outcome.kept.blob.size
                self._note("blobs", done, max(total, done))
        place.keep_manifest(manifest)
        self._found.files, self._found.bytes = manifest.files, manifest.bytes

    def _count(self, kept: Kept) -> None:
        match kept.how:
            case "kept":
                self._found.kept += 1
            case "linked":
                self._found.linked += 1
            case "copied":
                self._found.copied += 1
                self._found.copied_bytes += kept.blob.size

    def _copy_catalog(self) -> None:
        """In one read transaction, so that it is of one moment, however long that takes; writers go on meanwhile."""
        with (
            closing(open_connection(self._data / CATALOG, cache_kib=_CACHE_KIB, query_only=True)) as source,
            closing(sqlite3.connect(self._snapshot / CATALOG)) as copy,
        ):
            os.chmod(self._snapshot / CATALOG, 0o600)
            read_version(source)
            need_files(source)
            size = source.execute("PRAGMA page_size").fetchone()[0]
            source.execute("BEGIN")
            source.execute("SELECT 1 FROM sqlite_master").fetchone()
            source.backup(
                copy,
                pages=_PAGES,
                progress=lambda _, left, pages: self._note("catalog", (pages - left) * size, pages * size),
            )
            source.execute("ROLLBACK")
        with open(self._snapshot / CATALOG, "rb+") as file:
            os.fsync(file.fileno())

    def _copy_files(self, settings: Sequence[Path]) -> None:
        for pattern in KEY_FILES:
            for path in self._data.glob(pattern):
                with suppress(FileNotFoundError):  # one that was being replaced, by a name of a moment
                    copy_file(path, self._snapshot / path.relative_to(self._data))
        for path in settings:
            copy_file(path, self._snapshot / SETTINGS / path.name)

    def _named(self, catalog: sqlite3.Connection) -> Iterator[_Named]:
        """All blobs that the catalog names, by id."""
        earlier, shard = _Earlier(self._place.folder), ""
        stored: Mapping[str, int] = {}
        for blob_id, size, crc64 in _blob_rows(catalog):
            if blob_id[:2] != shard:
                shard = blob_id[:2]
                stored = self._place.list_blobs(shard)
            yield _Named(blob_id, size, crc64, earlier.find(blob_id), stored)

    def _keep(self, named: _Named) -> _Outcome:
        """One that is missing, or isn't what was written, is damage: the next backup looks for it anew."""
        blob_id, source, earlier = named.blob_id, self._paths.blob(named.blob_id), named.earlier
        try:
            name = f"{blob_id}.{_header_digest(source)}" if is_encrypted(blob_id) else blob_id
            stored = named.stored.get(name)
            if earlier is not None and (earlier.name, earlier.size) == (name, stored):
                kept = Kept(earlier, "kept")
            else:
                blob = KeptBlob(name, named.size or 0, named.crc64 or 0)
                kept = self._place.keep_blob(WantedBlob(blob, source, named.crc64 is not None), stored)
        except FileNotFoundError:
            return _Outcome(blob_id, None, "its file is missing")
        if named.crc64 is not None and (kept.blob.size, kept.blob.crc64) != (named.size, named.crc64):
            return _Outcome(blob_id, kept, "its file is not what was written")
        return _Outcome(blob_id, kept)

    def _drop_blobs(self) -> None:
        """Remove those that the manifest doesn't name."""
        for shard, named in shard_names(read_blobs(self._place.folder), SHARDS):
            if others := [name for name in self._place.list_blobs(shard) if name not in named]:
                self._place.drop_blobs(others)


class _Earlier:
    """The blobs of the backup before, asked for in the order of their ids."""

    def __init__(self, folder: Path) -> None:
        self._blobs = read_blobs(folder)
        self._next = next(self._blobs, None)

    def find(self, blob_id: str) -> KeptBlob | None:
        while self._next is not None and self._next.blob_id < blob_id:
            self._next = next(self._blobs, None)
        return self._next if self._next is not None and self._next.blob_id == blob_id else None


def _open_copy(path: Path) -> sqlite3.Connection:
    """Read only, and without files beside it."""
    return sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)


def _check_keys(catalog: sqlite3.Connection, data: Path, snapshot: Path) -> tuple[str, ...]:
    """Hold the copied keys against the copied catalog; the names of those that aren't files. Raises: WrongKey."""
    secrets_of = FileSecrets(snapshot)
    elsewhere = tuple(
        name
        for name in (SECRET, ENCRYPTION)
        if known_fingerprints(catalog, name) and not (snapshot / SECRET_FILES[name]).exists()
    )
    if not elsewhere or all(secrets_of.find(name) is not None for name in elsewhere):
        verify_keys(catalog, secrets_of, BlobPaths(data))
    return elsewhere


def _blob_rows(catalog: sqlite3.Connection) -> Iterator[tuple[str, int | None, int | None]]:
    """All blobs that the catalog names, by id: bytes and CRC-64 of their files, where it knows them."""
    has_sums = any(row[1] == "crc64" for row in catalog.execute("PRAGMA table_info(blob)"))
    columns, last = "id, size, crc64" if has_sums else "id, NULL, NULL", b""
    while rows := catalog.execute(
        f"SELECT {columns} FROM blob WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608
        (last, _AT_ONCE),
    ).fetchall():
        for blob_id, size, crc64 in rows:
            yield blob_id.hex(), size, None if crc64 is None else read_crc64(crc64)
        last = rows[-1][0]


def _header_digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read(HEADER_BYTES)).hexdigest()[:16]
