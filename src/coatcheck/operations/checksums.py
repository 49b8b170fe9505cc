"""Checksums that an operation takes itself: of bytes on their way in, and of bytes that an object has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from coatcheck.core.checksums import ALGORITHMS, Checksum, sum_of, write_sum
from coatcheck.ports.byte_store import ByteStore
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import Segment

from .encryption import inline_body


class Summed(Protocol):
    """A body that has a checksum.

    `algorithm` says which, before it was read; "" for none. `checksum` is what was sent and held, once it has ended.
    """

    @property
    def algorithm(self) -> str: ...
    @property
    def checksum(self) -> Checksum | None: ...


class SummedChunks:
    """Chunks that pass through, and what they come to."""

    def __init__(self, chunks: AsyncIterator[bytes], algorithm: str) -> None:
        """Raises: OssError NOT_IMPLEMENTED."""
        self.algorithm = algorithm
        self._chunks = chunks
        self._taken = ALGORITHMS[algorithm].new()

    @property
    def checksum(self) -> Checksum:
        return write_sum(self.algorithm, self._taken)

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self._taken.update(chunk)
            yield chunk


async def sum_stored(
    store: ByteStore, origin: Origin, segments: tuple[Segment, ...], size: int, algorithm: str
) -> Checksum:
    """Of all bytes of an object that lies in its row, or else of these `size` bytes in blobs.

    Raises: OssError NOT_IMPLEMENTED; BlobGone, Damaged.
    """
    body = inline_body(store, origin)
    if body is not None:
        return sum_of(body, algorithm)
    taken = ALGORITHMS[algorithm].new()
    reader = await store.open(segments, origin)
    try:
        async for chunk in reader.chunks(0, size):
            await asyncio.to_thread(taken.update, chunk)
        await reader.verify()
    finally:
        await reader.close()
    return write_sum(algorithm, taken)
