"""PutBucketLogging: kept only if the log could be written where it is to go. Source: OSS API reference."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from msgspec.structs import replace

from coatcheck.configurations import bucket_logging
from coatcheck.core.errors import INVALID_LOG_TARGET, LOG_TARGET_OF_ANOTHER
from coatcheck.identity.author import author_of
from coatcheck.wire.reply import Reply

from .arguments import read_document
from .call import Call
from .documents_kept import keep_document


async def put_bucket_logging(call: Call) -> Reply:
    """PutBucketLogging: in place of what was there."""
    return await keep_logging(call, await read_document(call.request, bucket_logging.ROOT))


async def keep_logging(call: Call, document: Element) -> Reply:
    """A document that was read, of either dialect. Raises: OssError."""
    value = bucket_logging.read(document)
    if value.bucket:
        await _check_target(call, value.bucket)
        value = replace(value, author=author_of(call.caller, call.now))
    await keep_document(call, bucket_logging.NAME, bucket_logging.to_json(value))
    return Reply(200)


async def _check_target(call: Call, name: str) -> None:
    """Raises: OssError INVALID_LOG_TARGET, LOG_TARGET_OF_ANOTHER."""
    target = await call.ports.catalog.find_bucket(name)
    if target is None or target.region != call.this_bucket.region:
        raise INVALID_LOG_TARGET(TargetBucket=name[:64])
    if target.owner != call.caller.account:
        raise LOG_TARGET_OF_ANOTHER(TargetBucket=name)
