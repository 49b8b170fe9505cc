"""A stored object as a picture for the renderer."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from coatcheck.operations.encryption import inline_body
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import ObjectRecord
from coatcheck.ports.renderer import Picture

from .call import Call
from .object_get import open_record


def picture_of(call: Call, bucket: Bucket, record: ObjectRecord) -> Picture:
    """Its identity names object, version and bytes."""
    facts = (
        bucket.bucket_id,
        record.key,
        record.version_id,
        record.etag,
        record.crc64,
        record.size,
        record.last_modified,
        *(f"{segment.blob_id}:{segment.start}:{segment.stop}" for segment in record.segments),
    )

    async def chunks() -> AsyncGenerator[bytes | bytearray, None]:
        body = inline_body(call.ports.byte_store, call.origin(record))
        if body is not None:
            yield body
            return
        reader = await open_record(call, record)
        try:
            async for chunk in reader.chunks(0, record.size):
                yield chunk
        finally:
            await reader.close()

    # What is encrypted at rest is not to lie there in clear as the result of something.
    return Picture("\n".join(map(str, facts)), record.size, chunks, remember=not record.encryption)
