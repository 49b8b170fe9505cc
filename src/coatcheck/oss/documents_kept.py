"""Changing a bucket, and keeping or dropping its configuration documents.

What depends on what is there (a limit, a document that is changed in part, a check against another one) is decided
by `change_bucket` and `change_document`, inside the transaction; `keep_document` and `drop_document` replace a document
whole, whatever was there.
"""

from __future__ import annotations

from collections.abc import Callable

from coatcheck.core.errors import NO_SUCH_BUCKET
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import BucketChange, Gone

from .call import Call


async def change_bucket(call: Call, bucket: Bucket, change: BucketChange) -> None:
    """See `ports.catalog`. Raises: OssError NO_SUCH_BUCKET, if it was deleted meanwhile; what `change` raises."""
    try:
        await call.ports.catalog.change_bucket(bucket.bucket_id, change)
    except Gone:
        raise NO_SUCH_BUCKET(BucketName=bucket.name) from None


async def change_document(call: Call, name: str, change: Callable[[Bucket], str | None]) -> None:
    """Make a document of this bucket from the bucket as it is, or drop it for None. Raises: as `change_bucket`."""
    await change_bucket(call, call.this_bucket, lambda bucket: bucket.with_configuration(name, change(bucket)))


async def keep_document(call: Call, name: str, document: str) -> None:
    """Raises: OssError NO_SUCH_BUCKET, if it was deleted meanwhile."""
    await change_document(call, name, lambda _: document)


async def drop_document(call: Call, name: str) -> None:
    """Raises: OssError NO_SUCH_BUCKET, if it was deleted meanwhile."""
    await change_document(call, name, lambda _: None)
