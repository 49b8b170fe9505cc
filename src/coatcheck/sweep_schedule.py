"""When released blobs are swept, and the time is noted: every few minutes, by one process of the server. The lock
decides which."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from coatcheck.background.leader import Leader
from coatcheck.clock import Clock
from coatcheck.core.limits import SWEEP_EVERY_S
from coatcheck.operations.context import Ports
from coatcheck.operations.sweep import forget_arrivals, forget_links, sweep

log = logging.getLogger("coatcheck")


async def keep_sweeping(ports: Ports, data: Path, clock: Clock) -> None:
    """Sweep until cancelled. Whoever has the lock keeps it while it lives; another takes over then.

    Args:
        clock: wall time.
    """
    leader = Leader(data / "sweep.lock")
    try:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            if leader.leads():
                await _sweep(ports, clock())
                await _note_time(ports)
    finally:
        leader.close()


async def _note_time(ports: Ports) -> None:
    """A server that runs without any write lets the next start know how late it has become."""
    try:
        await ports.catalog.note_time()
    except Exception as error:
        log.warning("the time could not be noted: %s", error)


async def _sweep(ports: Ports, now: float) -> None:
    try:
        swept = await sweep(ports, now)
    except Exception as error:
        log.warning("released blobs are left for the next sweep: %s", error)
    else:
        if swept:
            log.info("swept blobs=%d", swept)
    try:
        forgotten = await forget_links(ports, now)
    except Exception as error:
        log.warning("links that ended are left for the next sweep: %s", error)
    else:
        if forgotten:
            log.info("forgot ended links=%d", forgotten)
    try:
        ended = await forget_arrivals(ports, now)
    except Exception as error:
        log.warning("files that nobody accepted are left for the next sweep: %s", error)
    else:
        if ended:
            log.info("removed files of upload boxes that nobody accepted=%d", ended)
