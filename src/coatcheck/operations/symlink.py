"""Links: a version that stands for another key of its bucket."""

from __future__ import annotations

import secrets
from dataclasses import replace

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.digests import EMPTY_CRC64, write_content_md5
from coatcheck.core.errors import INVALID_TARGET_TYPE, SYMLINK_TARGET_NOT_EXIST
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import DELETE_MARKER, SYMLINK, ObjectRecord

from .commit import Stored
from .context import Context
from .overwrite import check_writable
from .put import NewObject
from .record import put_record
from .sequential import CONTENT_MD5
from .versions import version_id_for


async def put_symlink(context: Context, grant: Grant, new: NewObject, target: str) -> Stored:
    """Make the grant's key a link to the key `target`. What stands there is looked at when the link is read.

    Raises: OssError FILE_ALREADY_EXISTS, NO_SUCH_BUCKET; NotWritten.
    """
    grant.need(Action.PUT_OBJECT)
    await check_writable(context, grant, asked=new.forbid_overwrite)
    record = ObjectRecord(
        key=grant.this_key,
        version_id=version_id_for(grant.this_bucket),
        kind=SYMLINK,
        size=0,
        etag=secrets.token_hex(16).upper(),
        crc64=EMPTY_CRC64,
        last_modified=int(context.now),
        acl=new.acl,
        storage_class=new.storage_class,
        headers=new.headers,
        tags=new.tags,
        body=b"",
        symlink_target=target,
        retention=new.held.retention,
        legal_hold=new.held.legal_hold,
    )
    return await put_record(context, grant, record, forbid_overwrite=new.forbid_overwrite)


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
    headers = (*link.headers, *(header for header in target.headers if header[0] == CONTENT_MD5))
    if target.kind == "Normal":
        headers = (*headers, (CONTENT_MD5, write_content_md5(target.etag)))
    return replace(
        target,
        key=link.key,
        version_id=link.version_id,
        kind=SYMLINK,
        last_modified=max(link.last_modified, target.last_modified),
        headers=headers,
        tags=link.tags,
        retention=link.retention,
        legal_hold=link.legal_hold,
    )
