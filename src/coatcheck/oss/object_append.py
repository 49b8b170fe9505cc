"""AppendObject, SealAppendObject. Source: OSS API reference, the operations of those names.

An appendable object is a list of segments that grows by one with each append, and small ones at its end are put
together when more comes: a segment is written anew only together with at least as much behind it, so ten thousand
appends of a line make a dozen segments, and each byte is written a few times at most.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from coatcheck.access.acl import DEFAULT, read_object_acl
from coatcheck.core.digests import EMPTY_CRC64, combine_crc64
from coatcheck.core.errors import (
    ENTITY_TOO_LARGE,
    FILE_ALREADY_EXISTS,
    INTERNAL_ERROR,
    INVALID_ARGUMENT,
    MISSING_ARGUMENT,
    NO_SUCH_BUCKET,
    NO_SUCH_KEY,
    OBJECT_NOT_APPENDABLE,
    OPERATION_NOT_SUPPORTED,
    POSITION_NOT_EQUAL_TO_LENGTH,
    OssError,
)
from coatcheck.core.limits import APPEND_MERGE_MAX_BYTES, INLINE_MAX_BYTES, PUT_OBJECT_MAX_BYTES
from coatcheck.core.times import write_http_date
from coatcheck.operations.commit import remove_released
from coatcheck.operations.encryption import inline_body, kept_body
from coatcheck.operations.intake import Incoming
from coatcheck.operations.versions import propose_version_id
from coatcheck.ports.byte_store import BlobGone, BlobWriter
from coatcheck.ports.catalog import AlreadyThere, Gone, NotWritten, Stale, Written
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import NULL_VERSION, ObjectRecord, Segment
from coatcheck.wire.query import Query
from coatcheck.wire.reply import RawHeader, Reply

from .arguments import refuse_headers
from .body_in import take_in
from .call import Call
from .encryption import encryption_headers, read_encryption
from .metadata import read_stored_headers
from .object_put import NOT_BUILT, read_forbid_overwrite, read_storage_class
from .tagging import read_tagging_header
from .traffic_limit import read_traffic_limit
from .versions import version_headers

APPENDABLE: Final = "Appendable"
_ATTEMPTS: Final = 8  # how often an append is made ready again because another one came first


async def append_object(call: Call) -> Reply:
    """AppendObject: bytes behind those that are there. Metadata counts only for the append that makes the object."""
    request = call.request
    position = read_position(request.query)
    refuse_headers(request, NOT_BUILT)
    fresh = _fresh(call)
    rate_bits_per_s = read_traffic_limit(request)
    if read_forbid_overwrite(call) and call.found is not None:
        raise FILE_ALREADY_EXISTS(Key=call.key)
    _check(call.found, position, 0)  # before the body travels; the commit checks again
    encrypted = (call.found or fresh).encryption != ""
    incoming = await take_in(
        request,
        call.ports.byte_store,
        most=PUT_OBJECT_MAX_BYTES,
        encrypted=encrypted,
        rate_bits_per_s=rate_bits_per_s,
    )
    try:
        record, written = await _append(call, fresh, position, incoming)
    except (OssError, NotWritten):
        if incoming.blob is not None:
            await incoming.blob.discard()
        raise
    if incoming.blob is not None:
        if any(segment.blob_id == incoming.blob.blob_id for segment in record.segments):
            await incoming.blob.keep()
        else:
            await incoming.blob.discard()
    await remove_released(call.ports, written)
    return Reply(
        200,
        (
            (b"ETag", b'"%b"' % record.etag.encode()),
            (b"x-oss-hash-crc64ecma", b"%d" % record.crc64),
            _next_position(record.size),
            *encryption_headers(record.encryption),
            *version_headers(call.this_bucket, written.version_id),
        ),
    )


async def seal_append_object(call: Call) -> Reply:
    """SealAppendObject: no more appends. Sealing again tells when it was done."""
    position = read_position(call.request.query)
    now = int(call.now)
    sealed_at = now

    def seal(record: ObjectRecord) -> ObjectRecord:
        nonlocal sealed_at
        if record.kind != APPENDABLE:
            raise OPERATION_NOT_SUPPORTED("SealAppendable is not supported.")
        if record.size != position:
            raise POSITION_NOT_EQUAL_TO_LENGTH(headers=(_next_position(record.size),))
        sealed_at = now if record.sealed_at is None else record.sealed_at
        return replace(record, sealed_at=sealed_at)

    found = call.this_object
    try:
        await call.ports.catalog.change_object(call.this_bucket.bucket_id, call.key, found.version_id, seal)
    except Gone:
        raise NO_SUCH_KEY(Key=call.key) from None
    sealed = (b"x-oss-sealed-time", write_http_date(sealed_at).encode())
    return Reply(200, (sealed, *version_headers(call.this_bucket, found.version_id)))


def read_position(query: Query) -> int:
    """Raises: OssError MISSING_ARGUMENT, INVALID_ARGUMENT."""
    text = query.get("position")
    if text is None:
        raise MISSING_ARGUMENT("The parameter position is missing.", ec="0016-00000501", ArgumentName="position")
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise INVALID_ARGUMENT(
            "The position must be a number of bytes.",
            ArgumentName="position",
            ArgumentValue=text[:64],
        )
    return int(text)


def _fresh(call: Call) -> ObjectRecord:
    """The object that an append at 0 makes, still empty."""
    headers = call.request.headers
    return ObjectRecord(
        key=call.key,
        version_id=propose_version_id() if call.this_bucket.versioning else NULL_VERSION,
        kind=APPENDABLE,
        size=0,
        etag="",
        crc64=EMPTY_CRC64,
        last_modified=int(call.now),
        acl=read_object_acl(headers.get("x-oss-object-acl", DEFAULT)),
        storage_class=read_storage_class(headers.get("x-oss-storage-class"), call.this_bucket.storage_class),
        headers=read_stored_headers(headers, call.caller, strict=call.settings.strict_link_headers),
        tags=read_tagging_header(headers.get("x-oss-tagging")),
        body=b"",
        encryption=read_encryption(call),
    )


def _check(found: ObjectRecord | None, position: int, size: int) -> None:
    """May `size` bytes come at that position? Raises: OssError OBJECT_NOT_APPENDABLE, POSITION_NOT_EQUAL_TO_LENGTH,
    ENTITY_TOO_LARGE."""
    length = 0 if found is None else found.size
    if found is not None and (found.kind != APPENDABLE or found.sealed_at is not None):
        raise OBJECT_NOT_APPENDABLE(headers=(_next_position(length),))
    if position != length:
        raise POSITION_NOT_EQUAL_TO_LENGTH(headers=(_next_position(length),))
    if position + size > PUT_OBJECT_MAX_BYTES:
        raise ENTITY_TOO_LARGE()


def _next_position(length: int) -> RawHeader:
    return (b"x-oss-next-append-position", b"%d" % length)


# --- making and committing the longer object -------------------------------------------------------------------------


class _Content(NamedTuple):
    """The content of the longer object, and the blob that had to be written for it, if any."""

    body: bytes | None
    segments: tuple[Segment, ...]
    blob: BlobWriter | None = None


async def _append(call: Call, fresh: ObjectRecord, position: int, incoming: Incoming) -> tuple[ObjectRecord, Written]:
    """Commit the longer object, as what it was made from; made again if that has changed without being in the way."""
    catalog, bucket_id = call.ports.catalog, call.this_bucket.bucket_id
    for _ in range(_ATTEMPTS):
        before = await catalog.find_object(bucket_id, call.key)
        _check(before, position, incoming.size)
        if before is not None and not incoming.size:
            return before, Written(before.version_id)
        try:
            content = await _join(call, before or fresh, incoming)
        except BlobGone:
            continue
        after = _longer(before or fresh, incoming, content, int(call.now))
        try:
            if before is None:
                written = await catalog.put_object(bucket_id, after, forbid_overwrite=True)
            else:
                written = await _change(call, before, after, position, incoming.size)
        except (AlreadyThere, Gone, NotWritten, OssError, Stale) as error:
            if content.blob is not None:
                await content.blob.discard()
            if isinstance(error, OssError | NotWritten):
                raise
            if await catalog.find_bucket(call.this_bucket.name) is None:
                raise NO_SUCH_BUCKET(BucketName=call.this_bucket.name) from None
            continue
        if content.blob is not None:
            await content.blob.keep()
        return after, written
    raise INTERNAL_ERROR("The object is being written faster than it can be appended to. Try again.")


async def _change(call: Call, before: ObjectRecord, after: ObjectRecord, position: int, size: int) -> Written:
    """Raises: OssError of `_check`; Stale; Gone."""

    def change(record: ObjectRecord) -> ObjectRecord:
        _check(record, position, size)
        if (record.etag, record.segments) != (before.etag, before.segments):
            raise Stale(record.key)
        return replace(
            record,
            size=after.size,
            etag=after.etag,
            crc64=after.crc64,
            last_modified=after.last_modified,
            body=after.body,
            segments=after.segments,
        )

    return await call.ports.catalog.change_object(call.this_bucket.bucket_id, call.key, before.version_id, change)


def _longer(before: ObjectRecord, incoming: Incoming, content: _Content, now: int) -> ObjectRecord:
    return replace(
        before,
        size=before.size + incoming.size,
        etag=f"{secrets.token_hex(12).upper()}00000000",
        crc64=combine_crc64(before.crc64, incoming.crc64, incoming.size),
        last_modified=now,
        body=content.body,
        segments=content.segments,
    )


async def _join(call: Call, before: ObjectRecord, incoming: Incoming) -> _Content:
    """What was there and what came, inline if that is still small. Raises: BlobGone."""
    store = call.ports.byte_store
    origin = call.origin(before)
    body = inline_body(store, origin)
    if body is not None and incoming.body is not None and before.size + incoming.size <= INLINE_MAX_BYTES:
        return _Content(kept_body(store, before.encryption, body + incoming.body), ())
    kept, tail = _split(before.segments, incoming.size)
    if not (tail or body or incoming.body is not None):
        return _Content(None, (*kept, *incoming.segments))
    blob = await store.new_blob(encrypted=before.encryption != "")
    try:
        size = 0
        for piece in (body, tail, incoming.body, incoming.segments):
            size += await _copy(call, blob, piece, origin)
        await blob.finish()
    except BaseException:
        await blob.discard()
        raise
    return _Content(None, (*kept, Segment(blob.blob_id, 0, size)), blob)


def _split(segments: tuple[Segment, ...], size: int) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Segments that stay, and those at the end that are put together with `size` bytes: each no longer than what is
    behind it."""
    count = len(segments)
    while count:
        last = segments[count - 1].stop - segments[count - 1].start
        if last > size or last + size > APPEND_MERGE_MAX_BYTES:
            break
        size += last
        count -= 1
    return segments[:count], segments[count:]


async def _copy(call: Call, blob: BlobWriter, piece: bytes | Sequence[Segment] | None, origin: Origin) -> int:
    """Write bytes, or what segments name, into the blob; how many. Raises: BlobGone, Damaged."""
    if not piece:
        return 0
    if isinstance(piece, bytes):
        await blob.write(piece)
        return len(piece)
    segments = [segment for segment in piece if isinstance(segment, Segment)]
    size = sum(segment.stop - segment.start for segment in segments)
    reader = await call.ports.byte_store.open(segments, origin)
    try:
        async for chunk in reader.chunks(0, size):
            await blob.write(chunk)
        await reader.verify()
    finally:
        await reader.close()
    return size
