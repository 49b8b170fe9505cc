"""The server's processes: the socket, the workers that share it, their watch, certificates, the ready line, the end.

The first process opens no database, starts no thread and answers nothing: it forks workers, and looks after them. A
worker that ends is replaced, after a pause if it ended soon; one that gives no sign of life is killed. SIGHUP starts
new workers beside the old ones, which then end with their last request. SIGUSR1 has every process open its log file
anew. SIGTERM and SIGINT end everything.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from typing import Final, NoReturn

from msgspec import Struct
from msgspec.structs import replace

from coatcheck.app import Server
from coatcheck.clock import Clock, wall_clock, wall_date
from coatcheck.core.endpoints import accelerate_names, endpoint_names
from coatcheck.core.limits import HEAP_KEPT_BYTES
from coatcheck.engines.certificates import (
    BadCertificate,
    check_pair,
    ensure_certificate,
    own_domains_file,
    read_own_domains,
    tls_files,
)
from coatcheck.engines.opening import MEMORY, PreparedStore, prepare_store, read_place
from coatcheck.linux import drop_stalled, keep_freed_memory, raise_open_files
from coatcheck.listening import Listening, listen_at, place_of
from coatcheck.pulse import Pulse, PulseOfOne
from coatcheck.root_credentials import RootCredentials, find_root_credentials
from coatcheck.seen import Seen, open_seen
from coatcheck.server_log import LOG_FILE, begin_log
from coatcheck.service_manager import ServiceManager
from coatcheck.settings import ServerSettings
from coatcheck.telemetry import check_telemetry
from coatcheck.warming import WARM_AFTER_S, load_rest
from coatcheck.worker import CANNOT_START, LEAVE, REOPEN, SIGNALS, Certificate, FileStates, Worker, state_of

_POLL_S: Final = 0.25
_END_POLL_S: Final = 0.01
_READY_TIMEOUT_S: Final = 30.0
_STOPPED_S: Final = 5.0  # a look that comes so late says that this process, too, was stopped
_SETTLED_S: Final = 10.0  # a worker that lived for so long is replaced at once
_RESPAWN_MIN_S: Final = 0.2
_RESPAWN_MAX_S: Final = 5.0
_SLOTS_MIN: Final = 16
_SLOTS_PER_WORKER: Final = 4  # itself, its successor, and two that still leave
_KILL_AFTER_S: Final = 3.0  # beyond the drain time-out
_CERTIFICATE_POLL_S: Final = 1.0
_RENEWAL_POLL_S: Final = 3600.0
_PID: Final = struct.Struct("<i")

log: Final = logging.getLogger("coatcheck")


class CannotStart(Exception):
    """No worker comes up; the log says why."""


MakeServer = Callable[[ServerSettings, RootCredentials, Clock], Server]


def run(
    settings: ServerSettings,
    ready: Callable[[ServerSettings, RootCredentials], None],
    clock: Clock = wall_clock,
    *,
    make_server: MakeServer = Server,
    environment: Mapping[str, str] = os.environ,
    parent: int | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. Keys are checked, or made, before any worker is there.

    Args:
        settings: port 0 is replaced by a free one.
        ready: called with the final settings and the owner's key as soon as every worker takes connections.
        clock: wall time, for all that is dated.
        make_server: what a worker serves with; called in its process.
        environment: where the owner's key may be.
        parent: the process that started this one: when it has ended, so does the server. None: it may end.
    Raises:
        CannotListen, CannotLog, CannotStart, NoTelemetry, BadCertificate, BadCredentials; what `prepare_store` raises.
    """
    begin_log(settings)
    check_telemetry(settings)
    with closing(listen_at(settings.listen, settings.admin)) as listening:
        settings = replace(settings, listen=place_of(listening.objects, settings.listen))
        if listening.admin is not None and settings.admin is not None:
            settings = replace(settings, admin=place_of(listening.admin, settings.admin))
        with closing(_prepare_store(settings, clock)) as store:
            settings = replace(settings, data=store.data)
            root = find_root_credentials(settings.data, environment, needed=store.needs_root_key())
            store.note_root_key(root.access_key_id, root.access_key_secret)
            if settings.tls_self_signed:
                files = tls_files(settings.data)
                settings = replace(settings, tls_cert=files.cert, tls_key=files.key)
                _prepare_certificate(settings, store, clock, new_authority=not store.has_authority())
                store.note_authority()
            else:
                _prepare_certificate(settings, store, clock)
            raise_open_files()
            keep_freed_memory(HEAP_KEPT_BYTES)
            drop_stalled(listening.objects, settings.body_timeout_s)
            server_key = replace(root, made=False)
            workers = _Workers(server_key, listening, clock, make_server, parent)
            manager = ServiceManager(environment)
            _FirstProcess(settings, store, workers, lambda final: ready(final, root), manager).run()


def _prepare_store(settings: ServerSettings, clock: Clock) -> PreparedStore:
    place = read_place(settings.bytes_url, settings.bytes_credentials)
    return prepare_store(settings.store_url, clock, data=settings.data, accept_clock=settings.accept_clock, place=place)


class _Forked(Struct, eq=False):
    """A worker as its parent sees it."""

    pid: int
    slot: int
    started: float
    is_ready: bool = False


class _Workers(Struct, frozen=True):
    """What workers are made with, and which process they end with."""

    root: RootCredentials
    listening: Listening
    clock: Clock
    make_server: MakeServer
    parent: int | None


class _FirstProcess:
    """Forks workers and looks after them."""

    def __init__(
        self,
        settings: ServerSettings,
        store: PreparedStore,
        made_with: _Workers,
        ready: Callable[[ServerSettings], None],
        manager: ServiceManager,
    ) -> None:
        self._settings = settings
        self._store = store
        self._made_with = made_with
        self._listening = made_with.listening
        self._ready = ready
        self._manager = manager
        self._clock = made_with.clock
        self._pulse = Pulse(max(_SLOTS_MIN, _SLOTS_PER_WORKER * settings.workers))
        self._seen: Seen | None = open_seen(settings, self._pulse)
        self._certificate = Certificate(settings)
        self._workers: list[_Forked] = []
        self._arriving: list[_Forked] = []  # after a reload, until all of them take connections
        self._leaving: list[_Forked] = []
        self._due: list[float] = []  # when workers that ended are replaced
        self._failures = 0  # workers that ended soon, one after the other
        self._asked: set[int] = set()  # signals
        self._is_announced = False
        self._is_warm = False
        self._looked_at = self._awake_since = self._started = time.monotonic()
        self._certificate_seen = _state_of_certificate(settings)
        self._certificate_looked_at = self._started

    def run(self) -> None:
        """Raises: CannotStart."""
        self._certificate.load()
        self._wake, wakes = os.pipe()
        self._hear, self._say = os.pipe()
        for end in (self._wake, wakes, self._hear):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wakes)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, REOPEN):
            signal.signal(number, lambda number, _: self._asked.add(number))
        try:
            self._fork_all(self._workers)
            while not self._asked & {signal.SIGTERM, signal.SIGINT} and not self._is_orphan():
                self._look_after_them()
        finally:
            self._end()

    def _is_orphan(self) -> bool:
        return self._made_with.parent not in (None, os.getppid())

    def _look_after_them(self) -> None:
        self._wait(_POLL_S)
        now = time.monotonic()
        self._hear_from_workers()
        self._reap(now)
        self._announce(now)
        self._manager.beat(now)
        self._watch(now)
        self._replace(now)
        self._see_to_certificate(now)
        if signal.SIGHUP in self._asked:
            self._asked.discard(signal.SIGHUP)
            self._reload()
        if REOPEN in self._asked:
            self._asked.discard(REOPEN)
            LOG_FILE.reopen()
            _kill(self._all(), REOPEN)
        self._finish_reload(now)
        self._warm(now)

    def _wait(self, timeout_s: float) -> None:
        """Until a signal comes, or a worker says something."""
        readable, _, _ = select.select([self._wake, self._hear], [], [], timeout_s)
        if self._wake in readable:
            with suppress(BlockingIOError):
                os.read(self._wake, 512)

    # --- workers ---

    def _fork_all(self, among: list[_Forked]) -> None:
        for _ in range(self._settings.workers):
            self._fork(among)

    def _fork(self, among: list[_Forked]) -> None:
        slot = self._free_slot()
        self._clear(slot)
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # the worker unblocks them when it hears them
        parent, pid = os.getpid(), os.fork()
        if not pid:
            self._be_a_worker(slot, parent)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        among.append(_Forked(pid, slot, time.monotonic()))

    def _be_a_worker(self, slot: int, parent: int) -> NoReturn:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.close(self._wake)
            os.close(self._hear)
            server = self._made_with.make_server(self._settings, self._made_with.root, self._clock)
            if self._seen is not None:
                server.be_seen(self._seen.of_one(slot))
            worker = Worker(
                self._settings,
                server,
                self._listening,
                PulseOfOne(self._pulse, slot),
                self._certificate,
                lambda: _say(self._say),
                parent,
                self._clock,
            )
            status = worker.run()
        except BaseException:
            traceback.print_exc()
        finally:
            with suppress(OSError, ValueError):
                sys.stderr.flush()
            os._exit(status)

    def _clear(self, slot: int) -> None:
        """Nobody is there, or somebody new."""
        self._pulse.clear(slot)
        if self._seen is not None:
            self._seen.cells.clear(slot)

    def _free_slot(self) -> int:
        taken = {worker.slot for worker in self._all()}
        return next(slot for slot in range(self._pulse.slots) if slot not in taken)

    def _all(self) -> list[_Forked]:
        return [*self._workers, *self._arriving, *self._leaving]

    def _hear_from_workers(self) -> None:
        said = set()
        with suppress(BlockingIOError):
            while part := os.read(self._hear, _PID.size * 64):
                said |= {pid for (pid,) in _PID.iter_unpack(part)}
        for worker in self._all():
            worker.is_ready |= worker.pid in said

    def _reap(self, now: float) -> None:
        """Take note of workers that have ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for worker in self._all():
                if worker.pid == pid:
                    self._clear(worker.slot)
                    self._bury(worker, os.waitstatus_to_exitcode(status), now)

    def _bury(self, worker: _Forked, status: int, now: float) -> None:
        if worker in self._leaving:
            self._leaving.remove(worker)
        elif worker in self._arriving:
            self._arriving.remove(worker)
            self._give_up_reload(f"a new worker ended with {_write_status(status)}")
        else:
            self._workers.remove(worker)
            if status == CANNOT_START and not self._is_announced:
                raise CannotStart("The server can't start; the messages above say why.")
            self._failures = 0 if now - worker.started > _SETTLED_S else self._failures + 1
            pause_s = min(_RESPAWN_MIN_S * 2**self._failures, _RESPAWN_MAX_S) if self._failures else 0.0
            if self._seen is not None:
                self._seen.note_restart()
            log.error("worker %d ended with %s; another takes its place", worker.pid, _write_status(status))
            self._due.append(now + pause_s)

    def _replace(self, now: float) -> None:
        for due in [due for due in self._due if due <= now]:
            self._due.remove(due)
            self._fork(self._workers)

    def _watch(self, now: float) -> None:
        """Kill workers that give no sign of life. If this process was stopped with them, they get their time again."""
        if now - self._looked_at > _STOPPED_S:
            self._awake_since = now
        self._looked_at = now
        for worker in self._all():
            silent_s = now - max(self._pulse.last_beat(worker.slot), self._awake_since)
            if silent_s > self._settings.worker_timeout_s:
                log.error("worker %d gave no sign of life for %.0f s: it is killed", worker.pid, silent_s)
                _kill([worker], signal.SIGKILL)
                self._pulse.clear(worker.slot)

    def _announce(self, now: float) -> None:
        are_all_ready = len(self._workers) == self._settings.workers and all(it.is_ready for it in self._workers)
        if are_all_ready:
            self._manager.say_ready()  # also when they come up late
        if self._is_announced:
            return
        if are_all_ready:
            self._is_announced = True
            with suppress(OSError):  # nobody reads the line; the server goes on
                self._ready(self._settings)
        elif now - self._started > _READY_TIMEOUT_S:
            self._is_announced = True
            print("coatcheck: not every worker has come up; see the messages above.", file=sys.stderr)

    def _warm(self, now: float) -> None:
        """Load what the start left out: workers that are forked later share it."""
        if not self._is_warm and now - self._started > WARM_AFTER_S:
            self._is_warm = True
            load_rest()

    # --- reload ---

    def _reload(self) -> None:
        """New workers, with the certificate that there is now."""
        if self._arriving:
            return
        if self._settings.store_url == MEMORY:
            log.error("not reloaded: a new worker would have nothing of what this one has in memory")
            return
        if len(self._leaving) + 2 * self._settings.workers > self._pulse.slots:
            log.error("not reloaded: %d old workers still have requests to answer", len(self._leaving))
            return
        try:
            self._renew_certificate()
        except (BadCertificate, OSError) as error:
            log.error("%s The workers go on with the certificate they have.", error)
            return
        self._fork_all(self._arriving)

    def _finish_reload(self, now: float) -> None:
        if not self._arriving:
            return
        if all(worker.is_ready for worker in self._arriving):
            _kill(self._workers, LEAVE)
            self._leaving += self._workers
            self._workers, self._arriving, self._due = self._arriving, [], []
            if self._seen is not None:
                self._seen.note_reload()
            log.info("reloaded: %d new workers; the old ones end with their last requests", len(self._workers))
        elif now - self._arriving[0].started > _READY_TIMEOUT_S:
            self._give_up_reload("the new workers don't come up")

    def _give_up_reload(self, why: str) -> None:
        log.error("not reloaded: %s; the old ones go on", why)
        _kill(self._arriving, signal.SIGKILL)
        self._leaving += self._arriving
        self._arriving = []

    # --- certificates ---

    def _see_to_certificate(self, now: float) -> None:
        """Renew ours when that is due, and say so when a pair is none. Workers look at the files themselves."""
        if self._settings.tls_cert is None or now - self._certificate_looked_at < _CERTIFICATE_POLL_S:
            return
        state = _state_of_certificate(self._settings)
        if state == self._certificate_seen and now - self._certificate_looked_at < _RENEWAL_POLL_S:
            return
        self._certificate_looked_at = now
        try:
            self._renew_certificate()
        except (BadCertificate, OSError) as error:
            log.error("%s The workers go on with the certificate they have.", error)
        self._certificate_seen = _state_of_certificate(self._settings)

    def _renew_certificate(self) -> None:
        """Raises: BadCertificate, OSError."""
        _prepare_certificate(self._settings, self._store, self._clock)
        self._certificate.load()

    # --- the end ---

    def _end(self) -> None:
        """Within the drain time-out and a little more."""
        self._manager.say_stopping()
        self._listening.close()
        everybody = self._all()
        _kill(everybody, signal.SIGTERM)
        deadline = time.monotonic() + self._settings.drain_timeout_s + _KILL_AFTER_S
        while everybody:
            if time.monotonic() > deadline:
                _kill(everybody, signal.SIGKILL)
            self._wait(_END_POLL_S)
            everybody = [worker for worker in everybody if not _has_ended(worker)]


def _say(end: int) -> None:
    os.write(end, _PID.pack(os.getpid()))


def _kill(workers: Iterable[_Forked], number: int) -> None:
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker.pid, number)


def _has_ended(worker: _Forked) -> bool:
    try:
        return os.waitpid(worker.pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def _write_status(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _prepare_certificate(
    settings: ServerSettings, store: PreparedStore, clock: Clock, *, new_authority: bool = False
) -> None:
    """Renew a certificate of ours where that is due, and see that the pair is one.

    Args:
        new_authority: an authority of ours may be made: nobody trusts one yet.
    Raises: BadCertificate.
    """
    if settings.tls_self_signed:
        names = _served_names(settings)
        ensure_certificate(settings.data, store.secrets, names, wall_date(clock), new_authority=new_authority)
    if settings.tls_cert and settings.tls_key:
        check_pair(settings.tls_cert, settings.tls_key)


def _served_names(settings: ServerSettings) -> list[str]:
    """Every name a certificate of ours is for: this machine, each endpoint with the buckets at it, own domains."""
    names = {"localhost", "127.0.0.1", "::1", *read_own_domains(settings.data)}
    if settings.host not in ("0.0.0.0", "::"):  # noqa: S104  compared, not bound
        names.add(settings.host)
    for domain in settings.domains:
        endpoints = {domain, *accelerate_names(domain)}
        endpoints.update(*(endpoint_names(region, domain) for region in settings.regions))
        names.update(endpoints, (f"*.{endpoint}" for endpoint in endpoints))
    return sorted(names)


def _state_of_certificate(settings: ServerSettings) -> FileStates:
    """What changes when the certificate, its key or the list of own domains is written or replaced."""
    domains = (own_domains_file(settings.data),) if settings.tls_self_signed else ()
    return state_of(*(path for path in (settings.tls_cert, settings.tls_key, *domains) if path is not None))
