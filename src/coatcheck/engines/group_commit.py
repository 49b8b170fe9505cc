"""Group commit: one thread a process runs all mutations, as many in one transaction as have come in by the time that
it has begun: while one transaction is made durable, what comes in gathers for the next.

Two rules make that sound. A mutation that refuses (raises one of the port's errors, or an OssError of the
operation's own) does so before it has written
anything, so its neighbours can be committed. A transaction that fails for any other reason is rolled back and its
mutations run again, each in a transaction of its own: so a mutation is a function of the connection and nothing else,
and may be run twice. After an error of the COMMIT itself the transaction may stand: its mutations aren't run again, and
their callers are told that nobody knows.

A mutation is begun when the transaction is: until then its caller may withdraw it, and does so when it has waited for
WRITE_WAIT_S, because nothing can be begun. The thread itself waits on, and takes what there is when it may.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from queue import Empty, SimpleQueue
from typing import Any, ClassVar, Final, Generic, TypeVar

from ..core.limits import WRITE_WAIT_S, WRITES_WAITING_MAX
from ..core.tally import COMMIT_BOUNDS, COMMIT_BOUNDS_S, Tally
from ..ports.catalog import Busy, NotWritten
from .commit_job import Job, Lost
from .sql.contract import REGISTER, Held
from .trouble import tell_trouble

C = TypeVar("C")
T = TypeVar("T")

_BATCH_MAX: Final = 256  # mutations in one transaction: with inline bodies at most 16 MiB


class Locked(Exception):
    """No transaction could be begun."""


class GroupCommit(ABC, Generic[C]):
    """The process's writer thread. `run` is called on an event loop, `close` anywhere.

    An engine says how a transaction is made on its connection (C), and what its errors mean.
    """

    why_waiting: ClassVar[str]  # for the log, when nothing could be begun in time

    def __init__(self) -> None:
        self._queue: SimpleQueue[Job[C, Any] | None] = SimpleQueue()
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

    async def run(self, change: Callable[[C], T], held: Held = REGISTER) -> T:
        """Run a mutation; returns after its commit. What it raises, CancelledError included, means nothing changed.

        Args:
            held: what the mutation needs for itself.
        Raises: Busy; NoSpace, Unwritable; Unknown, and it may have changed; what the mutation raises.
        """
        if self._waiting >= WRITES_WAITING_MAX:
            raise Busy("Too many changes are waiting to be written.")
        if self._queue.qsize() > 2 * WRITES_WAITING_MAX:
            self._sweep()
        job = Job(change, held, self._gives_up)
        self._queue.put(job)
        self._waiting += 1
        try:
            return await job.outcome()
        finally:
            self._waiting -= 1

    def _end_thread(self) -> bool:
        """Commit what is queued, and end; whether the thread has ended in time. May be called twice."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(2 * WRITE_WAIT_S)
        return not self._thread.is_alive()

    def _gives_up(self) -> NotWritten:
        """What a caller hears, and the log, when nothing could be begun in time."""
        tell_trouble(f"for {WRITE_WAIT_S:g} seconds nothing could be written", self.why_waiting)
        return Busy("Nobody else may write at the moment.")

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[C]:
        """A transaction, committed at the end of the block, or rolled back for what the block raises.

        Raises: Locked, before the block; Lost, of the commit; an error of the database, and nothing was committed.
        """

    def _hold(self, connection: C, held: Sequence[Held]) -> None:
        """Take what the mutations of a transaction need for themselves, before the first one looks."""

    def _may_repeat(self, error: Exception, tried: int) -> bool:
        """Whether a mutation that failed alone, for the time of that number, is run once more. Nothing was changed."""
        return False

    @abstractmethod
    def _translate(self, error: Exception) -> Exception:
        """What a caller hears of an error, in the words of the port."""

    def _sweep(self) -> None:
        """Drop what was withdrawn while the thread waits."""
        queued: list[Job[C, Any] | None] = []
        with suppress(Empty):
            while True:
                queued.append(self._queue.get_nowait())
        for job in queued:
            if job is None or not job.over:
                self._queue.put(job)

    def _serve(self) -> None:
        while not self._ends:
            batch: list[Job[C, Any]] = []
            self._take(batch, self._queue.get())
            while batch:
                try:
                    jobs = self._commit(batch)
                except Locked:
                    batch = [job for job in batch if not job.over]
                else:
                    _settle(jobs)
                    batch = []
        self._leave()

    def _leave(self) -> None:
        """The last that the thread does."""

    def _take(self, batch: list[Job[C, Any]], job: Job[C, Any] | None) -> None:
        """Add a job, or take note of the end."""
        if job is None:
            self._ends = True
        else:
            batch.append(job)

    def _take_queued(self, batch: list[Job[C, Any]]) -> None:
        """Add what has queued up, as far as there is room for it."""
        with suppress(Empty):
            while len(batch) < _BATCH_MAX and not self._ends:
                self._take(batch, self._queue.get_nowait())

    def _commit(self, batch: list[Job[C, Any]]) -> list[Job[C, Any]]:
        """Commit all that are still waited for, and what has come in by then, and return them; if that fails, each
        alone.

        Args:
            batch: what has come in is added.
        Raises: Locked, and none of them was begun.
        """
        jobs: list[Job[C, Any]] = []
        try:
            with self._transaction() as connection:
                self._take_queued(batch)
                jobs = [job for job in batch if job.claim()]
                self._hold(connection, [job.held for job in jobs])
                for job in jobs:
                    job.run(connection)
            self.changes.note(len(jobs))
        except Locked:
            raise
        except Lost as error:
            for job in jobs:
                job.lose(error)
        except Exception as error:
            if len(jobs) > 1 or (jobs and self._may_repeat(error, 1)):
                for job in jobs:
                    self._commit_alone(job)
                return jobs
            jobs = jobs or [job for job in batch if job.claim()]  # none: it wasn't even begun
            for job in jobs:
                job.error = self._translate(error)
        return jobs

    def _commit_alone(self, job: Job[C, Any]) -> None:
        tried, again = 0, True
        while again:
            tried, again = tried + 1, False
            try:
                with self._transaction() as connection:
                    self._hold(connection, [job.held])
                    job.run(connection)
                self.changes.note(1)
            except Locked:
                job.error = self._gives_up()
            except Lost as error:
                job.lose(error)
            except Exception as error:
                job.error, again = self._translate(error), self._may_repeat(error, tried)


def _settle(jobs: list[Job[Any, Any]]) -> None:
    """Wake the callers: one wake-up for each event loop (there is one, except in tests)."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job[Any, Any]]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, its_jobs in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle_here, its_jobs)


def _settle_here(jobs: list[Job[Any, Any]]) -> None:
    for job in jobs:
        job.settle()
