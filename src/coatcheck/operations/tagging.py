"""Tags of objects: which there may be, and giving them to a version."""

from __future__ import annotations

from dataclasses import replace

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.errors import INVALID_TAG, INVALID_TAG_VALUE, TOO_MANY_OBJECT_TAGS
from coatcheck.core.limits import OBJECT_TAGS_MAX, TAG_KEY_MAX_BYTES, TAG_VALUE_MAX_BYTES
from coatcheck.core.names import is_tag_text
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


def check_tags(tags: Tags) -> Tags:
    """The same, if an object may have them. Raises: OssError TOO_MANY_OBJECT_TAGS, INVALID_TAG, INVALID_TAG_VALUE."""
    if len(tags) > OBJECT_TAGS_MAX:
        raise TOO_MANY_OBJECT_TAGS()
    for key, value in tags:
        if not key or len(key.encode()) > TAG_KEY_MAX_BYTES or not is_tag_text(key):
            raise INVALID_TAG()
        if len(value.encode()) > TAG_VALUE_MAX_BYTES or not is_tag_text(value):
            raise INVALID_TAG_VALUE()
    return tags
