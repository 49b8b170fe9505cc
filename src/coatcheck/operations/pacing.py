"""A stream slowed down to so many bits a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from coatcheck.core.body import Stream, let_go, nothing

_PIECE_BYTES: Final = 16 * 1024  # small enough that the slowest legal rate still moves several times a second


async def paced(
    chunks: AsyncIterator[bytes | bytearray] | AsyncIterator[bytes], rate_bits_per_s: int
) -> AsyncIterator[bytes]:
    """The same bytes, no sooner than the rate allows; time lost to a slow reader is not made up for."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    try:
        async for chunk in chunks:
            for start in range(0, len(chunk), _PIECE_BYTES):
                piece = bytes(chunk[start : start + _PIECE_BYTES])
                now = loop.time()
                if due > now:
                    await asyncio.sleep(due - now)
                due = max(due, now) + len(piece) * 8 / rate_bits_per_s
                yield piece
    finally:
        await let_go(chunks)


def paced_content(content: bytes | Stream, rate_bits_per_s: int) -> Stream:
    """Content on its way out, no faster than the rate."""
    if isinstance(content, bytes):
        return Stream(paced(_one(content), rate_bits_per_s), len(content), nothing)
    return Stream(paced(content.chunks, rate_bits_per_s), content.size, content.close)


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content
