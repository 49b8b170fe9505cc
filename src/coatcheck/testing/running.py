"""A server on a thread of this process: no fork, no signal handlers, no loop policy; all gone when it is closed."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import uvloop
from msgspec.structs import replace

from coatcheck.clock import wall_clock
from coatcheck.core.limits import CONNECTION_QUEUE
from coatcheck.engines.opening import MEMORY, prepare_store
from coatcheck.operations.hashed_blob import end_hashers
from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import Listen, ServerSettings
from coatcheck.wire.connections import ConnectionLimits, Connections

from .controls import run
from .face import Oss
from .kit import Kit, SteeredServer
from .serving import Alone, nobody, plain

_LOOPBACK: Final = "127.0.0.1"
_CONNECTIONS_MAX: Final = 4096
_READY_S: Final = 30.0


class CannotServe(Exception):
    """The server in this process doesn't come up; the message says why."""


@contextmanager
def oss_server(*, subprocess: bool = False, **settings: Any) -> Iterator[Oss]:
    """An OSS in memory on a free port of 127.0.0.1, until the block ends.

    Args:
        subprocess: in a process of its own, `coatcheck serve --ephemeral --test-controls`, instead of a thread.
        settings: fields of `coatcheck.settings.ServerSettings`: `regions=("cn-beijing",)`, `restore_delay_s=0`.
    Raises: CannotServe.
    """
    if subprocess:
        from .spawned import SpawnedServer

        with SpawnedServer(settings) as spawned:
            yield Oss(spawned, spawned.facts)
        return
    with ThreadedServer(settings) as threaded:
        yield Oss(threaded, threaded.facts)


def make_key() -> RootCredentials:
    """An access key of the shape that OSS's have."""
    return RootCredentials(f"LTAI5t{secrets.token_hex(9)}", secrets.token_urlsafe(24))


class ThreadedServer:
    """Serves while its block runs.

    Attributes:
        facts: the endpoint, the region and the owner's key, as in the ready line of `serve --ephemeral`.
    """

    facts: Mapping[str, str]

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        self._given = dict(settings or {})
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._failure: BaseException | None = None

    def __enter__(self) -> ThreadedServer:
        self._thread = threading.Thread(target=self._run, name="coatcheck-testing", daemon=True)
        self._thread.start()
        if not self._started.wait(_READY_S) or self._failure is not None:
            raise CannotServe(f"the server in this process doesn't come up: {self._failure}") from self._failure
        _note(1)
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._ends.set)
            self._thread.join()
            _note(-1)

    def ask(self, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """What a control tells. Raises: Refused."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(run(self._server, name, document), self._loop).result()

    def _run(self) -> None:
        try:
            with (
                socket.create_server((_LOOPBACK, 0), backlog=CONNECTION_QUEUE) as listening,
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                runner.run(self._serve(listening))
        except BaseException as error:
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self, listening: socket.socket) -> None:
        self._ends = asyncio.Event()
        root, port = make_key(), listening.getsockname()[1]
        defaults: dict[str, Any] = {"store": MEMORY, "workers": 1, "lifecycle_hour": None, "restore_delay_s": 0.0}
        prepared = prepare_store(MEMORY, wall_clock)
        try:
            settings = ServerSettings(**(defaults | self._given))
            settings = replace(settings, listen=Listen(_LOOPBACK, port), data=prepared.data)
            self._server = SteeredServer(settings, root, Kit())
            connections = _connect(settings, await self._server.open(), listening, self._server.kit)
            self.facts = tell_facts(settings, root)
            self._loop = asyncio.get_running_loop()
            self._started.set()
            await self._ends.wait()
            connections.stop_accepting(take_waiting=False)
            await connections.close()
            await self._server.close()
        finally:
            prepared.close()


_counting: Final = threading.Lock()
_running = 0  # servers of this process


def _note(more: int) -> None:
    """The last server takes the threads with it that all of them share."""
    global _running
    with _counting:
        _running += more
        if not _running:
            end_hashers()


def tell_facts(settings: ServerSettings, root: RootCredentials) -> dict[str, str]:
    return {
        "endpoint": f"http://{settings.host}:{settings.port}",
        "region": settings.regions[0],
        "access_key_id": root.access_key_id,
        "access_key_secret": root.access_key_secret,
    }


def _connect(settings: ServerSettings, begin: Any, listening: socket.socket, kit: Kit) -> Connections:
    limits = ConnectionLimits(
        head_timeout_s=settings.head_timeout_s,
        idle_timeout_s=settings.idle_timeout_s,
        body_timeout_s=settings.body_timeout_s,
        per_address=_CONNECTIONS_MAX,
        in_all=_CONNECTIONS_MAX,
    )
    connections = Connections(begin, limits, listening, tls=plain, is_proxy=nobody, share=Alone(), clock=kit.clock)
    connections.start()
    return connections
