"""Group commit: one thread a process runs all mutations, as many in one transaction as have come in meanwhile.

Two rules make that sound. A mutation that refuses (raises one of the port's errors, or an OssError of the
operation's own) does so before it has written
anything, so its neighbours can be committed. A transaction that fails for any other reason is rolled back and its
mutations run again, each in a transaction of its own: so a mutation is a function of the connection and nothing else,
and may be run twice.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar

from ...core.errors import OssError
from ...ports.catalog import AlreadyThere, Gone, NoSpace, NotEmpty, Stale, TooMany
from .changes import Changes
from .connection import WriteLock, open_connection
from .row_sums import keep_row_sums

T = TypeVar("T")

_BATCH_MAX: Final = 256  # mutations in one transaction: with inline bodies at most 16 MiB
_CACHE_KIB: Final = 16 * 1024
_REFUSALS: Final = (AlreadyThere, Gone, NotEmpty, Stale, TooMany, OssError)
# A quota, or a limit on the size of files, shows as a failed write; a full disk can also hit the shared-memory file.
_NO_SPACE: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)


class Writer:
    """The process's writer thread. `run` is called on an event loop, `close` anywhere."""

    def __init__(self, catalog: Path, lock: Path, changes: Changes) -> None:
        self._connection = open_connection(catalog, cache_kib=_CACHE_KIB, query_only=False)
        keep_row_sums(self._connection)
        self._lock = WriteLock(lock)
        self._changes = changes
        self._queue: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="catalog-writer", daemon=True)
        self._thread.start()

    async def run(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run a mutation; returns after its commit. What it raises, CancelledError included, means nothing changed."""
        job = _Job(change)
        self._queue.put(job)
        return await job.outcome()

    def close(self) -> None:
        """Commit what is queued, fold in the log if nobody else has the file open, and end. May be called twice."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
            with self._lock.held():
                self._connection.close()
            self._lock.close()

    def _serve(self) -> None:
        open_for_work = True
        while open_for_work:
            batch, open_for_work = self._next_batch()
            jobs = [job for job in batch if job.claim()]
            if jobs:
                self._commit(jobs)
                _settle(jobs)

    def _next_batch(self) -> tuple[list[_Job[Any]], bool]:
        """What has queued up, waiting for the first; and whether there is more to come."""
        batch: list[_Job[Any]] = []
        job = self._queue.get()
        try:
            while job is not None:
                batch.append(job)
                if len(batch) == _BATCH_MAX:
                    return batch, True
                job = self._queue.get_nowait()
        except Empty:
            return batch, True
        return batch, False

    def _commit(self, jobs: list[_Job[Any]]) -> None:
        """Commit all; if that fails, each alone."""
        try:
            self._transact(jobs)
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].error = _translate(error)
                return
            for job in jobs:
                self._commit([job])

    def _transact(self, jobs: Iterable[_Job[Any]]) -> None:
        with self._lock.held():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for job in jobs:
                    job.run(self._connection)
                with self._changes.moving():
                    self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")


class _Job(Generic[T]):
    """One mutation on its way through the writer thread, and the future its caller waits for."""

    def __init__(self, change: Callable[[sqlite3.Connection], T]) -> None:
        self.loop = asyncio.get_running_loop()
        self.error: Exception | None = None
        self._change = change
        self._result: T
        self._future: asyncio.Future[None] = self.loop.create_future()
        self._claimed = threading.Lock()
        self._over = False

    def claim(self) -> bool:
        """Whoever asks first, the writer to run it or the cancelled caller to withdraw it, gets it."""
        return self._claimed.acquire(blocking=False)

    def run(self, connection: sqlite3.Connection) -> None:
        self.error = None
        try:
            self._result = self._change(connection)
        except _REFUSALS as refusal:
            self.error = refusal

    def settle(self) -> None:
        """On the event loop: let the caller go on."""
        self._over = True
        if not self._future.done():
            self._future.set_result(None)

    async def outcome(self) -> T:
        cancelled = await self._settled()
        if self.error is None:
            return self._result
        if cancelled:
            raise asyncio.CancelledError
        raise self.error

    async def _settled(self) -> bool:
        """Wait for the writer; True if the caller was cancelled meanwhile, too late to withdraw."""
        cancelled = False
        while not self._over:
            try:
                await self._future
            except asyncio.CancelledError:
                if self.claim():
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
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) in _NO_SPACE:
        return NoSpace(str(error))
    return error
