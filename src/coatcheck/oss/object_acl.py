"""PutObjectAcl, GetObjectAcl. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

from coatcheck.access.acl import read_object_acl
from coatcheck.access.grants import nearest_word
from coatcheck.core.errors import MISSING_ARGUMENT
from coatcheck.operations import acl
from coatcheck.wire.reply import Reply

from .call import Call
from .owner import acl_reply
from .versions import version_headers


async def put_object_acl(call: Call) -> Reply:
    """PutObjectAcl: ETag and Last-Modified stay as they are."""
    bucket, found = call.this_bucket, call.this_object
    text = call.request.headers.get("x-oss-object-acl")
    if text is None:
        raise MISSING_ARGUMENT("The header x-oss-object-acl is missing.", ArgumentName="x-oss-object-acl")
    await acl.put_object_acl(call.context, call.grant, found.version_id, read_object_acl(text))
    return Reply(200, version_headers(bucket, found.version_id))


async def get_object_acl(call: Call) -> Reply:
    """GetObjectAcl: "default" when none was ever set."""
    bucket, found = call.this_bucket, call.this_object
    return acl_reply(bucket.owner, nearest_word(found.acl), version_headers(bucket, found.version_id))
