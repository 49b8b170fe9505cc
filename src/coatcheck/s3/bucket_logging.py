"""PutBucketLogging: as OSS's, but for what S3 alone has, which is refused by its name.

Source: Amazon S3 API reference, PutBucketLogging.
"""

from __future__ import annotations

from typing import Final

from coatcheck.configurations.bucket_logging import ROOT, SHAPE
from coatcheck.core.limits import CONFIGURATION_MAX_BYTES
from coatcheck.core.xml import read_xml
from coatcheck.oss.arguments import read_body
from coatcheck.oss.bucket_logging import keep_logging
from coatcheck.oss.call import Call
from coatcheck.wire.reply import Reply

from .documents import refuse_unbuilt

_NOT_BUILT: Final = {
    f"LoggingEnabled/{name}": f"{name} is not built: a log is an object as any other of its bucket."
    for name in ("TargetGrants", "TargetObjectKeyFormat")
}


async def put_bucket_logging(call: Call) -> Reply:
    """PutBucketLogging: in place of what was there."""
    document = read_xml(await read_body(call.request, most=CONFIGURATION_MAX_BYTES), ROOT)
    refuse_unbuilt(document, _NOT_BUILT)
    SHAPE.check(document)
    return await keep_logging(call, document)
