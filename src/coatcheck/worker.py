"""One worker process: an event loop, the data directory opened, connections; until it is told to end.

Signals: SIGTERM and SIGINT end it within the drain time-out, SIGUSR2 when its last request is answered, however long
that takes. SIGUSR1 has it open the log file anew. SIGHUP is for the first process.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Final

import uvloop

from coatcheck.app import Server, settle_memory
from coatcheck.clock import Clock
from coatcheck.core.limits import ADMIN_CONNECTIONS_MAX
from coatcheck.engines.certificates import BadCertificate, make_tls_context
from coatcheck.engines.domain_contexts import DomainContexts
from coatcheck.engines.opening import not_opened
from coatcheck.linux import end_with, raise_open_files
from coatcheck.listening import Listening
from coatcheck.pulse import PulseOfOne
from coatcheck.server_log import LOG_FILE
from coatcheck.settings import ServerSettings
from coatcheck.wire.connections import ConnectionLimits, Connections, connections_allowed
from coatcheck.wire.forwarded import TrustedProxies

LEAVE: Final = signal.SIGUSR2
REOPEN: Final = signal.SIGUSR1
CANNOT_START: Final = 70  # exit status of a worker that can't open the data directory
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, LEAVE, REOPEN)

_BEAT_S: Final = 1.0
_CERTIFICATE_POLL_S: Final = 1.0

log: Final = logging.getLogger("coatcheck")


class Worker:
    """What a forked process runs.

    Args:
        server: not open yet.
        listening: the sockets that all workers share.
        say_ready: called once it takes connections.
        parent: the process id of the first process.
        clock: wall time.
    """

    def __init__(
        self,
        settings: ServerSettings,
        server: Server,
        listening: Listening,
        share: PulseOfOne,
        certificate: Certificate,
        say_ready: Callable[[], None],
        parent: int,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._server = server
        self._listening = listening
        self._share = share
        self._say_ready = say_ready
        self._parent = parent
        self._clock = clock
        self._certificate = certificate

    def run(self) -> int:
        """Returns the exit status."""
        end_with(self._parent)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(self._serve())

    async def _serve(self) -> int:
        ends = self._listen_to_signals()
        server = self._server
        try:
            begin = await server.open()
        except not_opened() as error:
            log.error("the data directory cannot be opened: %s", error)
            return CANNOT_START
        except Exception:
            log.exception("a worker cannot start")
            return CANNOT_START
        settle_memory()
        self._certificate.find_by_name = DomainContexts(server.domains, self._settings.tls_min).find
        limits = _limits_of(self._settings)
        trusts = TrustedProxies(self._settings.trusted_proxies).trusts if self._settings.trusted_proxies else _nobody
        connections = Connections(
            begin,
            limits,
            self._listening.objects,
            tls=self._certificate.context,
            is_proxy=trusts,
            share=self._share,
            clock=self._clock,
        )
        connections.start()
        admin = self._open_admin(connections)
        self._share.note(0)
        beating = asyncio.create_task(self._beat())
        watching = asyncio.create_task(self._certificate.watch())
        watching_rights = asyncio.create_task(server.watch_running(connections.with_exchange))
        self._say_ready()
        await ends.asked.wait()
        self._share.note(inf)
        connections.stop_accepting(take_waiting=ends.soon.is_set())
        if admin is not None:
            admin.stop_accepting(take_waiting=False)
        await self._drain([connections] if admin is None else [connections, admin], ends)
        watching.cancel()
        watching_rights.cancel()
        await server.close()
        beating.cancel()
        return 0

    def _open_admin(self, connections: Connections) -> Connections | None:
        """The listener for whoever watches the server. Every worker answers there, of all of them: so it needs no
        process that could die alone, and a worker whose loop is stuck takes no question."""
        begin = self._server.watch(lambda: connections.count)
        if begin is None or self._listening.admin is None:
            return None
        admin = Connections(
            begin,
            _ADMIN_LIMITS,
            self._listening.admin,
            tls=lambda: None,
            is_proxy=_nobody,
            share=_Alone(),
            clock=self._clock,
        )
        admin.start()
        return admin

    def _listen_to_signals(self) -> _Ends:
        """They were blocked since the fork, so that none is lost before somebody listens."""
        ends, loop = _Ends(), asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, ends.end)
        loop.add_signal_handler(signal.SIGINT, ends.end)
        loop.add_signal_handler(LEAVE, ends.asked.set)
        loop.add_signal_handler(REOPEN, LOG_FILE.reopen)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        return ends

    async def _drain(self, listeners: Sequence[Connections], ends: _Ends) -> None:
        """As long as it takes after a reload; no longer than allowed once the server is to end."""
        draining = asyncio.gather(*(each.drain() for each in listeners))
        in_hurry = asyncio.ensure_future(ends.soon.wait())
        await asyncio.wait((draining, in_hurry), return_when=asyncio.FIRST_COMPLETED)
        in_hurry.cancel()
        await asyncio.wait((draining,), timeout=self._settings.drain_timeout_s)
        draining.cancel()
        for each in listeners:
            await each.close()

    async def _beat(self) -> None:
        """A sign of life from the loop itself, so that one which is stuck gives none."""
        while True:
            self._share.beat()
            self._server.take_samples()
            if os.getppid() != self._parent:
                os._exit(1)  # as sudden as what happened to the server; what was acknowledged is durable
            await asyncio.sleep(_BEAT_S)


_ADMIN_LIMITS: Final = ConnectionLimits(
    head_timeout_s=5.0,
    idle_timeout_s=60.0,
    body_timeout_s=10.0,
    per_address=ADMIN_CONNECTIONS_MAX,
    in_all=ADMIN_CONNECTIONS_MAX,
)


class _Alone:
    """Of connections that aren't shared out: whoever is there first takes them."""

    def note(self, connections: float) -> None:
        """Nobody wants to know."""

    def least(self) -> float:
        return inf


class _Ends:
    """What signals have asked for."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.soon = asyncio.Event()

    def end(self) -> None:
        self.asked.set()
        self.soon.set()


FileStates = tuple[tuple[int, int, int], ...]


def state_of(*paths: Path) -> FileStates:
    """What changes when a file is written, replaced, or its link points elsewhere."""
    states = []
    for path in paths:
        try:
            status = path.stat()
            states.append((status.st_ino, status.st_mtime_ns, status.st_size))
        except OSError:
            states.append((0, 0, 0))
    return tuple(states)


class Certificate:
    """The context that new connections speak TLS with; a new one as soon as the files are others, and a pair.

    Attributes:
        find_by_name: the context of a host name that has one of its own.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._cert, self._key = settings.tls_cert, settings.tls_key
        self._min = settings.tls_min
        self._context: ssl.SSLContext | None = None
        self.find_by_name: Callable[[str], ssl.SSLContext | None] = lambda _: None
        self._seen = state_of(*self._paths())

    def context(self) -> ssl.SSLContext | None:
        return self._context

    def load(self) -> None:
        """Raises: BadCertificate."""
        if self._cert is not None and self._key is not None:
            self._seen = state_of(*self._paths())
            self._context = make_tls_context(self._cert, self._key, self._min)
            self._context.sni_callback = self._choose

    def _choose(self, handshake: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        """In the middle of a handshake, once the client has said which name it asks for."""
        found = self.find_by_name(name.lower()) if name else None
        if found is not None:
            handshake.context = found

    async def watch(self) -> None:
        while self._cert is not None:
            await asyncio.sleep(_CERTIFICATE_POLL_S)
            if state_of(*self._paths()) != self._seen:
                with suppress(BadCertificate):  # half of a pair; the first process tells of one that stays so
                    self.load()

    def _paths(self) -> list[Path]:
        return [path for path in (self._cert, self._key) if path is not None]


def _limits_of(settings: ServerSettings) -> ConnectionLimits:
    return ConnectionLimits(
        head_timeout_s=settings.head_timeout_s,
        idle_timeout_s=settings.idle_timeout_s,
        body_timeout_s=settings.body_timeout_s,
        per_address=settings.connections_per_address,
        in_all=connections_allowed(raise_open_files()),
    )


def _nobody(_: str) -> bool:
    return False
