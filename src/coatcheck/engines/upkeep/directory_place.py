"""A backup in a directory: blobs are copied, or hard-linked where the file system is the same.

Files have mode 0600, directories 0700. `backup.lock` is held while a backup is taken.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Final

from ...ports.byte_store import is_encrypted
from ..blob_paths import sync_directory
from ..directory_faults import BadDirectory
from ..local import FileLock
from .copying import copy_blob, make_folder, sum_blob
from .manifest import BLOBS, NAME, SNAPSHOTS, Head, KeptBlob, ManifestWriter
from .place import Kept, WantedBlob

_LOCK: Final = "backup.lock"
_OURS: Final = frozenset((NAME, f"{NAME}.new", SNAPSHOTS, BLOBS, _LOCK))


class DirectoryPlace:
    """See the module, and `place.Place`.

    Args:
        folder: absolute; made if it isn't there; else empty, or a backup of the same data directory.
        link: hard-link blobs where that can be done; else copy them.
    """

    at_once = 1  # a disk is no faster for several

    def __init__(self, folder: Path, *, link: bool = True) -> None:
        self.name, self.folder, self.given_up = str(folder), folder, Event()
        self._link = link
        self._touched: set[str] = set()  # directories with new names

    @contextmanager
    def taking(self, data: Path) -> Iterator[None]:
        self._prepare(data)
        self._link = self._link and data.stat().st_dev == self.folder.stat().st_dev
        with closing(FileLock(self.folder / _LOCK)) as lock:
            lock.own(0)
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        yield

    def list_blobs(self, shard: str) -> Mapping[str, int]:
        try:
            with os.scandir(self.folder / BLOBS / shard) as entries:
                return {entry.name: entry.stat().st_size for entry in entries}
        except FileNotFoundError:
            return {}

    def keep_blob(self, wanted: WantedBlob, stored: int | None) -> Kept:
        """A linked blob with a known sum isn't read."""
        blob = wanted.blob
        target = os.path.join(self.folder, blob.path)
        self._touch(os.path.dirname(target))
        if stored is not None:  # of a backup that was broken off: it has its name because it is whole
            return Kept(KeptBlob(blob.name, *sum_blob(target)), "kept")
        if self._link and not is_encrypted(blob.blob_id):
            os.link(wanted.source, target)
            size = os.stat(target).st_size
            return Kept(KeptBlob(blob.name, *((size, blob.crc64) if wanted.known else sum_blob(target))), "linked")
        return Kept(KeptBlob(blob.name, *copy_blob(wanted.source, target)), "copied")

    def drop_blobs(self, names: Sequence[str]) -> None:
        for name in names:
            with suppress(FileNotFoundError):
                os.unlink(self.folder / BLOBS / name[:2] / name)

    def keep_snapshot(self, name: str) -> None:
        for directory in (self.folder / SNAPSHOTS / name, self.folder / SNAPSHOTS, self.folder):
            sync_directory(directory)

    def drop_snapshots(self, kept: str) -> None:
        for path in (self.folder / SNAPSHOTS).glob("*"):
            if path.name != kept:
                shutil.rmtree(path)

    def keep_manifest(self, manifest: ManifestWriter) -> None:
        for directory in self._touched:
            sync_directory(directory)
        if self._touched:
            sync_directory(self.folder / BLOBS)
        sync_directory(self.folder)
        manifest.finish()

    def fetch_snapshot(self, head: Head) -> None:
        """They are there."""

    def fetch_blob(self, kept: KeptBlob, target: str) -> tuple[int, int]:
        return copy_blob(str(self.folder / kept.path), target, (kept.size, kept.crc64))

    def _touch(self, directory: str) -> None:
        if directory not in self._touched:
            make_folder(Path(directory))
            self._touched.add(directory)

    def _prepare(self, data: Path) -> None:
        """Raises: BadDirectory."""
        if self.folder.is_relative_to(data) or data.is_relative_to(self.folder):
            raise BadDirectory("A backup and its data directory cannot lie in each other. Name another place.")
        make_folder(self.folder)
        if strange := sorted(path.name for path in self.folder.iterdir() if path.name not in _OURS):
            raise BadDirectory(
                f"{self.folder} has other things in it ({strange[0]}). Name an empty directory, or a backup."
            )
        os.chmod(self.folder, 0o700)
