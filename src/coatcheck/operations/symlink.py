"""Links: a version that stands for another key of its bucket."""

from __future__ import annotations

from dataclasses import replace

from coatcheck.access.actions import Action
from coatcheck.core.digests import write_content_md5
from coatcheck.core.errors import INVALID_TARGET_TYPE, SYMLINK_TARGET_NOT_EXIST
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import DELETE_MARKER, SYMLINK, ObjectRecord

from .context import Context


async def follow(context: Context, bucket: Bucket, link: ObjectRecord) -> ObjectRecord:
    """What a link shows: the bytes and digests of the current version of its target, all else its own.

    Raises: OssError SYMLINK_TARGET_NOT_EXIST, INVALID_TARGET_TYPE (a link to a link), the refusal of `decide`.
    """
    key = link.symlink_target
    target = await context.ports.catalog.find_object(bucket.bucket_id, key)
    context.decide(Action.GET_OBJECT, bucket, key, target)
    if target is None or target.kind == DELETE_MARKER:
        raise SYMLINK_TARGET_NOT_EXIST(Key=key)
    if target.kind == SYMLINK:
        raise INVALID_TARGET_TYPE(Key=key)
    headers = link.headers
    if target.kind == "Normal":
        headers = (*headers, (b"content-md5", write_content_md5(target.etag)))
    return replace(
        target,
        key=link.key,
        version_id=link.version_id,
        kind=SYMLINK,
        last_modified=max(link.last_modified, target.last_modified),
        headers=headers,
        tags=link.tags,
    )
