"""Committing a version: a new one, or one that is changed where it stands."""

from __future__ import annotations

from coatcheck.access.decide import Grant
from coatcheck.core.errors import FILE_ALREADY_EXISTS, NO_SUCH_BUCKET, NO_SUCH_KEY
from coatcheck.ports.byte_store import BlobWriter
from coatcheck.ports.catalog import AlreadyThere, Change, Gone
from coatcheck.ports.object import ObjectRecord, OnlyIf

from .commit import Stored, commit
from .context import Context
from .overwrite import forbids_overwrite


async def put_record(
    context: Context,
    grant: Grant,
    record: ObjectRecord,
    blob: BlobWriter | None = None,
    *,
    forbid_overwrite: bool = False,
    only_if: OnlyIf | None = None,
    shared: bool = False,
) -> Stored:
    """Make the record the current version of the grant's key; `blob` is the new one that it names, if it names one.

    Args:
        forbid_overwrite: not where there is an object, even if the bucket's rules allow it.
        only_if: only where that is the object that is there.
        shared: its blobs are another version's, as the catalog's `put_object` has it.
    Raises: OssError NO_SUCH_BUCKET, FILE_ALREADY_EXISTS, PRECONDITION_FAILED, NO_SUCH_KEY, FILE_IMMUTABLE;
        Stale, with `shared`; NotWritten.
    """
    bucket = grant.this_bucket
    forbidden = forbids_overwrite(context, grant, asked=forbid_overwrite)
    write = context.ports.catalog.put_object(
        bucket.bucket_id, record, forbid_overwrite=forbidden, only_if=only_if, shared=shared
    )
    try:
        written = await commit(context.ports, write, blob)
    except Gone:
        raise NO_SUCH_BUCKET(BucketName=bucket.name) from None
    except AlreadyThere:
        raise FILE_ALREADY_EXISTS(Key=record.key) from None
    return Stored(record, written.version_id)


async def change_record(
    context: Context,
    grant: Grant,
    version_id: str | None,
    change: Change,
    blob: BlobWriter | None = None,
    *,
    bypass_governance: bool = False,
) -> str:
    """Change a version of the grant's key, or the current one; its id.

    Args:
        bypass_governance: as the catalog's `change_object` has it.
    Raises: OssError NO_SUCH_KEY, if it is gone; FILE_IMMUTABLE; what `change` raises; NotWritten.
    """
    bucket, key = grant.this_bucket, grant.this_key
    write = context.ports.catalog.change_object(
        bucket.bucket_id, key, version_id, change, bypass_governance=bypass_governance
    )
    return (await commit(context.ports, write, blob, gone=NO_SUCH_KEY(Key=key))).version_id
