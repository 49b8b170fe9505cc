"""Which process does a kind of background work: of one machine whoever has the lock on a file, as long as it lives; and
of several gateways whoever has the lease besides."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from coatcheck.core.limits import LEASE_S
from coatcheck.ports.catalog import NotWritten, Unknown
from coatcheck.ports.leases import Fence, Leases, fence_now

_RENEW_S: Final = 20.0
_GIVE_BACK_WAIT_S: Final = 1.0


class Leader(Protocol):
    """Of one work, in one task: that which asks."""

    async def leads(self) -> bool:
        """Whether this process leads, or does so from now on. Never waits for another one."""
        ...

    async def last_day(self) -> int:
        """For what is done once a day: the day that was noted last, by whomever; -1 for none."""
        ...

    async def note_day(self, day: int) -> None: ...

    async def close(self) -> None:
        """Give it up. May be called twice."""
        ...


LeaderOf = Callable[[str], Leader]  # by the name of the work


def leaders_in(data: Path, leases: Leases | None = None) -> LeaderOf:
    """Of a server on that data directory; and of all gateways, where there are leases."""

    def leader_of(name: str) -> Leader:
        first = FileLeader(data / f"{name}.lock")
        return first if leases is None else LeaseLeader(first, leases, name)

    return leader_of


class FileLeader:
    """A lock file in the data directory. The kernel gives it up when its holder dies. Days are in a file beside it."""

    def __init__(self, path: Path) -> None:
        self._days = path.with_suffix(".day")
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    async def leads(self) -> bool:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    async def last_day(self) -> int:
        try:
            return int(self._days.read_text())
        except (FileNotFoundError, ValueError):
            return -1

    async def note_day(self, day: int) -> None:
        unfinished = self._days.with_suffix(".day.new")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{day}\n")
        unfinished.rename(self._days)

    async def close(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)


class LeaseLeader:
    """A lease, which one process of each gateway at most asks for, and renews while it has it. Whatever the task that
    asked commits from then on is held to the lease; see `ports.leases`."""

    def __init__(self, first: FileLeader, leases: Leases, name: str) -> None:
        self._first = first
        self._leases = leases
        self._name = name
        self._holder = secrets.token_hex(16)
        self._renewed_at = -float(LEASE_S)
        self._token = 0
        self._renewing: asyncio.Task[None] | None = None

    async def leads(self) -> bool:
        if not await self._first.leads():
            return False
        if time.monotonic() - self._renewed_at >= 2 * _RENEW_S and not await self._take():
            return False
        fence_now.set(Fence(self._name, self._token))
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
        return True

    async def last_day(self) -> int:
        return await self._leases.last_day(self._name)

    async def note_day(self, day: int) -> None:
        await self._leases.note_day(self._name, day)

    async def close(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])
            self._renewing = None
            fence_now.set(None)
            with suppress(NotWritten, Unknown, TimeoutError):  # it ends by itself
                async with asyncio.timeout(_GIVE_BACK_WAIT_S):
                    await self._leases.give_back(self._name, self._holder)
        await self._first.close()

    async def _take(self) -> bool:
        """The token is another one if somebody else had the lease meanwhile: what was begun before that is fenced off,
        and the next look begins with the new one."""
        begun = time.monotonic()
        try:
            token = await self._leases.take(self._name, self._holder)
        except (NotWritten, Unknown):
            return False
        if token is None:
            return False
        self._renewed_at, self._token = begun, token
        return True

    async def _renew(self) -> None:
        """What was lost is left to the next question."""
        while True:
            await asyncio.sleep(_RENEW_S)
            if time.monotonic() - self._renewed_at < LEASE_S:
                await self._take()
