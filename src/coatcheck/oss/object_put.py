"""PutObject. Source: OSS API reference, PutObject."""

from __future__ import annotations

from typing import Final

from coatcheck.access.acl import DEFAULT, read_object_acl
from coatcheck.core.digests import write_content_md5
from coatcheck.core.errors import FILE_ALREADY_EXISTS, INVALID_ARGUMENT, NO_SUCH_BUCKET, NOT_IMPLEMENTED
from coatcheck.core.limits import PUT_OBJECT_MAX_BYTES
from coatcheck.operations.archive import ARCHIVE_CLASSES
from coatcheck.operations.commit import commit
from coatcheck.operations.encryption import kept_body
from coatcheck.operations.versions import propose_version_id
from coatcheck.ports.object import DELETE_MARKER, NULL_VERSION, ObjectRecord
from coatcheck.wire.conditions import CONDITIONAL_HEADERS
from coatcheck.wire.reply import Reply

from .arguments import read_switch, refuse_headers
from .body_in import take_in
from .call import Call
from .callback import read_callback, tell
from .encryption import encryption_headers, read_encryption
from .metadata import read_stored_headers
from .tagging import read_tagging_header
from .traffic_limit import read_traffic_limit
from .versions import version_headers

STORAGE_CLASSES: Final = ("Standard", "IA", *ARCHIVE_CLASSES)
NOT_BUILT: Final = (
    *CONDITIONAL_HEADERS,
    "x-oss-object-worm-mode",
    "x-oss-object-worm-retain-until-date",
    "x-oss-object-worm-legal-hold",
)
_NOT_BUILT_PARAMETERS: Final = ("x-oss-process",)


async def put_object(call: Call) -> Reply:
    """PutObject: make the body the object of its key. 200 means it is durable and visible."""
    request = call.request
    refuse_headers(request, NOT_BUILT)
    for name in _NOT_BUILT_PARAMETERS:
        if name in request.query:
            raise NOT_IMPLEMENTED(f"The parameter {name} is not built yet for uploads.", Header=name)
    callback = read_callback(call)
    rate_bits_per_s = read_traffic_limit(request)
    acl = read_object_acl(request.headers.get("x-oss-object-acl", DEFAULT))
    storage_class = read_storage_class(request.headers.get("x-oss-storage-class"), call.this_bucket.storage_class)
    forbid_overwrite = read_forbid_overwrite(call)
    headers = read_stored_headers(request.headers, call.caller, strict=call.settings.strict_link_headers)
    tags = read_tagging_header(request.headers.get("x-oss-tagging"))
    encryption = read_encryption(call)
    if forbid_overwrite:
        await check_overwrite(call)  # before the body travels; the commit checks again
    incoming = await take_in(
        request,
        call.ports.byte_store,
        most=PUT_OBJECT_MAX_BYTES,
        encrypted=encryption != "",
        rate_bits_per_s=rate_bits_per_s,
    )
    record = ObjectRecord(
        key=call.key,
        version_id=propose_version_id() if call.this_bucket.versioning else NULL_VERSION,
        kind="Normal",
        size=incoming.size,
        etag=incoming.etag,
        crc64=incoming.crc64,
        last_modified=int(call.now),
        acl=acl,
        storage_class=storage_class,
        headers=headers,
        tags=tags,
        body=kept_body(call.ports.byte_store, encryption, incoming.body),
        segments=incoming.segments,
        encryption=encryption,
    )
    written = await commit(
        call.ports,
        call.ports.catalog.put_object(call.this_bucket.bucket_id, record, forbid_overwrite=forbid_overwrite),
        incoming.blob,
        gone=NO_SUCH_BUCKET(BucketName=call.this_bucket.name),
        exists=FILE_ALREADY_EXISTS(Key=record.key),
    )
    reply = Reply(
        200,
        (
            (b"ETag", b'"%b"' % record.etag.encode()),
            (b"x-oss-hash-crc64ecma", b"%d" % record.crc64),
            (b"Content-MD5", write_content_md5(record.etag)),
            *encryption_headers(encryption),
            *version_headers(call.this_bucket, written.version_id),
        ),
    )
    return await tell(call, callback, record, reply, "PutObject" if call.form is None else "PostObject")


def read_forbid_overwrite(call: Call) -> bool:
    """x-oss-forbid-overwrite, which has no effect where overwriting keeps the old version."""
    asked = read_switch(call.request, "x-oss-forbid-overwrite", ec="0017-00000279")
    return asked and not call.this_bucket.versioning


async def check_overwrite(call: Call) -> None:
    """Raises: OssError FILE_ALREADY_EXISTS, if the key has an object."""
    found = await call.ports.catalog.find_object(call.this_bucket.bucket_id, call.key)
    if found is not None and found.kind != DELETE_MARKER:
        raise FILE_ALREADY_EXISTS(Key=call.key)


def read_storage_class(text: str | None, default: str) -> str:
    """Raises: OssError INVALID_ARGUMENT."""
    if text is None:
        return default
    if text not in STORAGE_CLASSES:
        raise INVALID_ARGUMENT(
            "The storage class you specified is invalid.", ArgumentName="x-oss-storage-class", ArgumentValue=text
        )
    return text
