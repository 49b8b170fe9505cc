"""Many jobs at once by a bounded number of threads, in flat memory, one failure never stopping the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import Empty, Queue
from threading import Event, Thread
from typing import Final, Generic, TypeVar

from msgspec import Struct

from .errors import ClientError

J = TypeVar("J")
R = TypeVar("R")

WORKERS: Final = 16  # more of them make small files no faster, and large ones share the network anyway
_WAITING_MAX: Final = 20_000  # planned ahead, so that a display soon knows how much there is
_AT_ONCE: Final = 8  # planned after each outcome: planning is ahead of the work, and never keeps anybody waiting


class Outcome(Struct, Generic[J, R], frozen=True):
    """What came of one job: a result, or the failure that kept it from one."""

    job: J
    result: R | None = None
    failure: ClientError | OSError | None = None


def run_all(jobs: Iterable[J], work: Callable[[J], R], workers: int = WORKERS) -> Iterator[Outcome[J, R]]:
    """Outcomes in the order in which they come; `jobs` is read as far as workers need it.

    Daemon threads: after Ctrl-C one that waits for a silent server must not keep the process.

    Raises: whatever `jobs` raises, once what was begun has ended; what `work` raises that isn't ClientError or OSError.
    """
    pool = _Pool(work, workers)
    left = iter(jobs)
    waiting = 0
    failure: BaseException | None = None
    try:
        more = True
        while more or waiting:
            wanted = min(_WAITING_MAX, max(2 * workers, waiting + _AT_ONCE))
            while more and waiting < wanted:
                try:
                    job = next(left)
                except StopIteration:
                    more = False
                    break
                except (ClientError, OSError) as error:
                    more, failure = False, error
                    break
                pool.put(job)
                waiting += 1
            if waiting:
                yield pool.take()
                waiting -= 1
    finally:
        pool.stop()
    if failure is not None:
        raise failure


class _Pool(Generic[J, R]):
    def __init__(self, work: Callable[[J], R], workers: int) -> None:
        self.done: Queue[Outcome[J, R] | BaseException] = Queue()
        self._jobs: Queue[J] = Queue()
        self._halt = Event()
        self._work = work
        self._left_to_start = workers

    def put(self, job: J) -> None:
        """Threads start as there is work for them: one file needs one."""
        self._jobs.put(job)
        if self._left_to_start:
            self._left_to_start -= 1
            Thread(target=self._run, daemon=True).start()

    def take(self) -> Outcome[J, R]:
        outcome = self.done.get()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def stop(self) -> None:
        self._halt.set()

    def _run(self) -> None:
        while not self._halt.is_set():
            try:
                job = self._jobs.get(timeout=0.5)
            except Empty:
                continue
            try:
                self.done.put(Outcome(job, self._work(job)))
            except (ClientError, OSError) as error:
                self.done.put(Outcome(job, failure=error))
            except BaseException as error:
                self.done.put(error)
