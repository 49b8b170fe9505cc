"""The time that commits note, and the clock that goes on from it at the next start: see `ports.worm`."""

from __future__ import annotations

from typing import Final

from ...clock import Clock, SteadyClock
from ...core.limits import CLOCK_GAP_MAX_S, CLOCK_NOTED_S, LINK_KEPT_S
from ...core.times import Moments
from ...ports.worm import BUCKET_WORM, OBJECT_WORM
from .contract import SqlConnection

_NOTED: Final = "SELECT moment FROM noted_time"
_HAS_LINK: Final = "SELECT 1 FROM link WHERE ends_at >= ? AND ends_at < ? LIMIT 1"
_HAS_WORM: Final = "SELECT 1 FROM bucket_setting WHERE name IN (?, ?) LIMIT 1"


def begin_clock(connection: SqlConnection, wall: Clock, monotonic: Clock) -> SteadyClock:
    """The clock of a process that opens the catalog."""
    (noted,) = connection.execute(_NOTED).fetchone()
    now = wall()
    return SteadyClock(Moments(noted if _is_too_far(noted, now) else now, max(noted, now)), wall, monotonic)


def _is_too_far(noted: int, wall: float) -> bool:
    """Whether the wall clock is further past the newest commit than is believed without being told."""
    return noted > 0 and wall > noted + CLOCK_GAP_MAX_S


class NotedTime:
    """Notes the time in transactions of one connection, seldom. It never goes back."""

    def __init__(self, steady: SteadyClock) -> None:
        self._steady = steady
        self._due_at = 0.0

    def note(self, connection: SqlConnection) -> None:
        """Inside a transaction."""
        now = self._steady.moments().earliest
        if now >= self._due_at:
            _write(connection, int(now))
            self._due_at = now + CLOCK_NOTED_S


def accept_wall_time(connection: SqlConnection, wall: float, *, accepted: bool) -> int | None:
    """At the start of a server: believe the wall clock if it is near the newest commit, if nothing is kept whose end
    depends on it, an object or the row of a link, or if the operator says so.

    Returns: None if it is believed; else the moment, Unix seconds, from which the time goes on instead.
    """
    (noted,) = connection.execute(_NOTED).fetchone()
    if noted <= wall < noted + CLOCK_NOTED_S:
        return None  # what is noted is as good as commits have it, and no start waits for a disk
    retained = (
        connection.execute(_HAS_WORM, (BUCKET_WORM, OBJECT_WORM)).fetchone() is not None
        or connection.execute(_HAS_LINK, (noted, int(wall) - LINK_KEPT_S)).fetchone() is not None
    )
    if retained and not accepted and _is_too_far(noted, wall):
        return int(noted)
    _write(connection, int(wall), back=accepted or not retained)
    return None


def _write(connection: SqlConnection, moment: int, *, back: bool = False) -> None:
    connection.execute("UPDATE noted_time SET moment = ? WHERE ? OR moment < ?", (moment, back, moment))
