"""Appending to an object, and closing it for good.

An appendable object is a list of segments that grows by one with each append, and small ones at its end are put
together when more comes: a segment is written anew only together with at least as much behind it, so ten thousand
appends of a line make a dozen segments, and each byte is written a few times at most.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.digests import EMPTY_CRC64, combine_crc64
from coatcheck.core.errors import (
    ENTITY_TOO_LARGE,
    FILE_ALREADY_EXISTS,
    NO_SUCH_BUCKET,
    OBJECT_NOT_APPENDABLE,
    OPERATION_NOT_SUPPORTED,
    POSITION_NOT_EQUAL_TO_LENGTH,
    Fault,
    OssError,
)
from coatcheck.core.limits import APPEND_MERGE_MAX_BYTES, INLINE_MAX_BYTES, PUT_OBJECT_MAX_BYTES
from coatcheck.ports.byte_store import BlobGone, BlobWriter, ByteStore
from coatcheck.ports.catalog import AlreadyThere, Change, Gone, Stale
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import ObjectRecord, Segment

from .commit import WRITE_ATTEMPTS, ReplacedMeanwhile, Stored, commit, commit_what_came, new_blob, repeated
from .context import Context
from .encryption import inline_body, kept_body
from .intake import Arriving, Incoming, receive
from .overwrite import forbids_overwrite, need_free
from .put import NewObject
from .record import change_record
from .versions import version_id_for

APPENDABLE: Final = "Appendable"
_LOST: Final = "The object is being written faster than it can be appended to. Try again."


class Misplaced(OssError):
    """Nothing can come there: the object ends elsewhere, or can't be appended to. `length` is its size, bytes."""

    def __init__(self, fault: Fault, length: int) -> None:
        super().__init__(fault, fault.message, {}, fault.ec)
        self.length = length


async def append(
    context: Context, grant: Grant, new: NewObject, position: int, body: Arriving, found: ObjectRecord | None
) -> Stored:
    """Put bytes behind those that are there.

    Args:
        new: counts only for the append that makes the object.
        position: where the caller believes that the object ends, bytes.
        found: the object that is there, as far as is known before the body travels.
    Raises: Misplaced; OssError FILE_ALREADY_EXISTS, FILE_IMMUTABLE, ENTITY_TOO_LARGE, NO_SUCH_BUCKET, INTERNAL_ERROR,
        and those of `receive`; NotWritten.
    """
    grant.need(Action.PUT_OBJECT)
    alone = forbids_overwrite(context, grant, asked=new.forbid_overwrite)
    if alone and found is not None:
        raise FILE_ALREADY_EXISTS(Key=grant.this_key)
    fresh = _fresh(context, grant, new)
    if found is not None:
        need_free(context, grant.this_bucket, found)
    _check(found, position, 0)  # before the body travels; the commit checks again
    incoming = await receive(
        body.chunks,
        context.ports.byte_store,
        most=PUT_OBJECT_MAX_BYTES,
        announced=body.announced,
        expected=body.expected,
        encryption=(found or fresh).encryption,
    )
    return await commit_what_came(incoming.blob, _store(context, grant, fresh, position, incoming, alone=alone))


async def seal(context: Context, grant: Grant, version_id: str, position: int) -> int:
    """Take no more appends; when that began, Unix seconds, also for an object that was sealed before.

    Raises: Misplaced; OssError OPERATION_NOT_SUPPORTED, NO_SUCH_KEY; NotWritten.
    """
    grant.need(Action.SEAL_APPEND_OBJECT)
    now = sealed_at = int(context.now)

    def change(record: ObjectRecord) -> ObjectRecord:
        nonlocal sealed_at
        if record.kind != APPENDABLE:
            raise OPERATION_NOT_SUPPORTED("SealAppendable is not supported.")
        if record.size != position:
            raise Misplaced(POSITION_NOT_EQUAL_TO_LENGTH, record.size)
        sealed_at = now if record.sealed_at is None else record.sealed_at
        return replace(record, sealed_at=sealed_at)

    await change_record(context, grant, version_id, change)
    return sealed_at


def _fresh(context: Context, grant: Grant, new: NewObject) -> ObjectRecord:
    """The object that an append at 0 makes, still empty."""
    return ObjectRecord(
        key=grant.this_key,
        version_id=version_id_for(grant.this_bucket),
        kind=APPENDABLE,
        size=0,
        etag="",
        crc64=EMPTY_CRC64,
        last_modified=int(context.now),
        acl=new.acl,
        storage_class=new.storage_class,
        headers=new.headers,
        tags=new.tags,
        body=b"",
        encryption=new.encryption,
        retention=new.held.retention,
        legal_hold=new.held.legal_hold,
    )


def _check(found: ObjectRecord | None, position: int, size: int) -> None:
    """May `size` bytes come at that position? Raises: Misplaced; OssError ENTITY_TOO_LARGE."""
    length = 0 if found is None else found.size
    if found is not None and (found.kind != APPENDABLE or found.sealed_at is not None):
        raise Misplaced(OBJECT_NOT_APPENDABLE, length)
    if position != length:
        raise Misplaced(POSITION_NOT_EQUAL_TO_LENGTH, length)
    if position + size > PUT_OBJECT_MAX_BYTES:
        raise ENTITY_TOO_LARGE()


# --- making and committing the longer object -------------------------------------------------------------------------


async def _store(
    context: Context, grant: Grant, fresh: ObjectRecord, position: int, incoming: Incoming, *, alone: bool
) -> Stored:
    """Commit the longer object, as what it was made from; made again if that has changed without being in the way.

    Args:
        alone: nothing may come behind an object that is there.
    """
    bucket, key = grant.this_bucket, grant.this_key

    async def look(_: ObjectRecord | None) -> ObjectRecord | None:
        found = await context.ports.catalog.find_object(bucket.bucket_id, key)
        if alone and found is not None:
            raise FILE_ALREADY_EXISTS(Key=key)
        return found

    async def attempt(before: ObjectRecord | None) -> Stored:
        _check(before, position, incoming.size)
        if before is not None and not incoming.size:
            return Stored(before, before.version_id)
        origin = Origin(bucket.name, before or fresh)
        content = await _join(context.ports.byte_store, origin, incoming)
        after = _longer(origin.record, incoming, content, int(context.now))
        return await _commit(context, grant, before, after, content.blob)

    return await repeated(await look(None), attempt, look, attempts=WRITE_ATTEMPTS, lost=_LOST)


async def _commit(
    context: Context, grant: Grant, before: ObjectRecord | None, after: ObjectRecord, blob: BlobWriter | None
) -> Stored:
    """Raises: ReplacedMeanwhile; Stale; OssError of `_check`, NO_SUCH_BUCKET."""
    catalog, bucket = context.ports.catalog, grant.this_bucket
    if before is None:
        write = catalog.put_object(bucket.bucket_id, after, forbid_overwrite=True)
    else:
        write = catalog.change_object(bucket.bucket_id, before.key, before.version_id, _change(before, after))
    try:
        written = await commit(context.ports, write, blob)
    except (AlreadyThere, Gone):
        if await catalog.find_bucket(bucket.name) is None:
            raise NO_SUCH_BUCKET(BucketName=bucket.name) from None
        raise ReplacedMeanwhile from None
    return Stored(after, written.version_id)


def _change(before: ObjectRecord, after: ObjectRecord) -> Change:
    def change(record: ObjectRecord) -> ObjectRecord:
        _check(record, before.size, after.size - before.size)
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

    return change


class _Content(NamedTuple):
    """The content of the longer object, and the blob that had to be written for it, if any."""

    body: bytes | None
    segments: tuple[Segment, ...]
    blob: BlobWriter | None = None


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


async def _join(store: ByteStore, origin: Origin, incoming: Incoming) -> _Content:
    """What was there and what came, inline if that is still small. Raises: ReplacedMeanwhile; Damaged; NoSpace."""
    before = origin.record
    body = inline_body(store, origin)
    if body is not None and incoming.body is not None and before.size + incoming.size <= INLINE_MAX_BYTES:
        return _Content(kept_body(store, before.encryption, body + incoming.body), ())
    kept, tail = _split(before.segments, incoming.size)
    if not (tail or body or incoming.body is not None):
        return _Content(None, (*kept, *incoming.segments))
    size = 0
    try:
        async with new_blob(store, encryption=before.encryption) as blob:
            for piece in (body, tail, incoming.body, incoming.segments):
                size += await _copy(store, blob, piece, origin)
    except BlobGone:
        raise ReplacedMeanwhile from None
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


async def _copy(store: ByteStore, blob: BlobWriter, piece: bytes | Sequence[Segment] | None, origin: Origin) -> int:
    """Write bytes, or what segments name, into the blob; how many. Raises: BlobGone, Damaged."""
    if not piece:
        return 0
    if isinstance(piece, bytes):
        await blob.write(piece)
        return len(piece)
    segments = [segment for segment in piece if isinstance(segment, Segment)]
    size = sum(segment.stop - segment.start for segment in segments)
    reader = await store.open(segments, origin)
    try:
        async for chunk in reader.chunks(0, size):
            await blob.write(chunk)
        await reader.verify()
    finally:
        await reader.close()
    return size
