"""PutObjectTagging, GetObjectTagging, DeleteObjectTagging. Source: OSS API reference, those operations."""

from __future__ import annotations

from coatcheck.core.tag_rules import OBJECT_TAGS, TagRule
from coatcheck.core.xml import write_xml
from coatcheck.operations import tagging
from coatcheck.wire.reply import Reply

from .arguments import read_document
from .call import Call
from .tagging import read_tagging_document, write_tagging
from .versions import version_headers


async def put_object_tagging(call: Call, rule: TagRule = OBJECT_TAGS) -> Reply:
    """PutObjectTagging: the whole set is replaced; ETag and Last-Modified stay."""
    tags = read_tagging_document(await read_document(call.request, "Tagging"), rule)
    found, versioned = call.this_object, call.facts.versioned
    await tagging.put_tags(call.context, call.grant, found, tags, versioned=versioned)
    return Reply(200, version_headers(call.this_bucket, found.version_id))


async def get_object_tagging(call: Call) -> Reply:
    """GetObjectTagging: an empty set when there are none."""
    found = call.this_object
    headers = ((b"Content-Type", b"application/xml"), *version_headers(call.this_bucket, found.version_id))
    return Reply(200, headers, write_xml("Tagging", write_tagging(found.tags)))


async def delete_object_tagging(call: Call) -> Reply:
    """DeleteObjectTagging."""
    found = call.this_object
    await tagging.delete_tags(call.context, call.grant, found.version_id)
    return Reply(204, version_headers(call.this_bucket, found.version_id))
