"""When the server scrubs by itself: so many days after the last scrub, whoever did that; by one process of the server.

One that was broken off, because its process died or the server ended, goes on where it was, at once. A data directory
that was never scrubbed is due so many days after the first start that saw it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Final, Protocol

from coatcheck.background.leader import FileLeader
from coatcheck.clock import Clock
from coatcheck.core.times import DAY_S

_LOOK_S: Final = 60.0  # how often a process looks whether a scrub is due

log = logging.getLogger("coatcheck")


class Scrubber(Protocol):
    """Scrubs one data directory. All calls block."""

    def begun_or_ended(self) -> tuple[bool, float]:
        """Whether one is unfinished; when the last whole one ended, Unix seconds, 0 for never."""
        ...

    def note_start(self) -> None:
        """There was none yet: the days are counted from now."""
        ...

    def run(self, stop: Event) -> str:
        """Scrub; what came out, in words, or "" if it was stopped. Problems are lines of the log."""
        ...


async def keep_scrubbing(scrubber: Scrubber, data: Path, *, every_days: int, clock: Clock) -> None:
    """Scrub when it is due, until cancelled."""
    leader = FileLeader(data / "scrub-schedule.lock")
    try:
        while True:
            if await leader.leads():
                try:
                    await _scrub_if_due(scrubber, every_days, clock)
                except Exception:
                    log.exception("the scrub failed; it is tried again")
            await asyncio.sleep(_LOOK_S)
    finally:
        await leader.close()


async def _scrub_if_due(scrubber: Scrubber, every_days: int, clock: Clock) -> None:
    unfinished, ended_at = await asyncio.to_thread(scrubber.begun_or_ended)
    if not unfinished and not ended_at:
        await asyncio.to_thread(scrubber.note_start)
    elif unfinished or clock() - ended_at >= every_days * DAY_S:
        outcome = await _stoppable(scrubber.run)
        if outcome:
            log.info("scrubbed %s", outcome)


async def _stoppable(run: Callable[[Event], str]) -> str:
    """Run in a thread; whoever cancels waits until it has stopped."""
    stop = Event()
    running = asyncio.ensure_future(asyncio.to_thread(run, stop))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        while not running.done():
            with suppress(asyncio.CancelledError):  # who has cancelled may do so again
                await asyncio.wait([running])
        raise
