"""Put, Get and DeletePublicAccessBlock, of the caller's account and of a bucket.

Source: OSS API reference, the operations of those names. What it means for a decision is in `access/decide.py`.
"""

from __future__ import annotations

from coatcheck.core.errors import MALFORMED_XML
from coatcheck.core.xml import write_xml
from coatcheck.ports.bucket import PUBLIC_ACCESS_BLOCK
from coatcheck.wire.reply import Reply

from .arguments import read_document
from .call import Call
from .settings_kept import drop_setting, keep_setting


async def put_public_access_block(call: Call) -> Reply:
    """PutPublicAccessBlock: for all buckets of the account."""
    await call.ports.catalog.set_account_public_access_block(call.caller.account, await _read_switch(call))
    return Reply(200)


async def get_public_access_block(call: Call) -> Reply:
    """GetPublicAccessBlock: false when never set."""
    return _write_switch(await call.ports.catalog.blocks_public_access(call.caller.account))


async def delete_public_access_block(call: Call) -> Reply:
    """DeletePublicAccessBlock."""
    await call.ports.catalog.set_account_public_access_block(call.caller.account, False)
    return Reply(204)


async def put_bucket_public_access_block(call: Call) -> Reply:
    """PutBucketPublicAccessBlock."""
    await keep_setting(call, PUBLIC_ACCESS_BLOCK, "true" if await _read_switch(call) else "false")
    return Reply(200)


async def get_bucket_public_access_block(call: Call) -> Reply:
    """GetBucketPublicAccessBlock: the bucket's own switch, whatever its owner's account says."""
    return _write_switch(call.this_bucket.setting(PUBLIC_ACCESS_BLOCK) == "true")


async def delete_bucket_public_access_block(call: Call) -> Reply:
    """DeleteBucketPublicAccessBlock."""
    await drop_setting(call, PUBLIC_ACCESS_BLOCK)
    return Reply(204)


async def _read_switch(call: Call) -> bool:
    document = await read_document(call.request, "PublicAccessBlockConfiguration")
    text = (document.findtext("BlockPublicAccess") or "").strip().lower()  # oss2 sends "True"
    if text not in ("true", "false"):
        raise MALFORMED_XML(f"{MALFORMED_XML.message} BlockPublicAccess must be true or false.")
    return text == "true"


def _write_switch(on: bool) -> Reply:
    document = write_xml("PublicAccessBlockConfiguration", [("BlockPublicAccess", "true" if on else "false")])
    return Reply(200, ((b"Content-Type", b"application/xml"),), document)
