"""Downloads that run are looked at again when the register of links has changed: a cancelled link sends nothing more.

Each worker looks for itself, at its own connections, several times a second; while nothing changes, that is to compare
one number.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from coatcheck.clock import Clock
from coatcheck.core.errors import OssError
from coatcheck.exchange import Exchange
from coatcheck.operations.limited import LimitedDownloads, find_limits
from coatcheck.ports.links import Links

_LOOK_S: Final = 0.25
_NEWS_S: Final = 60.0

log: Final = logging.getLogger("coatcheck")


class Running(Protocol):
    """A connection that sends a reply, or whose last one the client may not have all of."""

    @property
    def exchange(self) -> Exchange | None: ...

    def reset(self) -> bool:
        """End it, so that nothing more of what is buffered goes out. False: to be called again in a moment."""
        ...


async def watch_links(downloads: LimitedDownloads, running: Callable[[], Iterable[Running]], clock: Clock) -> None:
    """Runs until it is cancelled."""
    register, loop = downloads.register, asyncio.get_running_loop()
    number, news_at = register.number(), loop.time() + _NEWS_S
    while True:
        await asyncio.sleep(_LOOK_S)
        try:
            newest = register.number()
            if newest != number and await end_refused(register, running(), clock()):
                number = newest
            if loop.time() >= news_at:
                await downloads.keep_known()
                news_at = loop.time() + _NEWS_S
        except Exception:
            log.exception("running downloads of cancelled links cannot be looked for")


async def end_refused(register: Links, running: Iterable[Running], now: float) -> bool:
    """Reset every connection whose link is not good any more; False if some are to be looked at again in a moment."""
    are_ended = True
    for connection in list(running):
        exchange = connection.exchange
        if exchange is None or exchange.link is None:
            continue
        try:
            await find_limits(register, exchange.link, exchange.request.client, now)
        except OssError:
            if connection.exchange is exchange:
                are_ended &= connection.reset()
    return are_ended
