"""Retention and legal holds of versions: giving them, and what may be asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.errors import INVALID_ARGUMENT, INVALID_REQUEST
from coatcheck.core.limits import RETENTION_MAX_DAYS
from coatcheck.core.times import DAY_S, LAST_MOMENT_S, write_iso
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import ObjectRecord, Retention
from coatcheck.ports.worm import OBJECT_WORM

from .context import Context
from .record import change_record


class Held(NamedTuple):
    """How a new version is to be held, besides what its bucket says."""

    retention: Retention | None = None
    legal_hold: bool = False


FREE = Held()


async def put_retention(
    context: Context, grant: Grant, found: ObjectRecord, retention: Retention | None, *, bypass_governance: bool
) -> None:
    """Retain a version until then. One that is retained longer, or more strictly, stays so.

    Args:
        found: the version.
        retention: None to retain it no more.
        bypass_governance: a retention under GOVERNANCE may become shorter; that needs a right of its own.
    Raises: OssError INVALID_REQUEST, INVALID_ARGUMENT, FILE_IMMUTABLE, NO_SUCH_KEY, or a refusal; NotWritten.
    """
    grant.need(Action.PUT_OBJECT_RETENTION)
    _need_object_worm(grant.this_bucket)
    if retention is not None:
        check_until(context, retention.until)
    if bypass_governance:
        need_bypass(context, grant.this_bucket, grant.this_key, found)

    def change(record: ObjectRecord) -> ObjectRecord:
        return replace(record, retention=retention)

    await change_record(context, grant, found.version_id, change, bypass_governance=bypass_governance)


async def put_legal_hold(context: Context, grant: Grant, found: ObjectRecord, *, on: bool) -> None:
    """Hold a version, or no longer. Raises: OssError INVALID_REQUEST, NO_SUCH_KEY; NotWritten."""
    grant.need(Action.PUT_OBJECT_LEGAL_HOLD)
    _need_object_worm(grant.this_bucket)
    await change_record(context, grant, found.version_id, lambda record: replace(record, legal_hold=on))


def need_held(context: Context, grant: Grant, found: ObjectRecord | None, held: Held) -> Held:
    """The same, if the caller may store an object under the grant's key that is held so.

    Raises: OssError INVALID_REQUEST, INVALID_ARGUMENT, or a refusal.
    """
    bucket, key = grant.this_bucket, grant.this_key
    if held.retention is not None:
        context.decide(Action.PUT_OBJECT_RETENTION, bucket, key, found)
        check_until(context, held.retention.until)
    if held.legal_hold:
        context.decide(Action.PUT_OBJECT_LEGAL_HOLD, bucket, key, found)
    if held != FREE:
        _need_object_worm(bucket)
    return held


def need_bypass(context: Context, bucket: Bucket, key: str, found: ObjectRecord | None) -> None:
    """Raises: OssError, the refusal for who may not end what is retained under GOVERNANCE."""
    context.decide(Action.BYPASS_GOVERNANCE_RETENTION, bucket, key, found)


def check_until(context: Context, until: int) -> None:
    """Raises: OssError INVALID_ARGUMENT, for an end that is over, or further ahead than a retention may end."""
    if not context.now < until <= min(context.now + RETENTION_MAX_DAYS * DAY_S, LAST_MOMENT_S):
        raise INVALID_ARGUMENT(
            f"A retention ends in the future, at most {RETENTION_MAX_DAYS} days ahead.",
            ArgumentName="RetainUntilDate",
            ArgumentValue=write_iso(until),
        )


def _need_object_worm(bucket: Bucket) -> None:
    if bucket.configuration(OBJECT_WORM) is None:
        raise INVALID_REQUEST("Object WORM is not enabled for the bucket: PutBucketObjectWormConfiguration enables it.")
