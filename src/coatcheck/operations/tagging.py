"""Tags of objects: which there may be, and giving them to a version."""

from __future__ import annotations

from dataclasses import replace

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.errors import INVALID_TAG, INVALID_TAG_VALUE, TOO_MANY_OBJECT_TAGS
from coatcheck.core.tag_rules import TagRule
from coatcheck.ports.bucket import Tags
from coatcheck.ports.object import ObjectRecord

from .context import Context
from .record import change_record


async def put_tags(context: Context, grant: Grant, found: ObjectRecord, tags: Tags, *, versioned: bool) -> None:
    """Give a version these tags in place of those it has. Its ETag and its time stay.

    Args:
        found: the version.
        versioned: it was named, which is another right than that to the current one.
    Raises: OssError NO_SUCH_KEY, or the refusal to give it these tags; NotWritten.
    """
    grant.need(Action.PUT_OBJECT_TAGGING)
    context.decide(grant.action, grant.this_bucket, grant.this_key, found, versioned=versioned, tags=tags)
    await change_record(context, grant, found.version_id, lambda record: replace(record, tags=tags))


async def delete_tags(context: Context, grant: Grant, version_id: str) -> None:
    """Take all tags from a version. Raises: OssError NO_SUCH_KEY; NotWritten."""
    grant.need(Action.DELETE_OBJECT_TAGGING)
    await change_record(context, grant, version_id, lambda record: replace(record, tags=()))


def check_tags(tags: Tags, rule: TagRule) -> Tags:
    """The same, if an object may have them. Raises: OssError TOO_MANY_OBJECT_TAGS, INVALID_TAG, INVALID_TAG_VALUE."""
    if len(tags) > rule.most:
        raise TOO_MANY_OBJECT_TAGS()
    for key, value in tags:
        if not rule.allows_key(key):
            raise INVALID_TAG()
        if not rule.allows_value(value):
            raise INVALID_TAG_VALUE()
    return tags
