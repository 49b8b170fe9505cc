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
from coatcheck.ports.byte_store import BlobGone, BlobWriter
from coatcheck.ports.catalog import Stale
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import Segment, slice_segments
from coatcheck.ports.upload import Part, Upload
from coatcheck.wire.ranges import ByteRange, RangeBehaviour, read_range, write_content_range
from coatcheck.wire.reply import RawHeader, Reply

from .context import Context
from .copy_source import check_source, find_source, source_headers
from .encryption import copy_blob, encryption_headers, inline_body
from .incoming import receive
from .multipart import open_upload, read_part_number, refuse_encryption
from .pacing import PacedBody, read_traffic_limit
from .release import release, settle
from .repeating import ReplacedMeanwhile, repeated


async def upload_part(ctx: Context) -> Reply:
    """UploadPart: the bytes of one number, in place of those it had. Sizes are looked at when the upload completes."""
    request = ctx.request
    number = read_part_number(request.query.get("partNumber") or "")
    refuse_encryption(ctx)
    rate_bits_per_s = read_traffic_limit(request)
    upload = await open_upload(ctx)
    if rate_bits_per_s is not None:
        request = request._replace(body=PacedBody(request.body, rate_bits_per_s))
    incoming = await receive(
        request, ctx.ports.byte_store, most=PART_MAX_BYTES, inline_most=0, encrypted=upload.encryption != ""
    )
    part = Part(number, incoming.size, incoming.etag, incoming.crc64, int(ctx.now), incoming.segments)
    await _keep(ctx, upload, part, incoming.blob)
    headers = (*_headers(part), (b"Content-MD5", write_content_md5(part.etag)), *encryption_headers(upload.encryption))
    return Reply(200, headers)


async def upload_part_copy(ctx: Context) -> Reply:
    """UploadPartCopy: a part of the bytes that an object has; they are shared, and read once to be hashed."""
    return await repeated(ctx, _upload_part_copy)


async def _upload_part_copy(ctx: Context) -> Reply:
    number = read_part_number(ctx.request.query.get("partNumber") or "")
    refuse_encryption(ctx)
    upload = await open_upload(ctx)
    source = await find_source(ctx)
    record = source.record
    if check_source(ctx, record):
        raise PRECONDITION_FAILED(Condition="x-oss-copy-source-if-none-match")
    if record.kind not in ("Normal", "Multipart"):
        raise OPERATION_NOT_SUPPORTED(f"An object of type {record.kind} cannot be the source of a part.")
    text = ctx.request.headers.get("x-oss-copy-source-range")
    span = None if text is None else read_range(text, record.size, RangeBehaviour.LENIENT)
    headers: tuple[RawHeader, ...] = source_headers(source)
    if span is not None:
        headers = (*headers, (b"Content-Range", write_content_range(span, record.size)))
    part, blob = await _copy(ctx, upload, Origin(source.bucket.name, record), span or ByteRange(0, record.size), number)
    try:
        await _keep(ctx, upload, part, blob, shared=blob is None)
    except Stale:
        raise ReplacedMeanwhile from None
    document = write_xml("CopyPartResult", [("LastModified", write_iso(int(ctx.now))), ("ETag", f'"{part.etag}"')])
    return Reply(200, ((b"Content-Type", b"application/xml"), *_headers(part), *headers), document)


async def _keep(ctx: Context, upload: Upload, part: Part, blob: BlobWriter | None, *, shared: bool = False) -> None:
    write = ctx.ports.catalog.put_part(ctx.this_bucket.bucket_id, ctx.key, upload.upload_id, part, shared=shared)
    await release(ctx.ports, await settle(write, blob, gone=NO_SUCH_UPLOAD(UploadId=upload.upload_id)))


def _headers(part: Part) -> tuple[RawHeader, ...]:
    return (b"ETag", b'"%b"' % part.etag.encode()), (b"x-oss-hash-crc64ecma", b"%d" % part.crc64)


async def _copy(
    ctx: Context, upload: Upload, origin: Origin, span: ByteRange, number: int
) -> tuple[Part, BlobWriter | None]:
    """The part, and the blob it needs when the source's bytes lie in its row, or must be encrypted."""
    record = origin.record
    if span.size > PART_MAX_BYTES:
        raise ENTITY_TOO_LARGE("Source object Length exceeds the maximum allowed size.")
    part = Part(
        number, span.size, "", EMPTY_CRC64, int(ctx.now), slice_segments(record.segments, span.start, span.stop)
    )
    body, encrypted = inline_body(ctx.ports.byte_store, origin), upload.encryption != ""
    if body is not None:
        content = body[span.start : span.stop]
        md5, crc64 = hashlib.md5(content, usedforsecurity=False), update_crc64(content)
        part = replace(part, etag=md5.hexdigest().upper(), crc64=crc64)
        if not content:
            return part, None
        blob = await ctx.ports.byte_store.new_blob(encrypted=encrypted)
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
        part = await _hash(ctx, part, origin)
    if not encrypted or record.encryption:
        return part, None
    try:
        blob = await copy_blob(ctx.ports.byte_store, part.segments, part.size, origin, encrypted=True)
    except BlobGone:
        raise ReplacedMeanwhile from None
    return replace(part, segments=(Segment(blob.blob_id, 0, part.size),)), blob


async def _hash(ctx: Context, part: Part, origin: Origin) -> Part:
    """The part with its digests, read from its segments."""
    md5, crc64 = hashlib.md5(usedforsecurity=False), EMPTY_CRC64
    try:
        reader = await ctx.ports.byte_store.open(part.segments, origin)
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
