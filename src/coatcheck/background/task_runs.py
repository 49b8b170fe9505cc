"""Tasks that requests have left behind, carried out some at a time: entries of buckets, which survive a crash.

A task is an entry of a kind that waits. Each attempt is written down before it begins, so that one whose process died
is begun again, and one that kills its process ends after some. When a task ends it becomes an entry of another kind,
which is kept for a while for whoever asks how it went.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from coatcheck.clock import Clock
from coatcheck.configurations.task import FAILED, RETRY, RUNNING, Progress
from coatcheck.core.errors import OssError
from coatcheck.core.limits import FETCH_ATTEMPTS_MAX, TASKS_DONE_KEPT, TASKS_DONE_KEPT_S, TASKS_PER_BUCKET
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Catalog, Gone, NotWritten, Unknown
from coatcheck.ports.damage import Damaged
from coatcheck.ports.notifier import Forbidden, Unreachable

from .notices import Stopped
from .schedule import LOOK_S

_WAITS_S: Final = (10, 60, 600, 3600)  # behind the first attempt, the second ...
_PAGE: Final = 100
_FORGET_S: Final = 600.0  # how often is looked for tasks that were done long ago

log = logging.getLogger("coatcheck")


class Task(Protocol):
    """What every kind of task has; a frozen Struct."""

    @property
    def progress(self) -> Progress: ...


T = TypeVar("T", bound=Any)


class Kind(NamedTuple, Generic[T]):
    """One kind of task, and how many are carried out at once, in all and of one bucket."""

    waiting: str
    done: str
    to_json: Callable[[T], str]
    from_json: Callable[[str], T]
    at_once: int
    of_bucket: int


class Attempt(Struct, Generic[T]):
    """A task that is being carried out. Whoever does so notes what a next attempt should know.

    Attributes:
        now: when it began, Unix seconds.
    """

    bucket: Bucket
    name: str
    task: T
    now: float
    _keep: Callable[[Bucket, str, T], Coroutine[Any, Any, None]]

    async def note(self, task: T) -> None:
        """Durable when this returns. Raises: Gone, if the bucket went."""
        self.task = task
        await self._keep(self.bucket, self.name, task)


class Doer(Protocol[T]):
    """What carries one kind out."""

    async def carry_out(self, attempt: Attempt[T]) -> str:
        """Do it, perhaps again; the state in which it ends.

        Raises: Stopped, OssError, Forbidden, if it can't be done; Unreachable, NotWritten, Unknown, or an OssError of
            status 5xx, if it can't be done now.
        """
        ...

    async def failed(self, attempt: Attempt[T]) -> None:
        """It failed for good."""
        ...


class TaskRuns(Generic[T]):
    """Of one kind."""

    def __init__(self, catalog: Catalog, kind: Kind[T], doer: Doer[T], clock: Clock) -> None:
        self._catalog = catalog
        self._kind = kind
        self._doer = doer
        self._clock = clock
        self._running: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._last_bucket = ""
        self._forgotten_at = float("-inf")

    async def run(self, now: float) -> int:
        """Carry out all that is due, and what becomes due meanwhile; how many attempts were begun.

        Args:
            now: Unix seconds.
        """
        begun = 0
        try:
            await self._forget(now)
            while True:
                begun += await self._begin_due(self._clock())
                if not self._running:
                    return begun
                await asyncio.wait(self._running.values(), timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                self._running = {place: task for place, task in self._running.items() if not task.done()}
        finally:
            await self._give_up()

    async def _give_up(self) -> None:
        """What runs is cut off; it is begun again later."""
        cut_off, self._running = list(self._running.values()), {}
        for task in cut_off:
            task.cancel()
        await asyncio.gather(*cut_off, return_exceptions=True)

    async def _begin_due(self, now: float) -> int:
        begun = 0
        for bucket in self._in_turn(await self._catalog.buckets_with_entries(self._kind.waiting)):
            if len(self._running) >= self._kind.at_once:
                break
            begun += await self._begin_of(bucket, now)
        return begun

    def _in_turn(self, buckets: Sequence[Bucket]) -> list[Bucket]:
        """Those behind the one that was begun with last come first."""
        return sorted(buckets, key=lambda bucket: (bucket.name <= self._last_bucket, bucket.name))

    async def _begin_of(self, bucket: Bucket, now: float) -> int:
        begun, marker, more = 0, "", True
        while more and self._has_room(bucket):
            page, more = await self._catalog.list_entries(
                bucket.bucket_id, self._kind.waiting, prefix="", marker=marker, limit=_PAGE
            )
            for marker, document in page:
                task: T = self._kind.from_json(document)
                if self._has_room(bucket) and (bucket.bucket_id, marker) not in self._running and _is_due(task, now):
                    doing = self._do(bucket, marker, task, now)
                    self._running[bucket.bucket_id, marker] = asyncio.create_task(doing)
                    self._last_bucket = bucket.name
                    begun += 1
        return begun

    def _has_room(self, bucket: Bucket) -> bool:
        of_bucket = sum(bucket_id == bucket.bucket_id for bucket_id, _ in self._running)
        return len(self._running) < self._kind.at_once and of_bucket < self._kind.of_bucket

    async def _do(self, bucket: Bucket, name: str, task: T, now: float) -> None:
        try:
            if await self._catalog.find_entry(bucket.bucket_id, self._kind.done, name) is not None:
                await self._drop(bucket, name)  # a crash came between
                return
            await self._attempt(bucket, name, task, now)
        except Gone:
            return  # with its bucket
        except Exception:  # the store takes no change at the moment, most likely; it is begun again
            log.exception("%s bucket=%s task=%s can't be written down", self._kind.waiting, bucket.name, name)
            await asyncio.sleep(LOOK_S)

    async def _attempt(self, bucket: Bucket, name: str, task: T, now: float) -> None:
        progress: Progress = task.progress
        attempt = Attempt(bucket, name, task, now, self._keep)
        if progress.attempts >= FETCH_ATTEMPTS_MAX:  # the server ended in the middle of the last one
            await self._fail(attempt, progress.error or "the server ended while it was carried out")
            return
        begun = replace(progress, state=RUNNING, attempts=progress.attempts + 1)
        await attempt.note(replace(task, progress=begun))
        try:
            state = await self._doer.carry_out(attempt)
        except (Stopped, OssError, Forbidden, Unreachable, NotWritten, Unknown, Damaged) as error:
            await self._not_done(attempt, error)
        except Gone:
            raise
        except Exception as error:
            log.exception("%s bucket=%s task=%s", self._kind.waiting, bucket.name, name)
            await self._not_done(attempt, error)
        else:
            await self._end(attempt, replace(attempt.task.progress, state=state))

    async def _not_done(self, attempt: Attempt[T], error: Exception) -> None:
        progress: Progress = attempt.task.progress
        if not _is_passing(error) or progress.attempts >= FETCH_ATTEMPTS_MAX:
            await self._fail(attempt, _in_words(error))
            return
        due_at = int(self._clock()) + _WAITS_S[min(progress.attempts, len(_WAITS_S)) - 1]
        waits = replace(progress, state=RETRY, due_at=due_at, error=_in_words(error))
        await attempt.note(replace(attempt.task, progress=waits))

    async def _fail(self, attempt: Attempt[T], error: str) -> None:
        await self._doer.failed(attempt)
        await self._end(attempt, replace(attempt.task.progress, state=FAILED, error=error))

    async def _end(self, attempt: Attempt[T], progress: Progress) -> None:
        """First it is among those that are done; then it waits no more."""
        bucket, kind = attempt.bucket, self._kind
        progress = replace(progress, due_at=0, ended_at=int(self._clock()))
        document = kind.to_json(replace(attempt.task, progress=progress))
        await self._catalog.put_entries(bucket.bucket_id, kind.done, [(attempt.name, document)])
        await self._drop(bucket, attempt.name)
        level = logging.INFO if progress.state != FAILED else logging.WARNING
        reason = f": {progress.error}" if progress.error else ""
        log.log(level, "%s bucket=%s task=%s %s%s", kind.waiting, bucket.name, attempt.name, progress.state, reason)

    async def _keep(self, bucket: Bucket, name: str, task: T) -> None:
        document = self._kind.to_json(task)
        await self._catalog.change_entry(
            bucket.bucket_id, self._kind.waiting, name, lambda _: document, most=TASKS_PER_BUCKET + 1
        )

    async def _drop(self, bucket: Bucket, name: str) -> None:
        await self._catalog.change_entry(bucket.bucket_id, self._kind.waiting, name, lambda _: None, most=0)

    async def _forget(self, now: float) -> None:
        """Tasks that were done long ago, or are too many. Names are in the order of time."""
        if 0 <= now - self._forgotten_at < _FORGET_S:
            return
        for bucket in await self._catalog.buckets_with_entries(self._kind.done):
            while await self._forget_page(bucket, now):
                pass
        self._forgotten_at = now

    async def _forget_page(self, bucket: Bucket, now: float) -> bool:
        """Whether there may be more to forget."""
        bucket_id, done = bucket.bucket_id, self._kind.done
        surplus = await self._catalog.count_entries(bucket_id, done) - TASKS_DONE_KEPT
        page, more = await self._catalog.list_entries(bucket_id, done, prefix="", marker="", limit=_PAGE)
        old = [
            (name, None)
            for number, (name, document) in enumerate(page)
            if number < surplus or now - self._kind.from_json(document).progress.ended_at > TASKS_DONE_KEPT_S
        ]
        try:
            await self._catalog.put_entries(bucket_id, done, old)
        except Gone:
            return False
        return more and len(old) == len(page)


def _is_due(task: Task, now: float) -> bool:
    """Or it waits longer than any wait, which only a wrong clock explains."""
    return not now < task.progress.due_at <= now + _WAITS_S[-1]


def _is_passing(error: Exception) -> bool:
    """Whether another attempt may end better."""
    if isinstance(error, OssError):
        return error.status >= 500
    return not isinstance(error, (Stopped, Forbidden, Damaged))


def _in_words(error: Exception) -> str:
    match error:
        case OssError():
            return f"{error.code}: {error.message}"
        case Forbidden():
            return "the address is not one that this server may be sent to"
        case Unreachable():
            return f"the other server cannot be reached, or broke off: {error}"
        case Stopped():
            return str(error)
        case Damaged():
            return "stored bytes are damaged"
        case NotWritten() | Unknown():
            return "the store takes no change at the moment"
        case _:
            return f"a fault of the server: {type(error).__name__}"
