"""The names of blobs on the disk, given and taken away durably; which when, and why: `files.py`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..core.limits import DISK_RESERVE_BYTES
from ..ports.byte_store import RemovalHeld
from .blob_hold import removing

SHARDS: Final = tuple(f"{number:02x}" for number in range(256))


class BlobPaths:
    """Where blobs lie under a data directory. Synchronous; also what recovery and audit use."""

    def __init__(self, root: Path) -> None:
        self._incoming = os.path.join(root, "incoming")
        self._blobs = os.path.join(root, "blobs")
        self._durable: set[str] = set()  # directories below blobs/ that this process knows to be on the disk

    def prepare(self) -> None:
        """Make the two directories that everything else lies in."""
        if os.path.isdir(self._blobs) and os.path.isdir(self._incoming):
            return
        for directory in (self._incoming, self._blobs):
            os.makedirs(directory, mode=0o700, exist_ok=True)
        sync_directory(os.path.dirname(self._blobs))

    def incoming(self, blob_id: str) -> str:
        return os.path.join(self._incoming, blob_id)

    def blob(self, blob_id: str) -> str:
        return f"{self._blobs}/{blob_id[:2]}/{blob_id}"  # os.path.join takes ten times as long

    def in_flight(self) -> list[str]:
        """The ids that have a name in `incoming/`."""
        return os.listdir(self._incoming)

    def stored(self) -> Iterable[str]:
        """The ids of all blobs that have their final name."""
        for shard in SHARDS:
            with suppress(FileNotFoundError):
                yield from os.listdir(os.path.join(self._blobs, shard))

    def make_final(self, blob_id: str) -> None:
        """Give a blob whose bytes are durable its final name, durably."""
        sync_directory(self._incoming)
        directory = os.path.dirname(self.blob(blob_id))
        if directory not in self._durable:
            self._make_durable(directory)
        os.link(self.incoming(blob_id), self.blob(blob_id))
        sync_directory(directory)

    def _make_durable(self, directory: str) -> None:
        """Make a directory below blobs/. If it is there, another process may not have synced it yet: so we do."""
        with suppress(FileExistsError):
            os.mkdir(directory, 0o700)
        sync_directory(self._blobs)
        self._durable.add(directory)

    def keep(self, blob_id: str) -> None:
        _unlink(self.incoming(blob_id))

    def discard(self, blob_id: str) -> None:
        """Both names, the final one first and durably: the other is what recovery finds."""
        if _unlink(self.blob(blob_id)):
            sync_directory(os.path.dirname(self.blob(blob_id)))
        _unlink(self.incoming(blob_id))

    def remove(self, blob_ids: Iterable[str]) -> None:
        """Final names, durably. Raises: RemovalHeld."""
        paths = [self.blob(blob_id) for blob_id in blob_ids]
        with removing(os.path.dirname(self._blobs)) as allowed:
            if not allowed:
                raise RemovalHeld("A backup is copying the blobs.")
            for path in paths:
                _unlink(path)
            for directory in {os.path.dirname(path) for path in paths}:
                with suppress(FileNotFoundError):  # no blob was ever named there
                    sync_directory(directory)


def has_room(place: int | str | Path) -> bool:
    """Whether the file system of this file or directory has more than its reserve left."""
    status = os.statvfs(place)
    return status.f_bavail * status.f_frsize >= DISK_RESERVE_BYTES


def sync_directory(path: str | Path) -> None:
    """Make the names in a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _unlink(path: str) -> bool:
    """Whether it was there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
