"""What the processes of a server know of each other: a sign of life of each worker, and how many connections it has.

Memory that the first process makes and its forks share. Each row is written by one worker alone, in one go; the clock
is the machine's monotonic one, which all processes share, and which stands still while the machine sleeps.
"""

from __future__ import annotations

import mmap
import struct
import time
from math import inf
from typing import Final

_ROW: Final = struct.Struct("<dd")  # of the last sign of life, seconds; connections
_STALE_S: Final = 3.0  # a worker that is silent for so long doesn't count among those that could take a connection


class Pulse:
    """Rows of shared memory. Made before the first fork.

    Args:
        slots: workers, and those that leave beside them.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._memory = mmap.mmap(-1, slots * _ROW.size)
        self._rows = memoryview(self._memory)[: slots * _ROW.size]
        for slot in range(slots):
            self.clear(slot)

    def clear(self, slot: int) -> None:
        """The worker starts, or has ended: it takes no connections. Counts as a sign of life."""
        _ROW.pack_into(self._memory, slot * _ROW.size, time.monotonic(), inf)

    def beat(self, slot: int, connections: float) -> None:
        """A sign of life. `connections` is infinite for a worker that takes none."""
        _ROW.pack_into(self._memory, slot * _ROW.size, time.monotonic(), connections)

    def last_beat(self, slot: int) -> float:
        """When, by the monotonic clock."""
        beat, _ = _ROW.unpack_from(self._memory, slot * _ROW.size)
        return float(beat)

    def least(self) -> float:
        """The fewest connections that a worker has who is alive and takes some; infinite if there is none."""
        since = time.monotonic() - _STALE_S
        return min((count for beat, count in _ROW.iter_unpack(self._rows) if beat > since), default=inf)

    def taking(self) -> int:
        """How many workers are alive and take connections."""
        since = time.monotonic() - _STALE_S
        return sum(beat > since and count < inf for beat, count in _ROW.iter_unpack(self._rows))


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
