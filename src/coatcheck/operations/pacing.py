"""Streams slowed down to so many bits a second, each by itself or all of a bucket together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from coatcheck.core.body import Stream, let_go, nothing, one_chunk
from coatcheck.core.limits import METERS_MAX

_PIECE_BYTES: Final = 16 * 1024  # small enough that the slowest legal rate still moves several times a second
_SHARED_SLACK_S: Final = 0.002  # what many share is fast: to sleep for less costs more than it slows down


class Meter:
    """What passes here is counted, and says how long the next has to wait; time that was lost is not made up for.

    Args:
        rate: units a second; bits, or requests.
        slack_s: waits that are shorter are none.
    Attributes:
        due: when what was counted will have passed, by the clock that `pass_on` is told.
    """

    __slots__ = ("_slack_s", "due", "rate")

    def __init__(self, rate: float, slack_s: float = 0.0) -> None:
        self.rate = rate
        self._slack_s = slack_s
        self.due = 0.0

    def pass_on(self, amount: int, now: float) -> float:
        """Count an amount; how long from now it has to wait, in seconds. `now` is of a clock that never goes back."""
        due = self.due
        self.due = (due if due > now else now) + amount / self.rate
        return due - now if due - now > self._slack_s else 0.0


Pace = tuple[Meter, ...]  # the slowest counts


def pass_on(amount: int, meters: Pace, now: float) -> float:
    """Count an amount everywhere (see `Meter.pass_on`); how long it has to wait, in seconds."""
    if len(meters) == 1:
        return meters[0].pass_on(amount, now)
    longest = 0.0
    for meter in meters:
        if (wait := meter.pass_on(amount, now)) > longest:
            longest = wait
    return longest


def longest_wait(meters: Pace, now: float) -> float:
    """How long the next has to wait, in seconds."""
    longest = 0.0
    for meter in meters:
        if meter.due - now > longest:
            longest = meter.due - now
    return longest


Limits = tuple[tuple[str, int], ...]  # names, and units a second


class BucketMeters:
    """The meters that all requests of a process share which are about one bucket.

    Args:
        workers: processes that share each limit: every one of them gives out an equal part.
    """

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers
        self._meters: dict[tuple[int, str], Meter] = {}  # by bucket_id and name

    def find_all(self, bucket_id: int, limits: Limits) -> Pace:
        """A meter for each of the limits, by its name."""
        return tuple([self.find(bucket_id, name, limit) for name, limit in limits])

    def find(self, bucket_id: int, name: str, limit: float) -> Meter:
        """The one meter of that name; a new one when the limit is another than it was."""
        rate, place = limit / self._workers, (bucket_id, name)
        meter = self._meters.get(place)
        if meter is None or meter.rate != rate:
            meter = self._meters[place] = Meter(rate, _SHARED_SLACK_S)
            if len(self._meters) > METERS_MAX:
                del self._meters[next(iter(self._meters))]
        return meter


async def paced(chunks: AsyncIterator[bytes | bytearray] | AsyncIterator[bytes], pace: Pace) -> AsyncIterator[bytes]:
    """The same bytes, no sooner than the meters allow."""
    loop = asyncio.get_running_loop()
    try:
        async for chunk in chunks:
            if not chunk:
                yield b""  # a sign of life goes through
            for start in range(0, len(chunk), _PIECE_BYTES):
                piece = bytes(chunk[start : start + _PIECE_BYTES])
                if wait := pass_on(len(piece) * 8, pace, loop.time()):
                    await asyncio.sleep(wait)
                yield piece
    finally:
        await let_go(chunks)


async def _after(wait: float, content: bytes) -> AsyncIterator[bytes]:
    await asyncio.sleep(wait)
    yield content


def paced_content(content: bytes | Stream, pace: Pace) -> bytes | Stream:
    """Content on its way out, no faster than the meters allow. A piece that may go at once stays what it is."""
    if isinstance(content, bytes):
        if len(content) > _PIECE_BYTES:
            return Stream(paced(one_chunk(content), pace), len(content), nothing)
        wait = pass_on(len(content) * 8, pace, asyncio.get_running_loop().time())
        return Stream(_after(wait, content), len(content), nothing) if wait else content
    return Stream(paced(content.chunks, pace), content.size, content.close)
