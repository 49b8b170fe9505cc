"""Turns at something scarce, shared out fairly: to buckets in turn, and within a bucket to its clients in turn.

Whoever asks for much waits behind himself: the first job of a client goes before the second one of any other client of
the same bucket, and the first of a bucket before the second one of any other bucket.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque

from msgspec import Struct


class Bounds(Struct, frozen=True):
    """How many may wait: in all, of one client, for one bucket."""

    all: int
    client: int
    bucket: int


class Full(Exception):
    """Too many wait already: in all, of this client, or for this bucket."""


class Turns:
    """For one event loop."""

    def __init__(self, at_once: int, bounds: Bounds) -> None:
        self._at_once = self._free = at_once
        self._bounds = bounds
        # Bucket -> client -> those of its jobs that wait. Dictionaries as rings: the first key is the next one.
        self._waiting: dict[str, dict[str, deque[asyncio.Future[None]]]] = {}
        self._of_client: Counter[str] = Counter()
        self._of_bucket: Counter[str] = Counter()

    @property
    def running(self) -> int:
        """How many have a turn."""
        return self._at_once - self._free

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return self._of_bucket.total()

    async def take(self, client: str, bucket: str) -> None:
        """Wait for a turn; whoever has got one calls `end`. Raises: Full."""
        if self._free:
            self._free -= 1
            return
        self._check(client, bucket)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(bucket, {}).setdefault(client, deque()).append(turn)
        self._of_client[client] += 1
        self._of_bucket[bucket] += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._withdraw(client, bucket, turn)
            else:  # it came in the same moment
                self.end()
            raise

    def _check(self, client: str, bucket: str) -> None:
        full = (
            self._of_bucket.total() >= self._bounds.all
            or self._of_client[client] >= self._bounds.client
            or self._of_bucket[bucket] >= self._bounds.bucket
        )
        if full:
            raise Full

    def end(self) -> None:
        """The next one who waits has the turn."""
        turn = self._next()
        while turn is not None and turn.done():  # its client has left, and doesn't know it yet
            turn = self._next()
        if turn is None:
            self._free += 1
        else:
            turn.set_result(None)

    def _next(self) -> asyncio.Future[None] | None:
        """Of the bucket whose turn it is, the client whose turn it is; both then go to the end of their rings."""
        if not self._waiting:
            return None
        bucket = next(iter(self._waiting))
        clients = self._waiting.pop(bucket)
        client = next(iter(clients))
        queue = clients.pop(client)
        turn = queue.popleft()
        if queue:
            clients[client] = queue
        if clients:
            self._waiting[bucket] = clients
        self._count_out(client, bucket)
        return turn

    def _withdraw(self, client: str, bucket: str, turn: asyncio.Future[None]) -> None:
        clients = self._waiting.get(bucket, {})
        if turn not in clients.get(client, ()):  # `_next` was faster
            return
        clients[client].remove(turn)
        if not clients[client]:
            del clients[client]
        if not clients:
            del self._waiting[bucket]
        self._count_out(client, bucket)

    def _count_out(self, client: str, bucket: str) -> None:
        for counter, name in ((self._of_client, client), (self._of_bucket, bucket)):
            counter[name] -= 1
            if not counter[name]:
                del counter[name]
