"""PutSymlink, GetSymlink. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import unquote_to_bytes

from coatcheck.access.acl import DEFAULT, read_object_acl
from coatcheck.core.digests import EMPTY_CRC64
from coatcheck.core.errors import (
    FILE_ALREADY_EXISTS,
    INVALID_ARGUMENT,
    INVALID_OBJECT_NAME,
    NO_SUCH_BUCKET,
    NOT_SYMLINK,
)
from coatcheck.core.names import check_object_key
from coatcheck.core.percent import encode_path
from coatcheck.core.times import write_http_date
from coatcheck.operations.commit import commit
from coatcheck.operations.put import check_overwrite
from coatcheck.operations.versions import propose_version_id
from coatcheck.ports.object import NULL_VERSION, SYMLINK, ObjectRecord
from coatcheck.wire.reply import Reply

from .arguments import refuse_headers
from .call import Call
from .metadata import read_stored_headers
from .object_put import NOT_BUILT, read_forbid_overwrite, read_storage_class
from .tagging import read_tagging_header
from .versions import version_headers

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
        await check_overwrite(call.context, call.grant)
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
