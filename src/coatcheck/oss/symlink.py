"""PutSymlink, GetSymlink, and reading through a link. Source: OSS API reference, those operations and GetObject."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final
from urllib.parse import unquote_to_bytes

from coatcheck.access.acl import DEFAULT, read_object_acl
from coatcheck.access.actions import Action
from coatcheck.core.digests import EMPTY_CRC64, write_content_md5
from coatcheck.core.errors import (
    FILE_ALREADY_EXISTS,
    INVALID_ARGUMENT,
    INVALID_OBJECT_NAME,
    INVALID_TARGET_TYPE,
    NO_SUCH_BUCKET,
    NOT_SYMLINK,
    SYMLINK_TARGET_NOT_EXIST,
)
from coatcheck.core.names import check_object_key
from coatcheck.core.percent import encode_path
from coatcheck.core.times import write_http_date
from coatcheck.operations.commit import commit
from coatcheck.operations.versions import propose_version_id
from coatcheck.ports.object import DELETE_MARKER, NULL_VERSION, ObjectRecord
from coatcheck.wire.reply import Reply

from .arguments import refuse_headers
from .call import Call
from .metadata import read_stored_headers
from .object_put import NOT_BUILT, check_overwrite, read_forbid_overwrite, read_storage_class
from .tagging import read_tagging_header
from .versions import version_headers

SYMLINK: Final = "Symlink"
_TARGET: Final = "x-oss-symlink-target"


async def put_symlink(call: Call) -> Reply:
    """PutSymlink: a name for another key of the bucket. What stands there is looked at when the link is read."""
    request = call.request
    refuse_headers(request, NOT_BUILT)
    record = ObjectRecord(
        key=call.key,
        version_id=propose_version_id() if call.this_bucket.versioning else NULL_VERSION,
        kind=SYMLINK,
        size=0,
        etag=secrets.token_hex(16).upper(),
        crc64=EMPTY_CRC64,
        last_modified=int(call.now),
        acl=read_object_acl(request.headers.get("x-oss-object-acl", DEFAULT)),
        storage_class=read_storage_class(request.headers.get("x-oss-storage-class"), call.this_bucket.storage_class),
        headers=read_stored_headers(request.headers, call.caller, strict=call.settings.strict_link_headers),
        tags=read_tagging_header(request.headers.get("x-oss-tagging")),
        body=b"",
        symlink_target=_read_target(request.headers.get(_TARGET)),
    )
    forbid_overwrite = read_forbid_overwrite(call)
    if forbid_overwrite:
        await check_overwrite(call)
    written = await commit(
        call.ports,
        call.ports.catalog.put_object(call.this_bucket.bucket_id, record, forbid_overwrite=forbid_overwrite),
        None,
        gone=NO_SUCH_BUCKET(BucketName=call.this_bucket.name),
        exists=FILE_ALREADY_EXISTS(Key=call.key),
    )
    etag = (b"ETag", b'"%b"' % record.etag.encode())
    return Reply(200, (etag, *version_headers(call.this_bucket, written.version_id)))


async def get_symlink(call: Call) -> Reply:
    """GetSymlink: the link itself, and the key that it stands for."""
    record = call.this_object
    if record.kind != SYMLINK:
        raise NOT_SYMLINK(Key=call.key)
    headers = (
        (_TARGET.encode(), encode_path(record.symlink_target).encode()),
        (b"ETag", b'"%b"' % record.etag.encode()),
        (b"Last-Modified", write_http_date(record.last_modified).encode()),
        *(header for header in record.headers if header[0].startswith(b"x-oss-meta-")),
        *version_headers(call.this_bucket, record.version_id),
    )
    return Reply(200, headers)


async def follow(call: Call, link: ObjectRecord) -> ObjectRecord:
    """What a link shows: the bytes and digests of the current version of its target, all else its own.

    Raises: OssError SYMLINK_TARGET_NOT_EXIST, INVALID_TARGET_TYPE (a link to a link), the refusal of `decide`.
    """
    key = link.symlink_target
    target = await call.ports.catalog.find_object(call.this_bucket.bucket_id, key)
    call.context.decide(Action.GET_OBJECT, call.this_bucket, key, target)
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


def _read_target(text: str | None) -> str:
    """Raises: OssError INVALID_ARGUMENT, INVALID_OBJECT_NAME."""
    if not text:
        raise INVALID_ARGUMENT(f"The header {_TARGET} must name the target.", ArgumentName=_TARGET, ArgumentValue="")
    raw = unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
    try:
        key = raw.decode()
    except UnicodeDecodeError:
        raise INVALID_OBJECT_NAME("The name of the target is not UTF-8.") from None
    check_object_key(key, len(raw))
    return key
