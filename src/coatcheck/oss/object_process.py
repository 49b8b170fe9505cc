"""Pictures processed on the way: GetObject with `x-oss-process`; ProcessObject and AsyncProcessObject store the result.

Source: OSS, image processing; API reference, ProcessObject (`sys/saveas`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from coatcheck.configurations import process_task
from coatcheck.configurations.process_task import ProcessTask
from coatcheck.configurations.style import check_name, find_style
from coatcheck.configurations.task import new_task_name
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import (
    INVALID_ARGUMENT,
    MALFORMED_XML,
    NO_SUCH_KEY,
    NO_SUCH_STYLE,
    NOT_IMPLEMENTED,
    TOO_MANY_TASKS,
    OssError,
)
from coatcheck.core.limits import PLAN_MAX_BYTES, TASKS_PER_BUCKET
from coatcheck.core.names import check_object_key
from coatcheck.core.percent import decode
from coatcheck.identity.author import author_of
from coatcheck.images.parameters import decode_base64
from coatcheck.images.plan import Answer
from coatcheck.images.text import read_plan
from coatcheck.links.uses import Content
from coatcheck.operations.commit import repeated
from coatcheck.operations.get import need_readable
from coatcheck.operations.pacing import paced_content
from coatcheck.operations.picture import Processed, process_picture
from coatcheck.operations.picture_saved import may_save, process_shown, save_picture
from coatcheck.operations.symlink import follow
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import SYMLINK, ObjectRecord
from coatcheck.wire.query import Query
from coatcheck.wire.reply import RawHeader, Reply
from coatcheck.wire.request import Request

from .arguments import read_body
from .call import Call
from .encryption import default_encryption
from .entries_kept import change_entry
from .limited_link import count_download
from .object_headers import describe
from .traffic_limit import DOWN, find_pace

_PARAMETER: Final = "x-oss-process"
_IMAGE: Final = "image"
_STYLE: Final = "style"
_SAVE: Final = "sys/saveas"
_ASYNC_PARAMETER: Final = "x-oss-async-process"
_BODY_MAX_BYTES: Final = 4 * PLAN_MAX_BYTES  # percent-encoded, and with the names of where to

# What the source's headers say of the source's bytes only. OSS's SDKs compare the CRC with what they receive.
_OF_THE_SOURCE: Final = frozenset(
    {b"content-type", b"content-encoding", b"content-md5", b"x-oss-hash-crc64ecma", b"accept-ranges"}
)


async def get_processed_object(call: Call, process: str) -> Reply:
    """GetObject with x-oss-process: the whole result, under the source's ETag and date; no ranges of it.

    A `versionId` beside it means nothing: the current version is processed, as on OSS.
    """
    if "versionId" in call.request.query:
        call = replace(call, request=_without(call.request, "versionId"))
        call = replace(call, found=await _find(call, call.key))
    plan = _find_plan(call.this_bucket, process)
    try:
        record, headers, unmodified = describe(call)
    except OssError as error:
        error.ec = "0040-00000024" if error.fault is NO_SUCH_KEY else error.ec
        raise
    if unmodified:
        return unmodified
    pace = find_pace(call, DOWN)
    processed = await _process(call, record, plan)
    if call.this_bucket.configurations:
        call.ports.accesses.note(call.this_bucket, record.key, call.now)
    content = processed.content
    if pace is not None:
        content = paced_content(content, pace)
    reply = Reply(200, _headers(call, headers, processed), content)
    picture = Content(f"{record.etag} {plan}", processed.size)
    return await count_download(call, reply, picture, ByteRange(0, processed.size))


class _Saving(Struct, frozen=True):
    """What is to be made, and where it is stored; the bucket's name is "" for the source's own."""

    plan: str
    key: str
    bucket_name: str


async def process_object(call: Call) -> Reply:
    """ProcessObject: what the body asks for is done, and stored where it says."""
    saving = await _read_saving(call, _PARAMETER)
    size = await _carry_out(call, saving)
    document = {"bucket": saving.bucket_name, "fileSize": size, "object": saving.key, "status": "OK"}
    return _json(document)


async def async_process_object(call: Call) -> Reply:
    """AsyncProcessObject: the same, done after the reply; whether the caller may is asked now, and again then."""
    if call.request.query.get(_ASYNC_PARAMETER):
        raise NOT_IMPLEMENTED(f"What {_ASYNC_PARAMETER} asks for stands in the body.", Header=_ASYNC_PARAMETER)
    saving = await _read_saving(call, _ASYNC_PARAMETER)
    need_readable(call.context, call.grant, call.this_object)
    grant = await may_save(call.context, call.this_bucket, saving.bucket_name, saving.key)
    task = ProcessTask(call.key, saving.plan, grant.this_bucket.name, saving.key, author_of(call.caller, call.now))
    name, document = new_task_name(call.now), process_task.to_json(task)
    await change_entry(
        call, process_task.WAITING, name, lambda _: document, most=TASKS_PER_BUCKET, crowded=TOO_MANY_TASKS
    )
    return _json({"EventId": name, "RequestId": call.request_id, "TaskId": f"Image-{name}"})


def _json(document: Mapping[str, object]) -> Reply:
    return Reply(200, ((b"Content-Type", b"application/json"),), json.dumps(document, ensure_ascii=False).encode())


async def _read_saving(call: Call, parameter: str) -> _Saving:
    """What the body asks for. Raises: OssError."""
    text, key, bucket_name = _read_save(await _read_process(call.request, parameter))
    plan = _find_plan(call.this_bucket, text)
    if read_plan(plan).answer is not Answer.PICTURE:
        raise INVALID_ARGUMENT("info and average-hue describe a picture; there is nothing to save.")
    return _Saving(plan, key, bucket_name)


async def _carry_out(call: Call, saving: _Saving) -> int:
    """Make it and store it; its size."""
    grant = await may_save(call.context, call.this_bucket, saving.bucket_name, saving.key)
    processed = await repeated(call, partial(_process_shown, plan=saving.plan), Call.look_again)
    await save_picture(call.context, grant, processed, default_encryption(call, grant.this_bucket))
    return processed.size


async def _process_shown(call: Call, plan: str) -> Processed:
    with _named():
        return await process_shown(call.context, call.grant, call.this_object, plan)


async def _process(call: Call, record: ObjectRecord, plan: str) -> Processed:
    with _named():
        return await process_picture(call.context, call.grant, record, plan)


@contextmanager
def _named() -> Iterator[None]:
    """What isn't built is said to be so of the parameter."""
    try:
        yield
    except OssError as error:
        if error.fault is NOT_IMPLEMENTED:
            error.facts.setdefault("Header", _PARAMETER)
        raise


def _find_plan(bucket: Bucket, process: str) -> str:
    """The text of the plan: itself, or that of the bucket's style. Raises: OssError, also for a bad plan."""
    family, _, rest = process.partition("/")
    if family == _STYLE:
        rest = rest.rstrip("/")
        style = find_style(bucket, check_name(rest))
        text = None if style is None else style.content
        if text is None:
            raise NO_SUCH_STYLE(StyleName=rest)
        family, process = text.partition("/")[0], text
    if family != _IMAGE:
        raise NOT_IMPLEMENTED(f"x-oss-process={family[:64]}/... is not built; image/ and style/ are.")
    read_plan(process)
    return process


def _without(request: Request, name: str) -> Request:
    """The request as if that parameter hadn't been sent; its signature has been checked already."""
    kept = {known: value for known, value in request.query.first.items() if known != name}
    return replace(request, query=Query(b"", kept, parameters=()))


async def _find(call: Call, key: str) -> ObjectRecord | None:
    """The current version of an object of this bucket; of a link, what it shows."""
    found = await call.ports.catalog.find_object(call.this_bucket.bucket_id, key)
    return await follow(call.context, call.this_bucket, found) if found is not None and found.kind == SYMLINK else found


def _headers(call: Call, headers: list[RawHeader], processed: Processed) -> tuple[RawHeader, ...]:
    """The source's, as far as they hold of the result."""
    kept = [header for header in headers if header[0] not in _OF_THE_SOURCE]
    if call.request.query.get("response-content-type"):
        return (*kept, *(header for header in headers if header[0] == b"content-type"))
    return (*kept, (b"content-type", processed.content_type.encode()))


# --- the body of ProcessObject ---------------------------------------------------------------------------------------


async def _read_process(request: Request, parameter: str) -> str:
    """The text behind `x-oss-process=`, or whatever the parameter is.

    Some SDKs send it as it is, ali-oss percent-encoded; a "+" is always a plus.
    """
    try:
        body = await read_body(request, most=_BODY_MAX_BYTES)
        text = decode(body.decode("utf-8").strip())
    except UnicodeDecodeError:
        raise INVALID_ARGUMENT("The body is not UTF-8.", ArgumentName=parameter) from None
    except OssError as error:
        if error.fault is MALFORMED_XML:
            raise INVALID_ARGUMENT(f"The body is longer than {_BODY_MAX_BYTES} bytes.") from None
        raise
    name, separator, process = text.partition("=")
    if name != parameter or not separator:
        raise INVALID_ARGUMENT(
            f"The body must be {parameter}=image/...|sys/saveas,o_KEY,b_BUCKET.", ArgumentName=parameter
        )
    return process


def _read_save(text: str) -> tuple[str, str, str]:
    """The plan's text, the key and the bucket to save under; "" for the source's own bucket. Raises: OssError."""
    family = text.partition("/")[0]
    if family not in (_IMAGE, _STYLE):
        raise NOT_IMPLEMENTED(f"Processing with {family[:64]}/... is not built; image/ and style/ are.")
    plan_text, _, save = text.rpartition("|")
    action, _, parameters = save.partition(",")
    if action != _SAVE:
        raise INVALID_ARGUMENT("The result must be saved: end with |sys/saveas,o_KEY.", ArgumentName=_SAVE)
    values = {
        key: value for key, _, value in (parameter.partition("_") for parameter in parameters.rstrip("/").split(","))
    }
    if not values.get("o"):
        raise INVALID_ARGUMENT("sys/saveas needs o_, the base64 of the key.", ArgumentName="o")
    key = decode_base64(values["o"])
    check_object_key(key, len(key.encode()))
    return plan_text, key, decode_base64(values.get("b", ""))
