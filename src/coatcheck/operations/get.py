"""Getting an object: its content, whole or a span of it.

What a small object has lies in its row and is had at once; what lies in blobs is opened, and read while it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.body import Later, Stream
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import INTERNAL_ERROR, INVALID_OBJECT_STATE
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.byte_store import BlobGone, BlobReader
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import KeptPart, ObjectRecord, Segment, slice_segments

from .archive import is_readable
from .commit import ReplacedMeanwhile
from .context import Context
from .encryption import inline_body, need_key

_OPEN_ATTEMPTS: Final = 3  # a row can be replaced between our reading it and our opening its bytes


def need_readable(context: Context, grant: Grant, record: ObjectRecord) -> None:
    """Raises: OssError INVALID_OBJECT_STATE, for what is archived, and neither restored nor read directly;
    S3_KEY_NEEDED."""
    if not is_readable(grant.this_bucket, record, context.now, at_once=context.archive_at_once):
        raise INVALID_OBJECT_STATE(Key=grant.this_key)
    if record.encryption:
        need_key(context.ports.byte_store, record.encryption)


async def find_parts(context: Context, grant: Grant, record: ObjectRecord) -> Sequence[KeptPart]:
    """What the object was completed from, as the catalog says it; `record` was found under the grant's key."""
    grant.need(Action.GET_OBJECT)
    return await context.ports.catalog.find_parts(grant.this_bucket.bucket_id, record)


def inline_content(context: Context, grant: Grant, record: ObjectRecord, span: ByteRange) -> bytes | None:
    """Those bytes of an object that lives in its row; None where `open_content` has them.

    Args:
        record: what was found under the grant's key; of a link, what it shows.
    Raises: OssError INVALID_OBJECT_STATE, S3_KEY_NEEDED; Damaged.
    """
    grant.need(Action.GET_OBJECT)
    need_readable(context, grant, record)
    body = record.body
    if record.encryption or record.damaged:
        body = inline_body(context.ports.byte_store, Origin(grant.this_bucket.name, record))
    return None if body is None else body[span.start : span.stop]


def content_at_hand(context: Context, grant: Grant, record: ObjectRecord) -> Stream | None:
    """All bytes of an object in a blob, where nothing has to be waited for; None where `open_content` has them.

    Raises: OssError INVALID_OBJECT_STATE, S3_KEY_NEEDED.
    """
    grant.need(Action.GET_OBJECT)
    need_readable(context, grant, record)
    return context.ports.byte_store.at_hand(record.segments, Origin(grant.this_bucket.name, record))


async def open_content(context: Context, grant: Grant, record: ObjectRecord, span: ByteRange) -> Stream:
    """Those bytes of an object that lives in blobs, read while they are sent.

    Raises: OssError INVALID_OBJECT_STATE, S3_KEY_NEEDED, INTERNAL_ERROR; ReplacedMeanwhile, if it was replaced and
        left no bytes; Damaged.
    """
    grant.need(Action.GET_OBJECT)
    need_readable(context, grant, record)
    bucket, start = grant.this_bucket, span.start
    if len(record.segments) > 1 and span.size < record.size:  # of many files only those that are needed
        start, segments = 0, slice_segments(record.segments, span.start, span.stop)
        reader = await open_record(context, bucket, record, segments, ByteRange(0, span.size))
    else:
        reader = await open_record(context, bucket, record, span=span)
    stop = start + span.size
    file = reader.at_hand(start, stop)
    if file is not None:
        chunks, slices = Later(reader.chunks, start, stop), Later(reader.slices, start, stop)
        return Stream(chunks, span.size, reader.close, slices, file)
    return Stream(reader.chunks(start, stop), span.size, reader.close, reader.slices(start, stop))


async def open_record(
    context: Context,
    bucket: Bucket,
    record: ObjectRecord,
    segments: Sequence[Segment] | None = None,
    span: ByteRange | None = None,
) -> BlobReader:
    """The record's bytes, or those of some of its segments, for whoever may read them.

    Args:
        span: of these bytes, what will be read, where that is known.
    Raises: OssError INTERNAL_ERROR; ReplacedMeanwhile, if it was replaced and left no bytes; Damaged.
    """
    origin = Origin(bucket.name, record)
    for _ in range(_OPEN_ATTEMPTS):
        try:
            return await context.ports.byte_store.open(record.segments if segments is None else segments, origin, span)
        except BlobGone:
            pass
        again = await context.ports.catalog.find_object(bucket.bucket_id, record.key, record.version_id)
        if again is None or again.segments != record.segments:
            raise ReplacedMeanwhile
    raise INTERNAL_ERROR("The bytes of this object are missing where the server keeps them.")
