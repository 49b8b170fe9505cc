"""PutSymlink, GetSymlink. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

from typing import Final

from coatcheck.core.errors import INVALID_ARGUMENT, INVALID_OBJECT_NAME, NOT_SYMLINK
from coatcheck.core.names import check_object_key
from coatcheck.core.percent import decode_form, encode_path
from coatcheck.core.times import write_http_date
from coatcheck.operations import symlink
from coatcheck.ports.object import SYMLINK
from coatcheck.wire.reply import Reply

from .arguments import refuse_headers
from .call import Call
from .object_put import NOT_BUILT, read_new_object
from .versions import version_headers

_TARGET: Final = "x-oss-symlink-target"


async def put_symlink(call: Call) -> Reply:
    """PutSymlink: a name for another key of the bucket. What stands there is looked at when the link is read."""
    refuse_headers(call.request, NOT_BUILT)
    target = _read_target(call.request.headers.get(_TARGET))
    new = read_new_object(call, call.request.headers)
    stored = await symlink.put_symlink(call.context, call.grant, new, target)
    etag = (b"ETag", b'"%b"' % stored.record.etag.encode())
    return Reply(200, (etag, *version_headers(call.this_bucket, stored.version_id)))


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
    raw = decode_form(text.encode("utf-8", "surrogateescape"))
    try:
        key = raw.decode()
    except UnicodeDecodeError:
        raise INVALID_OBJECT_NAME("The name of the target is not UTF-8.") from None
    check_object_key(key, len(raw))
    return key
