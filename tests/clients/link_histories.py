"""Histories of objects and of links to them, through several gateways: uses that are taken, links that are cancelled,
rules that come and go. What a link does is a value of its own: "1" while it is good, nothing when it isn't."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from coatcheck import Links
from coatcheck.client.errors import NotFound

from ..builders import a_presigner
from .linear import Event
from .test_consistency import Connection, History


class LinkedHistory(History):
    """What a few clients do to two keys and to three links: one that may be used once, one that gets cancelled, one
    that a rule shuts at times.

    Args:
        desks: ways to the registers of all gateways.
    """

    def __init__(
        self, bucket: str, number: int, connections: asyncio.Queue[Connection], desks: asyncio.Queue[Links]
    ) -> None:
        super().__init__(bucket, number, connections)
        self._desks = desks
        self._agents = 0
        self._shown, self._shut = f"{self._prefix}shown", f"{self._prefix}shut"
        link = a_presigner("http://127.0.0.1").presign
        self._once = link("GET", bucket, self._shown, expires=1000).url
        self._open = link("GET", bucket, self._shown, expires=1001).url
        self._ruled = link("GET", bucket, self._shut, expires=1000).url
        self.taken = self.refused = 0

    async def run(self) -> None:
        start = time.monotonic()
        connection = await self._connections.get()
        for key in (self._shown, self._shut):
            assert (await connection.ask("PUT", self._bucket, key, body=b"shown"))[0] == 200
        self._connections.put_nowait(connection)
        await self._desk(lambda desk: desk.register(self._once, downloads=1))
        good = {self._once: "1", self._open: "1", self._ruled: "1"}
        self.events.append(Event(start, time.monotonic(), writes=good))
        await super().run()
        await self._desk(lambda desk: desk.remove_rule(bucket=self._bucket, key=self._shut))

    def _steps(self) -> list[Callable[[Connection], Awaitable[None]]]:
        links = [self._take, self._take, self._follow_open, self._follow_ruled, self._cancel, self._rule, self._unrule]
        return [*super()._steps(), *links]

    async def _desk(self, act: Callable[[Links], object]) -> tuple[float, bool, float]:
        """Through any gateway: when it began, whether it was done, when it ended."""
        desk = await self._desks.get()
        start = time.monotonic()
        try:
            await asyncio.to_thread(act, desk)
        except NotFound:  # a rule that isn't there
            return start, False, time.monotonic()
        finally:
            self._desks.put_nowait(desk)
        return start, True, time.monotonic()

    async def _take(self, connection: Connection) -> None:
        start, is_good, end = await self._follow(connection, self._once)
        self.taken += is_good is True
        self.events.append(
            Event(start, end, reads={self._once: "1"}, writes={self._once: None})
            if is_good
            else Event(start, end, reads={self._once: None})
        )

    async def _follow_open(self, connection: Connection) -> None:
        await self._see(connection, self._open)

    async def _follow_ruled(self, connection: Connection) -> None:
        await self._see(connection, self._ruled)

    async def _see(self, connection: Connection, url: str) -> None:
        start, is_good, end = await self._follow(connection, url)
        if is_good is not None:
            self.events.append(Event(start, end, reads={url: "1" if is_good else None}))

    async def _follow(self, connection: Connection, url: str) -> tuple[float, bool | None, float]:
        """As another receiver each time. None: the reply was on its way when the link was shut, and it ended."""
        self._agents += 1
        start = time.monotonic()
        status = await connection.follow(url, f"{self._prefix}{self._agents}")
        assert status in ((200, 403) if url == self._once else (200, 403, 0)), status
        self.refused += status == 403
        return start, None if status == 0 else status == 200, time.monotonic()

    async def _cancel(self, _unused: Connection) -> None:
        start, _, end = await self._desk(lambda desk: desk.cancel(self._open))
        self.events.append(Event(start, end, writes={self._open: None}))

    async def _rule(self, _unused: Connection) -> None:
        start, _, end = await self._desk(lambda desk: desk.need_registration(bucket=self._bucket, key=self._shut))
        self.events.append(Event(start, end, writes={self._ruled: None}))

    async def _unrule(self, _unused: Connection) -> None:
        start, was_there, end = await self._desk(lambda desk: desk.remove_rule(bucket=self._bucket, key=self._shut))
        before = None if was_there else "1"
        self.events.append(Event(start, end, reads={self._ruled: before}, writes={self._ruled: "1"}))
