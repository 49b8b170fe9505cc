"""PutBucketCors, GetBucketCors, DeleteBucketCors. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

from coatcheck.core.errors import NO_SUCH_CORS_CONFIGURATION
from coatcheck.core.limits import CORS_MAX_BYTES
from coatcheck.wire.reply import Reply

from .arguments import read_document
from .call import Call
from .cors_rules import ROOT, SETTING, read_cors, write_cors
from .settings_kept import drop_setting, keep_setting


async def put_bucket_cors(call: Call) -> Reply:
    """PutBucketCors: all rules at once."""
    cors = read_cors(await read_document(call.request, ROOT, most=CORS_MAX_BYTES))
    await keep_setting(call, SETTING, write_cors(cors).decode())
    return Reply(200)


async def get_bucket_cors(call: Call) -> Reply:
    """GetBucketCors."""
    document = call.this_bucket.setting(SETTING)
    if document is None:
        raise NO_SUCH_CORS_CONFIGURATION(BucketName=call.this_bucket.name)
    return Reply(200, ((b"Content-Type", b"application/xml"),), document.encode())


async def delete_bucket_cors(call: Call) -> Reply:
    """DeleteBucketCors: fine if there are none."""
    await drop_setting(call, SETTING)
    return Reply(204)
