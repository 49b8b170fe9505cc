"""When lifecycle rules are carried out: once a UTC day, by one process of the server.

The lock decides which; the file says which day was last. A run that is cut off is simply due again.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import Final

from coatcheck.background.leader import Leader
from coatcheck.clock import Clock
from coatcheck.core.times import DAY_S
from coatcheck.operations.context import Ports
from coatcheck.operations.lifecycle_run import Report, run_lifecycle

_LOOK_S: Final = 60.0  # how often a process looks whether a new day has begun

log = logging.getLogger("coatcheck")


async def keep_lifecycle(ports: Ports, data: Path, *, hour: int, clock: Clock) -> None:
    """Carry rules out once a day, until cancelled.

    Args:
        hour: of the day, UTC, from which it may begin.
        clock: wall time.
    """
    while True:
        try:
            await run_if_due(ports, data, now=clock(), hour=hour)
        except Exception:
            log.exception("lifecycle rules were not carried out")
        await asyncio.sleep(_LOOK_S)


async def run_if_due(ports: Ports, data: Path, *, now: float, hour: int) -> Report | None:
    """Carry rules out unless that was done today, isn't to begin yet, or is another process's turn.

    A last day that lies further ahead than another hour of the day explains is that of a clock that was wrong, and is
    forgotten.
    """
    day = int(now - hour * 3600) // DAY_S
    if _is_done(data, day):
        return None
    leader = Leader(data / "lifecycle.lock")
    try:
        if not leader.leads() or _is_done(data, day):
            return None
        if _last_day(data) > day:
            log.warning("the clock has gone back: lifecycle rules were last carried out on a day that is yet to come")
        report = await run_lifecycle(ports, now=now)
        _note_day(data, day)
    finally:
        leader.close()
    if report.buckets:
        log.info("lifecycle buckets=%d done=%s", len(report.buckets), dict(report.done))
    return report


def _is_done(data: Path, day: int) -> bool:
    return day <= _last_day(data) <= day + 1


def _last_day(data: Path) -> int:
    try:
        return int((data / "lifecycle.day").read_text())
    except (FileNotFoundError, ValueError):
        return -1


def _note_day(data: Path, day: int) -> None:
    unfinished = data / "lifecycle.day.new"
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{day}\n")
    unfinished.rename(data / "lifecycle.day")
