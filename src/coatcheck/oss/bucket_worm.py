"""The operations on a bucket's retention policy, and PutBucketObjectWormConfiguration.

Source: OSS API reference, InitiateBucketWorm and its like.
"""

from __future__ import annotations

from coatcheck.configurations import bucket_worm as documents
from coatcheck.configurations import object_worm
from coatcheck.operations import bucket_worm
from coatcheck.wire.reply import Reply

from .arguments import read_document
from .call import Call
from .configuration import show


async def initiate_bucket_worm(call: Call) -> Reply:
    """InitiateBucketWorm: it holds at once, and vanishes after a day unless it is locked."""
    days = documents.read_days(await read_document(call.request, documents.INITIATE))
    worm_id = await bucket_worm.initiate_bucket_worm(call.context, call.grant, days)
    return Reply(200, ((b"x-oss-worm-id", worm_id.encode()),))


async def complete_bucket_worm(call: Call) -> Reply:
    """CompleteBucketWorm: from now on nobody can take it back."""
    await bucket_worm.complete_bucket_worm(call.context, call.grant, _worm_id(call))
    return Reply(200)


async def extend_bucket_worm(call: Call) -> Reply:
    """ExtendBucketWorm: of a locked policy, and longer only."""
    days = documents.read_days(await read_document(call.request, documents.EXTEND))
    await bucket_worm.extend_bucket_worm(call.context, call.grant, _worm_id(call), days)
    return Reply(200)


async def abort_bucket_worm(call: Call) -> Reply:
    """AbortBucketWorm: 204 whether or not there was one."""
    await bucket_worm.abort_bucket_worm(call.context, call.grant)
    return Reply(204)


async def get_bucket_worm(call: Call) -> Reply:
    """GetBucketWorm."""
    return show(documents.ROOT, documents.write(bucket_worm.get_bucket_worm(call.context, call.grant)))


async def put_bucket_object_worm_configuration(call: Call) -> Reply:
    """PutBucketObjectWormConfiguration: there is no way back; what versions get by default may change."""
    worm = object_worm.read(await read_document(call.request, object_worm.ROOT))
    await bucket_worm.put_object_worm(call.context, call.grant, worm)
    return Reply(200)


def _worm_id(call: Call) -> str:
    return call.request.query.get("wormId") or ""
