"""Deleting objects and versions, one or many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.errors import NO_SUCH_BUCKET
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Deleted
from coatcheck.ports.object import Deletion

from .commit import commit
from .context import Context
from .versions import version_id_for


class Named(NamedTuple):
    """An object to delete, or that version of it, which then goes for good."""

    key: str
    version_id: str | None = None


async def delete_object(context: Context, grant: Grant, version_id: str | None = None) -> Deleted:
    """Delete the grant's key; fine if there is nothing. A versioned bucket keeps its versions under a delete marker.

    Args:
        version_id: that version, for good.
    Raises: OssError NO_SUCH_BUCKET; NotWritten.
    """
    grant.need(Action.DELETE_OBJECT)
    bucket = grant.this_bucket
    deletion = _deletion(context, bucket, Named(grant.this_key, version_id))
    write = context.ports.catalog.delete_object(bucket.bucket_id, deletion)
    return await commit(context.ports, write, gone=NO_SUCH_BUCKET(BucketName=bucket.name))


async def delete_objects(context: Context, grant: Grant, named: Sequence[Named]) -> Sequence[Deleted]:
    """Delete many in one transaction, if all of them may be deleted; missing ones count as deleted.

    Returns: what became of each, in order.
    Raises: OssError NO_SUCH_BUCKET, or the refusal of the first that may not be deleted; NotWritten.
    """
    grant.need(Action.DELETE_OBJECTS)
    bucket = grant.this_bucket
    for one in named:
        await _decide_on(context, bucket, one)
    deletions = [_deletion(context, bucket, one) for one in named]
    write = context.ports.catalog.delete_objects(bucket.bucket_id, deletions)
    return await commit(context.ports, write, gone=NO_SUCH_BUCKET(BucketName=bucket.name))


async def _decide_on(context: Context, bucket: Bucket, named: Named) -> None:
    """Each key needs the right to delete it. Raises: OssError, a refusal."""
    key, version_id = named
    found = None
    if context.needs_object(bucket):
        found = await context.ports.catalog.find_object(bucket.bucket_id, key, version_id)
    context.decide(Action.DELETE_OBJECT, bucket, key, found, versioned=version_id is not None)


def _deletion(context: Context, bucket: Bucket, named: Named) -> Deletion:
    return Deletion(named.key, named.version_id, version_id_for(bucket), int(context.now))
