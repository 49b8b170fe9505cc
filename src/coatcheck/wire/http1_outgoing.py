"""What goes out on one connection: written by its transport, or sent by the kernel from files, and waited for.

A reply is not over before the kernel has taken all of it, so what is waited for is told apart from what was sent, and
a client that takes nothing for too long is dropped.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from coatcheck.core.body import UNKNOWN_SIZE, FileSlice, Slice, Stream, slice_size
from coatcheck.core.errors import Broken
from coatcheck.linux import MSG_MORE

from .http1_roles import Waiting

_JOINED_MAX_BYTES: Final = 2048  # a head and a body up to this are copied into one; larger ones go out as two pieces
_NOT_NOW: Final = (BlockingIOError, InterruptedError)


class Gone(Exception):
    """The client is not there any more."""


class Outgoing:
    """The way out of one connection.

    Args:
        accepted: the socket under the transport, where the kernel may send files on it; None within TLS.
    Attributes:
        sent: bytes of the body of this reply that the kernel has taken.
    """

    __slots__ = ("_accepted", "_clear", "_connection", "_left", "_transport", "sent")

    def __init__(self, connection: Waiting, accepted: socket.socket | None) -> None:
        self._connection = connection
        self._accepted = accepted
        self._transport: asyncio.Transport | None = None
        self._clear: asyncio.Future[None] | None = None  # somebody waits until the kernel has taken all
        self._left = 0  # bytes that it hasn't taken, as far as they were told
        self.sent = 0

    # --- what the transport tells ---

    def begin(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def pause(self) -> None:
        if self._transport is not None:
            self._left = self._transport.get_write_buffer_size()

    def resume(self) -> None:
        self._left = 0
        if self._clear is not None and not self._clear.done():
            self._clear.set_result(None)

    def end(self) -> None:
        """The connection is lost."""
        self._transport = None
        if self._clear is not None and not self._clear.done():
            self._clear.set_exception(Gone())

    # --- a client that takes its time ---

    @property
    def is_waiting(self) -> bool:
        return self._clear is not None

    def goes_on(self) -> bool:
        """Whether the client has taken anything since this was asked before; its time begins anew then."""
        left = self._transport.get_write_buffer_size() if self._transport is not None else 0
        if left >= self._left:
            return False
        self._left = left
        self._connection.wait_for(self._connection.body_timeout_s)
        return True

    # --- sending ---

    async def write(self, head: bytes, body: bytes | bytearray) -> None:
        """Write, and return when the kernel has taken it. Raises: Gone."""
        if not self.put(head, body):
            await self.rest_of(body)

    def put(self, head: bytes, body: bytes | bytearray) -> bool:
        """Write; whether the kernel has taken all of it. If not, `rest_of` is to be awaited. Raises: Gone."""
        transport = self._need_transport()
        if not head:
            transport.write(body)
        elif len(body) <= _JOINED_MAX_BYTES:
            transport.write(head + body)
        else:
            transport.writelines((head, body))
        self.sent += max(0, len(body) - self._left)
        return not self._left

    async def rest_of(self, body: bytes | bytearray) -> None:
        """Return when the kernel has taken what was put last. Raises: Gone."""
        left = min(self._left, len(body))
        await self._wait_until_clear()
        self.sent += left

    async def send(self, head: bytes, stream: Stream) -> bool:
        """Send a head and a stream; whether that was as long as it should be. Raises: Gone, Broken, what it raises."""
        accepted = self._accepted
        if stream.slices is not None and accepted is not None:
            if (taken := self._send_now(head, accepted)) < len(head):
                await self.write(head[taken:], b"")
            if stream.file is None:
                return await self._send_slices(stream.slices, stream.size, accepted) == stream.size
            await self._send_slice(stream.file, accepted)
            return True
        if stream.size == UNKNOWN_SIZE:
            return await self._send_chunked(head, stream)
        done = 0
        async for chunk in stream.chunks:
            done += len(chunk)
            await self.write(head, chunk)
            head = b""
        if head:
            await self.write(head, b"")
        return done == stream.size

    async def _send_chunked(self, head: bytes, stream: Stream) -> bool:
        """In chunks (RFC 9112, 7.1). A stream that fails has no last one, so nobody takes what came for the whole."""
        async for chunk in stream.chunks:
            if chunk:
                await self.write(b"%b%x\r\n" % (head, len(chunk)), chunk)
                head = b"\r\n"
        await self.write(head + b"0\r\n\r\n", b"")
        return True

    def _send_now(self, data: bytes | bytearray, accepted: socket.socket, flags: int = MSG_MORE) -> int:
        """What the kernel takes at once, past the transport if that has nothing left to write: what follows comes from
        elsewhere. How many bytes that was. Raises: Gone."""
        if self._need_transport().get_write_buffer_size():
            return 0
        try:
            return accepted.send(data, flags)
        except _NOT_NOW:
            return 0
        except OSError:
            raise Gone from None

    async def _send_slices(self, slices: AsyncIterator[Slice], size: int, accepted: socket.socket) -> int:
        done = 0
        async for piece in slices:
            done += slice_size(piece)
            if isinstance(piece, FileSlice):
                await self._send_slice(piece, accepted)
            else:  # behind the last of all nothing waits for more
                await self._send_bytes(piece, accepted, MSG_MORE if done < size else 0)
        return done

    async def _send_bytes(self, piece: bytes | bytearray, accepted: socket.socket, flags: int) -> None:
        """What stands between files; of none at all, only whether the client is still there. Raises: Gone."""
        if not piece:
            self._need_transport()
            return
        taken = self._send_now(piece, accepted, flags)
        self.sent += taken
        if taken < len(piece):
            await self.write(b"", piece[taken:])

    async def _send_slice(self, piece: FileSlice, accepted: socket.socket) -> None:
        fd, offset, left = piece.fd, piece.offset, piece.size
        while left:
            self._need_transport()
            taken = -1
            try:
                taken = os.sendfile(accepted.fileno(), fd, offset, left)
            except _NOT_NOW:
                pass
            except OSError:
                raise Gone from None
            if taken < 0:
                await self._wait_until_writable(accepted)
                continue
            if not taken:
                raise Broken  # the file is shorter than it was
            self.sent += taken
            offset += taken
            left -= taken

    def _need_transport(self) -> asyncio.Transport:
        """Raises: Gone."""
        if self._transport is None:
            raise Gone
        return self._transport

    async def _wait_until_writable(self, accepted: socket.socket) -> None:
        """A loop lets nobody watch the descriptor of a transport, but a copy of it. Raises: Gone."""
        loop, copy = asyncio.get_running_loop(), os.dup(accepted.fileno())
        try:
            loop.add_writer(copy, self.resume)
            await self._wait_until_clear()
        finally:
            with suppress(OSError, ValueError):
                loop.remove_writer(copy)
            os.close(copy)

    async def _wait_until_clear(self) -> None:
        self._connection.wait_for(self._connection.body_timeout_s)
        self._clear = asyncio.get_running_loop().create_future()
        try:
            await self._clear
        finally:
            self._clear = None
            self._connection.stop_waiting()
        self._need_transport()
