"""Pictures processed on the way: GetObject with `x-oss-process`, and ProcessObject, which stores the result.

Source: OSS, image processing; API reference, ProcessObject (`sys/saveas`).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Final

from coatcheck.access.actions import Action
from coatcheck.core.errors import (
    INVALID_ARGUMENT,
    INVALID_OBJECT_STATE,
    MALFORMED_XML,
    NO_SUCH_BUCKET,
    NO_SUCH_KEY,
    NO_SUCH_STYLE,
    NOT_IMPLEMENTED,
    WATERMARK_ERROR,
    OssError,
)
from coatcheck.core.limits import PLAN_MAX_BYTES
from coatcheck.core.names import check_object_key
from coatcheck.core.percent import decode
from coatcheck.images.plan import Answer
from coatcheck.images.text import decode_base64, read_plan
from coatcheck.operations.archive import is_readable
from coatcheck.operations.commit import repeated
from coatcheck.operations.pacing import paced
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import DELETE_MARKER, ObjectRecord
from coatcheck.ports.renderer import Job, Picture, Rendered
from coatcheck.wire.query import NO_QUERY, Query
from coatcheck.wire.reply import RawHeader, Reply, Stream
from coatcheck.wire.request import Request

from .arguments import read_body
from .call import Call
from .object_get import describe
from .object_put import put_object
from .picture import picture_of
from .style import read_style_name, style_content
from .symlink import SYMLINK, follow
from .traffic_limit import read_traffic_limit

_IMAGE: Final = "image"
_STYLE: Final = "style"
_SAVE: Final = "sys/saveas"
_BODY_PREFIX: Final = "x-oss-process="
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
        call = call._replace(request=_without(call.request, "versionId"))
        call = call._replace(found=await _find(call, call.key))
    text = _find_plan(call.this_bucket, process)
    try:
        record, headers, unmodified = describe(call)
    except OssError as error:
        error.ec = "0040-00000024" if error.fault is NO_SUCH_KEY else error.ec
        raise
    if unmodified:
        return unmodified
    rate_bits_per_s = read_traffic_limit(call.request)
    rendered = await _render(call, text, record)
    return _reply(call, headers, rendered, rate_bits_per_s)


async def process_object(call: Call) -> Reply:
    """ProcessObject: what the body asks for is done, and stored where it says."""
    text, key, bucket_name = _read_save(await _read_process(call.request))
    bucket = await _find_target(call, bucket_name)
    plan_text = _find_plan(call.this_bucket, text)
    if read_plan(plan_text).answer is not Answer.PICTURE:
        raise INVALID_ARGUMENT("info and average-hue describe a picture; there is nothing to save.")
    found = await call.ports.catalog.find_object(bucket.bucket_id, key) if call.context.needs_object(bucket) else None
    grant = call.context.decide(Action.PUT_OBJECT, bucket, key, found)
    rendered = await repeated(call, partial(_render_shown, text=plan_text), Call.look_again)
    headers = {"content-type": rendered.content_type, "content-length": str(rendered.size)}
    request = Request("PUT", call.request.raw_path, NO_QUERY, headers, call.request.client, body=_Content(rendered))
    target = call.target._replace(bucket=bucket.name, key=key)
    await put_object(call._replace(request=request, target=target, grant=grant, bucket=bucket, found=None))
    document = {"bucket": bucket_name, "fileSize": rendered.size, "object": key, "status": "OK"}
    return Reply(200, ((b"Content-Type", b"application/json"),), json.dumps(document, ensure_ascii=False).encode())


async def _render_shown(call: Call, text: str) -> Rendered:
    record = call.this_object if call.this_object.kind != SYMLINK else await follow(call, call.this_object)
    return await _render(call, text, record)


def _find_plan(bucket: Bucket, process: str) -> str:
    """The text of the plan: itself, or that of the bucket's style. Raises: OssError, also for a bad plan."""
    family, _, rest = process.partition("/")
    if family == _STYLE:
        text = style_content(bucket, read_style_name(rest))
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
    return request._replace(query=Query(b"", kept, parameters=()))


# --- rendering -------------------------------------------------------------------------------------------------------


async def _render(call: Call, text: str, record: ObjectRecord) -> Rendered:
    if not is_readable(record, call.now):
        raise INVALID_OBJECT_STATE(Key=record.key)
    renderer = call.ports.renderer
    if renderer is None:
        raise NOT_IMPLEMENTED("This server processes no pictures.", Header="x-oss-process")
    marks = {key: await _find_mark(call, key) for key in read_plan(text).mark_keys}
    return await renderer.render(Job(text, picture_of(call, call.this_bucket, record), marks))


async def _find_mark(call: Call, key: str) -> Picture:
    """A watermark's picture; the caller must be allowed to read it, or a link to one object would show another."""
    with suppress(OssError):  # a key that can't be is a key that isn't there
        check_object_key(key, len(key.encode()))
        found = await call.ports.catalog.find_object(call.this_bucket.bucket_id, key)
        call.context.decide(Action.GET_OBJECT, call.this_bucket, key, found)
        found = await follow(call, found) if found is not None and found.kind == SYMLINK else found
        if found is not None and found.kind != DELETE_MARKER and is_readable(found, call.now):
            return picture_of(call, call.this_bucket, found)
    raise WATERMARK_ERROR(ObjectName=key)


async def _find(call: Call, key: str) -> ObjectRecord | None:
    """The current version of an object of this bucket; of a link, what it shows."""
    found = await call.ports.catalog.find_object(call.this_bucket.bucket_id, key)
    return await follow(call, found) if found is not None and found.kind == SYMLINK else found


def _reply(call: Call, headers: list[RawHeader], rendered: Rendered, rate_bits_per_s: int | None) -> Reply:
    kept = [header for header in headers if header[0] not in _OF_THE_SOURCE]
    chosen = call.request.query.get("response-content-type")
    content_type = rendered.content_type if not chosen else None
    kept += [header for header in headers if header[0] == b"content-type"] if content_type is None else []
    kept += [(b"content-type", content_type.encode())] if content_type is not None else []
    body = rendered.body
    if isinstance(body, bytes) and rate_bits_per_s is None:
        return Reply(200, tuple(kept), body)
    content = _Content(rendered)
    if rate_bits_per_s is not None:
        return Reply(200, tuple(kept), Stream(paced(content.chunks(), rate_bits_per_s), rendered.size, content.close))
    return Reply(200, tuple(kept), Stream(content.chunks(), rendered.size, content.close))


class _Content:
    """A result, read once."""

    def __init__(self, rendered: Rendered) -> None:
        self._rendered = rendered

    async def chunks(self) -> AsyncIterator[bytes]:
        body = self._rendered.body
        if isinstance(body, bytes):
            yield body
            return
        try:
            async for chunk in body.chunks(0, self._rendered.size):
                yield chunk  # type: ignore[misc]  # a bytearray goes wherever bytes go
        finally:
            await body.close()

    async def close(self) -> None:
        if not isinstance(self._rendered.body, bytes):
            await self._rendered.body.close()


# --- the body of ProcessObject ---------------------------------------------------------------------------------------


async def _read_process(request: Request) -> str:
    """The text behind `x-oss-process=`. Some SDKs send it as it is, ali-oss percent-encoded; a "+" is always a plus."""
    try:
        body = await read_body(request, most=_BODY_MAX_BYTES)
        text = decode(body.decode("utf-8").strip())
    except UnicodeDecodeError:
        raise INVALID_ARGUMENT("The body is not UTF-8.", ArgumentName="x-oss-process") from None
    except OssError as error:
        if error.fault is MALFORMED_XML:
            raise INVALID_ARGUMENT(f"The body is longer than {_BODY_MAX_BYTES} bytes.") from None
        raise
    if not text.startswith(_BODY_PREFIX):
        raise INVALID_ARGUMENT(
            "The body must be x-oss-process=image/...|sys/saveas,o_KEY,b_BUCKET.", ArgumentName="x-oss-process"
        )
    return text.removeprefix(_BODY_PREFIX)


def _read_save(text: str) -> tuple[str, str, str]:
    """The plan's text, the key and the bucket to save under; "" for the source's own bucket. Raises: OssError."""
    family = text.partition("/")[0]
    if family not in (_IMAGE, _STYLE):
        raise NOT_IMPLEMENTED(f"Processing with {family[:64]}/... is not built; image/ and style/ are.")
    plan_text, _, save = text.rpartition("|")
    action, _, parameters = save.partition(",")
    if action != _SAVE:
        raise INVALID_ARGUMENT("The result must be saved: end with |sys/saveas,o_KEY.", ArgumentName=_SAVE)
    values = {key: value for key, _, value in (parameter.partition("_") for parameter in parameters.split(","))}
    if not values.get("o"):
        raise INVALID_ARGUMENT("sys/saveas needs o_, the base64 of the key.", ArgumentName="o")
    key = decode_base64(values["o"])
    check_object_key(key, len(key.encode()))
    return plan_text, key, decode_base64(values.get("b", ""))


async def _find_target(call: Call, name: str) -> Bucket:
    """The bucket to save in: of the same owner, in the same region. Raises: OssError."""
    source = call.this_bucket
    if not name or name == source.name:
        return source
    bucket = await call.ports.catalog.find_bucket(name)
    if bucket is None:
        raise NO_SUCH_BUCKET(BucketName=name)
    if bucket.owner != source.owner or bucket.region != source.region:
        raise INVALID_ARGUMENT(
            "The bucket to save in must have the same owner and region.", ArgumentName="b", ArgumentValue=name
        )
    return bucket
