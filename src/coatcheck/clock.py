"""The only file that asks what time it is. Wall time is a value that `app` hands down; time-outs are measured by
`time.monotonic`, which nobody can set.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from coatcheck.core.times import Moments

Clock = Callable[[], float]

wall_clock: Final[Clock] = time.time  # Unix seconds; may go back
monotonic_clock: Final[Clock] = time.monotonic  # seconds since some moment; nobody can set it


def wall_date(clock: Clock = wall_clock) -> datetime:
    """What the clock says, in UTC."""
    return datetime.fromtimestamp(clock(), UTC)


class SteadyClock:
    """The time for what no jump of the wall clock may end: it goes on from where it began as monotonic time does.

    A wall clock that is set forward moves the latest moment alone; one that is set back moves the earliest alone.
    """

    def __init__(self, begun: Moments, wall: Clock, monotonic: Clock = monotonic_clock) -> None:
        """
        Args:
            begun: between which moments the time lies now.
        """
        self._wall = wall
        self._monotonic = monotonic
        self._begun = begun
        self._begun_at = monotonic()

    def moments(self) -> Moments:
        gone_by, wall = self._monotonic() - self._begun_at, self._wall()
        return Moments(min(self._begun.earliest + gone_by, wall), max(self._begun.latest + gone_by, wall))
