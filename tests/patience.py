"""Waiting for what is certain to come, however slow or busy the machine is.

A test waits for an event, never for a time in which something should have happened. What may be waited for is bounded
only so that a fault which hangs fails: by far more than any machine needs.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

HANG_S: Final = 180.0  # who takes longer hangs


def wait_until(holds: Callable[[], object], what: str | Callable[[], str] = "it never came to be") -> None:
    """Look again and again until it holds.

    Raises: AssertionError, with `what`, if it still doesn't after HANG_S.
    """
    deadline = time.monotonic() + HANG_S
    while not holds():
        assert time.monotonic() < deadline, what if isinstance(what, str) else what()
        time.sleep(0.005)


async def until(holds: Callable[[], object]) -> None:
    """As `wait_until`, while the event loop goes on."""
    async with asyncio.timeout(HANG_S):
        while not holds():
            await asyncio.sleep(0.005)


@contextmanager
def fails_if_it_hangs() -> Iterator[None]:
    """For what has nothing to wait for, and only computes. In the main thread."""

    def hang(*_: object) -> None:
        raise AssertionError(f"it took longer than {HANG_S:.0f} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
