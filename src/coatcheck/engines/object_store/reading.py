"""Blobs read from an object store: one request for each segment, the next one opened while this one flows.

A whole object is compared with its CRC-64 as it passes by, and its last piece is held back until it fits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Final, NamedTuple

import obstore

from ...core.byte_range import ByteRange
from ...core.digests import EMPTY_CRC64, update_crc64
from ...ports.byte_store import BlobGone, any_encrypted
from ...ports.catalog import BytesAway
from ...ports.damage import Damaged, Origin
from ...ports.object import Segment
from .line import Line
from .place import path_of

if TYPE_CHECKING:
    from obstore import GetResult

_PIECE_MIN_BYTES: Final = 768 * 1024  # with what comes in at once behind it still less than the largest
_PIECE_MAX_BYTES: Final = 1024**2
_LOOKED_AT: Final = 64  # blobs of which a reader sees whether they are there, where nobody says what will be read
_LOOKS_AT_ONCE: Final = 8


class _Extent(NamedTuple):
    """Bytes [start, stop) of a blob. Never empty."""

    blob_id: str
    start: int
    stop: int


class ObjectBlobReader:
    """See `ports.byte_store`. `begin` comes first. Blobs stay in the store for longer than any download takes."""

    def __init__(self, line: Line, segments: Sequence[Segment], origin: Origin | None) -> None:
        self._line = line
        self._segments = segments
        self._origin = origin
        self._opened: dict[_Extent, asyncio.Future[GetResult]] = {}
        self._compared = False

    async def begin(self, span: ByteRange | None) -> None:
        """See what is there. Raises: BlobGone, BytesAway."""
        if span is None:
            await self._look()
            return
        first = next(self._extents(span.start, span.stop), None)
        if first is not None:
            try:
                await self._open(first)
            except FileNotFoundError:
                raise await missing(self._line, first.blob_id) from None

    async def _look(self) -> None:
        blob_ids = list(dict.fromkeys(segment.blob_id for segment in self._segments))[:_LOOKED_AT]
        for at in range(0, len(blob_ids), _LOOKS_AT_ONCE):
            asked = blob_ids[at : at + _LOOKS_AT_ONCE]
            await asyncio.gather(*(find_size(self._line, blob_id) for blob_id in asked))

    async def chunks(self, start: int, stop: int) -> AsyncIterator[bytes | bytearray]:
        expected = self._expected_crc64(start, stop)
        left, crc64 = stop - start, EMPTY_CRC64
        async for piece in self._pieces(start, stop):
            left -= len(piece)
            if expected is not None:
                crc64 = update_crc64(piece, crc64)
                if not left:
                    if crc64 != expected:
                        raise self._damaged("its CRC-64 is another one", self._segments[0].blob_id)
                    self._compared = True
            yield piece

    def slices(self, start: int, stop: int) -> None:
        """No file has the bytes."""

    def at_hand(self, start: int, stop: int) -> None:
        """As `slices`."""

    async def verify(self) -> None:
        if self._compared or self._origin is None:
            return
        record = self._origin.record
        if any_encrypted(record.segments):  # each of their pieces has its own check
            return
        whole = ObjectBlobReader(self._line, record.segments, self._origin)
        async for _ in whole.chunks(0, record.size):
            pass
        self._compared = True

    def as_file(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def close(self) -> None:
        for opened in self._opened.values():
            opened.cancel()
        await asyncio.gather(*self._opened.values(), return_exceptions=True)
        self._opened.clear()

    # --- bytes ---

    def _expected_crc64(self, start: int, stop: int) -> int | None:
        """Of these bytes; None if it isn't known."""
        if self._origin is None or any_encrypted(self._segments):
            return None
        record, size = self._origin.record, sum(segment.stop - segment.start for segment in self._segments)
        return record.crc64 if (start, stop) == (0, size) and size == record.size else None

    async def _pieces(self, start: int, stop: int) -> AsyncIterator[bytes]:
        extents = self._extents(start, stop)
        extent = next(extents, None)
        while extent is not None:
            opened, following = self._open(extent), next(extents, None)
            try:
                result = await opened
                if following is not None:
                    self._open(following)
                async for piece in self._stream(result, extent):
                    yield piece
            except FileNotFoundError:
                await missing(self._line, extent.blob_id)  # raises BytesAway where all are
                raise self._damaged("its object is missing", extent.blob_id) from None
            self._opened.pop(extent, None)
            extent = following

    async def _stream(self, result: GetResult, extent: _Extent) -> AsyncIterator[bytes]:
        left = extent.stop - extent.start
        if result.range != (extent.start, extent.stop):
            raise self._damaged(f"its object has {result.meta['size']} bytes", extent.blob_id)
        stream = result.stream(min_chunk_size=_PIECE_MIN_BYTES)
        coming = asyncio.ensure_future(stream.__anext__())
        try:
            while left:
                try:
                    piece = await self._line.ask(coming)
                except StopAsyncIteration:
                    raise self._damaged("its object ends too early", extent.blob_id) from None
                left -= len(piece)
                if left:
                    coming = asyncio.ensure_future(stream.__anext__())  # while this one is sent
                if len(piece) <= _PIECE_MAX_BYTES:
                    yield piece
                else:
                    for at in range(0, len(piece), _PIECE_MAX_BYTES):
                        yield piece[at : at + _PIECE_MAX_BYTES]
        finally:
            coming.cancel()

    def _open(self, extent: _Extent) -> asyncio.Future[GetResult]:
        """The request for it, sent unless it was before."""
        opened = self._opened.get(extent)
        if opened is None:
            options: obstore.GetOptions = {"range": (extent.start, extent.stop)}
            asked = self._line.ask(obstore.get_async(self._line.client, path_of(extent.blob_id), options=options))
            opened = self._opened[extent] = asyncio.ensure_future(asked)
        return opened

    def _extents(self, start: int, stop: int) -> Iterator[_Extent]:
        at = 0  # where the segment begins within the joint content
        for blob_id, first, last in self._segments:
            begin, end = max(start - at, 0), min(stop - at, last - first)
            if begin < end:
                yield _Extent(blob_id, first + begin, first + end)
            at += last - first
            if at >= stop:
                return

    def _damaged(self, reason: str, blob_id: str) -> Damaged:
        return Damaged(reason, blob_id).reported(self._origin)


async def find_size(line: Line, blob_id: str) -> int:
    """Raises: BlobGone, BytesAway."""
    try:
        return (await line.ask(obstore.head_async(line.client, path_of(blob_id))))["size"]
    except FileNotFoundError:
        raise await missing(line, blob_id) from None


async def missing(line: Line, blob_id: str) -> BlobGone:
    """What it means that the store says so: a bucket that is gone says the same of everything.

    Raises: BytesAway.
    """
    if not await line.answers():
        raise BytesAway("The byte store is not the one that it was.")
    return BlobGone(blob_id)
