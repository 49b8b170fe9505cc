"""Parts of uploads: of bytes that arrive, and of bytes that an object has, which are shared and read once to be
hashed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.checksums import ALGORITHMS, sum_of, write_sum
from coatcheck.core.digests import EMPTY_CRC64, update_crc64
from coatcheck.core.encryption_label import is_customers
from coatcheck.core.errors import ENTITY_TOO_LARGE, NO_SUCH_UPLOAD, OPERATION_NOT_SUPPORTED
from coatcheck.core.limits import PART_MAX_BYTES
from coatcheck.core.s3_errors import S3_OTHER_CHECKSUM, S3_PART_KEY_NEEDED
from coatcheck.ports.byte_store import BlobGone, BlobWriter, ByteStore
from coatcheck.ports.object import ObjectRecord, Segment, slice_segments
from coatcheck.ports.upload import Part, Upload

from .checksums import Summed, SummedChunks
from .commit import ReplacedMeanwhile, commit, new_blob, repeated
from .context import Context
from .encryption import copy_blob, inline_body, may_share
from .intake import Arriving, receive
from .multipart import open_upload
from .sequential import check_next
from .source import Source, SourceName, find_source


class StoredPart(NamedTuple):
    """A part as it was committed; `encryption` is its upload's."""

    part: Part
    encryption: str


class CopiedPart(NamedTuple):
    part: Part
    source: Source


# Weighs what the caller expects of the upload, and raises where that doesn't hold.
JudgeUpload = Callable[[Upload], None]
# Weighs what the caller expects of a source, raises where that doesn't hold, and says which of its bytes are meant.
Choose = Callable[[Source], ByteRange]


def _fine(_: Upload) -> None:
    """Nothing more is expected of it."""


def _need_key(context: Context, upload: Upload) -> None:
    """Raises: OssError S3_PART_KEY_NEEDED."""
    if is_customers(upload.encryption) and not context.ports.byte_store.supports(upload.encryption):
        raise S3_PART_KEY_NEEDED(UploadId=upload.upload_id)


async def upload_part(
    context: Context, grant: Grant, upload_id: str, number: int, body: Arriving, judge: JudgeUpload = _fine
) -> StoredPart:
    """Keep the bytes of one number, in place of those it had. Sizes are looked at when the upload completes.

    Args:
        judge: looks at the upload before a byte is taken.
    Raises: OssError NO_SUCH_UPLOAD, S3_PART_KEY_NEEDED, S3_OTHER_CHECKSUM, those of `check_next` and `receive`, or a
        refusal; what `judge` raises; NotWritten.
    """
    grant.need(Action.PUT_OBJECT)
    upload = await open_upload(context, grant, upload_id)
    judge(upload)
    _need_key(context, upload)
    await check_next(context, grant, upload, number)
    chunks, summed = _summed(upload, body)
    incoming = await receive(
        chunks,
        context.ports.byte_store,
        most=PART_MAX_BYTES,
        announced=body.announced,
        expected=body.expected,
        inline_most=0,
        encryption=upload.encryption,
    )
    checksum = None if summed is None else summed.checksum
    part = Part(number, incoming.size, incoming.etag, incoming.crc64, int(context.now), incoming.segments, checksum)
    await _keep(context, grant, upload, part, incoming.blob)
    return StoredPart(part, upload.encryption)


def _summed(upload: Upload, body: Arriving) -> tuple[AsyncIterator[bytes], Summed | None]:
    """The bytes, and what will know their checksum: the one that came with them, or what the upload wants.

    Raises: OssError S3_OTHER_CHECKSUM.
    """
    algorithm = "" if body.summed is None else body.summed.algorithm
    if upload.checksum is None or algorithm == upload.checksum.algorithm:
        return body.chunks, body.summed
    if algorithm:
        raise S3_OTHER_CHECKSUM(
            f"Checksum Type mismatch occurred, expected checksum Type: {upload.checksum.algorithm}, "
            f"actual checksum Type: {algorithm}"
        )
    taken = SummedChunks(body.chunks, upload.checksum.algorithm)
    return taken.chunks(), taken


async def copy_part(
    context: Context,
    grant: Grant,
    upload_id: str,
    number: int,
    name: SourceName,
    choose: Choose,
    judge: JudgeUpload = _fine,
) -> CopiedPart:
    """Make a part of some of the bytes of an object.

    Args:
        choose: looks at the source, each time that it had to be found anew.
        judge: looks at the upload.
    Raises: OssError NO_SUCH_UPLOAD, S3_PART_KEY_NEEDED, S3_KEY_NEEDED, those of `check_next` and `find_source`,
        OPERATION_NOT_SUPPORTED (a link, an appendable object), ENTITY_TOO_LARGE, INTERNAL_ERROR, or a refusal; what
        `choose` raises; Damaged; NotWritten.
    """
    grant.need(Action.PUT_OBJECT)

    async def look(_: Upload | None) -> Upload:
        return await open_upload(context, grant, upload_id)

    async def attempt(upload: Upload) -> CopiedPart:
        judge(upload)
        _need_key(context, upload)
        await check_next(context, grant, upload, number)
        source = await find_source(context, name, grant.this_bucket.region)
        span = choose(source)
        if source.record.kind not in ("Normal", "Multipart"):
            raise OPERATION_NOT_SUPPORTED(f"An object of type {source.record.kind} cannot be the source of a part.")
        part, blob = await _copy(context, upload, source, span, number)
        await _keep(context, grant, upload, part, blob, shared=blob is None)
        return CopiedPart(part, source)

    return await repeated(await look(None), attempt, look)


async def _keep(
    context: Context, grant: Grant, upload: Upload, part: Part, blob: BlobWriter | None, *, shared: bool = False
) -> None:
    """Raises: OssError NO_SUCH_UPLOAD; Stale, with `shared`; NotWritten."""
    write = context.ports.catalog.put_part(
        grant.this_bucket.bucket_id, upload.key, upload.upload_id, part, shared=shared
    )
    await commit(context.ports, write, blob, gone=NO_SUCH_UPLOAD(UploadId=upload.upload_id))


async def _copy(
    context: Context, upload: Upload, source: Source, span: ByteRange, number: int
) -> tuple[Part, BlobWriter | None]:
    """The part, and the blob it needs when the source's bytes lie in its row, or must be encrypted."""
    store, record = context.ports.byte_store, source.record
    if span.size > PART_MAX_BYTES:
        raise ENTITY_TOO_LARGE("Source object Length exceeds the maximum allowed size.")
    segments = slice_segments(record.segments, span.start, span.stop)
    part = Part(number, span.size, "", EMPTY_CRC64, int(context.now), segments)
    wanted = "" if upload.checksum is None else upload.checksum.algorithm
    body = inline_body(store, source.origin)
    if body is not None:
        return await _of_bytes(store, part, body[span.start : span.stop], wanted, encryption=upload.encryption)
    try:
        if part.size == record.size and record.kind == "Normal" and _has(record, wanted):
            known = record.checksum if wanted else None
            part = replace(part, etag=record.etag, crc64=record.crc64, checksum=known)
        else:
            part = await _hash(store, part, source, wanted)
        if may_share(record.encryption, upload.encryption):
            return part, None
        blob = await copy_blob(store, part.segments, part.size, source.origin, encryption=upload.encryption)
    except BlobGone:
        raise ReplacedMeanwhile from None
    return replace(part, segments=(Segment(blob.blob_id, 0, part.size),)), blob


def _has(record: ObjectRecord, wanted: str) -> bool:
    """Whether the checksum of the record's bytes is known, if one is wanted."""
    known = record.checksum
    return not wanted or (known is not None and known.algorithm == wanted and not known.is_composite)


async def _of_bytes(
    store: ByteStore, part: Part, content: bytes, wanted: str, *, encryption: str
) -> tuple[Part, BlobWriter | None]:
    """The part of bytes that lay in a row, and the blob they are in; None if there are none. Raises: NoSpace."""
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest().upper()
    part = replace(part, etag=md5, crc64=update_crc64(content), checksum=sum_of(content, wanted) if wanted else None)
    if not content:
        return part, None
    async with new_blob(store, encryption=encryption) as blob:
        await blob.write(content)
    return replace(part, segments=(Segment(blob.blob_id, 0, len(content)),)), blob


async def _hash(store: ByteStore, part: Part, source: Source, wanted: str) -> Part:
    """The part with its digests, read from its segments. Raises: BlobGone, Damaged."""
    md5, crc64 = hashlib.md5(usedforsecurity=False), EMPTY_CRC64
    taken = ALGORITHMS[wanted].new() if wanted else None
    reader = await store.open(part.segments, source.origin)
    try:
        async for chunk in reader.chunks(0, part.size):
            _, crc64 = await asyncio.gather(
                asyncio.to_thread(md5.update, chunk), asyncio.to_thread(update_crc64, chunk, crc64)
            )
            if taken is not None:
                await asyncio.to_thread(taken.update, chunk)
        await reader.verify()
    finally:
        await reader.close()
    checksum = None if taken is None else write_sum(wanted, taken)
    return replace(part, etag=md5.hexdigest().upper(), crc64=crc64, checksum=checksum)
