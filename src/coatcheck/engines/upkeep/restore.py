"""A data directory made from a backup: everything is copied, and held against the manifest's digests.

The marker `restoring` lies in the new directory from before the first file until all are durable: no server starts on
it meanwhile, and a restore that was broken off goes on when it is repeated.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from ..blob_paths import sync_directory
from ..directory_faults import BadDirectory
from ..local import RESTORING
from .copying import copy_file, make_folder, sum_file
from .in_order import in_order
from .manifest import CATALOG, SNAPSHOTS, Head, KeptBlob, NoBackup, read_blobs, read_files, verify_manifest
from .place import Place

Note = Callable[[str, int, int], None]
_BLOBS: Final = "blobs"


class Restored(Struct):
    """What was put back; `damaged` are blobs that are missing from the backup or aren't what was backed up."""

    head: Head
    files: int = 0
    blobs: int = 0
    bytes: int = 0
    damaged: list[tuple[str, str]] = field(default_factory=list)


def restore(place: Place, data: Path, *, note: Note) -> Restored:
    """Make a data directory from a whole backup.

    Args:
        data: isn't there, is empty, or is what a restore that was broken off has left.
    Raises: NoBackup, BadDirectory, DiskFull, OSError.
    """
    with place.reading():
        head = verify_manifest(place.folder, place.name)
        place.fetch_snapshot(head)
        _check_files(place, head)
        _begin(data)
        restored = Restored(head)
        _copy_blobs(place, data, restored, note)
        _copy_files(place.folder, data, restored)
    (data / RESTORING).unlink()
    sync_directory(data)
    return restored


def _check_files(place: Place, head: Head) -> None:
    """Raises: NoBackup, before anything is written."""
    for kept in read_files(place.folder):
        path = f"{SNAPSHOTS}/{head.snapshot}/{kept.path}"
        try:
            found = sum_file(place.folder / path)
        except FileNotFoundError:
            raise NoBackup(f"{place.name}/{path} is missing. Take another backup.") from None
        if found != (kept.size, kept.sha256):
            raise NoBackup(f"{place.name}/{path} is not what was backed up. Take another backup.")


def _begin(data: Path) -> None:
    """Raises: BadDirectory."""
    make_folder(data)
    if not (data / RESTORING).exists() and any(data.iterdir()):
        raise BadDirectory(f"{data} is not empty. Name a directory that isn't there yet, or an empty one.")
    os.chmod(data, 0o700)
    os.close(os.open(data / RESTORING, os.O_WRONLY | os.O_CREAT, 0o600))
    sync_directory(data)


def _copy_blobs(place: Place, data: Path, restored: Restored, note: Note) -> None:
    total = sum(kept.size for kept in read_blobs(place.folder))
    directories: set[Path] = set()

    def wanted() -> Iterator[KeptBlob]:
        for kept in read_blobs(place.folder):
            directory = data / _BLOBS / kept.blob_id[:2]
            if directory not in directories:
                make_folder(directory)
                directories.add(directory)
            yield kept

    def fetch(kept: KeptBlob) -> tuple[KeptBlob, str]:
        return kept, _fetch(place, kept, data / _BLOBS / kept.blob_id[:2] / kept.blob_id)

    for kept, damage in in_order(fetch, wanted(), place.at_once, place.given_up):
        restored.blobs += 1
        restored.bytes += kept.size
        note("blobs", restored.bytes, total)
        if damage:
            restored.damaged.append((kept.blob_id, damage))
    for directory in directories:
        sync_directory(directory)
    if directories:
        sync_directory(data / _BLOBS)


def _fetch(place: Place, kept: KeptBlob, target: Path) -> str:
    """What is wrong with it; "" for nothing."""
    if target.exists() and target.stat().st_size == kept.size:
        return ""  # of a restore that was broken off: it has its name because it was right
    try:
        found = place.fetch_blob(kept, str(target))
    except FileNotFoundError:
        return "its file is missing"
    return "" if found == (kept.size, kept.crc64) else "its file is not what was backed up"


def _copy_files(folder: Path, data: Path, restored: Restored) -> None:
    """The catalog last: until it is there, this is no data directory."""
    files = sorted(read_files(folder), key=lambda kept: kept.path == CATALOG)
    for kept in files:
        copy_file(folder / SNAPSHOTS / restored.head.snapshot / kept.path, data / kept.path)
        restored.files += 1
        restored.bytes += kept.size
