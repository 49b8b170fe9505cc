"""Put, Get and DeletePublicAccessBlock, of the caller's account and of a bucket.

Source: OSS API reference, the operations of those names. What it means for a decision is in `access/decide.py`.
"""

from __future__ import annotations

from coatcheck.core.errors import MALFORMED_XML
from coatcheck.core.xml import write_xml
from coatcheck.ports.bucket import PUBLIC_ACCESS_BLOCK
from coatcheck.wire.reply import Reply

from .arguments import read_document
from .context import Context
from .settings_kept import drop_setting, keep_setting


async def put_public_access_block(ctx: Context) -> Reply:
    """PutPublicAccessBlock: for all buckets of the account."""
    await ctx.ports.catalog.set_account_public_access_block(ctx.caller.account, await _read_switch(ctx))
    return Reply(200)


async def get_public_access_block(ctx: Context) -> Reply:
    """GetPublicAccessBlock: false when never set."""
    return _write_switch(await ctx.ports.catalog.blocks_public_access(ctx.caller.account))


async def delete_public_access_block(ctx: Context) -> Reply:
    """DeletePublicAccessBlock."""
    await ctx.ports.catalog.set_account_public_access_block(ctx.caller.account, False)
    return Reply(204)


async def put_bucket_public_access_block(ctx: Context) -> Reply:
    """PutBucketPublicAccessBlock."""
    await keep_setting(ctx, PUBLIC_ACCESS_BLOCK, "true" if await _read_switch(ctx) else "false")
    return Reply(200)


async def get_bucket_public_access_block(ctx: Context) -> Reply:
    """GetBucketPublicAccessBlock: the bucket's own switch, whatever its owner's account says."""
    return _write_switch(ctx.this_bucket.setting(PUBLIC_ACCESS_BLOCK) == "true")


async def delete_bucket_public_access_block(ctx: Context) -> Reply:
    """DeleteBucketPublicAccessBlock."""
    await drop_setting(ctx, PUBLIC_ACCESS_BLOCK)
    return Reply(204)


async def _read_switch(ctx: Context) -> bool:
    document = await read_document(ctx.request, "PublicAccessBlockConfiguration")
    text = (document.findtext("BlockPublicAccess") or "").strip().lower()  # oss2 sends "True"
    if text not in ("true", "false"):
        raise MALFORMED_XML(f"{MALFORMED_XML.message} BlockPublicAccess must be true or false.")
    return text == "true"


def _write_switch(on: bool) -> Reply:
    document = write_xml("PublicAccessBlockConfiguration", [("BlockPublicAccess", "true" if on else "false")])
    return Reply(200, ((b"Content-Type", b"application/xml"),), document)
