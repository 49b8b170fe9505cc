"""All connections of one worker: accepting them, how many there may be, whose time is up, and their end.

A connection is *silent* while no complete request of it is being answered: before its first one, within a handshake,
between two. Where a bound is met, of one client's address or of the whole worker, the connection that has been silent
for longest goes; only when all are busy is a newcomer turned away. So whoever opens connections and says nothing takes
no place from anybody who asks for something.

The listening socket is one for all workers. They tell each other how many connections they have (`Share`), and one that
has more than another waits a moment, so that the other takes the next.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import socket
import ssl
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from coatcheck.clock import Clock
from coatcheck.core.addresses import name_client
from coatcheck.core.errors import TOO_MANY_CONNECTIONS
from coatcheck.core.limits import CONNECTIONS_MAX, FILES_RESERVED, HANDSHAKES_MAX
from coatcheck.linux import give_back_freed_memory

from .faults import fault_reply
from .handshakes import Handshakes
from .http1 import Connection
from .http1_known import KnownHeads
from .http1_roles import ConnectionLimits
from .http1_writing import write_head

if TYPE_CHECKING:
    from coatcheck.exchange import Begin

__all__ = ["ConnectionLimits", "Connections", "Share", "connections_allowed"]

_ACCEPTED_AT_ONCE: Final = 4  # before other work gets its turn
_PATIENCE_S: Final = 0.002  # of a worker that has more connections than another
_FULL_PAUSE_S: Final = 0.05  # when no file can be opened, until the next try
_SWEEP_S: Final = 0.5
_KEPT_S: Final = 5.0  # what is free is kept for the next bodies, at least so long
_DRAIN_POLL_S: Final = 0.02
_LAST_S: Final = 1.0  # of requests whose connections were dropped
_NOTICE_S: Final = 10.0  # between two lines about the same trouble
_SHUTDOWN_S: Final = 5.0  # of TLS
_COLLECTED_AFTER: Final = 500  # connections
_TURNED_AWAY_MAX: Final = 64  # of those that are told so and are still open
_LEAST_CONNECTIONS: Final = 16

log: Final = logging.getLogger("coatcheck")


class Share(Protocol):
    """How many connections this worker has, and the others."""

    def note(self, connections: float) -> None: ...

    def least(self) -> float:
        """Of the workers that are alive."""
        ...


def connections_allowed(open_files: int) -> int:
    """How many connections a process may hold that can open so many files: each may need one beside it."""
    return max(_LEAST_CONNECTIONS, min((open_files - FILES_RESERVED) // 2, CONNECTIONS_MAX))


class _Client:
    """The connections of one address; the silent ones in the order in which they fell silent."""

    __slots__ = ("count", "silent")

    def __init__(self) -> None:
        self.count = 0
        self.silent: dict[Connection, None] = {}


class Connections:
    """Accepts and keeps the connections of one worker.

    Args:
        begin: begins the exchange of each request.
        listening: a listening socket, which other processes may share.
        tls: the context for the next connection; None for plain HTTP.
        is_proxy: whether an address is a trusted proxy's, which may have as many connections as it likes.
        share: what the workers know of each other.
        clock: wall time, of each request.
    """

    def __init__(
        self,
        begin: Begin,
        limits: ConnectionLimits,
        listening: socket.socket,
        *,
        tls: Callable[[], ssl.SSLContext | None],
        is_proxy: Callable[[str], bool],
        share: Share,
        clock: Clock,
    ) -> None:
        self.begin = begin
        self.limits = limits
        self.heads = KnownHeads()
        self._listening = listening
        self._tls = tls
        self._is_proxy = is_proxy
        self._share = share
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time
        self.clock = clock
        self._arrived: list[Connection] = []  # what has sent something in this turn of the loop
        self._all: dict[Connection, str] = {}  # with the address that it counts for
        self._silent: dict[Connection, None] = {}
        self._clients: dict[str, _Client] = {}
        self._handshakes: Handshakes[Connection] = Handshakes(HANDSHAKES_MAX)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._noticed: dict[str, tuple[float, int]] = {}
        self._ended = 0  # since the last collection
        self._turned_away: list[socket.socket] = []  # told so; to be closed at the next sweep
        self._sweeper: asyncio.Task[None] | None = None
        self._is_accepting = False
        self._has_waited = False
        self._had_tasks = False  # since freed memory was given back, and `_given_back` is when
        self._given_back = self.now()

    # --- accepting ---

    def start(self) -> None:
        self._listening.setblocking(False)
        self._watch()
        self._sweeper = self._loop.create_task(self._sweep())

    def _watch(self) -> None:
        if self._listening.fileno() >= 0:
            self._loop.add_reader(self._listening.fileno(), self._accept)
            self._is_accepting = True

    def _pause(self, seconds: float) -> None:
        self._unwatch()
        self._loop.call_later(seconds, self._watch)

    def _unwatch(self) -> None:
        if self._is_accepting:
            self._loop.remove_reader(self._listening.fileno())
            self._is_accepting = False

    def _accept(self) -> None:
        """Take what waits. Whatever goes wrong, the next connection is accepted again."""
        if not self._has_waited and len(self._all) > self._share.least():
            self._has_waited = True
            self._pause(_PATIENCE_S)
            return
        self._has_waited = False
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                accepted, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._notice("full", "cannot accept connections: %s", error.strerror)
                self._evict(self._silent)
                self._pause(_FULL_PAUSE_S)
                return
            self._take(accepted, str(address[0]))
            if len(self._all) > self._share.least():
                return

    def _take(self, accepted: socket.socket, peer: str) -> None:
        accepted.setblocking(False)
        key = "" if self._is_proxy(peer) else name_client(peer)
        if not self._has_room(key):
            self._turn_away(accepted, peer)
            return
        tls = self._tls()
        connection = Connection(self, _shown(peer), accepted, secure=tls is not None)
        self._remember(connection, key)
        connection.opening = self._loop.create_task(self._open(connection, accepted, tls))

    async def _open(self, connection: Connection, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
        options: dict[str, Any] = {}
        if tls is not None:
            options = {"ssl_handshake_timeout": self.limits.head_timeout_s, "ssl_shutdown_timeout": _SHUTDOWN_S}
        try:
            if tls is not None:
                await self._first_byte(accepted)
                self._begin_handshake(connection)
            protocol = cast("asyncio.Protocol", connection)  # by its methods
            await self._loop.connect_accepted_socket(lambda: protocol, accepted, ssl=tls, **options)
        except (OSError, ssl.SSLError, asyncio.CancelledError):  # a client that speaks no TLS, or goes
            accepted.close()
            self.forget(connection)
        except Exception:
            log.exception("a connection cannot be opened")
            accepted.close()
            self.forget(connection)
        finally:
            connection.opening = None
            self._handshakes.end(connection)

    def _begin_handshake(self, connection: Connection) -> None:
        oldest = self._handshakes.begin(connection, self._all.get(connection, ""))
        if oldest is not None:
            self._notice("handshakes", "%d handshakes have begun: the oldest are ended", HANDSHAKES_MAX)
            self.forget(oldest)
            oldest.drop()

    async def _first_byte(self, accepted: socket.socket) -> None:
        """A state of TLS takes some 45 KiB: who says nothing gets none."""
        arrived = asyncio.Event()
        self._loop.add_reader(accepted.fileno(), arrived.set)
        try:
            await arrived.wait()
        finally:
            self._loop.remove_reader(accepted.fileno())

    # --- how many ---

    def _has_room(self, key: str) -> bool:
        """Whether one more can be taken, after making room for it if need be."""
        if len(self._all) >= self.limits.in_all:
            self._notice("all", "%d connections: the oldest silent ones are closed", len(self._all))
            if not self._evict(self._silent):
                return False
        client = self._clients.get(key)
        if client is not None and key and client.count >= self.limits.per_address:
            self._notice("address", "%d connections from %s: its oldest silent ones are closed", client.count, key)
            return self._evict(client.silent)
        return True

    def _evict(self, silent: dict[Connection, None]) -> bool:
        """End the connection that has been silent for longest, if there is one."""
        for connection in silent:
            self.forget(connection)
            connection.drop()
            return True
        return False

    def _turn_away(self, accepted: socket.socket, peer: str) -> None:
        """All are busy. Said as far as it can be without waiting for anything."""
        self._notice("turned", "connections from %s are turned away: too many are busy", peer)
        with suppress(OSError, ssl.SSLError):
            if self._tls() is None and len(self._turned_away) < _TURNED_AWAY_MAX:
                accepted.send(_write_refusal(self.clock()))
                accepted.shutdown(socket.SHUT_WR)
                self._turned_away.append(accepted)  # what is unread at the close would reset the connection
                return
        accepted.close()

    def _close_turned_away(self) -> None:
        turned_away, self._turned_away = self._turned_away, []
        for accepted in turned_away:
            with suppress(OSError):
                accepted.recv(65536)
            accepted.close()

    def _notice(self, kind: str, line: str, *values: object) -> None:
        """A line in the log, now and then."""
        last, left_out = self._noticed.get(kind, (0.0, 0))
        now = time.monotonic()
        if last and now - last < _NOTICE_S:
            self._noticed[kind] = (last, left_out + 1)
            return
        self._noticed[kind] = (now, 0)
        log.warning(f"{line} (and %d times more since the last such line)", *values, left_out)

    # --- what connections tell ---

    def _remember(self, connection: Connection, key: str) -> None:
        self._all[connection] = key
        client = self._clients.get(key)
        if client is None:
            client = self._clients[key] = _Client()
        client.count += 1
        client.silent[connection] = None
        self._silent[connection] = None
        self._share.note(len(self._all))

    def forget(self, connection: Connection) -> None:
        key = self._all.pop(connection, None)
        if key is None:
            return
        self._ended += 1
        self._silent.pop(connection, None)
        client = self._clients[key]
        client.silent.pop(connection, None)
        client.count -= 1
        if not client.count:
            del self._clients[key]
        self._share.note(len(self._all))

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._all)

    def with_exchange(self) -> list[Connection]:
        """Those that send a reply, or whose last one the client may not have all of."""
        return [connection for connection in self._all if connection.exchange is not None]

    def note_busy(self, connection: Connection) -> None:
        key = self._all.get(connection)
        if key is not None:
            self._silent.pop(connection, None)
            self._clients[key].silent.pop(connection, None)

    def note_silent(self, connection: Connection) -> None:
        key = self._all.get(connection)
        if key is not None:
            self._silent[connection] = None
            self._clients[key].silent[connection] = None

    def go_on_with(self, connection: Connection) -> None:
        """Call its `go_on` when all that has arrived in this turn of the loop is read: the same code for many at once
        is faster than all of it for each in turn."""
        if not self._arrived:
            self._loop.call_soon(self._go_on)
        self._arrived.append(connection)

    def _go_on(self) -> None:
        arrived, self._arrived = self._arrived, []
        for connection in arrived:
            try:
                connection.go_on()
            except Exception:
                log.exception("a connection cannot go on")
                connection.drop()

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """What has to wait goes on as a task."""
        self._had_tasks = True
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- time ---

    async def _sweep(self) -> None:
        """One look at all of them in place of a timer for each: 10,000 take about a millisecond."""
        limits = self.limits
        shortest_s = min(limits.head_timeout_s, limits.idle_timeout_s, limits.body_timeout_s)
        while True:
            await asyncio.sleep(min(_SWEEP_S, shortest_s / 4))
            self._close_turned_away()
            self._collect()
            self._give_back()
            for connection in [each for each in self._all if each.exchange is not None]:
                connection.forget_exchange()
            self._expire()

    def _expire(self) -> None:
        now = self.now()
        for connection in [each for each in self._all if each.deadline < now]:
            try:
                connection.expire()
            except Exception:
                log.exception("a connection cannot be ended")

    def _collect(self) -> None:
        """What is left of TLS connections is cycles, and the collector, which is tuned for requests, would leave those
        of a flood for hours. What was there at the start is frozen, so this takes milliseconds."""
        if self._ended >= _COLLECTED_AFTER:
            self._ended = 0
            gc.collect()

    def _give_back(self) -> None:
        """What bodies lay in, once none is under way: most replies to uploads and large downloads run as tasks."""
        if self._had_tasks and not self._tasks and self.now() - self._given_back > _KEPT_S:
            self._had_tasks, self._given_back = False, self.now()
            give_back_freed_memory()

    # --- the end ---

    def stop_accepting(self, *, take_waiting: bool) -> None:
        """What waits in the queue of the listening socket is for the other workers that share it, if there are any."""
        self._unwatch()
        with suppress(OSError):
            while take_waiting:
                accepted, address = self._listening.accept()
                self._take(accepted, str(address[0]))
        self._listening.close()

    async def drain(self) -> None:
        """End each connection behind what it has begun, or behind its last request. Takes as long as the last reply."""
        while self._all:
            for connection in list(self._all):
                connection.announce_end()
            self._expire()
            await asyncio.sleep(_DRAIN_POLL_S)

    async def close(self) -> None:
        """Drop what is left, and wait for what runs to see that."""
        for connection in list(self._all):
            connection.drop()
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._close_turned_away()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_LAST_S)
            for task in late:
                task.cancel()


def _shown(peer: str) -> str:
    """As requests have it: IPv4 that comes by an IPv6 socket is IPv4."""
    return peer.removeprefix("::ffff:") if peer.startswith("::ffff:") and "." in peer else peer


def _write_refusal(now: float) -> bytes:
    request_id = "%08X%016X" % (int(now), random.getrandbits(64))  # noqa: UP031
    error = TOO_MANY_CONNECTIONS(headers=((b"Retry-After", b"5"),))
    reply = fault_reply(error, method="GET", host="", request_id=request_id)
    assert isinstance(reply.body, bytes)
    return write_head(reply, request_id, now, 0, connection="close") + reply.body
