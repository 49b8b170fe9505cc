"""x-oss-traffic-limit: a stream slowed down to so many bits a second.

Source: OSS API reference, single-connection bandwidth throttling.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import TRAFFIC_LIMIT_MAX_BITS_PER_S, TRAFFIC_LIMIT_MIN_BITS_PER_S
from coatcheck.wire.request import Body, Request

_PIECE_BYTES: Final = 16 * 1024  # small enough that the slowest legal rate still moves several times a second


def read_traffic_limit(request: Request) -> int | None:
    """x-oss-traffic-limit, from the query or a header, in bit/s. Raises: OssError INVALID_ARGUMENT."""
    by_query, by_header = request.query.get("x-oss-traffic-limit"), request.headers.get("x-oss-traffic-limit")
    if by_query is None and by_header is None:
        return None
    text = by_query or by_header or ""
    legal = text.isascii() and text.isdigit() and len(text) <= 12
    if (
        not legal
        or (by_query is not None and by_header is not None)
        or not TRAFFIC_LIMIT_MIN_BITS_PER_S <= int(text) <= TRAFFIC_LIMIT_MAX_BITS_PER_S
    ):
        raise INVALID_ARGUMENT(
            f"x-oss-traffic-limit must be given once, as {TRAFFIC_LIMIT_MIN_BITS_PER_S} to "
            f"{TRAFFIC_LIMIT_MAX_BITS_PER_S} bit/s.",
            ArgumentName="x-oss-traffic-limit",
            ArgumentValue=text,
        )
    return int(text)


async def paced(
    chunks: AsyncIterator[bytes | bytearray] | AsyncIterator[bytes], rate_bits_per_s: int
) -> AsyncIterator[bytes]:
    """The same bytes, no sooner than the rate allows; time lost to a slow reader is not made up for."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    async for chunk in chunks:
        for start in range(0, len(chunk), _PIECE_BYTES):
            piece = bytes(chunk[start : start + _PIECE_BYTES])
            now = loop.time()
            if due > now:
                await asyncio.sleep(due - now)
            due = max(due, now) + len(piece) * 8 / rate_bits_per_s
            yield piece


class PacedBody:
    """A request's body, taken in no faster than the rate; the client is held back by it."""

    def __init__(self, body: Body, rate_bits_per_s: int) -> None:
        self._body = body
        self._rate_bits_per_s = rate_bits_per_s

    def chunks(self) -> AsyncIterator[bytes]:
        return paced(self._body.chunks(), self._rate_bits_per_s)
