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
from coatcheck.ports.byte_store import BlobGone, BlobWriter
from coatcheck.ports.catalog import Stale, Written
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import NULL_VERSION, ObjectRecord
from coatcheck.wire.reply import Reply

from .arguments import refuse_headers
from .context import Context
from .copy_source import Source, check_source, find_source, source_headers
from .encryption import encrypt_copy, encryption_headers, inline_body, read_encryption
from .metadata import read_stored_headers
from .object_put import NOT_BUILT, check_overwrite, read_forbid_overwrite, read_storage_class
from .release import release, settle
from .repeating import ReplacedMeanwhile, repeated
from .tagging import read_tagging_header
from .versions import propose_version_id, version_headers

_ONTO_ITSELF_ONLY = "An appendable object can only be copied onto itself, to change its metadata."


async def copy_object(ctx: Context) -> Reply:
    """CopyObject: bytes are shared, whatever their size; metadata and tags come along unless they are replaced."""
    return await repeated(ctx, _copy_object)


async def _copy_object(ctx: Context) -> Reply:
    refuse_headers(ctx.request, NOT_BUILT)
    source = await find_source(ctx)
    if check_source(ctx, source.record):
        headers = (b"ETag", b'"%b"' % source.record.etag.encode()), *source_headers(source)
        return Reply(304, headers)
    origin = Origin(source.bucket.name, source.record)
    inline_body(ctx.ports.byte_store, origin)  # what is damaged isn't copied; of blobs, readers of the copy find out
    onto_itself = _is_onto_itself(ctx, source)
    copy = _copy_of(ctx, source.record, onto_itself=onto_itself)
    _decide_on_tags(ctx, copy)
    forbid_overwrite = read_forbid_overwrite(ctx)
    if forbid_overwrite:
        await check_overwrite(ctx)  # before bytes are encrypted; the commit checks again
    blob = None
    if read_encryption(ctx) and not copy.encryption and copy.kind != "Symlink":
        copy, blob = await _encrypt(ctx, copy, origin)
    if onto_itself:
        written = await _change(ctx, source.record, copy, blob)
    else:
        written = await _put(ctx, copy, blob, forbid_overwrite=forbid_overwrite)
    await release(ctx.ports, written.released)
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
            *version_headers(ctx.this_bucket, written.version_id),
            *source_headers(source),
        ),
        document,
    )


def _is_onto_itself(ctx: Context, source: Source) -> bool:
    """In a versioned bucket that isn't so: a copy makes a new version, which is how an old one is brought back."""
    bucket = ctx.this_bucket
    return not bucket.versioning and (source.bucket.bucket_id, source.record.key) == (bucket.bucket_id, ctx.key)


def _copy_of(ctx: Context, record: ObjectRecord, *, onto_itself: bool) -> ObjectRecord:
    """The record to be. Onto itself the metadata is always replaced, and ACL and class stay unless they are given.

    Raises: OssError INVALID_ARGUMENT, INVALID_TAG and its like, OPERATION_NOT_SUPPORTED.
    """
    headers = ctx.request.headers
    if record.kind == "Appendable" and not onto_itself:
        raise OPERATION_NOT_SUPPORTED(_ONTO_ITSELF_ONLY)
    replaces_headers = _replaces(ctx, "x-oss-metadata-directive") or onto_itself
    replaces_tags = _replaces(ctx, "x-oss-tagging-directive")
    stored = read_stored_headers(headers, ctx.caller, strict=ctx.settings.strict_link_headers)
    tags = read_tagging_header(headers.get("x-oss-tagging"))
    acl = read_object_acl(headers.get("x-oss-object-acl", record.acl if onto_itself else DEFAULT))
    class_before = record.storage_class if onto_itself else ctx.this_bucket.storage_class
    storage_class = read_storage_class(headers.get("x-oss-storage-class"), class_before)
    return replace(
        record,
        key=ctx.key,
        version_id=propose_version_id() if ctx.this_bucket.versioning else NULL_VERSION,
        last_modified=int(ctx.now),
        acl=acl,
        storage_class=storage_class,
        headers=stored if replaces_headers else record.headers,
        tags=tags if replaces_tags else record.tags,
        restore=record.restore if onto_itself and storage_class == record.storage_class else None,
    )


def _decide_on_tags(ctx: Context, copy: ObjectRecord) -> None:
    """The tags may be the source's. Giving some by a header needs a right of its own. Raises: OssError, a refusal."""
    ctx.decide_on_tags(copy.tags)
    if "x-oss-tagging" in ctx.request.headers:
        ctx.decide_on_tags(copy.tags, Action.PUT_OBJECT_TAGGING)


def _replaces(ctx: Context, name: str) -> bool:
    """Whether a directive says REPLACE instead of COPY. Raises: OssError INVALID_ARGUMENT."""
    text = ctx.request.headers.get(name, "COPY")
    if text.upper() not in ("COPY", "REPLACE"):
        raise INVALID_ARGUMENT(f"{name} must be COPY or REPLACE.", ArgumentName=name, ArgumentValue=text[:64])
    return text.upper() == "REPLACE"


async def _encrypt(ctx: Context, copy: ObjectRecord, origin: Origin) -> tuple[ObjectRecord, BlobWriter | None]:
    """The one copy that moves bytes: an object that isn't encrypted becomes one that is."""
    try:
        return await encrypt_copy(ctx.ports.byte_store, copy, origin)
    except BlobGone:
        raise ReplacedMeanwhile from None


async def _change(ctx: Context, before: ObjectRecord, copy: ObjectRecord, blob: BlobWriter | None) -> Written:
    """Onto itself: the row is changed only if it is still the one that was read."""

    def change(record: ObjectRecord) -> ObjectRecord:
        if record != before:
            raise Stale
        return copy

    write = ctx.ports.catalog.change_object(ctx.this_bucket.bucket_id, ctx.key, NULL_VERSION, change)
    try:
        return await settle(write, blob, gone=NO_SUCH_KEY(Key=ctx.key))
    except Stale:
        raise ReplacedMeanwhile from None


async def _put(ctx: Context, copy: ObjectRecord, blob: BlobWriter | None, *, forbid_overwrite: bool) -> Written:
    write = ctx.ports.catalog.put_object(
        ctx.this_bucket.bucket_id, copy, forbid_overwrite=forbid_overwrite, shared=blob is None
    )
    try:
        return await settle(
            write,
            blob,
            gone=NO_SUCH_BUCKET(BucketName=ctx.this_bucket.name),
            exists=FILE_ALREADY_EXISTS(Key=ctx.key),
        )
    except Stale:
        raise ReplacedMeanwhile from None
