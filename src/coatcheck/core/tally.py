"""Counting how large something is, for a histogram: a few numbers, however often."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

COMMIT_BOUNDS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
COMMIT_BOUNDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)  # changes


class Tally:
    """Noted by one thread; whoever reads may miss the last one.

    Args:
        bounds: upper bounds of the buckets, rising.
    Attributes:
        counts: how many fell into each bucket, the last one without a bound.
        total: all values together.
    """

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def note(self, value: float) -> None:
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value
