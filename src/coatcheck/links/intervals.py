"""Sets of byte positions, as intervals that are sorted and touch none of the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

Interval = tuple[int, int]
"""(first, end): from the first position up to, and without, the end."""
Intervals = tuple[Interval, ...]

NONE: Final[Intervals] = ()


def join(*sets: Iterable[Interval]) -> Intervals:
    """All positions that are in one of the sets; an empty interval adds nothing."""
    joined: list[Interval] = []
    for first, end in sorted(interval for each in sets for interval in each):
        if first >= end:
            continue
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((first, end))
    return tuple(joined)


def measure(intervals: Intervals) -> int:
    """How many positions there are."""
    return sum(end - first for first, end in intervals)
