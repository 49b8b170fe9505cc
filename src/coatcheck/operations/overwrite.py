"""Overwriting: whether a key that has an object may get another one."""

from __future__ import annotations

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.configurations import overwrite
from coatcheck.core.errors import FILE_ALREADY_EXISTS, FILE_IMMUTABLE
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import DELETE_MARKER, ObjectRecord, OnlyIf
from coatcheck.ports.worm import BUCKET_WORM, OBJECT_WORM, make_rules

from .commit import unmet
from .context import Context


def forbids_overwrite(context: Context, grant: Grant, *, asked: bool) -> bool:
    """Whether what is written under the grant's key may take no object's place.

    Args:
        asked: whoever writes wants it so. Else the bucket's rules say, which mean nothing where old versions are kept.
    """
    bucket = grant.this_bucket
    if asked or bucket.versioning or not bucket.configurations:
        return asked
    document = bucket.configuration(overwrite.NAME)
    return document is not None and overwrite.from_json(document).forbids(grant.this_key, context.caller.names)


async def check_overwrite(context: Context, grant: Grant, *, asked: bool) -> None:
    """The same before the content travels; the commit checks again.

    Raises: OssError FILE_ALREADY_EXISTS, if the grant's key has an object that may not be overwritten.
    """
    if not forbids_overwrite(context, grant, asked=asked):
        return
    if await find_there(context, grant) is not None:
        raise FILE_ALREADY_EXISTS(Key=grant.this_key)


async def check_writable(context: Context, grant: Grant, *, asked: bool, only_if: OnlyIf | None = None) -> None:
    """The same, whether the object that is there is the one that is meant, and whether it may go now.

    Raises: OssError FILE_ALREADY_EXISTS, PRECONDITION_FAILED, NO_SUCH_KEY, FILE_IMMUTABLE, or a refusal to read.
    """
    await check_overwrite(context, grant, asked=asked)
    if only_if is not None:
        there = await find_there(context, grant)
        need_reading(context, grant, only_if, there)
        if there is None or only_if.misses(there):
            raise unmet(grant.this_key, nothing_there=there is None)
    bucket = grant.this_bucket
    if bucket.configurations and not bucket.versioning and bucket.configuration(BUCKET_WORM) is not None:
        found = await find_there(context, grant)
        if found is not None:
            need_free(context, bucket, found)


def need_reading(context: Context, grant: Grant, only_if: OnlyIf, there: ObjectRecord | None) -> None:
    """A write that names an ETag tells whether the object that is there has it: who may not read isn't told.

    Raises: OssError, a refusal.
    """
    if only_if.etag not in (None, "*"):
        context.decide(Action.GET_OBJECT, grant.this_bucket, grant.this_key, there)


def need_free(context: Context, bucket: Bucket, found: ObjectRecord) -> None:
    """Before a body travels; the commit judges again. Raises: OssError FILE_IMMUTABLE, if the version stays."""
    worm, object_worm = bucket.configuration(BUCKET_WORM), bucket.configuration(OBJECT_WORM)
    if make_rules(bucket.versioning, worm, object_worm, context.ports.catalog.moments()).holds(found):
        raise FILE_IMMUTABLE(Key=found.key)


async def find_there(context: Context, grant: Grant) -> ObjectRecord | None:
    """The object under the grant's key; a delete marker is none."""
    found = await context.ports.catalog.find_object(grant.this_bucket.bucket_id, grant.this_key)
    return None if found is None or found.kind == DELETE_MARKER else found
