"""Uploads whose parts come in order, from the first: their object gets the MD5 of its whole content."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from coatcheck.access.decide import Grant
from coatcheck.core.digests import write_content_md5
from coatcheck.core.errors import PART_ALREADY_EXISTS, PART_NOT_SEQUENTIAL
from coatcheck.core.limits import PARTS_MAX
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.byte_store import BlobGone
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import ObjectRecord
from coatcheck.ports.upload import Upload

from .commit import ReplacedMeanwhile
from .context import Context

Chunk = bytes | bytearray

CONTENT_MD5: Final = b"content-md5"


async def check_next(context: Context, grant: Grant, upload: Upload, number: int) -> None:
    """Of a sequential upload only the part behind the last one is taken.

    Raises: OssError PART_ALREADY_EXISTS, PART_NOT_SEQUENTIAL.
    """
    if not upload.sequential:
        return
    parts, _ = await context.ports.catalog.list_parts(
        grant.this_bucket.bucket_id, upload.key, upload.upload_id, marker=0, limit=PARTS_MAX
    )
    last = parts[-1].number if parts else 0
    if number <= last:
        raise PART_ALREADY_EXISTS(PartNumber=str(number), PartEtag=f'"{parts[number - 1].etag}"')
    if number > last + 1:
        raise PART_NOT_SEQUENTIAL(PartNumber=str(number))


def check_order(upload: Upload, numbers: Sequence[int]) -> None:
    """The parts that a sequential upload is completed with. Raises: OssError PART_NOT_SEQUENTIAL."""
    if upload.sequential and list(numbers) != list(range(1, len(numbers) + 1)):
        raise PART_NOT_SEQUENTIAL()


async def add_md5(context: Context, bucket: Bucket, record: ObjectRecord) -> ObjectRecord:
    """The record with the MD5 of its content, which is read for it. Raises: ReplacedMeanwhile; Damaged."""
    md5 = hashlib.md5(usedforsecurity=False)
    if record.segments:
        await _hash(context, bucket, record, md5.update)
    return replace(record, headers=(*record.headers, (CONTENT_MD5, write_content_md5(md5.hexdigest()))))


async def _hash(
    context: Context, bucket: Bucket, record: ObjectRecord, update: Callable[[bytes | bytearray], None]
) -> None:
    try:
        reader = await context.ports.byte_store.open(record.segments, Origin(bucket.name, record))
    except BlobGone:
        raise ReplacedMeanwhile from None
    try:
        async for chunk in reader.chunks(0, record.size):
            await asyncio.to_thread(update, chunk)
        await reader.verify()
    finally:
        await reader.close()
