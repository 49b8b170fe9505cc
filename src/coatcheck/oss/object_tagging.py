"""PutObjectTagging, GetObjectTagging, DeleteObjectTagging. Source: OSS API reference, those operations."""

from __future__ import annotations

from dataclasses import replace

from coatcheck.core.errors import NO_SUCH_KEY
from coatcheck.core.xml import write_xml
from coatcheck.ports.catalog import Gone
from coatcheck.wire.reply import RawHeader, Reply

from .arguments import read_document
from .context import Context
from .tagging import Tags, read_tagging_document, write_tagging
from .versions import version_headers


async def put_object_tagging(ctx: Context) -> Reply:
    """PutObjectTagging: the whole set is replaced; ETag and Last-Modified stay."""
    tags = read_tagging_document(await read_document(ctx.request, "Tagging"))
    ctx.decide_on_tags(tags)
    return Reply(200, await _set_tags(ctx, tags))


async def get_object_tagging(ctx: Context) -> Reply:
    """GetObjectTagging: an empty set when there are none."""
    found = ctx.this_object
    headers = ((b"Content-Type", b"application/xml"), *version_headers(ctx.this_bucket, found.version_id))
    return Reply(200, headers, write_xml("Tagging", write_tagging(found.tags)))


async def delete_object_tagging(ctx: Context) -> Reply:
    """DeleteObjectTagging."""
    return Reply(204, await _set_tags(ctx, ()))


async def _set_tags(ctx: Context, tags: Tags) -> tuple[RawHeader, ...]:
    bucket, found = ctx.this_bucket, ctx.this_object
    try:
        await ctx.ports.catalog.change_object(
            bucket.bucket_id, ctx.key, found.version_id, lambda record: replace(record, tags=tags)
        )
    except Gone:
        raise NO_SUCH_KEY(Key=ctx.key) from None
    return version_headers(bucket, found.version_id)
