"""What is left of a body when its request was answered already."""

from __future__ import annotations

import contextlib

from coatcheck.core.limits import DRAIN_MAX_BYTES

from .request import Body, BodyFailed


async def read_little(body: Body) -> None:
    """Read on until the body ends, fails, or turns out to be more than DRAIN_MAX_BYTES."""
    drained = 0
    with contextlib.suppress(BodyFailed):
        async for chunk in body.chunks():
            drained += len(chunk)
            if drained > DRAIN_MAX_BYTES:
                return
