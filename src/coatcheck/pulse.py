"""What the processes of a server know of each other: a sign of life of each worker, and how many connections it has.

Memory that the first process makes and its forks share. Each row is written by one worker alone, a number of eight
bytes at once (`struct.pack_into` would write zeros first, and whoever looks in between would see a worker that gave no
sign of life since the machine started); the clock is the machine's monotonic one, which all processes share, and which
stands still while the machine sleeps.
"""

from __future__ import annotations

import mmap
import time
from collections.abc import Iterable
from math import inf
from typing import Final

_ROW: Final = 2  # numbers: of the last sign of life, seconds; connections
_NUMBER_BYTES: Final = 8
_STALE_S: Final = 3.0  # a worker that is silent for so long doesn't count among those that could take a connection


class Pulse:
    """Rows of shared memory. Made before the first fork.

    Args:
        slots: workers, and those that leave beside them.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._numbers = memoryview(mmap.mmap(-1, slots * _ROW * _NUMBER_BYTES)).cast("d")
        for slot in range(slots):
            self.clear(slot)

    def clear(self, slot: int) -> None:
        """The worker starts, or has ended: it takes no connections. Counts as a sign of life."""
        self.beat(slot, inf)

    def beat(self, slot: int, connections: float) -> None:
        """A sign of life. `connections` is infinite for a worker that takes none."""
        numbers, place = self._numbers, slot * _ROW
        numbers[place], numbers[place + 1] = time.monotonic(), connections

    def last_beat(self, slot: int) -> float:
        """When, by the monotonic clock."""
        return self._numbers[slot * _ROW]

    def least(self) -> float:
        """The fewest connections that a worker has who is alive and takes some; infinite if there is none."""
        since = time.monotonic() - _STALE_S
        return min((count for beat, count in self._rows() if beat > since), default=inf)

    def taking(self) -> int:
        """How many workers are alive and take connections."""
        since = time.monotonic() - _STALE_S
        return sum(beat > since and count < inf for beat, count in self._rows())

    def _rows(self) -> Iterable[tuple[float, float]]:
        numbers = self._numbers.tolist()
        return zip(numbers[::_ROW], numbers[1::_ROW], strict=True)


class PulseOfOne:
    """A worker's own row, for its connections. (`Share` in wire/connections.py.)"""

    def __init__(self, pulse: Pulse, slot: int) -> None:
        self._pulse = pulse
        self._slot = slot
        self._connections: float = inf

    def note(self, connections: float) -> None:
        self._connections = connections
        self._pulse.beat(self._slot, connections)

    def beat(self) -> None:
        self._pulse.beat(self._slot, self._connections)

    def least(self) -> float:
        return self._pulse.least()
