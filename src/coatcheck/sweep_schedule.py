"""When released blobs are swept, and the time is noted: every few minutes, by one process of the server, or of
all gateways."""

from __future__ import annotations

import asyncio
import logging

from coatcheck.background.leader import Leader
from coatcheck.clock import Clock
from coatcheck.core.limits import SWEEP_EVERY_S
from coatcheck.operations.context import Ports

log = logging.getLogger("coatcheck")


async def keep_sweeping(ports: Ports, leader: Leader, clock: Clock) -> None:
    """Sweep until cancelled. Who leads goes on to, while it lives; another takes over then.

    Args:
        leader: closed at the end.
        clock: wall time.
    """
    try:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            if await leader.leads():
                await _sweep(ports, clock())
                await _note_time(ports)
    finally:
        await leader.close()


async def _note_time(ports: Ports) -> None:
    """A server that runs without any write lets the next start know how late it has become."""
    try:
        await ports.catalog.note_time()
    except Exception as error:
        log.warning("the time could not be noted: %s", error)


async def _sweep(ports: Ports, now: float) -> None:
    """Each by itself: one that fails keeps no other from being done."""
    from coatcheck.operations.sweep import forget_arrivals, forget_links, sweep  # first needed long after the start

    works = (  # what is left when it fails, and what is said of how many
        (sweep, "released blobs are left for the next sweep", "swept blobs"),
        (forget_links, "links that ended are left for the next sweep", "forgot ended links"),
        (
            forget_arrivals,
            "files that nobody accepted are left for the next sweep",
            "removed files of upload boxes that nobody accepted",
        ),
    )
    for work, left, done in works:
        try:
            count = await work(ports, now)
        except Exception as error:
            log.warning("%s: %s", left, error)
        else:
            if count:
                log.info("%s=%d", done, count)
