"""Async fetches: an object is got from another server and stored, as who asked for it, who is decided on each time."""

from __future__ import annotations

from functools import partial
from typing import Final, NamedTuple

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.configurations import fetch_task
from coatcheck.configurations.fetch_task import Content, FetchTask, Told
from coatcheck.configurations.task import NOT_TOLD, SUCCESS
from coatcheck.core.errors import NO_SUCH_BUCKET, OssError
from coatcheck.core.limits import FETCH_REDIRECTS_MAX, FETCHES_AT_ONCE, FETCHES_OF_BUCKET
from coatcheck.operations.callback import Callback, Facts, notify
from coatcheck.operations.context import Context, Ports
from coatcheck.operations.fetched import Wanted, kept_headers, store_fetched
from coatcheck.operations.intake import Incoming
from coatcheck.ports.fetcher import Fetched, Source
from coatcheck.ports.notifier import Unreachable

from .acting import Identities, act_as, context_of
from .notices import Stopped
from .task_runs import Attempt, Kind

KIND: Final = Kind(
    fetch_task.WAITING, fetch_task.DONE, fetch_task.to_json, fetch_task.from_json, FETCHES_AT_ONCE, FETCHES_OF_BUCKET
)
_AGENT: Final = ("User-Agent", "aliyun-oss-fetch")
_PASSING: Final = frozenset({408, 425, 429})
_OPERATION: Final = "AsyncFetch"


class FetchDoer(NamedTuple):
    """See `task_runs.Doer`."""

    ports: Ports
    identities: Identities

    async def carry_out(self, attempt: Attempt[FetchTask]) -> str:
        if not attempt.task.progress.stored:
            await self._fetch(attempt)
        told = attempt.task.told
        if told is None:
            return SUCCESS
        try:
            await self._tell(attempt, told, _OPERATION)
        except OssError as error:
            progress = replace(attempt.task.progress, error=f"{error.code}: {error.message}")
            attempt.task = replace(attempt.task, progress=progress)
            return NOT_TOLD
        return SUCCESS

    async def failed(self, attempt: Attempt[FetchTask]) -> None:
        told = attempt.task.told
        if told is not None and attempt.task.callback_when_failed:
            try:
                await self._tell(attempt, told, f"{_OPERATION}Failed")
            except (OssError, Stopped):
                return

    async def _fetch(self, attempt: Attempt[FetchTask]) -> None:
        task = attempt.task
        context, grant = await self._may(attempt)
        if await self._is_stored(context, grant, task):
            await attempt.note(replace(task, progress=replace(task.progress, stored=True)))
            return
        source = Source(task.url, task.host, marks=(_AGENT,), redirects=FETCH_REDIRECTS_MAX)
        wanted = Wanted(task.storage_class, not task.ignore_same_key, task.md5)
        async with self.ports.fetcher.fetch(source) as fetched:
            _need_content(fetched)
            await store_fetched(context, grant, fetched, wanted, partial(_note_content, attempt, fetched))
        task = attempt.task
        await attempt.note(replace(task, progress=replace(task.progress, stored=True, error="")))

    async def _may(self, attempt: Attempt[FetchTask]) -> tuple[Context, Grant]:
        """As who asked, if they still may. Raises: Stopped, OssError."""
        caller = await act_as(attempt.task.author, self.identities)
        context = context_of(self.ports, caller, attempt.now)
        bucket = await self.ports.catalog.find_bucket(attempt.bucket.name)
        if bucket is None or bucket.bucket_id != attempt.bucket.bucket_id:
            raise NO_SUCH_BUCKET(BucketName=attempt.bucket.name)
        context.decide(Action.PUT_ASYNC_FETCH_TASK, bucket)
        found = await self.ports.catalog.find_object(bucket.bucket_id, attempt.task.key)
        return context, context.decide(Action.PUT_OBJECT, bucket, attempt.task.key, found)

    async def _is_stored(self, context: Context, grant: Grant, task: FetchTask) -> bool:
        """Whether an attempt that was cut off had stored it: only where the key may have no object before does that
        make a difference."""
        if task.ignore_same_key or task.content is None:
            return False
        found = await context.ports.catalog.find_object(grant.this_bucket.bucket_id, grant.this_key)
        return found is not None and (found.etag, found.size) == (task.content.etag, task.content.size)

    async def _tell(self, attempt: Attempt[FetchTask], told: Told, operation: str) -> None:
        """Raises: Stopped, OssError CALLBACK_FAILED."""
        caller = await act_as(attempt.task.author, self.identities)
        callback = Callback(told.urls, told.host, told.body, told.body_type, dict(told.variables))
        await notify(context_of(self.ports, caller, attempt.now), callback, _facts(attempt, operation))


def _need_content(fetched: Fetched) -> None:
    """Raises: Unreachable, for an answer that may be another one later; Stopped."""
    if fetched.status == 200:
        return
    why = f"the other server answered with status {fetched.status}"
    raise Unreachable(why) if fetched.status >= 500 or fetched.status in _PASSING else Stopped(why)


async def _note_content(attempt: Attempt[FetchTask], fetched: Fetched, incoming: Incoming) -> None:
    """What is about to be stored, so that a next attempt knows it, and the callback can say it."""
    content_type = dict(kept_headers(fetched.headers, metadata=False))[b"content-type"].decode()
    content = Content(incoming.etag, incoming.size, str(incoming.crc64), content_type)
    await attempt.note(replace(attempt.task, content=content))


def _facts(attempt: Attempt[FetchTask], operation: str) -> Facts:
    facts: dict[str, str | int] = {
        "bucket": attempt.bucket.name,
        "object": attempt.task.key,
        "reqId": attempt.name,
        "operation": operation,
    }
    content = attempt.task.content
    if content is not None and attempt.task.progress.stored:
        facts |= {
            "etag": content.etag,
            "size": content.size,
            "mimeType": content.content_type,
            "crc64": content.crc64,
        }
    return facts
