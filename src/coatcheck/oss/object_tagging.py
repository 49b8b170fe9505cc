"""PutObjectTagging, GetObjectTagging, DeleteObjectTagging. Source: OSS API reference, those operations."""

from __future__ import annotations

from dataclasses import replace

from coatcheck.core.errors import NO_SUCH_KEY
from coatcheck.core.xml import write_xml
from coatcheck.ports.catalog import Gone
from coatcheck.wire.reply import RawHeader, Reply

from .arguments import read_document
from .call import Call
from .tagging import Tags, read_tagging_document, write_tagging
from .versions import version_headers


async def put_object_tagging(call: Call) -> Reply:
    """PutObjectTagging: the whole set is replaced; ETag and Last-Modified stay."""
    tags = read_tagging_document(await read_document(call.request, "Tagging"))
    call.decide_on_tags(tags)
    return Reply(200, await _set_tags(call, tags))


async def get_object_tagging(call: Call) -> Reply:
    """GetObjectTagging: an empty set when there are none."""
    found = call.this_object
    headers = ((b"Content-Type", b"application/xml"), *version_headers(call.this_bucket, found.version_id))
    return Reply(200, headers, write_xml("Tagging", write_tagging(found.tags)))


async def delete_object_tagging(call: Call) -> Reply:
    """DeleteObjectTagging."""
    return Reply(204, await _set_tags(call, ()))


async def _set_tags(call: Call, tags: Tags) -> tuple[RawHeader, ...]:
    bucket, found = call.this_bucket, call.this_object
    try:
        await call.ports.catalog.change_object(
            bucket.bucket_id, call.key, found.version_id, lambda record: replace(record, tags=tags)
        )
    except Gone:
        raise NO_SUCH_KEY(Key=call.key) from None
    return version_headers(bucket, found.version_id)
