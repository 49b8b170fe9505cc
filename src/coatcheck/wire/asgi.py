"""The only file that speaks ASGI: scope, receive, send <-> Request, Reply.

Two rules come from the servers underneath. A body that is cut off arrives as `http.disconnect` and must fail, never
end. And `send` returns without an error after the client has gone, so a long stream watches `receive` for the
disconnect and stops.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from functools import lru_cache, partial
from typing import Any, Final, Self

from coatcheck.clock import Clock
from coatcheck.core.body import UNKNOWN_SIZE
from coatcheck.core.errors import INVALID_REQUEST
from coatcheck.core.limits import DRAIN_SILENCE_S, REQUEST_TARGET_MAX_BYTES
from coatcheck.core.times import write_http_date
from coatcheck.exchange import Begin, Exchange

from .draining import read_little
from .query import read_query
from .reply import RawHeader, Reply, Stream
from .request import NO_BODY, Body, BodyFailed, BodyStalled, Request

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_BODYLESS: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
_TOO_LONG: Final = partial(
    INVALID_REQUEST, f"The request's path and query are longer than {REQUEST_TARGET_MAX_BYTES} bytes."
)
_NO_LENGTH: Final = frozenset({204, 304})


class Application:
    """An ASGI application.

    Args:
        begin: makes the exchange of each request that was read.
        body_timeout_s: how long a client may send nothing, or take nothing, in the middle of a body.
        clock: wall time, of each request.
    """

    def __init__(self, begin: Begin, *, body_timeout_s: float, clock: Clock) -> None:
        self._begin = begin
        self._body_timeout_s = body_timeout_s
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        now = self._clock()
        request_id = "%08X%016X" % (int(now), random.getrandbits(64))  # noqa: UP031  fastest
        request = _read_scope(scope, receive, self._body_timeout_s)
        exchange = self._begin(request, request_id, now)
        sent = _Sent(send)
        try:
            too_long = len(request.raw_path) + len(scope["query_string"]) > REQUEST_TARGET_MAX_BYTES
            reply = exchange.refuse(_TOO_LONG()) if too_long else await exchange.answer()
            if reply.status >= 400 and isinstance(request.body, _Body):
                await request.body.drain(request)
            start = {"type": "http.response.start", "status": reply.status, "headers": _head(reply, exchange)}
            await send(start)
            await self._send_body(request, reply, receive, sent)
        finally:
            await exchange.end(sent.bytes, whole=sent.whole)

    async def _send_body(self, request: Request, reply: Reply, receive: Receive, sent: _Sent) -> None:
        if isinstance(reply.body, Stream):
            await _send_stream(reply.body, receive, sent, self._body_timeout_s)
        else:
            await sent.piece(b"" if request.method == "HEAD" else reply.body)


class _Sent:
    """Sends pieces of a body, and counts what was taken."""

    __slots__ = ("_send", "bytes", "whole")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.bytes = 0
        self.whole = False

    async def piece(self, piece: bytes | bytearray, *, more: bool = False) -> None:
        message = {"type": "http.response.body", "body": piece}
        await self._send(message | {"more_body": True} if more else message)
        self.bytes += len(piece)
        self.whole = not more


class _Body:
    """A body that ends, or fails."""

    def __init__(self, receive: Receive, timeout_s: float) -> None:
        self._receive = receive
        self._timeout_s = timeout_s
        self._ended = False

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            with _Patience(self._timeout_s) as patience:
                while not self._ended:
                    patience.begin()
                    message = await self._receive()
                    patience.end()
                    if message["type"] != "http.request":
                        self._ended = True
                        raise BodyFailed
                    self._ended = not message.get("more_body", False)
                    chunk = message.get("body", b"")
                    if chunk:
                        yield chunk
        except TimeoutError:
            self._ended = True
            raise BodyStalled from None

    async def drain(self, request: Request) -> None:
        """Read what little is left, so that a refused client finds the reply instead of a reset connection. One that
        falls silent may hold its body back until it is answered."""
        if self._ended or "expect" in request.headers:
            return
        self._timeout_s = min(self._timeout_s, DRAIN_SILENCE_S)
        await read_little(self)


def _read_scope(scope: Scope, receive: Receive, timeout_s: float) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        value = raw_value.decode("utf-8", "surrogateescape").strip(" \t")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    method = scope["method"]
    body: Body = NO_BODY
    if method not in _BODYLESS or "content-length" in headers or "transfer-encoding" in headers:
        body = _Body(receive, timeout_s)
    client = scope.get("client")
    return Request(
        method,
        scope["raw_path"],
        read_query(scope["query_string"]),
        headers,
        client[0] if client else "",
        scope["scheme"] == "https",
        body,
        takes_chunks=scope.get("http_version") != "1.0",
    )


@lru_cache(maxsize=4)
def _date(now_s: int) -> bytes:
    return write_http_date(now_s).encode()


def _head(reply: Reply, exchange: Exchange) -> list[RawHeader]:
    headers = [
        (b"server", b"AliyunOSS"),
        (b"date", _date(int(exchange.now))),
    ]
    if not reply.has_ids:
        headers.append((b"x-oss-request-id", exchange.request_id.encode()))
        headers.append((b"x-oss-server-time", b"%d" % (exchange.running_s() * 1000)))
    if reply.status not in _NO_LENGTH and (size := _length(reply)) != UNKNOWN_SIZE:
        headers.append((b"content-length", b"%d" % size))  # else the server underneath sends chunks
    headers.extend(reply.headers)
    return headers


def _length(reply: Reply) -> int:
    if reply.content_length is not None:
        return reply.content_length
    return reply.body.size if isinstance(reply.body, Stream) else len(reply.body)


async def _send_stream(stream: Stream, receive: Receive, sent: _Sent, timeout_s: float) -> None:
    """Send piece by piece. A client that takes nothing for `timeout_s` is dropped: TimeoutError."""
    gone: asyncio.Task[None] | None = None
    try:
        with _Patience(timeout_s) as patience:
            async for chunk in stream.chunks:
                if gone is not None:
                    await asyncio.sleep(0)  # sends to a client that has gone return at once: let the watch see it
                    if gone.done():
                        return
                elif stream.size == UNKNOWN_SIZE or len(chunk) < stream.size:
                    # A watch costs 50 us, so only where more is to come.
                    gone = asyncio.create_task(_wait_for_disconnect(receive))
                patience.begin()
                await sent.piece(chunk, more=True)
                patience.end()
            patience.begin()
            await sent.piece(b"")  # returns when the last piece was taken
    finally:
        if gone is not None:
            gone.cancel()


class _Patience:
    """A limit on each of many waits in turn, at the cost of one timer: `asyncio.timeout` takes 10 us a wait.

    The timer looks now and then whether the wait that runs has become too long, and cancels the task; leaving the
    context turns that into TimeoutError.
    """

    __slots__ = ("_expired", "_loop", "_since", "_task", "_timeout_s", "_timer")

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._task: asyncio.Task[Any] | None = None
        self._since: float | None = None
        self._expired = False

    def begin(self) -> None:
        """The task that runs will wait now."""
        self._task = asyncio.current_task()
        self._since = self._loop.time()

    def end(self) -> None:
        self._since = None

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self._timeout_s, self._look)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._timer.cancel()
        if self._expired and kind is asyncio.CancelledError and self._task and self._task.uncancel() <= 0:
            raise TimeoutError from None

    def _look(self) -> None:
        left = self._timeout_s
        if self._since is not None:
            left -= self._loop.time() - self._since
        if left > 0 or self._task is None:
            self._timer = self._loop.call_later(left, self._look)
            return
        self._expired = True
        self._task.cancel()


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
