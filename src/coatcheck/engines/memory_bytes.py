"""The bytes in a dict."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final

from msgspec import Struct, field

from ..core.body import Stream
from ..core.byte_range import ByteRange
from ..ports.byte_store import BlobGone, make_blob_id
from ..ports.damage import Origin
from ..ports.object import Segment

_PIECE_BYTES: Final = 128 * 1024


class MemoryByteStore:
    """Blobs in a dict. `unkept` are those written and neither kept nor discarded yet; `opened` counts open readers."""

    removal_grace_s: float = 0

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.unkept: set[str] = set()
        self.opened = 0

    def clear(self) -> None:
        """Every blob goes."""
        self.blobs.clear()
        self.unkept.clear()

    async def new_blob(self, *, encryption: str = "") -> MemoryBlobWriter:
        blob_id = make_blob_id(encrypted=encryption != "")
        self.unkept.add(blob_id)
        return MemoryBlobWriter(self, blob_id)

    def at_hand(self, segments: Sequence[Segment], origin: Origin) -> Stream | None:
        return None

    async def open(
        self, segments: Sequence[Segment], origin: Origin | None = None, span: ByteRange | None = None
    ) -> MemoryBlobReader:
        try:
            return MemoryBlobReader(self, [memoryview(self.blobs[s.blob_id])[s.start : s.stop] for s in segments])
        except KeyError as missing:
            raise BlobGone(missing.args[0]) from None

    async def remove(self, blob_ids: Sequence[str]) -> None:
        for blob_id in blob_ids:
            self.blobs.pop(blob_id, None)

    async def size(self, blob_id: str) -> int:
        try:
            return len(self.blobs[blob_id])
        except KeyError:
            raise BlobGone(blob_id) from None

    async def release_unnamed(self, now: float) -> int:
        """What isn't kept goes with the process."""
        return 0

    async def look(self) -> None:
        """Memory is here."""


class MemoryBlobWriter(Struct):
    store: MemoryByteStore
    blob_id: str
    written: bytearray = field(default_factory=bytearray)

    async def write(self, data: bytes | bytearray) -> None:
        self.written += data

    async def finish(self) -> None:
        self.store.blobs[self.blob_id] = bytes(self.written)

    async def keep(self) -> None:
        self.store.unkept.discard(self.blob_id)

    async def discard(self) -> None:
        self.store.blobs.pop(self.blob_id, None)
        self.store.unkept.discard(self.blob_id)


class MemoryBlobReader:
    def __init__(self, store: MemoryByteStore, pieces: Sequence[memoryview]) -> None:
        self._content = b"".join(pieces)
        self._store: MemoryByteStore | None = store
        store.opened += 1

    async def chunks(self, start: int, stop: int) -> AsyncIterator[bytes | bytearray]:
        for begin in range(start, stop, _PIECE_BYTES):
            yield self._content[begin : min(begin + _PIECE_BYTES, stop)]

    def slices(self, start: int, stop: int) -> None:
        """There are no files."""

    def at_hand(self, start: int, stop: int) -> None:
        """As `slices`."""

    async def verify(self) -> None:
        """What is in memory is believed."""

    def as_file(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def close(self) -> None:
        self._content = b""
        if self._store is not None:
            self._store.opened -= 1
            self._store = None
