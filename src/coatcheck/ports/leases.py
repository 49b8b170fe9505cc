"""Who does background work among several gateways: whoever has its lease.

A lease ends by itself when its holder is silent for a while, and may then be another's, while the old holder, which was
only slow, believes in it still. So each has a token, a number that grows with every other holder, and whatever a
background task commits under a lease is committed only while its token is the newest. The task has its fence in a
context variable: what it calls needs no argument for it, and can't forget it.

Where one machine does everything there are no leases: there the kernel's file locks do.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

from msgspec import Struct

from .catalog import NotWritten


class Fence(Struct, frozen=True):
    """What commits are held to.

    Attributes:
        name: of the lease.
        token: that it had when it was taken.
    """

    name: str
    token: int


class LeaseLost(NotWritten):
    """Another process has the lease, so nothing was committed."""


fence_now: ContextVar[Fence | None] = ContextVar("fence_now", default=None)


class Leases(Protocol):
    """See the module. Each raises NotWritten, Unknown."""

    async def take(self, name: str, holder: str) -> int | None:
        """Take a lease, or renew it, for LEASE_S from now; its token. None while another holder has it."""
        ...

    async def give_back(self, name: str, holder: str) -> None:
        """Let another have it at once. Fine if it is another's already."""
        ...

    async def last_day(self, name: str) -> int:
        """That was noted last, by whomever; -1 for none."""
        ...

    async def note_day(self, name: str, day: int) -> None:
        """What the lease is for was done for that day. The lease is there."""
        ...
