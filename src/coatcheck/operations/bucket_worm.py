"""A bucket's retention policy: beginning, locking, extending and dropping it; and what it forbids to change.

Each decides on the bucket as it is inside the transaction.
"""

from __future__ import annotations

import secrets
from typing import Final

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.errors import (
    INVALID_BUCKET_STATUS,
    INVALID_WORM,
    NO_SUCH_BUCKET,
    NO_SUCH_WORM,
    WORM_ALREADY_EXISTS,
    WORM_LOCKED,
)
from coatcheck.core.times import Moments
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import BucketChange, Gone
from coatcheck.ports.worm import (
    BUCKET_WORM,
    OBJECT_WORM,
    BucketWorm,
    ObjectWorm,
    standing_worm,
    write_bucket_worm,
    write_object_worm,
)

from .context import Context

_ENABLED: Final = "Enabled"


async def initiate_bucket_worm(context: Context, grant: Grant, days: int) -> str:
    """Begin a policy, which holds at once; its id. Raises: OssError WORM_ALREADY_EXISTS, INVALID_BUCKET_STATUS."""
    grant.need(Action.INITIATE_BUCKET_WORM)
    worm = BucketWorm(secrets.token_hex(16).upper(), days, int(context.ports.catalog.moments().latest))

    def change(bucket: Bucket) -> Bucket:
        if _standing(context, bucket) is not None:
            raise WORM_ALREADY_EXISTS(BucketName=bucket.name)
        if bucket.versioning:
            raise INVALID_BUCKET_STATUS("A bucket that is or was versioned cannot have a retention policy.")
        return bucket.with_configuration(BUCKET_WORM, write_bucket_worm(worm))

    await _change(context, grant, change)
    return worm.worm_id


async def complete_bucket_worm(context: Context, grant: Grant, worm_id: str) -> None:
    """Lock the policy; fine if it is locked already. Raises: OssError NO_SUCH_WORM."""
    grant.need(Action.COMPLETE_BUCKET_WORM)

    def change(bucket: Bucket) -> Bucket:
        worm = replace(_need(context, bucket, worm_id), locked=True)
        return bucket.with_configuration(BUCKET_WORM, write_bucket_worm(worm))

    await _change(context, grant, change)


async def extend_bucket_worm(context: Context, grant: Grant, worm_id: str, days: int) -> None:
    """Make the period of a locked policy longer. Raises: OssError NO_SUCH_WORM, INVALID_WORM."""
    grant.need(Action.EXTEND_BUCKET_WORM)

    def change(bucket: Bucket) -> Bucket:
        worm = _need(context, bucket, worm_id)
        if not worm.locked:
            raise INVALID_WORM(f"{INVALID_WORM.message} Only a locked policy can be extended.")
        if days <= worm.days:
            raise INVALID_WORM(f"{INVALID_WORM.message} The period can only become longer than {worm.days} days.")
        return bucket.with_configuration(BUCKET_WORM, write_bucket_worm(replace(worm, days=days)))

    await _change(context, grant, change)


async def abort_bucket_worm(context: Context, grant: Grant) -> None:
    """Drop a policy that isn't locked; fine if there is none. Raises: OssError WORM_LOCKED."""
    grant.need(Action.ABORT_BUCKET_WORM)

    def change(bucket: Bucket) -> Bucket:
        worm = _standing(context, bucket)
        if worm is not None and worm.locked:
            raise WORM_LOCKED(BucketName=bucket.name)
        return bucket.with_configuration(BUCKET_WORM, None)

    await _change(context, grant, change)


def get_bucket_worm(context: Context, grant: Grant) -> BucketWorm:
    """Raises: OssError NO_SUCH_WORM."""
    grant.need(Action.GET_BUCKET_WORM)
    worm = _standing(context, grant.this_bucket)
    if worm is None:
        raise NO_SUCH_WORM(BucketName=grant.this_bucket.name)
    return worm


async def put_object_worm(context: Context, grant: Grant, worm: ObjectWorm) -> None:
    """Let versions of the bucket have a retention, for good; what they get by default may change.

    Raises: OssError INVALID_BUCKET_STATUS.
    """
    grant.need(Action.PUT_BUCKET_OBJECT_WORM_CONFIGURATION)

    def change(bucket: Bucket) -> Bucket:
        if bucket.versioning != _ENABLED:
            raise INVALID_BUCKET_STATUS("Object WORM needs a bucket whose versioning is Enabled.")
        return bucket.with_configuration(OBJECT_WORM, write_object_worm(worm))

    await _change(context, grant, change)


def check_versioning(bucket: Bucket, status: str, moments: Moments) -> None:
    """Raises: OssError INVALID_BUCKET_STATUS, if the bucket's versioning may not become that."""
    if standing_worm(bucket.configuration(BUCKET_WORM), moments) is not None:
        raise INVALID_BUCKET_STATUS("A bucket that has a retention policy cannot be versioned.")
    if status != _ENABLED and bucket.configuration(OBJECT_WORM) is not None:
        raise INVALID_BUCKET_STATUS("Versioning cannot be suspended where object WORM is enabled.")


def _standing(context: Context, bucket: Bucket) -> BucketWorm | None:
    return standing_worm(bucket.configuration(BUCKET_WORM), context.ports.catalog.moments())


def _need(context: Context, bucket: Bucket, worm_id: str) -> BucketWorm:
    worm = _standing(context, bucket)
    if worm is None or worm.worm_id != worm_id:
        raise NO_SUCH_WORM("The specified WORM ID does not exist.", WormId=worm_id[:64])
    return worm


async def _change(context: Context, grant: Grant, change: BucketChange) -> None:
    bucket = grant.this_bucket
    try:
        await context.ports.catalog.change_bucket(bucket.bucket_id, change)
    except Gone:
        raise NO_SUCH_BUCKET(BucketName=bucket.name) from None
