"""CopyObject: a new row that names the bytes of an old one. Source: OSS API reference, CopyObject."""

from __future__ import annotations

from dataclasses import replace

from coatcheck.access.acl import DEFAULT, read_object_acl
from coatcheck.access.actions import Action
from coatcheck.core.errors import (
    FILE_ALREADY_EXISTS,
    INVALID_ARGUMENT,
    NO_SUCH_BUCKET,
    NO_SUCH_KEY,
    OPERATION_NOT_SUPPORTED,
)
from coatcheck.core.times import write_iso
from coatcheck.core.xml import write_xml
from coatcheck.operations.commit import ReplacedMeanwhile, commit, repeated
from coatcheck.operations.encryption import encrypt_copy, inline_body
from coatcheck.operations.put import check_overwrite
from coatcheck.operations.versions import propose_version_id
from coatcheck.ports.byte_store import BlobGone, BlobWriter
from coatcheck.ports.catalog import Stale, Written
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import NULL_VERSION, ObjectRecord
from coatcheck.wire.reply import Reply

from .arguments import refuse_headers
from .call import Call
from .copy_source import Source, check_source, find_source, source_headers
from .encryption import encryption_headers, read_encryption
from .metadata import read_stored_headers
from .object_put import NOT_BUILT, read_forbid_overwrite, read_storage_class
from .tagging import read_tagging_header
from .versions import version_headers

_ONTO_ITSELF_ONLY = "An appendable object can only be copied onto itself, to change its metadata."


async def copy_object(call: Call) -> Reply:
    """CopyObject: bytes are shared, whatever their size; metadata and tags come along unless they are replaced."""
    return await repeated(call, _copy_object, Call.look_again)


async def _copy_object(call: Call) -> Reply:
    refuse_headers(call.request, NOT_BUILT)
    source = await find_source(call)
    if check_source(call, source.record):
        headers = (b"ETag", b'"%b"' % source.record.etag.encode()), *source_headers(source)
        return Reply(304, headers)
    origin = Origin(source.bucket.name, source.record)
    inline_body(call.ports.byte_store, origin)  # what is damaged isn't copied; of blobs, readers of the copy find out
    onto_itself = _is_onto_itself(call, source)
    copy = _copy_of(call, source.record, onto_itself=onto_itself)
    _decide_on_tags(call, copy)
    forbid_overwrite = read_forbid_overwrite(call)
    if forbid_overwrite:
        await check_overwrite(call.context, call.grant)  # before bytes are encrypted; the commit checks again
    blob = None
    if read_encryption(call) and not copy.encryption and copy.kind != "Symlink":
        copy, blob = await _encrypt(call, copy, origin)
    if onto_itself:
        written = await _change(call, source.record, copy, blob)
    else:
        written = await _put(call, copy, blob, forbid_overwrite=forbid_overwrite)
    document = write_xml(
        "CopyObjectResult", [("ETag", f'"{copy.etag}"'), ("LastModified", write_iso(copy.last_modified))]
    )
    return Reply(
        200,
        (
            (b"Content-Type", b"application/xml"),
            (b"ETag", b'"%b"' % copy.etag.encode()),
            (b"x-oss-hash-crc64ecma", b"%d" % copy.crc64),
            *encryption_headers(copy.encryption),
            *version_headers(call.this_bucket, written.version_id),
            *source_headers(source),
        ),
        document,
    )


def _is_onto_itself(call: Call, source: Source) -> bool:
    """In a versioned bucket that isn't so: a copy makes a new version, which is how an old one is brought back."""
    bucket = call.this_bucket
    return not bucket.versioning and (source.bucket.bucket_id, source.record.key) == (bucket.bucket_id, call.key)


def _copy_of(call: Call, record: ObjectRecord, *, onto_itself: bool) -> ObjectRecord:
    """The record to be. Onto itself the metadata is always replaced, and ACL and class stay unless they are given.

    Raises: OssError INVALID_ARGUMENT, INVALID_TAG and its like, OPERATION_NOT_SUPPORTED.
    """
    headers = call.request.headers
    if record.kind == "Appendable" and not onto_itself:
        raise OPERATION_NOT_SUPPORTED(_ONTO_ITSELF_ONLY)
    replaces_headers = _replaces(call, "x-oss-metadata-directive") or onto_itself
    replaces_tags = _replaces(call, "x-oss-tagging-directive")
    stored = read_stored_headers(headers, call.caller, strict=call.settings.strict_link_headers)
    tags = read_tagging_header(headers.get("x-oss-tagging"))
    acl = read_object_acl(headers.get("x-oss-object-acl", record.acl if onto_itself else DEFAULT))
    class_before = record.storage_class if onto_itself else call.this_bucket.storage_class
    storage_class = read_storage_class(headers.get("x-oss-storage-class"), class_before)
    return replace(
        record,
        key=call.key,
        version_id=propose_version_id() if call.this_bucket.versioning else NULL_VERSION,
        last_modified=int(call.now),
        acl=acl,
        storage_class=storage_class,
        headers=stored if replaces_headers else record.headers,
        tags=tags if replaces_tags else record.tags,
        restore=record.restore if onto_itself and storage_class == record.storage_class else None,
    )


def _decide_on_tags(call: Call, copy: ObjectRecord) -> None:
    """The tags may be the source's. Giving some by a header needs a right of its own. Raises: OssError, a refusal."""
    call.decide_on_tags(copy.tags)
    if "x-oss-tagging" in call.request.headers:
        call.decide_on_tags(copy.tags, Action.PUT_OBJECT_TAGGING)


def _replaces(call: Call, name: str) -> bool:
    """Whether a directive says REPLACE instead of COPY. Raises: OssError INVALID_ARGUMENT."""
    text = call.request.headers.get(name, "COPY")
    if text.upper() not in ("COPY", "REPLACE"):
        raise INVALID_ARGUMENT(f"{name} must be COPY or REPLACE.", ArgumentName=name, ArgumentValue=text[:64])
    return text.upper() == "REPLACE"


async def _encrypt(call: Call, copy: ObjectRecord, origin: Origin) -> tuple[ObjectRecord, BlobWriter | None]:
    """The one copy that moves bytes: an object that isn't encrypted becomes one that is."""
    try:
        return await encrypt_copy(call.ports.byte_store, copy, origin)
    except BlobGone:
        raise ReplacedMeanwhile from None


async def _change(call: Call, before: ObjectRecord, copy: ObjectRecord, blob: BlobWriter | None) -> Written:
    """Onto itself: the row is changed only if it is still the one that was read."""

    def change(record: ObjectRecord) -> ObjectRecord:
        if record != before:
            raise Stale
        return copy

    write = call.ports.catalog.change_object(call.this_bucket.bucket_id, call.key, NULL_VERSION, change)
    try:
        return await commit(call.ports, write, blob, gone=NO_SUCH_KEY(Key=call.key))
    except Stale:
        raise ReplacedMeanwhile from None


async def _put(call: Call, copy: ObjectRecord, blob: BlobWriter | None, *, forbid_overwrite: bool) -> Written:
    write = call.ports.catalog.put_object(
        call.this_bucket.bucket_id, copy, forbid_overwrite=forbid_overwrite, shared=blob is None
    )
    try:
        return await commit(
            call.ports,
            write,
            blob,
            gone=NO_SUCH_BUCKET(BucketName=call.this_bucket.name),
            exists=FILE_ALREADY_EXISTS(Key=call.key),
        )
    except Stale:
        raise ReplacedMeanwhile from None
