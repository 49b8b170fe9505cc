"""Content on its way to the store, and to a client beside it who may be slow, or leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from coatcheck.core.body import Stream
from coatcheck.core.errors import Broken
from coatcheck.core.limits import MIRROR_CLIENT_S

_WAITING_MAX: Final = 16  # pieces between the two, 64 KiB each at most


class Tee:
    """The client's last piece comes once `stored` was called: who has all of it knows that it is stored."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING_MAX)
        self._last = b""
        self._left = False
        self._failed = False

    def stream(self, size: int) -> Stream:
        return Stream(self._read(), size, self._leave)

    async def pass_on(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same chunks, for the store."""
        async for chunk in chunks:
            if self._last:
                await self._give(self._last)
            self._last = chunk
            yield chunk

    async def stored(self) -> None:
        await self._give(self._last)
        await self._give(None)

    def failed(self) -> None:
        """The client's content breaks off, unless it has it all."""
        self._failed = True
        self._empty()
        self._pieces.put_nowait(None)

    async def _give(self, piece: bytes | None) -> None:
        if self._left or self._failed:
            return
        try:
            async with asyncio.timeout(MIRROR_CLIENT_S):
                await self._pieces.put(piece)
        except TimeoutError:
            self.failed()

    async def _read(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not None:
            yield piece
        if self._failed:
            raise Broken

    async def _leave(self) -> None:
        """The client has gone, or has it all; who waits to give waits no more."""
        self._left = True
        self._empty()

    def _empty(self) -> None:
        while not self._pieces.empty():
            self._pieces.get_nowait()
