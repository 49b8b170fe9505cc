"""One mutation on its way through a writer's thread, see `group_commit.py`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from ..core.errors import OssError
from ..core.limits import WRITE_WAIT_S
from ..ports.catalog import AlreadyThere, Gone, Immutable, NotEmpty, NotWritten, Stale, TooMany, Unknown, Unmet
from ..ports.quota import OverQuota
from .sql.contract import Held

C = TypeVar("C")
T = TypeVar("T")

_REFUSALS: Final = (AlreadyThere, Gone, Immutable, NotEmpty, OverQuota, Stale, TooMany, Unmet, OssError)


class Lost(Exception):
    """The commit may stand, or not."""


class Job(Generic[C, T]):
    """The mutation, and the future that its caller waits for."""

    def __init__(self, change: Callable[[C], T], held: Held, gives_up: Callable[[], NotWritten]) -> None:
        self.held = held
        self._gives_up = gives_up
        self.loop = asyncio.get_running_loop()
        self.error: Exception | None = None
        self._change: Callable[[C], T] | None = change  # None once it is withdrawn
        self._result: T
        self._future: asyncio.Future[None] = self.loop.create_future()
        self._claimed = threading.Lock()
        self.over = False

    def claim(self) -> bool:
        """Whoever asks first, the writer to run it or the cancelled caller to withdraw it, gets it."""
        return self._claimed.acquire(blocking=False)

    def run(self, connection: C) -> None:
        self.error = None
        try:
            assert self._change is not None
            self._result = self._change(connection)
        except _REFUSALS as refusal:
            self.error = refusal

    def lose(self, error: Lost) -> None:
        """It ran, and whether it stands is unknown; what it refused has changed nothing in any case."""
        self.error = self.error or Unknown(str(error))

    def give_up(self) -> None:
        """On the event loop: the caller has waited long enough, unless the mutation is being run."""
        if self._withdraw():
            self.error = self._gives_up()
            self.settle()

    def _withdraw(self) -> bool:
        """Take it back, and let go of what it holds, if the writer hasn't begun."""
        if not self.claim():
            return False
        self._change = None
        self.over = True
        return True

    def settle(self) -> None:
        """On the event loop: let the caller go on."""
        self.over = True
        if not self._future.done():
            self._future.set_result(None)

    async def outcome(self) -> T:
        limit = self.loop.call_later(WRITE_WAIT_S, self.give_up)
        try:
            cancelled = await self._settled()
        finally:
            limit.cancel()
        if self.error is None:
            return self._result
        if cancelled:
            raise asyncio.CancelledError
        raise self.error

    async def _settled(self) -> bool:
        """Wait for the writer; True if the caller was cancelled meanwhile, too late to withdraw."""
        cancelled = False
        while not self.over:
            try:
                await self._future
            except asyncio.CancelledError:
                if self._withdraw():
                    raise
                cancelled = True
                self._future = self.loop.create_future()
        return cancelled
