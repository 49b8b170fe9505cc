"""Giving an object, or a version of it, another ACL."""

from __future__ import annotations

from dataclasses import replace

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant

from .context import Context
from .record import change_record


async def put_object_acl(context: Context, grant: Grant, version_id: str, acl: str) -> None:
    """Its ETag and its time stay. Raises: OssError NO_SUCH_KEY; NotWritten."""
    grant.need(Action.PUT_OBJECT_ACL)
    await change_record(context, grant, version_id, lambda record: replace(record, acl=acl))
