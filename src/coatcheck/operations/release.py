"""Removing bytes that no row names any more; always after the commit that let go of them."""

from __future__ import annotations

from collections.abc import Sequence

from .context import Ports


async def release(ports: Ports, blob_ids: Sequence[str]) -> None:
    """Remove the blobs, then forget them. A crash in between is finished by recovery at the next start."""
    if blob_ids:
        await ports.byte_store.remove(blob_ids)
        await ports.catalog.forget_blobs(blob_ids)
