"""The byte store: immutable blobs under random ids, never under a key.

Order of a write: `new_blob`, any number of `write`s, `finish` (now durable, still unnamed), then the catalog commits a
row that names it, then `keep`. A blob that isn't finished and kept is removed by `discard`, or by the engine's recovery
at the next start, unless a row names it. Order of a removal: the catalog commits, then `remove`, then the catalog's
`forget_blobs`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from .object import Segment


class BlobGone(Exception):
    """The blob does not exist (any more): the row that named it was read before it was replaced."""


class BlobWriter(Protocol):
    """One blob in the making. Not shared between tasks."""

    blob_id: str

    async def write(self, data: bytes | bytearray) -> None:
        """Append `data`, unaltered by anybody meanwhile, and hand it to the operating system. Raises: NoSpace."""
        ...

    async def finish(self) -> None:
        """Make the bytes and the blob's name durable. Raises: NoSpace."""
        ...

    async def keep(self) -> None:
        """A committed row names the blob now. Cheap; a crash before it is mended by recovery."""
        ...

    async def discard(self) -> None:
        """Remove every trace, at any stage before `keep`, also of a call that was cancelled. May be called twice."""
        ...


class BlobReader(Protocol):
    """Opened segments. Reading goes on correctly even if the blobs are removed meanwhile.

    An engine may bound how many blobs a reader holds open, and says so; then BlobGone can come out of `chunks` for an
    object of more. Never wrong bytes: ids aren't used twice.
    """

    def chunks(self, start: int, stop: int) -> AsyncIterator[bytes | bytearray]:
        """Bytes [start, stop) of the segments' joint content in pieces, read off the event loop. May be called once."""
        ...

    async def close(self) -> None:
        """May be called twice."""
        ...


class ByteStore(Protocol):
    """See the module for the order of calls."""

    async def new_blob(self) -> BlobWriter:
        """Raises: NoSpace."""
        ...

    async def open(self, segments: Sequence[Segment]) -> BlobReader:
        """Open what the segments name. Raises: BlobGone."""
        ...

    async def remove(self, blob_ids: Sequence[str]) -> None:
        """Remove blobs, durably; fine if one is not there."""
        ...
