"""PutAsyncFetchTask, GetAsyncFetchTask. What they set up is done by `background/fetch_run.py`.

Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.configurations import fetch_task
from coatcheck.configurations.fetch_task import FetchTask, Told
from coatcheck.configurations.task import new_task_name
from coatcheck.core.errors import (
    INVALID_ARGUMENT,
    MISSING_ARGUMENT,
    NO_SUCH_FETCH_TASK,
    OBJECT_ALREADY_EXISTS,
    TOO_MANY_TASKS,
)
from coatcheck.core.limits import TASKS_PER_BUCKET
from coatcheck.core.names import check_object_key
from coatcheck.core.xml import Node
from coatcheck.identity.author import author_of
from coatcheck.ports.object import DELETE_MARKER
from coatcheck.wire.reply import Reply

from .arguments import read_document
from .call import Call
from .callback import read_task_callback
from .configuration import show
from .entries_kept import change_entry, find_entry
from .object_put import read_storage_class

_TASK_ID: Final = "x-oss-task-id"


async def put_async_fetch_task(call: Call) -> Reply:
    """PutAsyncFetchTask: whether the caller may store the object is asked now, and again when it is fetched."""
    task = fetch_task.read(await read_document(call.request, fetch_task.ROOT))
    await _check(call, task)
    task = replace(task, told=_read_told(call, task), author=author_of(call.caller, call.now))
    name, document = new_task_name(call.now), fetch_task.to_json(task)
    await change_entry(
        call, fetch_task.WAITING, name, lambda _: document, most=TASKS_PER_BUCKET, crowded=TOO_MANY_TASKS
    )
    return show("AsyncFetchTaskResult", [("TaskId", name)])


async def get_async_fetch_task(call: Call) -> Reply:
    """GetAsyncFetchTask: of tasks that aren't done, and of those that were done in the last days."""
    name = call.request.headers.get(_TASK_ID)
    if not name:
        raise MISSING_ARGUMENT(f"This operation needs the header {_TASK_ID}.")
    document = await find_entry(call, fetch_task.DONE, name) or await find_entry(call, fetch_task.WAITING, name)
    document = document or await find_entry(call, fetch_task.DONE, name)  # it ended between the two
    if document is None:
        raise NO_SUCH_FETCH_TASK(TaskId=name[:64])
    task = fetch_task.from_json(document)
    nodes: list[Node] = [("TaskId", name), ("State", task.progress.state), ("ErrorMsg", task.progress.error)]
    return show("AsyncFetchTaskInfo", [*nodes, ("TaskInfo", fetch_task.write(task))])


async def _check(call: Call, task: FetchTask) -> None:
    """Raises: OssError: a bad key or class, a private address, no right to store the object, OBJECT_ALREADY_EXISTS."""
    bucket = call.this_bucket
    check_object_key(task.key, len(task.key.encode("utf-8", "surrogateescape")))
    read_storage_class(task.storage_class or None, bucket.storage_class)
    if not call.ports.fetcher.may_reach(urlsplit(task.url).hostname or ""):
        raise INVALID_ARGUMENT("Private address is forbidden to fetch from.", ArgumentName="Url")
    found = await call.ports.catalog.find_object(bucket.bucket_id, task.key)
    call.context.decide(Action.PUT_OBJECT, bucket, task.key, found)
    if not task.ignore_same_key and found is not None and found.kind != DELETE_MARKER:
        raise OBJECT_ALREADY_EXISTS(Key=task.key)


def _read_told(call: Call, task: FetchTask) -> Told | None:
    if not task.callback:
        return None
    callback = read_task_callback(call, task.callback)
    return Told(callback.urls, callback.host, callback.body, callback.body_type, tuple(callback.variables.items()))
