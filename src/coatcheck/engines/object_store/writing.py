"""A blob on its way into an object store: in one request, or, once it has become larger than that, in parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from time import monotonic
from typing import Final

import obstore

from ...core.limits import BYTES_ON_THE_WAY_MAX, BYTES_PUT_MAX_BYTES
from ...ports.blob_intents import BlobIntents
from ...ports.catalog import BytesAway, NotWritten, Unknown
from ..trouble import tell_trouble
from .line import Line
from .place import path_of

_PARTS_AT_ONCE: Final = 2
_PARTS_HELD_BYTES: Final = (1 + _PARTS_AT_ONCE) * BYTES_PUT_MAX_BYTES  # one that gathers, the others on their way
_PIECES_WAITING: Final = 1
_RENEW_EVERY_S: Final = 3600.0
_ABORT_WAIT_S: Final = 5.0
_aborts: set[asyncio.Task[None]] = set()  # the event loop itself remembers tasks only weakly


class Room:
    """How many bytes of uploads a process may hold."""

    def __init__(self) -> None:
        self.left = BYTES_ON_THE_WAY_MAX

    def take(self, size: int) -> None:
        """Raises: BytesAway."""
        if size > self.left:
            tell_trouble("uploads are refused", f"{BYTES_ON_THE_WAY_MAX} bytes are on their way to the byte store")
            raise BytesAway("Too much is on its way to the byte store.")
        self.left -= size


class ObjectBlobWriter:
    """See `ports.byte_store`. `begin` comes first."""

    def __init__(self, line: Line, intents: BlobIntents, room: Room, blob_id: str) -> None:
        self.blob_id = blob_id
        self._line = line
        self._intents = intents
        self._room = room
        self._taken = 0  # of the room
        self._pieces: list[bytes] = []
        self._parts: _Parts | None = None
        self._intended_at = 0.0
        self._over = False

    async def begin(self) -> None:
        """Raises: NotWritten, Unknown."""
        await self._intents.intend(self.blob_id)
        self._intended_at = monotonic()

    async def write(self, data: bytes | bytearray) -> None:
        if self._over:
            raise ValueError("This blob was finished or discarded.")
        if monotonic() - self._intended_at > _RENEW_EVERY_S:
            await self.begin()
        if self._parts is not None:
            await self._line.ask(self._parts.give(bytes(data)))
            return
        self._take(len(data))
        self._pieces.append(bytes(data))
        if self._taken > BYTES_PUT_MAX_BYTES:
            self._take(max(_PARTS_HELD_BYTES - self._taken, 0))
            pieces, self._pieces = self._pieces, []
            self._parts = _Parts(self._line, path_of(self.blob_id), pieces)

    async def finish(self) -> None:
        if self._over:
            raise ValueError("This blob was finished or discarded.")
        if self._parts is not None:
            await self._line.ask(self._parts.finish())
        else:
            data = b"".join(self._pieces)
            put = obstore.put_async(self._line.client, path_of(self.blob_id), data, use_multipart=False)
            await self._line.ask(put)
        self._over = True
        self._let_go()

    async def keep(self) -> None:
        """The commit has forgotten the intent."""

    async def discard(self) -> None:
        self._over = True
        self._let_go()
        if self._parts is not None:
            abort = asyncio.create_task(self._parts.abort())  # nobody waits for a store that may be away
            _aborts.add(abort)
            abort.add_done_callback(_aborts.discard)
        with suppress(NotWritten, Unknown):  # the intent stays, and grows old
            await self._intents.abandon(self.blob_id)

    def _take(self, size: int) -> None:
        self._room.take(size)
        self._taken += size

    def _let_go(self) -> None:
        self._pieces.clear()
        self._room.left += self._taken
        self._taken = 0


class _Parts:
    """An upload in parts, fed by whoever writes."""

    def __init__(self, line: Line, path: str, pieces: list[bytes]) -> None:
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_PIECES_WAITING)
        self._broken = False
        self._upload = asyncio.ensure_future(
            obstore.put_async(
                line.client,
                path,
                self._feed(pieces),
                chunk_size=BYTES_PUT_MAX_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )
        )

    async def _feed(self, pieces: list[bytes]) -> AsyncIterator[bytes]:
        while pieces:
            yield pieces.pop(0)
        while (piece := await self._waiting.get()) is not None:
            yield piece
        if self._broken:
            raise _GivenUp  # has the store forget the parts that it has

    async def give(self, piece: bytes) -> None:
        await self._put(piece)

    async def finish(self) -> None:
        await self._put(None)
        await self._upload

    async def abort(self) -> None:
        """Have the store forget it; what it doesn't hear of, its own rule for old uploads does."""
        self._broken = True
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)
        await asyncio.wait((self._upload,), timeout=_ABORT_WAIT_S)
        self._upload.cancel()
        await asyncio.gather(self._upload, return_exceptions=True)

    async def _put(self, piece: bytes | None) -> None:
        """Raises: what the upload raises, if it has ended."""
        if self._upload.done():
            self._upload.result()
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(piece)
            return
        putting = asyncio.ensure_future(self._waiting.put(piece))
        try:
            await asyncio.wait((putting, self._upload), return_when=asyncio.FIRST_COMPLETED)
            if not putting.done():
                self._upload.result()
        finally:
            putting.cancel()


class _GivenUp(Exception):
    """The bytes will not come."""
