"""A look at the numbers each second, for what no request asks for: certificates of own domains, and what running
downloads may still be allowed by: links, keys, policies."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from ...ports.catalog import NotWritten
from .known import Known
from .links import PostgresLinks

_EVERY_S: Final = 1.0


class Watch:
    """Begun with the first request of a process, on its event loop."""

    def __init__(self, known: Known, links: PostgresLinks) -> None:
        self._known = known
        self._links = links
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """May be called often."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._look())

    def close(self) -> None:
        """May be called twice, and when the loop has ended."""
        if self._task is not None and not self._task.get_loop().is_closed():
            self._task.cancel()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            with suppress(NotWritten):
                await self._known.look()
                await self._known.domain("")
                await self._links.look_again()
