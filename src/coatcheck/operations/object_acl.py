"""PutObjectAcl, GetObjectAcl. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

from dataclasses import replace

from coatcheck.access.acl import read_object_acl
from coatcheck.core.errors import MISSING_ARGUMENT, NO_SUCH_KEY
from coatcheck.ports.catalog import Gone
from coatcheck.wire.reply import Reply

from .arguments import check_version
from .context import Context
from .owner import acl_reply


async def put_object_acl(ctx: Context) -> Reply:
    """PutObjectAcl: ETag and Last-Modified stay as they are."""
    check_version(ctx)
    text = ctx.request.headers.get("x-oss-object-acl")
    if text is None:
        raise MISSING_ARGUMENT("The header x-oss-object-acl is missing.", ArgumentName="x-oss-object-acl")
    acl = read_object_acl(text)
    try:
        await ctx.ports.catalog.change_object(
            ctx.this_bucket.bucket_id, ctx.key, None, lambda record: replace(record, acl=acl)
        )
    except Gone:
        raise NO_SUCH_KEY(Key=ctx.key) from None
    return Reply(200)


async def get_object_acl(ctx: Context) -> Reply:
    """GetObjectAcl: "default" when none was ever set."""
    check_version(ctx)
    return acl_reply(ctx.this_bucket.owner, ctx.this_object.acl)
