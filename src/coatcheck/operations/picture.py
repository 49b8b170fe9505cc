"""Stored objects as pictures: what is made of one by a plan, and what one can say of itself."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from msgspec import Struct

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.addresses import name_client
from coatcheck.core.body import Stream
from coatcheck.core.errors import NOT_IMPLEMENTED, WATERMARK_ERROR, OssError
from coatcheck.core.names import check_object_key
from coatcheck.images.text import read_plan
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.byte_store import BlobReader
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import DELETE_MARKER, SYMLINK, ObjectRecord
from coatcheck.ports.renderer import Job, Picture, Rendered

from .archive import is_readable
from .commit import ReplacedMeanwhile
from .context import Context
from .encryption import inline_body
from .get import need_readable, open_record
from .symlink import follow

_INFO: Final = "image/info"  # the plan whose result is a picture's facts, as JSON


class Processed(Struct, frozen=True):
    """What was made of a picture: `size` bytes. A stream is closed by whoever got it."""

    content_type: str
    size: int
    content: bytes | Stream


class PictureFacts(Struct, frozen=True):
    """What a picture says of itself: sizes in pixels, "" where it doesn't say."""

    height: int | str
    width: int | str
    format: str


async def process_picture(context: Context, grant: Grant, record: ObjectRecord, plan: str) -> Processed:
    """What the plan makes of the object.

    Args:
        record: what was found under the grant's key; of a link, what it shows.
        plan: its text, which `images.text.read_plan` has no complaint about.
    Raises:
        OssError: INVALID_OBJECT_STATE, NOT_IMPLEMENTED (no pictures are processed here), WATERMARK_ERROR, what the
            renderer finds wrong.
        ReplacedMeanwhile, Damaged.
    """
    grant.need(Action.GET_OBJECT, Action.POST_PROCESS_TASK)
    need_readable(context, grant, record)
    renderer = context.ports.renderer
    if renderer is None:
        raise NOT_IMPLEMENTED("This server processes no pictures.")
    bucket = grant.this_bucket
    marks = {key: await _find_mark(context, bucket, key) for key in read_plan(plan).mark_keys}
    job = Job(plan, _picture(context, bucket, record), marks, name_client(context.request.client), bucket.name)
    return _processed(await renderer.render(job))


async def describe_picture(context: Context, grant: Grant, record: ObjectRecord) -> PictureFacts | None:
    """What the picture that was just stored says of itself, to who stored it; None for what is no picture, where
    pictures can't be read, and for one that somebody has replaced since.

    Raises: Damaged.
    """
    grant.need(Action.PUT_OBJECT)
    if context.ports.renderer is None:
        return None
    try:
        bucket = grant.this_bucket
        client = name_client(context.request.client)
        job = Job(_INFO, _picture(context, bucket, record), client=client, bucket=bucket.name)
        processed = _processed(await context.ports.renderer.render(job))
    except (OssError, ReplacedMeanwhile):
        return None
    if not isinstance(processed.content, bytes):
        await processed.content.close()
        return None
    facts = json.loads(processed.content)
    height, width, kind = (facts.get(name, {}).get("value", "") for name in ("ImageHeight", "ImageWidth", "Format"))
    return PictureFacts(_number(height), _number(width), kind)


def _number(text: str) -> int | str:
    return int(text) if text.isdigit() else text


async def _find_mark(context: Context, bucket: Bucket, key: str) -> Picture:
    """A watermark's picture; the caller must be allowed to read it, or a link to one object would show another."""
    with suppress(OssError):  # a key that can't be is a key that isn't there
        check_object_key(key, len(key.encode()))
        found = await context.ports.catalog.find_object(bucket.bucket_id, key)
        context.decide(Action.GET_OBJECT, bucket, key, found)
        found = await follow(context, bucket, found) if found is not None and found.kind == SYMLINK else found
        if found is not None and found.kind != DELETE_MARKER and is_readable(bucket, found, context.now):
            return _picture(context, bucket, found)
    raise WATERMARK_ERROR(ObjectName=key)


def _picture(context: Context, bucket: Bucket, record: ObjectRecord) -> Picture:
    # What is encrypted at rest is not to lie there in clear as the result of something.
    remember = not record.encryption
    content = _Content(context, bucket, record)
    return Picture(_identity(bucket, record), record.size, content.chunks, content.as_file, remember)


class _Content:
    """An object's bytes, opened when they are wanted."""

    def __init__(self, context: Context, bucket: Bucket, record: ObjectRecord) -> None:
        self._context = context
        self._bucket = bucket
        self._record = record

    async def chunks(self) -> AsyncGenerator[bytes | bytearray, None]:
        body = self._inline()
        if body is not None:
            yield body
            return
        async with self._opened() as reader:
            async for chunk in reader.chunks(0, self._record.size):
                yield chunk

    @asynccontextmanager
    async def as_file(self) -> AsyncIterator[int | None]:
        if self._inline() is not None:
            yield None
            return
        async with self._opened() as reader, reader.as_file() as file:
            yield file

    def _inline(self) -> bytes | None:
        return inline_body(self._context.ports.byte_store, Origin(self._bucket.name, self._record))

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[BlobReader]:
        reader = await open_record(self._context, self._bucket, self._record)
        try:
            yield reader
        finally:
            await reader.close()


def _identity(bucket: Bucket, record: ObjectRecord) -> str:
    """It names object, version and bytes."""
    facts = (
        bucket.bucket_id,
        record.key,
        record.version_id,
        record.etag,
        record.crc64,
        record.size,
        record.last_modified,
        *(f"{segment.blob_id}:{segment.start}:{segment.stop}" for segment in record.segments),
    )
    return "\n".join(map(str, facts))


def _processed(rendered: Rendered) -> Processed:
    content_type, size, body = rendered.content_type, rendered.size, rendered.body
    if isinstance(body, bytes):
        return Processed(content_type, size, body)
    return Processed(content_type, size, Stream(body.chunks(0, size), size, body.close))
