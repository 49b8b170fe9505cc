"""A data directory made from a backup: everything is copied, and held against the manifest's digests.

The marker `restoring` lies in the new directory from before the first file until all are durable: no server starts on
it meanwhile, and a restore that was broken off goes on when it is repeated.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..blob_paths import sync_directory
from ..directory_faults import BadDirectory
from ..local import RESTORING
from .copying import copy_blob, copy_file, make_folder, sum_file
from .manifest import CATALOG, SNAPSHOTS, Head, NoBackup, read_blobs, read_files, verify_manifest

Note = Callable[[str, int, int], None]
_BLOBS: Final = "blobs"


@dataclass(slots=True)
class Restored:
    """What was put back; `damaged` are blobs that are missing from the backup or aren't what was backed up."""

    head: Head
    files: int = 0
    blobs: int = 0
    bytes: int = 0
    damaged: list[tuple[str, str]] = field(default_factory=list)


def restore(backup: Path, data: Path, *, note: Note) -> Restored:
    """Make a data directory from a whole backup.

    Args:
        data: isn't there, is empty, or is what a restore that was broken off has left.
    Raises: NoBackup, BadDirectory, DiskFull, OSError.
    """
    head = verify_manifest(backup)
    _check_files(backup, head)
    _begin(data)
    restored = Restored(head)
    _copy_blobs(backup, data, restored, note)
    _copy_files(backup, data, restored)
    (data / RESTORING).unlink()
    sync_directory(data)
    return restored


def _check_files(backup: Path, head: Head) -> None:
    """Raises: NoBackup, before anything is written."""
    for kept in read_files(backup):
        path = backup / SNAPSHOTS / head.snapshot / kept.path
        try:
            found = sum_file(path)
        except FileNotFoundError:
            raise NoBackup(f"{path} is missing. Take another backup.") from None
        if found != (kept.size, kept.sha256):
            raise NoBackup(f"{path} is not what was backed up. Take another backup.")


def _begin(data: Path) -> None:
    """Raises: BadDirectory."""
    make_folder(data)
    if not (data / RESTORING).exists() and any(data.iterdir()):
        raise BadDirectory(f"{data} is not empty. Name a directory that isn't there yet, or an empty one.")
    os.chmod(data, 0o700)
    os.close(os.open(data / RESTORING, os.O_WRONLY | os.O_CREAT, 0o600))
    sync_directory(data)


def _copy_blobs(backup: Path, data: Path, restored: Restored, note: Note) -> None:
    total = sum(kept.size for kept in read_blobs(backup))
    directories = set()
    for kept in read_blobs(backup):
        directory = data / _BLOBS / kept.blob_id[:2]
        if directory not in directories:
            make_folder(directory)
            directories.add(directory)
        target = directory / kept.blob_id
        restored.blobs += 1
        restored.bytes += kept.size
        note("blobs", restored.bytes, total)
        if target.exists() and target.stat().st_size == kept.size:
            continue  # of a restore that was broken off: it has its name because it was right
        try:
            found = copy_blob(str(backup / kept.path), str(target), (kept.size, kept.crc64))
        except FileNotFoundError:
            restored.damaged.append((kept.blob_id, "its file is missing"))
            continue
        if found != (kept.size, kept.crc64):
            restored.damaged.append((kept.blob_id, "its file is not what was backed up"))
    for directory in directories:
        sync_directory(directory)
    if directories:
        sync_directory(data / _BLOBS)


def _copy_files(backup: Path, data: Path, restored: Restored) -> None:
    """The catalog last: until it is there, this is no data directory."""
    files = sorted(read_files(backup), key=lambda kept: kept.path == CATALOG)
    for kept in files:
        copy_file(backup / SNAPSHOTS / restored.head.snapshot / kept.path, data / kept.path)
        restored.files += 1
        restored.bytes += kept.size
