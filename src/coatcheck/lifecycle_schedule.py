"""When lifecycle rules are carried out: once a UTC day, by one process of the server, or of all gateways.

A run that is cut off is simply due again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from coatcheck.background.leader import Leader, LeaderOf
from coatcheck.clock import Clock
from coatcheck.core.times import DAY_S
from coatcheck.operations.context import Ports

if TYPE_CHECKING:
    from coatcheck.operations.lifecycle_run import Report

_LOOK_S: Final = 60.0  # how often a process looks whether a new day has begun

log = logging.getLogger("coatcheck")


async def keep_lifecycle(ports: Ports, leader_of: LeaderOf, *, hour: int, clock: Clock) -> None:
    """Carry rules out once a day, until cancelled.

    Args:
        hour: of the day, UTC, from which it may begin.
        clock: wall time.
    """
    while True:
        try:
            await run_if_due(ports, leader_of, now=clock(), hour=hour)
        except Exception:
            log.exception("lifecycle rules were not carried out")
        await asyncio.sleep(_LOOK_S)


async def run_if_due(ports: Ports, leader_of: LeaderOf, *, now: float, hour: int) -> Report | None:
    """Carry rules out unless that was done today, isn't to begin yet, or is another process's turn.

    A last day that lies further ahead than another hour of the day explains is that of a clock that was wrong, and is
    forgotten.
    """
    day = int(now - hour * 3600) // DAY_S
    leader = leader_of("lifecycle")
    try:
        if await _is_done(leader, day) or not await leader.leads() or await _is_done(leader, day):
            return None
        if await leader.last_day() > day:
            log.warning("the clock has gone back: lifecycle rules were last carried out on a day that is yet to come")
        from coatcheck.operations.lifecycle_run import run_lifecycle

        report = await run_lifecycle(ports, now=now)
        await leader.note_day(day)
    finally:
        await leader.close()
    if report.buckets:
        log.info("lifecycle buckets=%d done=%s", len(report.buckets), dict(report.done))
    return report


async def _is_done(leader: Leader, day: int) -> bool:
    return day <= await leader.last_day() <= day + 1
