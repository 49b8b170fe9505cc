"""PutObject. Source: OSS API reference, PutObject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from coatcheck.access.acl import DEFAULT, read_object_acl
from coatcheck.core.digests import write_content_md5
from coatcheck.core.errors import INVALID_ARGUMENT, NOT_IMPLEMENTED
from coatcheck.core.limits import PUT_OBJECT_MAX_BYTES
from coatcheck.core.tag_rules import OBJECT_TAGS, TagRule
from coatcheck.operations import put
from coatcheck.operations.archive import ARCHIVE_CLASSES
from coatcheck.operations.commit import Stored
from coatcheck.operations.overwrite import check_writable
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.conditions import CONDITIONAL_HEADERS
from coatcheck.wire.reply import RawHeader, Reply

from .arguments import read_switch, refuse_headers
from .body_in import take_in
from .call import Call
from .callback import read_callback, reply_after_callback
from .encryption import encryption_headers, find_encryption
from .metadata import read_stored_headers
from .retention import read_held
from .tagging import read_tagging_header
from .traffic_limit import UP, find_pace
from .versions import version_headers

STORAGE_CLASSES: Final = ("Standard", "IA", *ARCHIVE_CLASSES)
NOT_BUILT: Final = CONDITIONAL_HEADERS
_NOT_BUILT_PARAMETERS: Final = ("x-oss-process",)


async def put_object(call: Call) -> Reply:
    """PutObject: make the body the object of its key. 200 means it is durable and visible."""
    request = call.request
    refuse_headers(request, NOT_BUILT)
    for name in _NOT_BUILT_PARAMETERS:
        if name in request.query:
            raise NOT_IMPLEMENTED(f"The parameter {name} is not built yet for uploads.", Header=name)
    callback = read_callback(call)
    pace = find_pace(call, UP)
    new = read_new_object(call, request.headers)
    await check_writable(call.context, call.grant, asked=new.forbid_overwrite)
    incoming = await take_in(
        request,
        call.ports.byte_store,
        most=PUT_OBJECT_MAX_BYTES,
        encryption=new.encryption,
        pace=pace,
    )
    stored = await put.put_object(call.context, call.grant, new, incoming)
    reply = Reply(200, (*stored_headers(call, stored), (b"Content-MD5", write_content_md5(stored.record.etag))))
    return await reply_after_callback(call, callback, stored.record, reply, "PutObject")


def read_new_object(call: Call, named: Mapping[str, str], of_tags: TagRule = OBJECT_TAGS) -> put.NewObject:
    """What an upload says of its object, by headers or by the fields of a form that mean the same.

    Raises: OssError, what is wrong with the first that is wrong.
    """
    bucket = call.this_bucket
    acl = read_object_acl(named.get("x-oss-object-acl", DEFAULT))
    storage_class = read_storage_class(named.get("x-oss-storage-class"), bucket.storage_class)
    forbid_overwrite = find_forbid_overwrite(named, bucket)
    headers = read_stored_headers(named, call.caller, strict=call.settings.strict_link_headers)
    tags = read_tagging_header(named.get("x-oss-tagging"), of_tags)
    encryption, held = find_encryption(call, named), read_held(call, named)
    return put.NewObject(acl, storage_class, headers, tags, encryption, forbid_overwrite, held)


def stored_headers(call: Call, stored: Stored) -> tuple[RawHeader, ...]:
    """What a reply says of the object that was stored."""
    record = stored.record
    return (
        (b"ETag", b'"%b"' % record.etag.encode()),
        (b"x-oss-hash-crc64ecma", b"%d" % record.crc64),
        *encryption_headers(record.encryption),
        *version_headers(call.this_bucket, stored.version_id),
    )


def read_forbid_overwrite(call: Call) -> bool:
    """As `find_forbid_overwrite`, by the request's header."""
    return find_forbid_overwrite(call.request.headers, call.this_bucket)


def find_forbid_overwrite(named: Mapping[str, str], bucket: Bucket) -> bool:
    """x-oss-forbid-overwrite, which has no effect where overwriting keeps the old version."""
    asked = read_switch(named, "x-oss-forbid-overwrite", ec="0017-00000279")
    return asked and not bucket.versioning


def read_storage_class(text: str | None, default: str) -> str:
    """Raises: OssError INVALID_ARGUMENT."""
    if text is None:
        return default
    if text not in STORAGE_CLASSES:
        raise INVALID_ARGUMENT(
            "The storage class you specified is invalid.", ArgumentName="x-oss-storage-class", ArgumentValue=text
        )
    return text
