"""PutBucketLogging: as OSS's, but for what S3 alone has, which is refused by its name.

Source: Amazon S3 API reference, PutBucketLogging.
"""

from __future__ import annotations

from typing import Final

from coatcheck.configurations.bucket_logging import ROOT, SHAPE
from coatcheck.core.limits import CONFIGURATION_MAX_BYTES
from coatcheck.core.s3_errors import S3_NOT_BUILT
from coatcheck.core.xml import read_xml
from coatcheck.oss.arguments import read_body
from coatcheck.oss.bucket_logging import keep_logging
from coatcheck.oss.call import Call
from coatcheck.wire.reply import Reply

_NOT_BUILT: Final = ("TargetGrants", "TargetObjectKeyFormat")


async def put_bucket_logging(call: Call) -> Reply:
    """PutBucketLogging: in place of what was there."""
    document = read_xml(await read_body(call.request, most=CONFIGURATION_MAX_BYTES), ROOT)
    for name in _NOT_BUILT:
        if document.find(f"LoggingEnabled/{name}") is not None:
            raise S3_NOT_BUILT(f"{name} is not built: a log is an object as any other of its bucket.", Header=name)
    SHAPE.check(document)
    return await keep_logging(call, document)
