"""Bytes and rows, in the order that loses nothing: a blob is kept when a committed row names it, discarded when the
catalog refused, and removed only after the commit that let go of it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from coatcheck.core.errors import OssError
from coatcheck.ports.byte_store import BlobWriter
from coatcheck.ports.catalog import AlreadyThere, Gone, NoSpace, Stale

from .context import Ports

T = TypeVar("T")


async def settle(write: Awaitable[T], blob: BlobWriter | None, *, gone: OssError, exists: OssError | None = None) -> T:
    """Wait for a mutation that names the blob, if there is one, and keep or discard that.

    Only a known refusal discards it: after anything else (a cancelled wait, a disk error) the commit may stand, and
    recovery at the next start finds out.

    Args:
        gone, exists: what the catalog's Gone and AlreadyThere are for the client.
    """
    try:
        result = await write
    except (AlreadyThere, Gone, NoSpace, OssError, Stale) as error:
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
    """Remove the blobs, then forget them. A crash in between is finished by recovery at the next start."""
    if blob_ids:
        await ports.byte_store.remove(blob_ids)
        await ports.catalog.forget_blobs(blob_ids)
