"""Where a backup is: what a directory (`directory_place`) and an object store (`object_place`) promise alike.

    manifest.jsonl     what the backup consists of; the last that is written, see `manifest`
    snapshots/NAME/    the catalog of one moment, and the keys
    blobs/ab/          blobs, shared by one backup and the next

The names are the same in both, so that what one has may be copied into the other by any tool.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import Literal, NamedTuple, Protocol

from .manifest import Head, KeptBlob, ManifestWriter

How = Literal["kept", "linked", "copied"]


class Kept(NamedTuple):
    """A blob of a backup, and how it came there; "kept": it was there already."""

    blob: KeptBlob
    how: How


class WantedBlob(NamedTuple):
    """A blob that is to be in a backup.

    Attributes:
        blob: with the bytes and the CRC-64 that its file should have, if `known`.
        source: its file.
    """

    blob: KeptBlob
    source: str
    known: bool


class Place(Protocol):
    """One place. What it raises beside what is named: OSError, DiskFull, and BadPlace where an object store is away.

    Attributes:
        name: for people, and for `open_place`.
        folder: a local directory with the manifest, and the snapshot's files below `snapshots/`: the backup itself,
            or a copy that goes at the end. It is there within `taking` and `reading`.
        at_once: so many blobs are moved at the same time, each in a thread.
        given_up: set by whoever gives up; what is being moved then ends soon, by an exception.
    """

    name: str
    folder: Path
    at_once: int
    given_up: Event

    def taking(self, data: Path) -> AbstractContextManager[None]:
        """Make it ready for a backup of this data directory.

        Raises: BadDirectory, if it has other things in it; InUse.
        """
        ...

    def reading(self) -> AbstractContextManager[None]:
        """Make the manifest ready to be read, if there is one."""
        ...

    def list_blobs(self, shard: str) -> Mapping[str, int]:
        """Names and sizes of what lies in blobs/SHARD."""
        ...

    def keep_blob(self, wanted: WantedBlob, stored: int | None) -> Kept:
        """Have a blob, whole, under its name; one that isn't what was wanted may have no name, or be unlike the wanted.

        Args:
            stored: the size of what has this name already.
        Raises: FileNotFoundError, if its file is missing.
        """
        ...

    def drop_blobs(self, names: Sequence[str]) -> None:
        """Remove blobs; those that aren't there do no harm."""
        ...

    def keep_snapshot(self, name: str) -> None:
        """Have all files of `folder`/snapshots/NAME."""
        ...

    def drop_snapshots(self, kept: str) -> None:
        """Remove all snapshots but that one."""
        ...

    def keep_manifest(self, manifest: ManifestWriter) -> None:
        """Finish it: from here on the backup is whole, durably. Raises: HeldByOther, if another was taken meanwhile."""
        ...

    def fetch_snapshot(self, head: Head) -> None:
        """Have its files in `folder`, those that are there."""
        ...

    def fetch_blob(self, kept: KeptBlob, target: str) -> tuple[int, int]:
        """Copy a blob to a file, durably, if it is what the manifest says; bytes and CRC-64 of what was there.

        Raises: FileNotFoundError.
        """
        ...


def shard_names(blobs: Iterator[KeptBlob], shards: Sequence[str]) -> Iterator[tuple[str, set[str]]]:
    """For each shard the names of the blobs in it, of blobs that are sorted by name."""
    following = next(blobs, None)
    for shard in shards:
        named = set()
        while following is not None and following.name[:2] == shard:
            named.add(following.name)
            following = next(blobs, None)
        yield shard, named
