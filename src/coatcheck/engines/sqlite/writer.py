"""Group commit: one thread a process runs all mutations, as many in one transaction as have come in by the time that
it has the lock: while other processes commit, what comes in gathers, and is made durable by one sync.

Two rules make that sound. A mutation that refuses (raises one of the port's errors, or an OssError of the
operation's own) does so before it has written
anything, so its neighbours can be committed. A transaction that fails for any other reason is rolled back and its
mutations run again, each in a transaction of its own: so a mutation is a function of the connection and nothing else,
and may be run twice. After an error of the COMMIT itself the transaction may stand: its mutations aren't run again, and
their callers are told that nobody knows.

A mutation is begun when the transaction is: until then its caller may withdraw it, and does so when it has waited for
WRITE_WAIT_S, because another process holds the lock or has the catalog locked. The thread itself waits on, and takes
what there is when it may.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar

from ...clock import Clock, SteadyClock
from ...core.errors import OssError
from ...core.limits import WRITE_WAIT_S, WRITES_WAITING_MAX
from ...core.tally import COMMIT_BOUNDS, COMMIT_BOUNDS_S, Tally
from ...ports.catalog import (
    AlreadyThere,
    Busy,
    Gone,
    Immutable,
    NoSpace,
    NotEmpty,
    Stale,
    TooMany,
    Unknown,
    Unwritable,
)
from ...ports.quota import OverQuota
from ..trouble import tell_trouble
from .blobs import date_releases
from .changes import Changed, Changes
from .connection import WriteLock, open_connection
from .link_filter import LinkFilter
from .noted_time import NotedTime
from .row_sums import keep_row_sums
from .usage import begin_usage, write_grown

T = TypeVar("T")

_BATCH_MAX: Final = 256  # mutations in one transaction: with inline bodies at most 16 MiB
_CACHE_KIB: Final = 16 * 1024
_REFUSALS: Final = (AlreadyThere, Gone, Immutable, NotEmpty, OverQuota, Stale, TooMany, OssError)
# A quota, or a limit on the size of files, shows as a failed write; a full disk can also hit the shared-memory file.
_NO_SPACE: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)
_UNWRITABLE: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN)  # told before any write
# Errors of a COMMIT that surely didn't happen; so are the first ones: the frame that commits is the last one written.
_REFUSED_COMMIT: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CONSTRAINT, *_UNWRITABLE)
_BEGIN_WAIT_S: Final = 1.0  # for a foreign program that has the catalog locked; then it is looked who still waits


class _Locked(Exception):
    """A foreign program has the catalog locked: no transaction was begun."""


class _Lost(Exception):
    """The commit may stand, or not."""


class Writer:
    """The process's writer thread. `run` is called on an event loop, `close` anywhere."""

    def __init__(
        self, catalog: Path, lock: Path, changes: Changes, links: LinkFilter, clock: Clock, steady: SteadyClock
    ) -> None:
        self._connection = open_connection(
            catalog, cache_kib=_CACHE_KIB, query_only=False, busy_timeout_s=_BEGIN_WAIT_S
        )
        keep_row_sums(self._connection)
        date_releases(self._connection, clock)
        self._changed = Changed(self._connection)
        links.watch(self._connection)
        self._noted = NotedTime(steady)
        self._lock = WriteLock(lock)
        self._changes = changes
        self._queue: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._waiting = 0
        self._ends = False  # nothing more is queued
        self.transactions = 0  # begun so far
        self.changes, self.seconds = Tally(COMMIT_BOUNDS), Tally(COMMIT_BOUNDS_S)  # of each commit
        self._thread = threading.Thread(target=self._serve, name="catalog-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Changes whose callers wait."""
        return self._waiting

    async def run(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run a mutation; returns after its commit. What it raises, CancelledError included, means nothing changed.

        Raises: Busy; NoSpace, Unwritable; Unknown, and it may have changed; what the mutation raises.
        """
        if self._waiting >= WRITES_WAITING_MAX:
            raise Busy("Too many changes are waiting to be written.")
        if self._queue.qsize() > 2 * WRITES_WAITING_MAX:
            self._sweep()
        job = _Job(change)
        self._queue.put(job)
        self._waiting += 1
        try:
            return await job.outcome()
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Commit what is queued, fold in the log if nobody else has the file open, and end. May be called twice.

        Somebody who holds the lock for longer than anybody waits keeps no process from ending: the thread ends with it.
        """
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(2 * WRITE_WAIT_S)
            if not self._thread.is_alive() and self._lock.own(WRITE_WAIT_S):
                self._connection.close()
                self._lock.close()

    def _sweep(self) -> None:
        """Drop what was withdrawn while the thread waits."""
        queued: list[_Job[Any] | None] = []
        with suppress(Empty):
            while True:
                queued.append(self._queue.get_nowait())
        for job in queued:
            if job is None or not job.over:
                self._queue.put(job)

    def _serve(self) -> None:
        while not self._ends:
            batch: list[_Job[Any]] = []
            self._take(batch, self._queue.get())
            while batch:
                try:
                    jobs = self._commit(batch)
                except _Locked:
                    batch = [job for job in batch if not job.over]
                else:
                    _settle(jobs)
                    batch = []

    def _take(self, batch: list[_Job[Any]], job: _Job[Any] | None) -> None:
        """Add a job, or take note of the end."""
        if job is None:
            self._ends = True
        else:
            batch.append(job)

    def _take_queued(self, batch: list[_Job[Any]]) -> None:
        """Add what has queued up, as far as there is room for it."""
        with suppress(Empty):
            while len(batch) < _BATCH_MAX and not self._ends:
                self._take(batch, self._queue.get_nowait())

    def _commit(self, batch: list[_Job[Any]]) -> list[_Job[Any]]:
        """Commit all that are still waited for, and what has come in by then, and return them; if that fails, each
        alone.

        Args:
            batch: what has come in is added.
        Raises: _Locked, and none of them was begun.
        """
        jobs: list[_Job[Any]] = []
        try:
            with self._transaction():
                self._take_queued(batch)
                jobs = [job for job in batch if job.claim()]
                for job in jobs:
                    job.run(self._connection)
            self.changes.note(len(jobs))
        except _Locked:
            raise
        except _Lost as error:
            for job in jobs:
                job.lose(error)
        except Exception as error:
            if len(jobs) > 1:
                for job in jobs:
                    self._commit_alone(job)
                return jobs
            jobs = jobs or [job for job in batch if job.claim()]  # none: it wasn't even begun
            for job in jobs:
                job.error = _translate(error)
        return jobs

    def _commit_alone(self, job: _Job[Any]) -> None:
        try:
            with self._transaction():
                job.run(self._connection)
            self.changes.note(1)
        except _Locked:
            job.error = Busy("Another program has the catalog locked.")
        except _Lost as error:
            job.lose(error)
        except Exception as error:
            job.error = _translate(error)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock.held():
            begun = time.perf_counter()
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if _primary_code(error) == sqlite3.SQLITE_BUSY:
                    tell_trouble("another program has the catalog locked", error)
                    raise _Locked from None
                raise
            self.transactions += 1
            self._changed.begin()
            begin_usage(self._connection)
            try:
                yield
                self._end_transaction()
                self.seconds.note(time.perf_counter() - begun)
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def _end_transaction(self) -> None:
        """Raises: _Lost; sqlite3.Error, and nothing was committed."""
        write_grown(self._connection)
        self._noted.note(self._connection)
        try:
            with self._changes.moving(self._changed):
                self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if _is_refusal(error):
                raise
            tell_trouble("the answer to a commit was lost", error)
            raise _Lost(str(error)) from error


class _Job(Generic[T]):
    """One mutation on its way through the writer thread, and the future its caller waits for."""

    def __init__(self, change: Callable[[sqlite3.Connection], T]) -> None:
        self.loop = asyncio.get_running_loop()
        self.error: Exception | None = None
        self._change = change
        self._result: T
        self._future: asyncio.Future[None] = self.loop.create_future()
        self._claimed = threading.Lock()
        self.over = False

    def claim(self) -> bool:
        """Whoever asks first, the writer to run it or the cancelled caller to withdraw it, gets it."""
        return self._claimed.acquire(blocking=False)

    def run(self, connection: sqlite3.Connection) -> None:
        self.error = None
        try:
            self._result = self._change(connection)
        except _REFUSALS as refusal:
            self.error = refusal

    def lose(self, error: _Lost) -> None:
        """It ran, and whether it stands is unknown; what it refused has changed nothing in any case."""
        self.error = self.error or Unknown(str(error))

    def give_up(self) -> None:
        """On the event loop: the caller has waited long enough, unless the mutation is being run."""
        if self._withdraw():
            self.error = Busy("Nobody else may write at the moment.")
            tell_trouble(f"for {WRITE_WAIT_S:g} seconds nothing could be written", "another process has the write lock")
            self.settle()

    def _withdraw(self) -> bool:
        """Take it back, and let go of what it holds, if the writer hasn't begun."""
        if not self.claim():
            return False
        del self._change
        self.over = True
        return True

    def settle(self) -> None:
        """On the event loop: let the caller go on."""
        self.over = True
        if not self._future.done():
            self._future.set_result(None)

    async def outcome(self) -> T:
        limit = self.loop.call_later(WRITE_WAIT_S, self.give_up)
        try:
            cancelled = await self._settled()
        finally:
            limit.cancel()
        if self.error is None:
            return self._result
        if cancelled:
            raise asyncio.CancelledError
        raise self.error

    async def _settled(self) -> bool:
        """Wait for the writer; True if the caller was cancelled meanwhile, too late to withdraw."""
        cancelled = False
        while not self.over:
            try:
                await self._future
            except asyncio.CancelledError:
                if self._withdraw():
                    raise
                cancelled = True
                self._future = self.loop.create_future()
        return cancelled


def _settle(jobs: list[_Job[Any]]) -> None:
    """Wake the callers: one wake-up for each event loop (there is one, except in tests)."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job[Any]]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, its_jobs in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle_here, its_jobs)


def _settle_here(jobs: list[_Job[Any]]) -> None:
    for job in jobs:
        job.settle()


def _translate(error: Exception) -> Exception:
    if not isinstance(error, sqlite3.Error):
        return error
    if getattr(error, "sqlite_errorcode", None) in _NO_SPACE:
        tell_trouble("the catalog has no space left", error)
        return NoSpace(str(error))
    if _primary_code(error) in _UNWRITABLE:
        tell_trouble("the catalog cannot be written", error)
        return Unwritable(str(error))
    return error


def _is_refusal(error: sqlite3.Error) -> bool:
    """Whether a failed COMMIT surely committed nothing."""
    return getattr(error, "sqlite_errorcode", None) in _NO_SPACE or _primary_code(error) in _REFUSED_COMMIT


def _primary_code(error: sqlite3.Error) -> int:
    """Without SQLite's finer distinctions; 0 if it doesn't say."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
