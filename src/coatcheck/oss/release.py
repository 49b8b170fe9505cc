"""Bytes and rows, in the order that loses nothing: a blob is kept when a committed row names it, discarded when the
catalog refused, and removed only after the commit that let go of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import Final, TypeVar

from coatcheck.core.errors import OssError
from coatcheck.ports.byte_store import BlobWriter
from coatcheck.ports.catalog import AlreadyThere, Gone, NotWritten, Stale

from .context import Ports

T = TypeVar("T")

log = logging.getLogger("coatcheck")

_WAITED_FOR: Final = 4  # blobs, as those of simple objects
_removals: set[asyncio.Task[None]] = set()  # the event loop itself remembers tasks only weakly


async def settle(write: Awaitable[T], blob: BlobWriter | None, *, gone: OssError, exists: OssError | None = None) -> T:
    """Wait for a mutation that names the blob, if there is one, and keep or discard that.

    Only a known refusal discards it: after anything else (a cancelled wait, a disk error) the commit may stand, and
    recovery at the next start finds out.

    Args:
        gone, exists: what the catalog's Gone and AlreadyThere are for the client.
    """
    try:
        result = await write
    except (AlreadyThere, Gone, NotWritten, OssError, Stale) as error:
        if blob is not None:
            await blob.discard()
        if isinstance(error, Gone):
            raise gone from None
        if isinstance(error, AlreadyThere) and exists is not None:
            raise exists from None
        raise
    if blob is not None:
        await blob.keep()
    return result


async def release(ports: Ports, blob_ids: Sequence[str]) -> None:
    """Remove the blobs, then forget them. A crash in between is finished by recovery at the next start, and so is a
    removal that fails: what let go of them is committed and told so.

    Each removal costs a sync of a directory, so nobody waits for those of an object that was made of many blobs.
    """
    if len(blob_ids) <= _WAITED_FOR:
        if blob_ids:
            await _remove_if_possible(ports, blob_ids)
        return
    removal = asyncio.create_task(_remove_if_possible(ports, blob_ids))
    _removals.add(removal)
    removal.add_done_callback(_removals.discard)


async def removed() -> None:
    """Wait for the removals that are under way."""
    await asyncio.gather(*_removals)


async def _remove(ports: Ports, blob_ids: Sequence[str]) -> None:
    await ports.byte_store.remove(blob_ids)
    await ports.catalog.forget_blobs(blob_ids)


async def _remove_if_possible(ports: Ports, blob_ids: Sequence[str]) -> None:
    """What cannot be removed now, because the server ends or the disk has a fault, is at the next start."""
    try:
        await _remove(ports, blob_ids)
    except (OSError, RuntimeError, NotWritten) as error:
        log.warning("%d released blobs are left for the next start: %s", len(blob_ids), error)
