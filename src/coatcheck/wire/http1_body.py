"""A request's body on its way in: what the connection feeds, whoever answers the request reads, as much as there is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from coatcheck.core.limits import DRAIN_SILENCE_S

from .draining import read_little
from .http1_head import Head
from .http1_roles import Receiving
from .request import BodyFailed, BodyStalled


class Body:
    """A request's body on its way in. It ends, or fails."""

    __slots__ = (
        "_connection",
        "_failure",
        "_more",
        "_pieces",
        "_timeout_s",
        "_waits_for_leave",
        "ended",
        "received",
        "waiting",
    )

    def __init__(self, connection: Receiving, head: Head) -> None:
        self._connection = connection
        self._pieces: deque[bytes] = deque()
        self._more: asyncio.Future[None] | None = None
        self._failure: BodyFailed | None = None
        self._timeout_s = connection.body_timeout_s
        self._waits_for_leave = not head.is_old and head.headers.get("expect", "").lower() == "100-continue"
        self.ended = False
        self.waiting = self.received = 0  # bytes

    @property
    def is_whole(self) -> bool:
        """It ended as it should, so that what follows is another request."""
        return self.ended and self._failure is None

    async def chunks(self) -> AsyncIterator[bytes]:
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self.waiting -= len(piece)
                self._connection.take_more()
                yield piece
            if self._failure is not None:
                raise self._failure
            if self.ended:
                return
            await self._wait()

    async def _wait(self) -> None:
        if self._waits_for_leave:
            self._waits_for_leave = False
            self._connection.allow_body()
        self._more = asyncio.get_running_loop().create_future()
        self._connection.wait_for(self._timeout_s)
        try:
            await self._more
        finally:
            self._more = None
            self._connection.stop_waiting()

    async def drain(self) -> None:
        """Read what little is left, so that a refused client finds the reply instead of a reset connection. One that
        falls silent may hold its body back until it is answered."""
        if self.ended or self._failure is not None or self._waits_for_leave:
            return
        self._timeout_s = min(self._timeout_s, DRAIN_SILENCE_S)
        await read_little(self)

    # --- what the connection tells ---

    def feed(self, piece: bytes) -> None:
        self._waits_for_leave = False
        self._pieces.append(piece)
        self.waiting += len(piece)
        self.received += len(piece)
        self._wake()

    def finish(self) -> None:
        self.ended = True
        self._wake()

    def fail(self, failure: BodyFailed) -> None:
        if not self.ended:
            self._failure = failure
            self._wake()

    def stall(self) -> bool:
        """Its time is up; whether anybody waited."""
        if self._more is None:
            return False
        self.fail(BodyStalled())
        return True

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)
