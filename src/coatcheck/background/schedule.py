"""When background work is looked for: every few seconds, by one process of the server, or of all gateways."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from coatcheck.clock import Clock
from coatcheck.ports.catalog import NotWritten, Unknown

from .leader import Leader

LOOK_S: Final = 5.0
_CANCEL_AGAIN_S: Final = 0.5

log = logging.getLogger("coatcheck")


async def keep_doing(work: Callable[[float], Awaitable[object]], leader: Leader, clock: Clock, name: str) -> None:
    """Do it again and again until cancelled, while this process leads. What goes wrong is said and tried again.

    Args:
        work: one look, and what is due; told the time.
        leader: closed at the end.
        clock: wall time.
        name: of the work, for the log.
    """
    try:
        while True:
            await asyncio.sleep(LOOK_S)
            if await leader.leads():
                try:
                    await work(clock())
                except (NotWritten, Unknown) as error:
                    log.warning("%s goes on later: %s", name, error)
                except Exception:
                    log.exception("%s failed; it is tried again", name)
    finally:
        await leader.close()


async def end(task: asyncio.Task[None]) -> None:
    """Cancel work that would go on forever, and wait for its end.

    Who is cancelled while a commit is under way gets the commit's outcome instead (`engines.group_commit`), since what
    belongs to it has to be finished; so one cancellation may be without effect.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_CANCEL_AGAIN_S)
