"""When times of last access are kept: every few seconds, by each process what it has noted, and at its end."""

from __future__ import annotations

import asyncio
import logging

from coatcheck.core.limits import ACCESS_KEEP_EVERY_S
from coatcheck.operations.context import Ports

log = logging.getLogger("coatcheck")


async def keep_accesses(ports: Ports) -> None:
    """Keep what is noted until cancelled."""
    while True:
        await asyncio.sleep(ACCESS_KEEP_EVERY_S)
        await flush_accesses(ports)


async def flush_accesses(ports: Ports) -> None:
    """What can't be kept is said in the log."""
    try:
        await ports.accesses.flush(ports.catalog)
    except Exception as error:
        log.warning("times of last access are not kept: %s", error)
