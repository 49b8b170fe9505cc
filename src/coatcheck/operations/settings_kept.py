"""Keeping a bucket's configuration document, and dropping it."""

from __future__ import annotations

from coatcheck.core.errors import NO_SUCH_BUCKET
from coatcheck.ports.catalog import Gone

from .context import Context


async def keep_setting(ctx: Context, name: str, document: str) -> None:
    """Raises: OssError NO_SUCH_BUCKET, if it was deleted meanwhile."""
    await _set(ctx, name, document)


async def drop_setting(ctx: Context, name: str) -> None:
    """Raises: OssError NO_SUCH_BUCKET, if it was deleted meanwhile."""
    await _set(ctx, name, None)


async def _set(ctx: Context, name: str, document: str | None) -> None:
    bucket = ctx.this_bucket
    try:
        await ctx.ports.catalog.set_bucket_setting(bucket.bucket_id, name, document)
    except Gone:
        raise NO_SUCH_BUCKET(BucketName=bucket.name) from None
