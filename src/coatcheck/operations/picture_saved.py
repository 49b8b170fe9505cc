"""Pictures made of stored ones, and stored themselves: what ProcessObject does, now or later."""

from __future__ import annotations

from collections.abc import AsyncIterator

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.body import Stream
from coatcheck.core.errors import INVALID_ARGUMENT, NO_SUCH_BUCKET
from coatcheck.core.limits import PUT_OBJECT_MAX_BYTES
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import DEFAULT_ACL, SYMLINK, ObjectRecord

from .context import Context
from .intake import receive
from .picture import Processed, process_picture
from .put import NewObject, put_object
from .symlink import follow


async def may_save(context: Context, source: Bucket, bucket_name: str, key: str) -> Grant:
    """Whether the picture may be stored there.

    Args:
        source: the bucket of what it is made of.
        bucket_name: "" for the same; another one must have the same owner and region.
    Raises: OssError NO_SUCH_BUCKET, INVALID_ARGUMENT, and that of a decision.
    """
    bucket = await _find_target(context, source, bucket_name)
    found = None
    if context.needs_object(bucket):
        found = await context.ports.catalog.find_object(bucket.bucket_id, key)
    return context.decide(Action.PUT_OBJECT, bucket, key, found)


async def process_shown(context: Context, grant: Grant, record: ObjectRecord, plan: str) -> Processed:
    """As `process_picture`; of a link, of what it shows."""
    if record.kind == SYMLINK:
        record = await follow(context, grant.this_bucket, record)
    return await process_picture(context, grant, record, plan)


async def save_picture(context: Context, grant: Grant, processed: Processed, encryption: str) -> None:
    """Store it as the object that the grant names, as the bucket has new objects that say nothing of themselves.

    Args:
        encryption: how the bucket has them kept, a label or "".
    Raises: OssError, NotWritten, Unknown, as for an upload.
    """
    content = processed.content
    new = NewObject(
        DEFAULT_ACL,
        grant.this_bucket.storage_class,
        headers=((b"content-type", processed.content_type.encode()),),
        encryption=encryption,
    )
    try:
        incoming = await receive(
            _chunks(content),
            context.ports.byte_store,
            most=PUT_OBJECT_MAX_BYTES,
            announced=processed.size,
            encryption=encryption,
        )
    finally:
        if not isinstance(content, bytes):
            await content.close()
    await put_object(context, grant, new, incoming)


async def _chunks(content: bytes | Stream) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    async for chunk in content.chunks:
        yield bytes(chunk)


async def _find_target(context: Context, source: Bucket, name: str) -> Bucket:
    if not name or name == source.name:
        return source
    bucket = await context.ports.catalog.find_bucket(name)
    if bucket is None:
        raise NO_SUCH_BUCKET(BucketName=name)
    if bucket.owner != source.owner or bucket.region != source.region:
        raise INVALID_ARGUMENT(
            "The bucket to save in must have the same owner and region.", ArgumentName="b", ArgumentValue=name
        )
    return bucket
