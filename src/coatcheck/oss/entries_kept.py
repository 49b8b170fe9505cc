"""Entries of a bucket: documents of which it may have thousands, each read and changed by its name."""

from __future__ import annotations

from collections.abc import Sequence

from coatcheck.core.errors import NO_SUCH_BUCKET, Fault
from coatcheck.ports.catalog import EntryChange, Gone, TooMany

from .call import Call


async def find_entry(call: Call, kind: str, name: str) -> str | None:
    return await call.ports.catalog.find_entry(call.this_bucket.bucket_id, kind, name)


async def list_entries(
    call: Call, kind: str, *, prefix: str = "", marker: str = "", limit: int
) -> tuple[Sequence[tuple[str, str]], bool]:
    """A page of (name, document) behind `marker`; any more?"""
    bucket_id = call.this_bucket.bucket_id
    return await call.ports.catalog.list_entries(bucket_id, kind, prefix=prefix, marker=marker, limit=limit)


async def change_entry(
    call: Call,
    kind: str,
    name: str,
    change: EntryChange,
    *,
    most: int,
    crowded: Fault,
    account_most: int | None = None,
) -> None:
    """Make an entry from the one there is; see `ports.catalog`.

    Args:
        most, crowded: how many of its kind there may be, and what is said to one more.
    Raises: OssError NO_SUCH_BUCKET, `crowded`; AlreadyThere; what `change` raises.
    """
    bucket = call.this_bucket
    try:
        await call.ports.catalog.change_entry(
            bucket.bucket_id, kind, name, change, most=most, account_most=account_most
        )
    except Gone:
        raise NO_SUCH_BUCKET(BucketName=bucket.name) from None
    except TooMany:
        raise crowded() from None


async def drop_entry(call: Call, kind: str, name: str) -> None:
    """Fine if there is none. Raises: OssError NO_SUCH_BUCKET."""
    bucket = call.this_bucket
    try:
        await call.ports.catalog.change_entry(bucket.bucket_id, kind, name, lambda _: None, most=0)
    except Gone:
        raise NO_SUCH_BUCKET(BucketName=bucket.name) from None
