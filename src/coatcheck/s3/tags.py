"""Tags of objects and of buckets. A bucket without any has no set at all in S3."""

from __future__ import annotations

from coatcheck.configurations import tags
from coatcheck.core.s3_errors import S3_NO_TAGS
from coatcheck.core.tag_rules import S3_BUCKET_TAGS, S3_OBJECT_TAGS
from coatcheck.oss import object_tagging
from coatcheck.oss.arguments import read_document
from coatcheck.oss.call import Call
from coatcheck.oss.documents_kept import drop_document, keep_document
from coatcheck.oss.tagging import write_tagging
from coatcheck.oss.versions import version_headers
from coatcheck.wire.reply import Reply

from .documents import show


async def get_bucket_tags(call: Call) -> Reply:
    """GetBucketTagging."""
    bucket = call.this_bucket
    if not bucket.tags:
        raise S3_NO_TAGS(BucketName=bucket.name)
    return show("Tagging", write_tagging(bucket.tags))


async def put_bucket_tags(call: Call) -> Reply:
    """PutBucketTagging."""
    document = await read_document(call.request, tags.ROOT)
    await keep_document(call, tags.NAME, tags.to_json(tags.read(document, S3_BUCKET_TAGS)))
    return Reply(204)


async def delete_bucket_tags(call: Call) -> Reply:
    """DeleteBucketTagging."""
    await drop_document(call, tags.NAME)
    return Reply(204)


async def put_object_tagging(call: Call) -> Reply:
    """PutObjectTagging."""
    return await object_tagging.put_object_tagging(call, S3_OBJECT_TAGS)


async def get_object_tagging(call: Call) -> Reply:
    """GetObjectTagging: an empty set when there are none."""
    found = call.this_object
    return show("Tagging", write_tagging(found.tags), version_headers(call.this_bucket, found.version_id))
