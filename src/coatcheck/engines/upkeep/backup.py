"""A backup of a data directory that is in use.

    TARGET/manifest.jsonl     what it consists of; written last, see `manifest`
    TARGET/snapshots/NAME/    the catalog of one moment, and the keys
    TARGET/blobs/ab/          blobs, shared by one backup and the next
    TARGET/backup.lock        held while a backup is taken

Why nothing is lost that was acknowledged before it began: first this process makes sure that nobody removes a blob
(`blob_hold`), and waits for removals that are under way; then one read transaction of SQLite fixes the catalog's
moment. A commit that was acknowledged before lies in that moment, and its blobs were durable under their names before
it was committed. A blob that the moment names wasn't released before it, so whoever wants to remove it does so later
than the hold began, and mustn't. Hence every blob that the copied catalog names is there to be copied, or is damage,
and named.

Keys are copied after the catalog: one that the catalog needs was durable before the catalog noted it, and a rotation of
the master key doesn't begin while a backup is taken. They are held against the copied catalog before it counts.

The next backup into the same directory writes a snapshot of its own and adds the blobs that aren't there yet; the old
manifest, snapshot and blobs stay until the new manifest has taken the place of the old one. So one that is broken off
leaves the one before it whole, and what it has copied is there for the next.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ...ports.byte_store import is_encrypted
from ...ports.secrets import ENCRYPTION, SECRET
from ..blob_hold import nothing_removed
from ..blob_paths import SHARDS, BlobPaths, sync_directory
from ..directory_faults import BadDirectory
from ..encrypted import HEADER_BYTES
from ..local import FileLock
from ..needed_keys import known_fingerprints, verify_keys
from ..secret_files import SECRET_FILES, FileSecrets
from ..sql.blob_intents import need_files
from ..sql.rows import read_crc64
from ..sqlite.connection import open_connection
from ..sqlite.schema import read_version
from .copying import copy_blob, copy_file, make_folder, sum_blob, sum_file
from .manifest import (
    BLOBS,
    CATALOG,
    NAME,
    SNAPSHOTS,
    Head,
    KeptBlob,
    KeptFile,
    ManifestWriter,
    find_head,
    read_blobs,
)

KEY_FILES: Final = (*SECRET_FILES.values(), "root-credentials.json", "share-credentials.json", "lifecycle.day", "tls/*")
SETTINGS: Final = "settings"  # folder of a snapshot for files that lie outside the data directory
_PAGES: Final = 2048  # of the catalog, copied between two words to whoever watches
_CACHE_KIB: Final = 2 * 1024
_AT_ONCE: Final = 1024  # blobs read from the copied catalog

Note = Callable[[str, int, int], None]  # what is copied, bytes of it so far, and of how many


@dataclass(slots=True)
class Backup:
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


def back_up(
    data: Path, target: Path, *, now: float, note: Note, link: bool = True, settings: Sequence[Path] = ()
) -> Backup:
    """Take a backup, or bring the one that is there up to date.

    Args:
        target: made if it isn't there; else empty, or a backup of the same data directory.
        link: hard-link blobs where the target is on the same file system; else copy them.
        settings: files outside the data directory that belong to the server.
    Raises: BadDirectory, NoBackup, InUse, HeldByOther, WrongKey, DiskFull, OSError, NewerStore.
    """
    if not (data / CATALOG).exists():
        raise BadDirectory(f"{data} is not a data directory.")
    _prepare_target(data, target)
    with closing(FileLock(target / "backup.lock")) as lock:
        lock.own(0)
        before = find_head(target)
        _drop_snapshots(target, before.snapshot if before else "")
        with nothing_removed(data):
            return _Run(data, target, before, int(now), note, link=link).take(settings)


class _Run:
    """One backup while it is taken."""

    def __init__(self, data: Path, target: Path, before: Head | None, now: int, note: Note, *, link: bool) -> None:
        self._paths = BlobPaths(data)
        self._data, self._target, self._before, self._note = data, target, before, note
        self._link = link and data.stat().st_dev == target.stat().st_dev
        self._name = f"{now:x}-{secrets.token_hex(4)}"
        self._snapshot = target / SNAPSHOTS / self._name
        self._touched: set[str] = set()  # directories with new names
        self._done = 0
        self._found = Backup(now)

    def take(self, settings: Sequence[Path]) -> Backup:
        make_folder(self._snapshot)
        self._copy_catalog()
        self._copy_files(settings)
        with closing(_open_copy(self._snapshot / CATALOG)) as catalog:
            self._found.keys_elsewhere = _check_keys(catalog, self._data, self._snapshot)
            source = catalog.execute("SELECT uid FROM account WHERE root = 1").fetchone()[0]
            if self._before is not None and self._before.source != source:
                raise BadDirectory(f"{self._target} is a backup of another data directory. Name another place.")
            head = Head(self._name, source, self._found.made_at, self._found.keys_elsewhere)
            with closing(ManifestWriter(self._target, head)) as manifest:
                self._write(manifest, catalog)
        _drop_snapshots(self._target, self._name)
        _drop_blobs(self._target)
        return self._found

    def _write(self, manifest: ManifestWriter, catalog: sqlite3.Connection) -> None:
        for path in sorted(path for path in self._snapshot.rglob("*") if path.is_file()):
            manifest.add_file(KeptFile(path.relative_to(self._snapshot).as_posix(), *sum_file(path)))
        total = catalog.execute("SELECT ifnull(sum(size), 0) FROM object WHERE size > 65536").fetchone()[0]
        earlier = _Earlier(self._target)
        for blob_id, size, crc64 in _named(catalog):
            kept = self._keep_blob(blob_id, size, crc64, earlier)
            if kept is not None:
                manifest.add_blob(kept)
                self._done += kept.size
                self._note("blobs", self._done, max(total, self._done))
        self._sync()
        manifest.finish()
        self._found.files, self._found.bytes = manifest.files, manifest.bytes

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
        for directory in (self._snapshot, self._snapshot.parent, self._target):
            sync_directory(directory)

    def _keep_blob(self, blob_id: str, size: int | None, crc64: int | None, earlier: _Earlier) -> KeptBlob | None:
        """None for one that is missing, or isn't what was written: the next backup looks for it anew."""
        source = self._paths.blob(blob_id)
        try:
            name = f"{blob_id}.{_header_digest(source)}" if is_encrypted(blob_id) else blob_id
            there = earlier.find(name)
            kept = there or self._place(source, KeptBlob(name, size or 0, crc64 or 0), known=crc64 is not None)
        except FileNotFoundError:
            self._found.damaged.append((blob_id, "its file is missing"))
            return None
        if size is not None and crc64 is not None and (kept.size, kept.crc64) != (size, crc64):
            self._found.damaged.append((blob_id, "its file is not what was written"))
            os.unlink(os.path.join(self._target, kept.path))
            return None
        self._found.kept += there is not None
        return kept

    def _place(self, source: str, wanted: KeptBlob, *, known: bool) -> KeptBlob:
        """Link or copy what isn't there yet. A linked blob with a known sum isn't read."""
        target = os.path.join(self._target, wanted.path)
        directory = os.path.dirname(target)
        if directory not in self._touched:
            make_folder(Path(directory))
            self._touched.add(directory)
        if os.path.exists(target):  # of a backup that was broken off: it has its name because it is whole
            self._found.kept += 1
            return KeptBlob(wanted.name, *sum_blob(target))
        if self._link and not is_encrypted(wanted.blob_id):
            os.link(source, target)
            self._found.linked += 1
            size = os.stat(target).st_size
            return KeptBlob(wanted.name, size, wanted.crc64) if known else KeptBlob(wanted.name, *sum_blob(target))
        size, crc64 = copy_blob(source, target)
        self._found.copied += 1
        self._found.copied_bytes += size
        return KeptBlob(wanted.name, size, crc64)

    def _sync(self) -> None:
        for directory in self._touched:
            sync_directory(directory)
        if self._touched:
            sync_directory(self._target / BLOBS)
        sync_directory(self._target)


class _Earlier:
    """The blobs of the backup before, asked for in the order of their names."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._blobs = read_blobs(target)
        self._next = next(self._blobs, None)

    def find(self, name: str) -> KeptBlob | None:
        """Raises: OSError."""
        while self._next is not None and self._next.name < name:
            self._next = next(self._blobs, None)
        if self._next is None or self._next.name != name:
            return None
        path = self._target / self._next.path
        return self._next if path.exists() and path.stat().st_size == self._next.size else None


def _prepare_target(data: Path, target: Path) -> None:
    """Raises: BadDirectory."""
    if target.is_relative_to(data) or data.is_relative_to(target):
        raise BadDirectory("A backup and its data directory cannot lie in each other. Name another place.")
    make_folder(target)
    ours = {NAME, f"{NAME}.new", SNAPSHOTS, BLOBS, "backup.lock"}
    if strange := sorted(path.name for path in target.iterdir() if path.name not in ours):
        raise BadDirectory(f"{target} has other things in it ({strange[0]}). Name an empty directory, or a backup.")
    os.chmod(target, 0o700)


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


def _named(catalog: sqlite3.Connection) -> Iterator[tuple[str, int | None, int | None]]:
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


def _drop_snapshots(target: Path, kept: str) -> None:
    """Remove those of backups that were broken off, or that another has replaced."""
    for path in (target / SNAPSHOTS).glob("*"):
        if path.name != kept:
            shutil.rmtree(path)


def _drop_blobs(target: Path) -> None:
    """Remove files of blobs that the manifest doesn't name, a directory at a time: both are sorted."""
    blobs = read_blobs(target)
    following = next(blobs, None)
    for shard in SHARDS:
        named = set()
        while following is not None and following.name[:2] == shard:
            named.add(following.name)
            following = next(blobs, None)
        for path in (target / BLOBS / shard).glob("*"):
            if path.name not in named:
                path.unlink()
