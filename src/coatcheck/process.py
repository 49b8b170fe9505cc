"""The server's processes: Granian with its workers, the socket, certificates, the ready line, the orderly end."""

from __future__ import annotations

import asyncio
import errno
import logging
import multiprocessing
import os
import select
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces, Loops, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server as GranianServer

from coatcheck.app import Server
from coatcheck.engines.certificates import (
    BadCertificate,
    check_pair,
    ensure_certificate,
    own_domains_file,
    read_own_domains,
    tls_files,
)
from coatcheck.engines.local import prepare_local
from coatcheck.engines.needed_keys import check_authority, needs_root_key, note_authority, note_root_key
from coatcheck.root_credentials import RootCredentials, find_root_credentials
from coatcheck.settings import Listen, ServerSettings
from coatcheck.wire.target import accelerate_names, endpoint_names

_READY_POLL_S: Final = 0.01
_READY_TIMEOUT_S: Final = 30.0
_PARENT_POLL_S: Final = 0.2
_PORT_WAIT_S: Final = 1.0  # the workers of a server that was killed are gone by then
_CERTIFICATE_POLL_S: Final = 1.0
_RENEWAL_POLL_S: Final = 3600.0
_LISTENING: Final = "0A"  # the kernel's name for that state of a socket
_TLS_MIN: Final = {"1.2": SSLProtocols.tls12, "1.3": SSLProtocols.tls13}
_END_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_BUFFER_MAX_BYTES: Final = 256 * 1024  # of a connection: its headers, pieces of an upload, what a stalled reader leaves


log = logging.getLogger("coatcheck")

FileStates = tuple[tuple[int, int, int], ...]


class CannotListen(Exception):
    """The address can't be listened on; the message says why."""


def run(settings: ServerSettings, ready: Callable[[ServerSettings, RootCredentials], None]) -> None:
    """Serve until SIGTERM or SIGINT. Keys are checked, or made, before any worker is there.

    Args:
        settings: port 0 is replaced by a free one.
        ready: called with the final settings and the owner's key as soon as the server answers.
    Raises:
        CannotListen, BadCertificate, BadCredentials; what `prepare_local` raises.
    """
    with _reserve(settings.host, settings.port) as reserved:
        settings = replace(settings, listen=Listen(settings.host, reserved.getsockname()[1]))
        with closing(prepare_local(settings.data)):
            root = find_root_credentials(settings.data, os.environ, needed=needs_root_key(settings.data))
            note_root_key(settings.data, root.access_key_id)
            if settings.tls_self_signed:
                files = tls_files(settings.data)
                settings = replace(settings, tls_cert=files.cert, tls_key=files.key)
                _prepare_certificate(settings, new_authority=not check_authority(settings.data))
                note_authority(settings.data)
            else:
                _prepare_certificate(settings)
            _serve(settings, replace(root, made=False), lambda final: ready(final, root))


def _serve(settings: ServerSettings, root: RootCredentials, ready: Callable[[ServerSettings], None]) -> None:
    multiprocessing.set_start_method("fork", force=True)  # no longer the default of Python 3.14; workers need it
    listening, say_listening = os.pipe()
    application = Server(settings, root, when_up=partial(_begin_to_listen, settings.body_timeout_s, say_listening))
    parent = os.getpid()

    def load(*_: Any) -> Server:  # called in each worker
        # A signal to end that comes while the worker starts would get lost, and the worker be waited for in vain: it is
        # kept until `_begin_to_listen`.
        signal.pthread_sigmask(signal.SIG_BLOCK, _END_SIGNALS)
        _die_with(parent)
        return application

    logging.getLogger("_granian").setLevel(logging.WARNING)
    server = _Granian(
        settings,
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
        ssl_protocol_min=_TLS_MIN[settings.tls_min],
        respawn_failed_workers=True,
        respawn_interval=0.2,
        workers_kill_timeout=settings.drain_timeout_s,
        process_name=None,
    )
    server.on_startup(
        lambda: threading.Thread(target=_announce, args=(settings, listening, ready), daemon=True).start()
    )
    if settings.tls_cert:
        watch = threading.Thread(target=_watch_certificate, args=(settings, server), daemon=True)
        server.on_startup(watch.start)
    server.serve(target_loader=load, wrap_loader=False)


class _Granian(GranianServer):  # type: ignore[misc, valid-type]  # Granian has no types for it
    """Granian, but a reload drops no running download, and looks at the certificate first.

    New workers are started beside the old ones, which share the port; when they listen, the old ones are told to end,
    and may take as long as their downloads do. Granian itself would kill them after the time that a shutdown gives.

    Workers are forks of this process. So nothing here may have SQLite open when one is made (it would believe in locks
    that it doesn't have), and no other thread may be within OpenSSL: certificates are looked at by the main thread.
    """

    wrks: list[Any]

    def __init__(self, settings: ServerSettings, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._settings = settings
        self._leaving: list[Any] = []
        self._asked_for = False
        self._loaded = _state_of_certificate(settings)

    def signal_handler_reload(self, *signal: Any) -> None:
        """SIGHUP: the operator wants new workers, whether or not a file has changed."""
        self._asked_for = True
        super().signal_handler_reload(*signal)

    def look_at_certificate(self) -> None:
        """Have the main thread reload if the certificate is another one, or has to be."""
        self.reload_signal = True
        self.main_loop_interrupt.set()

    def _reload(self, spawn_target: Any, target_loader: Any) -> None:
        self.reload_signal = False
        self.main_loop_interrupt.clear()
        try:
            state = _prepare_certificate(self._settings)
        except (BadCertificate, OSError) as error:
            log.error("%s The workers go on with the certificate they have.", error)
            return
        if state != self._loaded or self._asked_for:
            self._loaded, self._asked_for = state, False
            self._replace_workers(spawn_target, target_loader)

    def _replace_workers(self, spawn_target: Any, target_loader: Any) -> None:
        settings = self._settings
        if settings.tls_cert:  # Granian remembers where links pointed
            least = _TLS_MIN[settings.tls_min]
            self.build_ssl_context(settings.tls_cert, settings.tls_key, None, least, None, [], False)
        listening = _count_listening(self.bind_port)
        old, self.wrks = self.wrks, []
        self._spawn_workers(spawn_target, target_loader)
        _await_listening(self.bind_port, listening + self.workers)
        for worker in old:
            worker.terminate()
        self._leaving = [worker for worker in self._leaving if worker.is_alive()] + old
        log.info("reloaded: %d new workers; the old ones end with their last requests", self.workers)

    def _stop_workers(self) -> None:
        self.wrks.extend(worker for worker in self._leaving if worker.is_alive())
        super()._stop_workers()


def _count_listening(port: int) -> int:
    """How many sockets of this machine's IPv4 and IPv6 listen on the port, as far as the kernel tells (on Linux)."""
    count = 0
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as lines:
                rows = [line.split() for line in lines]
        except OSError:
            continue
        count += sum(1 for row in rows if row[3] == _LISTENING and row[1].endswith(f":{port:04X}"))
    return count


def _await_listening(port: int, count: int) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while _count_listening(port) < count and time.monotonic() < deadline:
        time.sleep(_READY_POLL_S)


def _prepare_certificate(settings: ServerSettings, *, new_authority: bool = False) -> FileStates:
    """Renew a certificate of ours where that is due, and see that the pair is one; what identifies it.

    Args:
        new_authority: an authority of ours may be made: nobody trusts one yet.
    Raises: BadCertificate.
    """
    if settings.tls_self_signed:
        ensure_certificate(settings.data, _served_names(settings), new_authority=new_authority)
    state = _state_of_certificate(settings)
    if settings.tls_cert and settings.tls_key:
        check_pair(settings.tls_cert, settings.tls_key)
    return state


def _served_names(settings: ServerSettings) -> list[str]:
    """Every name a certificate of ours is for: this machine, each door with the buckets at it, own domains."""
    names = {"localhost", "127.0.0.1", "::1", *read_own_domains(settings.data)}
    if settings.host not in ("0.0.0.0", "::"):  # noqa: S104  compared, not bound
        names.add(settings.host)
    for domain in settings.domains:
        doors = {domain, *accelerate_names(domain)}
        doors.update(*(endpoint_names(region, domain) for region in settings.regions))
        names.update(doors, (f"*.{door}" for door in doors))
    return sorted(names)


def _watch_certificate(settings: ServerSettings, server: _Granian) -> None:
    """Notice files that have changed; and once an hour, that time has passed."""
    seen, looked_at_s = _state_of_certificate(settings), time.monotonic()
    while True:
        time.sleep(_CERTIFICATE_POLL_S)
        state, now_s = _state_of_certificate(settings), time.monotonic()
        if state != seen or now_s - looked_at_s > _RENEWAL_POLL_S:
            seen, looked_at_s = state, now_s
            server.look_at_certificate()


def _state_of_certificate(settings: ServerSettings) -> FileStates:
    """What changes when the certificate, its key or the list of own domains is written or replaced."""
    domains = (own_domains_file(settings.data),) if settings.tls_self_signed else ()
    return _state_of(*(path for path in (settings.tls_cert, settings.tls_key, *domains) if path is not None))


def _state_of(*paths: Path) -> FileStates:
    """What changes when a file is written, replaced, or its link points elsewhere."""
    states = []
    for path in paths:
        try:
            status = path.stat()
            states.append((status.st_ino, status.st_mtime_ns, status.st_size))
        except OSError:
            states.append((0, 0, 0))
    return tuple(states)


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


async def _begin_to_listen(stalled_max_s: float, say_listening: int) -> None:
    """Wait until this worker listens; then take signals, have stalled clients dropped, and tell the server.

    Runs on the worker's event loop, which is what hears signals: a moment before it runs for good it can lose one.

    The application gives a stalled reply up by itself, but the server underneath keeps the connection, and what is
    queued on it, for as long as the client likes; so the kernel is told to end it. Connections take this option over
    from the listening socket.
    """
    while not (listening := _find_listening()):  # noqa: ASYNC110  nobody says when
        await asyncio.sleep(_READY_POLL_S)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _END_SIGNALS)
    for found in listening:
        with found:
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(stalled_max_s * 1000))
    os.write(say_listening, b".")


def _find_listening() -> list[socket.socket]:
    """Copies of this process's listening sockets.

    No other descriptor is copied: to close a copy of SQLite's would give up its locks (POSIX).
    """
    found = []
    for name in os.listdir("/dev/fd"):
        try:
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            opened = socket.socket(fileno=os.dup(int(name)))
        except OSError:  # closed meanwhile
            continue
        if opened.family in (socket.AF_INET, socket.AF_INET6) and _is_listening(opened):
            found.append(opened)
        else:
            opened.close()
    return found


def _is_listening(opened: socket.socket) -> bool:
    return bool(opened.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _announce(settings: ServerSettings, listening: int, ready: Callable[[ServerSettings], None]) -> None:
    """Wait until every worker listens, then say so."""
    deadline = time.monotonic() + _READY_TIMEOUT_S
    missing = settings.workers
    while missing and select.select([listening], [], [], max(0.0, deadline - time.monotonic()))[0]:
        missing -= len(os.read(listening, missing))
    if missing:
        print("coatcheck: not every worker has come up; see the messages above.", file=sys.stderr)
    else:
        ready(settings)
