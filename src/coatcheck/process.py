"""The server's processes: Granian with its workers, the socket, the ready line, the orderly end."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces, Loops, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server as GranianServer

from coatcheck.app import Server
from coatcheck.engines.local import prepare_local
from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import ServerSettings

_READY_POLL_S: Final = 0.01
_READY_TIMEOUT_S: Final = 30.0
_PARENT_POLL_S: Final = 0.2
_PORT_WAIT_S: Final = 1.0  # the workers of a server that was killed are gone by then
_BUFFER_MAX_BYTES: Final = 256 * 1024  # of a connection: its headers, pieces of an upload, what a stalled reader leaves


class CannotListen(Exception):
    """The address can't be listened on; the message says why."""


def run(settings: ServerSettings, root: RootCredentials, ready: Callable[[ServerSettings], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: port 0 is replaced by a free one.
        root: the owner's key.
        ready: called with the final settings as soon as the server answers.
    Raises:
        CannotListen; what `prepare_local` raises.
    """
    with _reserve(settings.host, settings.port) as reserved:
        settings = replace(settings, port=reserved.getsockname()[1])
        with closing(prepare_local(settings.data)):
            _serve(settings, root, ready)


def _serve(settings: ServerSettings, root: RootCredentials, ready: Callable[[ServerSettings], None]) -> None:
    application, parent = Server(settings, root), os.getpid()

    def load(*_: Any) -> Server:  # called in each worker
        _die_with(parent)
        return application

    logging.getLogger("_granian").setLevel(logging.WARNING)
    server = GranianServer(
        "coatcheck",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        loop=Loops.uvloop,
        http=HTTPModes.auto,
        websockets=False,
        backlog=2048,
        backpressure=2048,
        http1_settings=HTTP1Settings(max_buffer_size=_BUFFER_MAX_BYTES),
        log_level=LogLevels.warning,
        ssl_cert=settings.tls_cert,
        ssl_key=settings.tls_key,
        ssl_protocol_min=SSLProtocols.tls12,
        respawn_failed_workers=True,
        respawn_interval=0.2,
        workers_kill_timeout=max(1, int(settings.drain_timeout_s)),
        process_name=None,
    )
    server.on_startup(lambda: threading.Thread(target=_announce, args=(settings, ready), daemon=True).start())
    server.serve(target_loader=load, wrap_loader=False)


def _reserve(host: str, port: int) -> socket.socket:
    """Hold the port without listening: the workers share it, another server must not.

    The workers bind with SO_REUSEPORT, which would let a second coatcheck join silently, so first see if it is free.
    """
    give_up_at = time.monotonic() + _PORT_WAIT_S
    while True:
        try:
            return _hold(host, _probe(host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise CannotListen(f"Cannot listen on {host}:{port}: {error.strerror}.") from None
            if time.monotonic() > give_up_at:
                in_use = f"Port {port} on {host} is in use. Take another with --listen {host}:PORT."
                raise CannotListen(in_use) from None
            time.sleep(_READY_POLL_S)


def _probe(host: str, port: int) -> int:
    """Listen for a moment, without sharing; returns the port. Raises: OSError."""
    with socket.socket(_family(host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen(1)
        return int(probe.getsockname()[1])


def _hold(host: str, port: int) -> socket.socket:
    held = socket.socket(_family(host))
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind((host, port))
    return held


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _die_with(parent: int) -> None:
    """End this worker when its server has died without saying so: it would hold the port and the data directory."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_POLL_S)
        os._exit(1)  # as sudden as what happened to the server; what was acknowledged is durable

    threading.Thread(target=watch, name="coatcheck-parent", daemon=True).start()


def _announce(settings: ServerSettings, ready: Callable[[ServerSettings], None]) -> None:
    """Wait until a connection is taken, then say so."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  compared, not bound
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, settings.port), timeout=1).close()
        except OSError:
            time.sleep(_READY_POLL_S)
            continue
        ready(settings)
        return
    print("coatcheck: no worker has come up; see the messages above.", file=sys.stderr)
