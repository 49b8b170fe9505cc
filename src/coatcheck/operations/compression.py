"""Content on its way out, compressed with gzip: its size is known when it has ended."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Final

from coatcheck.core.body import UNKNOWN_SIZE, Stream, let_go, nothing

_LEVEL: Final = 1  # of what is sent once each time, most is won by the fastest
_GZIP_WINDOW: Final = 31  # of zlib: the largest window, in gzip's frame
_PIECE_BYTES: Final = 64 * 1024  # of what lies in memory


def gzipped(content: bytes | Stream) -> Stream:
    """The same content in gzip. Ending it closes what the content opened."""
    if isinstance(content, bytes):
        return Stream(_gzip(_pieces(content)), UNKNOWN_SIZE, nothing)
    return Stream(_gzip(content.chunks), UNKNOWN_SIZE, content.close)


async def _gzip(chunks: AsyncIterator[bytes] | AsyncIterator[bytes | bytearray]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP_WINDOW)
    try:
        async for chunk in chunks:
            packed = await asyncio.to_thread(packer.compress, chunk)
            if packed:
                yield packed
        yield packer.flush()
    finally:
        await let_go(chunks)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE_BYTES):
        yield content[start : start + _PIECE_BYTES]
