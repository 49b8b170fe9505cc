"""Deleting objects and versions, one or many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.errors import FILE_IMMUTABLE, NO_SUCH_BUCKET, OssError
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Deleted
from coatcheck.ports.object import Deletion, ObjectRecord, OnlyIf

from .commit import commit, unmet
from .context import Context
from .retention import need_bypass
from .versions import version_id_for


class Named(NamedTuple):
    """An object to delete, or that version of it, which then goes for good; `only_if`: unless it is another one."""

    key: str
    version_id: str | None = None
    only_if: OnlyIf | None = None


async def delete_object(
    context: Context,
    grant: Grant,
    version_id: str | None = None,
    *,
    found: ObjectRecord | None = None,
    only_if: OnlyIf | None = None,
    bypass_governance: bool = False,
) -> Deleted:
    """Delete the grant's key; fine if there is nothing. A versioned bucket keeps its versions under a delete marker.

    Args:
        version_id: that version, for good.
        found: the version that is meant, as far as the decision needed it.
        only_if: unless it is another one.
        bypass_governance: also what is retained under GOVERNANCE; that needs a right of its own.
    Raises: OssError NO_SUCH_BUCKET, FILE_IMMUTABLE, PRECONDITION_FAILED, or a refusal; NotWritten.
    """
    grant.need(Action.DELETE_OBJECT)
    bucket = grant.this_bucket
    if bypass_governance:
        need_bypass(context, bucket, grant.this_key, found)
    deletion = _deletion(
        context, bucket, Named(grant.this_key, version_id, only_if), bypass_governance=bypass_governance
    )
    write = context.ports.catalog.delete_object(bucket.bucket_id, deletion)
    deleted = await commit(context.ports, write, gone=NO_SUCH_BUCKET(BucketName=bucket.name))
    if deleted.immutable:
        raise FILE_IMMUTABLE(Key=grant.this_key)
    if deleted.unmet:
        raise unmet(grant.this_key, nothing_there=False)
    return deleted


async def delete_objects(
    context: Context, grant: Grant, named: Sequence[Named], *, bypass_governance: bool = False
) -> Sequence[Deleted]:
    """Delete many in one transaction, if all of them may be deleted; missing ones count as deleted. What is retained or
    held, or is another one than was meant, stays, and doesn't keep the others from going.

    Returns: what became of each, in order.
    Raises: OssError NO_SUCH_BUCKET, or the refusal of the first that may not be deleted; NotWritten.
    """
    grant.need(Action.DELETE_OBJECTS)
    for one in named:
        await _decide_on(context, grant.this_bucket, one, bypass_governance=bypass_governance)
    return await _delete(context, grant.this_bucket, named, bypass_governance=bypass_governance)


async def delete_allowed(
    context: Context, grant: Grant, named: Sequence[Named], *, bypass_governance: bool = False
) -> Sequence[Deleted | OssError]:
    """As `delete_objects`, but what may not be deleted stays, and doesn't keep the others from going.

    Returns: what became of each, in order, or why it may not be deleted.
    Raises: OssError NO_SUCH_BUCKET; NotWritten.
    """
    grant.need(Action.DELETE_OBJECTS)
    bucket, refusals = grant.this_bucket, list[OssError | None]()
    for one in named:
        try:
            await _decide_on(context, bucket, one, bypass_governance=bypass_governance)
        except OssError as refusal:
            refusals.append(refusal)
        else:
            refusals.append(None)
    allowed = [one for one, refusal in zip(named, refusals, strict=True) if refusal is None]
    deleted = iter(await _delete(context, bucket, allowed, bypass_governance=bypass_governance) if allowed else ())
    return [next(deleted) if refusal is None else refusal for refusal in refusals]


async def _delete(
    context: Context, bucket: Bucket, named: Sequence[Named], *, bypass_governance: bool
) -> Sequence[Deleted]:
    deletions = [_deletion(context, bucket, one, bypass_governance=bypass_governance) for one in named]
    write = context.ports.catalog.delete_objects(bucket.bucket_id, deletions)
    return await commit(context.ports, write, gone=NO_SUCH_BUCKET(BucketName=bucket.name))


async def _decide_on(context: Context, bucket: Bucket, named: Named, *, bypass_governance: bool) -> None:
    """Each key needs the right to delete it. Raises: OssError, a refusal."""
    key, version_id, _ = named
    found = None
    if context.needs_object(bucket):
        found = await context.ports.catalog.find_object(bucket.bucket_id, key, version_id)
    context.decide(Action.DELETE_OBJECT, bucket, key, found, versioned=version_id is not None)
    if bypass_governance:
        need_bypass(context, bucket, key, found)


def _deletion(context: Context, bucket: Bucket, named: Named, *, bypass_governance: bool) -> Deletion:
    marker_id, now = version_id_for(bucket), int(context.now)
    return Deletion(
        named.key,
        named.version_id,
        marker_id,
        now,
        bypass_governance=bypass_governance,
        only_if=named.only_if,
    )
