"""What is removed when its time has come: blobs that nobody names, rows of links that ended long ago, and files that
nobody accepted."""

from __future__ import annotations

from typing import Final

from coatcheck.core.limits import LINK_KEPT_S, SWEEP_AFTER_S
from coatcheck.ports.byte_store import RemovalHeld

from .arrivals import remove
from .context import Ports

_AT_ONCE: Final = 256  # blobs, or links


async def forget_links(ports: Ports, now: float) -> int:
    """Forget links that have ended by themselves long enough ago; how many.

    Their signatures are refused for their age, so nothing else changes, unless the clock is set back afterwards. So one
    that has jumped ahead isn't believed here, as it ends no retention (`Catalog.moments`).
    Raises: NotWritten, Unknown.
    """
    forgotten, before = 0, int(min(now, ports.catalog.moments().earliest) - LINK_KEPT_S)
    while ended := await ports.links.register.forget_ended(before, _AT_ONCE):
        forgotten += ended
    return forgotten


async def forget_arrivals(ports: Ports, now: float) -> int:
    """Remove files of upload boxes whose time is over: that nobody accepted, or that never came whole; how many.

    Raises: NotWritten, Unknown.
    """
    forgotten, before = 0, int(now)
    while ended := await ports.arrivals.list_ended(before, _AT_ONCE):
        for arrival in ended:
            forgotten += await remove(ports, arrival, ended_before=before)
    return forgotten


async def sweep(ports: Ports, now: float) -> int:
    """Remove what was released long enough ago; how many blobs. What was begun and given up is released first.

    A blob is spared for SWEEP_AFTER_S at least, in which whoever released it removes it, and for as long as the byte
    store asks for. Several may sweep at once: removing what is gone does no harm.
    While a backup copies blobs none is removed. Raises: OSError, NotWritten, Unknown; the rest is left for the next
    sweep.
    """
    await ports.byte_store.release_unnamed(now)
    before, swept = int(now - max(SWEEP_AFTER_S, ports.byte_store.removal_grace_s)), 0
    while blob_ids := await ports.catalog.released_blobs(before, limit=_AT_ONCE):
        try:
            await ports.byte_store.remove(blob_ids)
        except RemovalHeld:
            break
        await ports.catalog.forget_blobs(blob_ids)
        swept += len(blob_ids)
    return swept
