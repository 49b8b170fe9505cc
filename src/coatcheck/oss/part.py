"""UploadPart, UploadPartCopy. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace

from coatcheck.core.digests import EMPTY_CRC64, update_crc64, write_content_md5
from coatcheck.core.errors import ENTITY_TOO_LARGE, NO_SUCH_UPLOAD, OPERATION_NOT_SUPPORTED, PRECONDITION_FAILED
from coatcheck.core.limits import PART_MAX_BYTES
from coatcheck.core.times import write_iso
from coatcheck.core.xml import write_xml
from coatcheck.operations.commit import ReplacedMeanwhile, commit, repeated
from coatcheck.operations.encryption import copy_blob, inline_body
from coatcheck.ports.byte_store import BlobGone, BlobWriter
from coatcheck.ports.catalog import Stale
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import Segment, slice_segments
from coatcheck.ports.upload import Part, Upload
from coatcheck.wire.ranges import ByteRange, RangeBehaviour, read_range, write_content_range
from coatcheck.wire.reply import RawHeader, Reply

from .body_in import take_in
from .call import Call
from .copy_source import check_source, find_source, source_headers
from .encryption import encryption_headers
from .multipart import open_upload, read_part_number, refuse_encryption
from .traffic_limit import read_traffic_limit


async def upload_part(call: Call) -> Reply:
    """UploadPart: the bytes of one number, in place of those it had. Sizes are looked at when the upload completes."""
    request = call.request
    number = read_part_number(request.query.get("partNumber") or "")
    refuse_encryption(call)
    rate_bits_per_s = read_traffic_limit(request)
    upload = await open_upload(call)
    incoming = await take_in(
        request,
        call.ports.byte_store,
        most=PART_MAX_BYTES,
        inline_most=0,
        encrypted=upload.encryption != "",
        rate_bits_per_s=rate_bits_per_s,
    )
    part = Part(number, incoming.size, incoming.etag, incoming.crc64, int(call.now), incoming.segments)
    await _keep(call, upload, part, incoming.blob)
    headers = (*_headers(part), (b"Content-MD5", write_content_md5(part.etag)), *encryption_headers(upload.encryption))
    return Reply(200, headers)


async def upload_part_copy(call: Call) -> Reply:
    """UploadPartCopy: a part of the bytes that an object has; they are shared, and read once to be hashed."""
    return await repeated(call, _upload_part_copy, Call.look_again)


async def _upload_part_copy(call: Call) -> Reply:
    number = read_part_number(call.request.query.get("partNumber") or "")
    refuse_encryption(call)
    upload = await open_upload(call)
    source = await find_source(call)
    record = source.record
    if check_source(call, record):
        raise PRECONDITION_FAILED(Condition="x-oss-copy-source-if-none-match")
    if record.kind not in ("Normal", "Multipart"):
        raise OPERATION_NOT_SUPPORTED(f"An object of type {record.kind} cannot be the source of a part.")
    text = call.request.headers.get("x-oss-copy-source-range")
    span = None if text is None else read_range(text, record.size, RangeBehaviour.LENIENT)
    headers: tuple[RawHeader, ...] = source_headers(source)
    if span is not None:
        headers = (*headers, (b"Content-Range", write_content_range(span, record.size)))
    origin = Origin(source.bucket.name, record)
    part, blob = await _copy(call, upload, origin, span or ByteRange(0, record.size), number)
    try:
        await _keep(call, upload, part, blob, shared=blob is None)
    except Stale:
        raise ReplacedMeanwhile from None
    document = write_xml("CopyPartResult", [("LastModified", write_iso(int(call.now))), ("ETag", f'"{part.etag}"')])
    return Reply(200, ((b"Content-Type", b"application/xml"), *_headers(part), *headers), document)


async def _keep(call: Call, upload: Upload, part: Part, blob: BlobWriter | None, *, shared: bool = False) -> None:
    write = call.ports.catalog.put_part(call.this_bucket.bucket_id, call.key, upload.upload_id, part, shared=shared)
    await commit(call.ports, write, blob, gone=NO_SUCH_UPLOAD(UploadId=upload.upload_id))


def _headers(part: Part) -> tuple[RawHeader, ...]:
    return (b"ETag", b'"%b"' % part.etag.encode()), (b"x-oss-hash-crc64ecma", b"%d" % part.crc64)


async def _copy(
    call: Call, upload: Upload, origin: Origin, span: ByteRange, number: int
) -> tuple[Part, BlobWriter | None]:
    """The part, and the blob it needs when the source's bytes lie in its row, or must be encrypted."""
    record = origin.record
    if span.size > PART_MAX_BYTES:
        raise ENTITY_TOO_LARGE("Source object Length exceeds the maximum allowed size.")
    part = Part(
        number, span.size, "", EMPTY_CRC64, int(call.now), slice_segments(record.segments, span.start, span.stop)
    )
    body, encrypted = inline_body(call.ports.byte_store, origin), upload.encryption != ""
    if body is not None:
        content = body[span.start : span.stop]
        md5, crc64 = hashlib.md5(content, usedforsecurity=False), update_crc64(content)
        part = replace(part, etag=md5.hexdigest().upper(), crc64=crc64)
        if not content:
            return part, None
        blob = await call.ports.byte_store.new_blob(encrypted=encrypted)
        try:
            await blob.write(content)
            await blob.finish()
        except BaseException:
            await blob.discard()
            raise
        return replace(part, segments=(Segment(blob.blob_id, 0, len(content)),)), blob
    if span.size == record.size and record.kind == "Normal":
        part = replace(part, etag=record.etag, crc64=record.crc64)
    else:
        part = await _hash(call, part, origin)
    if not encrypted or record.encryption:
        return part, None
    try:
        blob = await copy_blob(call.ports.byte_store, part.segments, part.size, origin, encrypted=True)
    except BlobGone:
        raise ReplacedMeanwhile from None
    return replace(part, segments=(Segment(blob.blob_id, 0, part.size),)), blob


async def _hash(call: Call, part: Part, origin: Origin) -> Part:
    """The part with its digests, read from its segments."""
    md5, crc64 = hashlib.md5(usedforsecurity=False), EMPTY_CRC64
    try:
        reader = await call.ports.byte_store.open(part.segments, origin)
        try:
            async for chunk in reader.chunks(0, part.size):
                _, crc64 = await asyncio.gather(
                    asyncio.to_thread(md5.update, chunk), asyncio.to_thread(update_crc64, chunk, crc64)
                )
            await reader.verify()
        finally:
            await reader.close()
    except BlobGone:
        raise ReplacedMeanwhile from None
    return replace(part, etag=md5.hexdigest().upper(), crc64=crc64)
