"""One HTTP/1.1 connection: its requests in turn, each through one exchange, in bounded memory and time.

What arrives goes through `http1_parsing`; a request's exchange runs by hand as far as it needs not wait, and as a task
from there on. Requests that were sent without waiting are answered in order. A body that breaks off fails; it never
ends. `Connections` (connections.py) says how many there may be, and looks now and then whose time is up.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import struct
from collections import deque
from collections.abc import Callable, Coroutine
from math import inf
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from coatcheck.core.errors import HEAD_TIMEOUT, Broken, OssError
from coatcheck.core.limits import BODY_WAITING_MAX_BYTES, DRAIN_MAX_BYTES, LINGER_S, PIPELINED_MAX
from coatcheck.linux import unacknowledged, unread, unsent

from .hand_driven import go_on_with
from .http1_body import Body
from .http1_known import KnownHeads
from .http1_outgoing import Gone, Outgoing
from .http1_parsing import END, Head, Refusal, RequestParser
from .http1_roles import ConnectionLimits
from .http1_writing import CONTINUE, UnsafeHeader, write_head
from .query import NO_QUERY, read_query
from .reply import Reply, Stream
from .request import NO_BODY, BodyFailed, Request

if TYPE_CHECKING:
    from coatcheck.clock import Clock
    from coatcheck.exchange import Begin, Exchange

_ACKNOWLEDGED_FIRST_S, _ACKNOWLEDGED_MOST_S = 0.001, 0.05
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time
_ENDED: Final = object()
_HAND_DRIVEN: Final = frozenset({"GET", "HEAD"})

log: Final = logging.getLogger("coatcheck")


class _Turn:
    """A request that waits for its turn, or the refusal of one."""

    __slots__ = ("body", "head", "refusal")

    def __init__(self, head: Head, body: Body | None, refusal: OssError | None) -> None:
        self.head = head
        self.body = body
        self.refusal = refusal


class House(Protocol):
    """All connections of a worker, for one of them."""

    begin: Begin
    clock: Clock
    heads: KnownHeads
    limits: ConnectionLimits
    now: Callable[[], float]  # seconds, of the loop's clock

    def forget(self, connection: Connection) -> None: ...

    def note_busy(self, connection: Connection) -> None: ...

    def note_silent(self, connection: Connection) -> None: ...

    def go_on_with(self, connection: Connection) -> None:
        """Call its `go_on` when all that has arrived in this turn of the loop is read."""
        ...

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """As a task."""
        ...


class Connection:
    """Made when the connection is accepted, before any handshake; gone when `connection_lost` was called. It has the
    methods of `asyncio.Protocol`, which no class that mypyc compiles can be derived from.

    Attributes:
        peer: the address at the other end.
        deadline: of the loop's clock, when `expire` is to be called.
        exchange: that is under way; or the last one, if a link brought it, of whose reply the kernel may still have
            something to send. None for neither.
    """

    __slots__ = (
        "_body",
        "_doomed",
        "_eof",
        "_exchanges",
        "_gone",
        "_has_begun",
        "_house",
        "_is_busy",
        "_is_last",
        "_lingered",
        "_out",
        "_parser",
        "_reading_is_paused",
        "_stays",
        "_tls_version",
        "_transport",
        "_turns",
        "_unsent",
        "deadline",
        "exchange",
        "opening",
        "peer",
        "secure",
    )

    def __init__(self, house: House, peer: str, accepted: socket.socket, *, secure: bool) -> None:
        self._house = house
        self._out = Outgoing(self, None if secure else accepted)
        self._transport: asyncio.Transport | None = None
        self._parser = RequestParser(house.heads)
        self._turns: deque[_Turn] = deque()
        self._body: Body | None = None  # of the request that is being read
        self._tls_version = ""
        self._is_busy = self._is_last = self._has_begun = self._eof = self._gone = False
        self._stays = self._reading_is_paused = False
        self._unsent = 0  # bytes that the kernel had taken, and not sent, when the connection was lost
        self._lingered = -1  # bytes read from a connection that ends; -1 for one that doesn't
        self.exchange: Exchange | None = None
        self._doomed: Exchange | None = None  # whose reply is over, and is to be kept from its client
        self.opening: asyncio.Task[Any] | None = None
        self.deadline = house.now() + house.limits.head_timeout_s
        self.peer = peer
        self.secure = secure

    # --- what the transport calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name
        self._out.begin(transport)
        # `pause_writing` says that the kernel has not taken everything; within TLS a limit of 0 would say so always.
        transport.set_write_buffer_limits(high=1 if self.secure else 0, low=0)
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._tls_version = tls.version() or ""
        if self._gone:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._lingered >= 0:
            self._linger_on(len(data))
            return
        for event in self._parser.feed(data):
            if type(event) is bytes:
                if self._body is not None:
                    self._body.feed(event)
            elif type(event) is Head:
                self._receive(event)
            elif event is END:
                if self._body is not None:
                    self._body.finish()
                    self._body = None
            else:
                assert isinstance(event, Refusal)
                self._refuse(event)
        self._house.go_on_with(self)

    def eof_received(self) -> bool:
        """The client will send no more; it may still be listening."""
        self._eof = True
        if self._body is not None:
            self._body.fail(BodyFailed())
            self._body = None
        if self.secure:
            self._answer_what_is_ready()
        if self._transport is not None and not self._is_busy and not self._turns:
            self._transport.close()
        return not self.secure

    def _answer_what_is_ready(self) -> None:
        """Within TLS the transport ends the connection behind `eof_received`, and drops what is written later, so what
        can be answered without waiting is answered now. Nobody gets the other replies."""
        self.go_on()
        self._out.end()

    def pause_writing(self) -> None:
        self._out.pause()

    def resume_writing(self) -> None:
        self._out.resume()

    def connection_lost(self, error: Exception | None) -> None:
        self._gone = True
        if self.exchange is not None and not self.secure:
            self._unsent = unsent(self._fileno())  # the last moment to ask
        self._transport = None
        self._parser.close()
        self._turns.clear()
        if self._body is not None:
            self._body.fail(BodyFailed())
            self._body = None
        self._out.end()
        self._house.forget(self)

    # --- what Connections calls ---

    def expire(self) -> None:
        """The deadline has passed: of a handshake or a head, of idling, of a body, of a reply that nobody takes."""
        self.deadline = inf
        if self._out.is_waiting:
            if not self._out.goes_on():
                self.drop()
        elif self._body is not None and self._body.stall():
            return
        elif self._transport is None or self._lingered >= 0 or self._is_busy or self._transport.is_closing():
            self.drop()
        elif self._has_begun and not self._eof:
            self._refuse(Refusal(HEAD_TIMEOUT(), None))
            self.go_on()
        elif unread(self._fileno()):
            self.deadline = self._house.now()  # a held up loop looks at timers before it looks at sockets
        else:
            self._transport.close()
            self.deadline = self._house.now() + LINGER_S

    def drop(self) -> None:
        """End it now, whatever is under way."""
        self._gone = True
        self._out.end()
        if self._transport is not None:
            self._transport.abort()
        elif self.opening is not None:
            self.opening.cancel()

    def reset(self) -> bool:
        """End it now, so that nothing more goes out of what the kernel has taken. A client that has all of it keeps the
        connection: behind a proxy the next request on it may be anybody's.
        False: that isn't known yet, since a client says so up to 200 ms later; to be called again then."""
        self.forget_exchange()
        if self.exchange is None:
            return True
        if not self._is_busy and self._doomed is not self.exchange:
            self._doomed = self.exchange
            return False
        self.exchange = self._doomed = None
        if self._transport is not None:
            taken = self._transport.get_extra_info("socket")
            if taken is not None:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.drop()
        return True

    def announce_end(self) -> None:
        """The server ends: the next reply is the last one, and says so. A client that was not told may be about to send
        its next request: it has a moment for that."""
        if not self._is_last:
            self._is_last = True
            if not self._is_busy and not self._turns and not self._has_begun and not self._is_ending():
                self._expect_last()

    def _is_ending(self) -> bool:
        return self._lingered >= 0 or (self._transport is not None and self._transport.is_closing())

    def _expect_last(self) -> None:
        self.deadline = min(self.deadline, self._house.now() + self._house.limits.last_request_s)

    # --- requests in ---

    def _receive(self, head: Head) -> None:
        body = self._body = Body(self, head) if head.has_body else None
        self._turns.append(_Turn(head, body, None))

    def _refuse(self, refusal: Refusal) -> None:
        self._is_last = True
        if self._body is not None:  # whoever reads it says what is wrong
            self._body.fail(BodyFailed())
            self._body = None
        else:
            head = refusal.head or Head("-", b"", b"", {}, False, False, False)
            self._turns.append(_Turn(head, None, refusal.error))

    def go_on(self) -> None:
        """After anything has arrived or ended: take turns, then see to reading and to the clock."""
        while self._turns and not self._is_busy and not self._gone and self._lingered < 0:
            self._begin(self._turns.popleft())
        if self._is_busy or self._gone or self._lingered >= 0 or self._transport is None:
            self._control_reading()
            return
        if self._eof:
            self._transport.close()
            return
        self._control_reading()
        if self._is_last and not self._parser.in_head:
            self._expect_last()
        elif self._parser.in_head and not self._has_begun:
            self._has_begun = True
            if self.deadline == inf or self.deadline > self._house.now() + self._house.limits.head_timeout_s:
                self.deadline = self._house.now() + self._house.limits.head_timeout_s

    def _control_reading(self) -> None:
        """Hold a client back that sends faster than is taken."""
        if self._transport is None or self._gone:
            return
        full = len(self._turns) >= PIPELINED_MAX or (
            self._body is not None and self._body.waiting > BODY_WAITING_MAX_BYTES
        )
        if full != self._reading_is_paused:
            self._reading_is_paused = full
            if full:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    # --- one exchange ---

    def _begin(self, turn: _Turn) -> None:
        """Run it by hand as far as it goes; what has to wait goes on as a task.

        Up to its first wait there is none, so nothing on the way of a GET may ask for one (`asyncio.timeout` does).
        """
        self._is_busy, self._has_begun = True, False
        self.deadline = inf
        self._house.note_busy(self)
        now = self._house.clock()
        request_id = "%024X" % (int(now) << 64 | random.getrandbits(64))
        request = _make_request(turn, self.peer, secure=self.secure, tls_version=self._tls_version)
        self.exchange = exchange = self._house.begin(request, request_id, now)
        run = self._run(exchange, turn)
        if turn.body is not None or turn.head.method not in _HAND_DRIVEN:
            self._house.run(run)
            return
        waits_for: object = next(run.__await__(), _ENDED)  # without the StopIteration that `send` would raise
        if waits_for is not _ENDED:
            self._house.run(go_on_with(run, waits_for))

    async def _run(self, exchange: Exchange, turn: _Turn) -> None:
        whole, failure = False, None
        self._out.sent = 0
        try:
            if turn.refusal is not None:
                exchange.reply = reply = exchange.refuse(turn.refusal)
            else:
                reply = await exchange.answer()
            if turn.body is not None and not turn.body.ended:
                await turn.body.drain()
            whole = await self._send(exchange, reply, turn)
            if reply.when_ended is not None:
                await self._acknowledged()
                whole = whole and not self._unsent
        except (Gone, BodyFailed, Broken):
            pass
        except Exception:
            log.exception("reply failed request_id=%s", exchange.request_id)
        except BaseException as error:  # not `finally`: to wait in one goes wrong where mypyc compiles it
            failure = error
        sent_bytes = max(0, self._out.sent - self._unsent)
        if not exchange.end_at_once(sent_bytes, whole=whole):
            await exchange.end(sent_bytes, whole=whole)
        self._rest(turn, whole=whole)
        if failure is not None:
            try:
                raise failure
            finally:
                failure = None  # its traceback holds this frame: a circle

    def _rest(self, turn: _Turn, *, whole: bool) -> None:
        """Between two requests, or at the end."""
        self._is_busy = False
        if self.exchange is not None and self.exchange.link is None:
            self.exchange = None
        if self._gone or self._transport is None:
            return
        if not whole:
            self.drop()
        elif self._stays:
            self._idle()
        elif turn.refusal is not None or (turn.body is not None and not turn.body.ended):
            self._linger()
        else:
            self._transport.close()
            self.deadline = self._house.now() + self._house.limits.body_timeout_s

    def _idle(self) -> None:
        limits, self._has_begun = self._house.limits, self._parser.in_head
        self.deadline = self._house.now() + (limits.head_timeout_s if self._has_begun else limits.idle_timeout_s)
        self._house.note_silent(self)
        if self._turns or self._reading_is_paused or self._is_last or self._eof:
            self._house.go_on_with(self)

    def _keeps(self, turn: _Turn) -> bool:
        """Whether the connection goes on behind this reply."""
        if not turn.head.keep_alive or turn.refusal is not None or self._gone:
            return False
        if turn.body is not None and not turn.body.is_whole:
            return False
        return bool(self._turns) or not (self._is_last or self._eof)

    # --- replies out ---

    async def _send(self, exchange: Exchange, reply: Reply, turn: _Turn) -> bool:
        """Send it; whether all of it went out. Raises: Gone."""
        body = reply.body
        head = self._write_head(exchange, reply, turn)
        if turn.head.method == "HEAD":
            body = b""
        if isinstance(body, Stream):
            return await self._out.send(head, body)
        if not self._out.put(head, body):
            await self._out.rest_of(body)
        return True

    async def _acknowledged(self) -> None:
        """Wait until the client has it all, or has gone: for replies of which somebody wants to know.

        What the kernel took and never sent doesn't count as sent. Within TLS nobody knows which bytes those are.
        """
        wait_s = _ACKNOWLEDGED_FIRST_S
        while not self._gone and self._transport is not None and unacknowledged(self._fileno()):
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _ACKNOWLEDGED_MOST_S)
        self._unsent = self._unsent or unsent(self._fileno())

    def _fileno(self) -> int:
        taken = self._transport.get_extra_info("socket") if self._transport is not None else None
        return taken.fileno() if taken is not None else -1

    def forget_exchange(self) -> None:
        """Of a reply that the client has all of, nobody needs to know any more."""
        if not self._is_busy and self.exchange is not None and not unacknowledged(self._fileno()):
            self.exchange = None

    def _write_head(self, exchange: Exchange, reply: Reply, turn: _Turn) -> bytes:
        keeps = self._stays = self._keeps(turn)
        connection = "" if keeps and not turn.head.is_old else "keep-alive" if keeps else "close"
        took_ms = int(exchange.running_s() * 1000)
        try:
            return write_head(reply, exchange.request_id, exchange.now, took_ms, connection=connection)
        except UnsafeHeader:
            log.error("a header of the reply has a line break in it request_id=%s", exchange.request_id)
            raise

    # --- the end ---

    def _linger(self) -> None:
        """The reply is on its way while the client may still be sending: to close now would reset the connection, and
        the client would never read what we said."""
        assert self._transport is not None
        self._lingered = 0
        self.deadline = self._house.now() + LINGER_S
        self._house.note_silent(self)
        if self._eof:
            self._transport.close()
            return
        if self._transport.can_write_eof() and not self.secure:
            self._transport.write_eof()
        if self._reading_is_paused:
            self._reading_is_paused = False
            self._transport.resume_reading()

    def _linger_on(self, size: int) -> None:
        self._lingered += size
        if self._lingered > DRAIN_MAX_BYTES:
            self.drop()

    # --- what bodies need, in and out ---

    def take_more(self) -> None:
        """The body has room again."""
        self._control_reading()

    def allow_body(self) -> None:
        """The client may send its body ("Expect: 100-continue")."""
        if self._transport is not None and not self._gone:
            self._transport.write(CONTINUE)

    def wait_for(self, timeout_s: float) -> None:
        """For the client, to send something or to take something; then `expire` is called."""
        self.deadline = self._house.now() + timeout_s

    def stop_waiting(self) -> None:
        self.deadline = inf

    @property
    def body_timeout_s(self) -> float:
        return self._house.limits.body_timeout_s


def _make_request(turn: _Turn, peer: str, *, secure: bool, tls_version: str) -> Request:
    head = turn.head
    query = NO_QUERY if turn.refusal is not None else read_query(head.query)
    # By position: named arguments take twice as long. No proxy is known of here.
    body = turn.body or NO_BODY
    return Request(
        head.method, head.path, query, head.headers, peer, secure, body, "", tls_version, "", not head.is_old
    )
