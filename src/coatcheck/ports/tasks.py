"""Work that goes on after its request has been answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from coatcheck.core.errors import NOT_IMPLEMENTED

Work = Callable[[float], Awaitable[None]]


class Tasks(Protocol):
    async def accept(self, note: str, work: Work) -> str:
        """Have the work done, soon and once; what it raises is logged.

        Args:
            note: what it is, on one line. It is durable before this returns: a task that a crash ended is named in the
                log when the server next starts.
            work: is given Unix seconds at the moment when it begins.
        Returns: the task's id.
        Raises: OssError TASKS_BUSY, when too many wait; NOT_IMPLEMENTED, where nothing is done later.
        """
        ...


class NoTasks:
    """Where nothing is done later."""

    async def accept(self, note: str, work: Work) -> str:
        raise NOT_IMPLEMENTED("This server does nothing in the background.")
