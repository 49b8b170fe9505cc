"""Uploads in parts: beginning, completing and aborting them, and what there is of them.

Completing moves no bytes: the object takes over the segments of its parts, its CRC is combined from theirs.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.checksums import Checksum
from coatcheck.core.checksums import compose as combine_checksums
from coatcheck.core.digests import EMPTY_CRC64, combine_crc64, multipart_etag
from coatcheck.core.errors import (
    ENTITY_TOO_SMALL,
    FILE_ALREADY_EXISTS,
    INVALID_PART,
    NO_SUCH_BUCKET,
    NO_SUCH_UPLOAD,
    OssError,
)
from coatcheck.core.limits import PART_MIN_BYTES, PARTS_MAX
from coatcheck.core.s3_errors import S3_BAD_DIGEST, S3_BAD_SIZE, S3_OTHER_CHECKSUM
from coatcheck.ports.catalog import Gone
from coatcheck.ports.object import DEFAULT_ACL, NULL_VERSION, KeptPart, ObjectRecord, OnlyIf
from coatcheck.ports.upload import Part, Upload, UploadPage, WantedChecksum

from .commit import WRITE_ATTEMPTS, Stored, commit, repeated
from .context import Context
from .list import Selection
from .overwrite import check_overwrite, find_there, forbids_overwrite, need_reading
from .put import NewObject
from .sequential import add_md5, check_order
from .versions import version_id_for

WriteEtag = Callable[[Sequence[str]], str]
Wanted = Sequence[tuple[int, str]]  # part number, and ETag in any case, with or without quotes
_LOST = "Parts of this upload come in faster than it can be completed. Try again."


class Completion(NamedTuple):
    """How an upload becomes an object.

    Attributes:
        wanted: the parts, by numbers that ascend; None for all there are, of which there must be one.
        acl: that the object is to get; None for what was said when the upload began.
        forbid_overwrite: only if the key has no object.
        only_if: only if that is the object that the key has.
        write_etag: the object's ETag of those of its parts, of which there is at least one.
        size: how many bytes they must be together; None where nothing was said of it.
        checksum: what that of the object must be.
        checksums: what those of parts must be, by their numbers.
    """

    wanted: Wanted | None = None
    acl: str | None = None
    forbid_overwrite: bool = False
    only_if: OnlyIf | None = None
    write_etag: WriteEtag = multipart_etag
    size: int | None = None
    checksum: Checksum | None = None
    checksums: Mapping[int, Checksum] = MappingProxyType({})


class PartsPage(NamedTuple):
    """Some parts of an upload by number; `more`: there are others behind them."""

    upload: Upload
    parts: Sequence[Part]
    more: bool


async def initiate_upload(
    context: Context,
    grant: Grant,
    new: NewObject,
    *,
    sequential: bool = False,
    checksum: WantedChecksum | None = None,
) -> Upload:
    """Begin an upload; what its object will have besides content is said here.

    Args:
        checksum: what each of its parts is to have.
    Raises: OssError FILE_ALREADY_EXISTS, NO_SUCH_BUCKET; NotWritten.
    """
    grant.need(Action.PUT_OBJECT)
    bucket = grant.this_bucket
    await check_overwrite(context, grant, asked=new.forbid_overwrite)
    upload = Upload(
        key=grant.this_key,
        upload_id=secrets.token_hex(16).upper(),
        initiated_at=int(context.now),
        storage_class=new.storage_class,
        headers=new.headers,
        tags=new.tags,
        encryption=new.encryption,
        sequential=sequential,
        retention=new.held.retention,
        legal_hold=new.held.legal_hold,
        checksum=checksum,
        acl=new.acl,
    )
    try:
        await context.ports.catalog.create_upload(bucket.bucket_id, upload)
    except Gone:
        raise NO_SUCH_BUCKET(BucketName=bucket.name) from None
    return upload


async def complete_upload(context: Context, grant: Grant, upload_id: str, wishes: Completion) -> Stored:
    """Make the parts that are named, in their order, the object of the grant's key; all others go.

    Raises: OssError NO_SUCH_UPLOAD, INVALID_PART, ENTITY_TOO_SMALL, PART_NOT_SEQUENTIAL, S3_BAD_SIZE, S3_BAD_DIGEST,
        S3_OTHER_CHECKSUM, FILE_ALREADY_EXISTS, PRECONDITION_FAILED and NO_SUCH_KEY (`only_if`), INTERNAL_ERROR, or the
        refusal to store an object with the upload's tags; Damaged; NotWritten.
    """
    grant.need(Action.PUT_OBJECT)
    if wishes.only_if is not None:
        need_reading(context, grant, wishes.only_if, await find_there(context, grant))

    async def look(_: Upload | None) -> Upload:
        return await open_upload(context, grant, upload_id, acl=wishes.acl)

    async def attempt(upload: Upload) -> Stored:
        record = await _compose(context, grant, upload, wishes)
        record = replace(record, acl=wishes.acl or upload.acl)
        return await _complete(context, grant, upload, record, wishes)

    return await repeated(await look(None), attempt, look, attempts=WRITE_ATTEMPTS, lost=_LOST)


async def abort_upload(context: Context, grant: Grant, upload_id: str) -> None:
    """Let the upload and its parts go. Raises: OssError NO_SUCH_UPLOAD; NotWritten."""
    grant.need(Action.ABORT_MULTIPART_UPLOAD)
    write = context.ports.catalog.abort_upload(grant.this_bucket.bucket_id, grant.this_key, upload_id)
    await commit(context.ports, write, gone=NO_SUCH_UPLOAD(UploadId=upload_id))


async def list_parts(context: Context, grant: Grant, upload_id: str, *, marker: int, limit: int) -> PartsPage:
    """A page of the parts that came in, behind the number `marker`. Raises: OssError NO_SUCH_UPLOAD."""
    grant.need(Action.LIST_PARTS)
    upload = await _find_upload(context, grant, upload_id)
    parts, more = await context.ports.catalog.list_parts(
        grant.this_bucket.bucket_id, upload.key, upload.upload_id, marker=marker, limit=limit
    )
    return PartsPage(upload, parts, more)


async def list_uploads(
    context: Context, grant: Grant, selection: Selection, marker: tuple[str, str] = ("", "")
) -> UploadPage:
    """A page of the bucket's open uploads behind `marker`, a key and an upload id."""
    grant.need(Action.LIST_MULTIPART_UPLOADS)
    prefix, delimiter, limit = selection
    return await context.ports.catalog.list_uploads(
        grant.this_bucket.bucket_id, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit
    )


async def open_upload(context: Context, grant: Grant, upload_id: str, *, acl: str | None = None) -> Upload:
    """The upload, to which the caller may add, or of which the caller may make its object, with its tags.

    Raises: OssError NO_SUCH_UPLOAD, or a refusal.
    """
    upload = await _find_upload(context, grant, upload_id)
    bucket, there = grant.this_bucket, None
    if context.needs_object(bucket):
        there = await context.ports.catalog.find_object(bucket.bucket_id, upload.key)
    context.decide(grant.action, bucket, upload.key, there, acl=acl, tags=upload.tags)
    return upload


async def _find_upload(context: Context, grant: Grant, upload_id: str) -> Upload:
    """Raises: OssError NO_SUCH_UPLOAD, also for an upload of another key."""
    upload = await context.ports.catalog.find_upload(grant.this_bucket.bucket_id, grant.this_key, upload_id)
    if upload is None:
        raise NO_SUCH_UPLOAD(UploadId=upload_id)
    return upload


# --- completing ------------------------------------------------------------------------------------------------------


async def _compose(context: Context, grant: Grant, upload: Upload, wishes: Completion) -> ObjectRecord:
    """The object of the parts that are there. Raises: OssError INVALID_PART, ENTITY_TOO_SMALL, NO_SUCH_UPLOAD."""
    bucket = grant.this_bucket
    parts, _ = await context.ports.catalog.list_parts(
        bucket.bucket_id, upload.key, upload.upload_id, marker=0, limit=PARTS_MAX
    )
    try:
        record = await asyncio.to_thread(compose, upload, parts, wishes)
    except OssError:
        await _find_upload(context, grant, upload.upload_id)  # else it was ended meanwhile, and its parts with it
        raise
    if upload.sequential:
        record = await add_md5(context, bucket, record)
    return replace(record, version_id=version_id_for(bucket), last_modified=int(context.now))


async def _complete(context: Context, grant: Grant, upload: Upload, record: ObjectRecord, wishes: Completion) -> Stored:
    """Raises: Stale, when a part came in meanwhile; OssError as `complete_upload`; NotWritten."""
    forbidden = forbids_overwrite(context, grant, asked=wishes.forbid_overwrite)
    write = context.ports.catalog.complete_upload(
        grant.this_bucket.bucket_id, upload, record, forbid_overwrite=forbidden, only_if=wishes.only_if
    )
    gone, exists = NO_SUCH_UPLOAD(UploadId=upload.upload_id), FILE_ALREADY_EXISTS(ec="0042-00000214", Key=upload.key)
    written = await commit(context.ports, write, gone=gone, exists=exists)
    return Stored(record, written.version_id)


def compose(upload: Upload, parts: Sequence[Part], wishes: Completion) -> ObjectRecord:
    """The object of the parts. Thousands take a while, so this runs in a thread.

    Raises: OssError INVALID_PART, ENTITY_TOO_SMALL, PART_NOT_SEQUENTIAL.
    """
    wanted = wishes.wanted
    check_order(upload, [part.number for part in parts] if wanted is None else [number for number, _ in wanted])
    chosen = parts if wanted is None else _choose(upload, parts, wanted)
    if not chosen and wanted is None:
        raise INVALID_PART("The upload has no parts.", UploadId=upload.upload_id)
    _check_sizes(chosen[:-1])
    size, checksum = sum(part.size for part in chosen), _checksum_of(upload, chosen)
    _compare(wishes, chosen, size, checksum)
    crc64 = EMPTY_CRC64
    for part in chosen:
        crc64 = combine_crc64(crc64, part.crc64, part.size)
    segments = tuple(segment for part in chosen for segment in part.segments)
    return ObjectRecord(
        key=upload.key,
        version_id=NULL_VERSION,
        kind="Multipart",
        size=size,
        etag=wishes.write_etag([part.etag for part in chosen]),
        crc64=crc64,
        last_modified=0,
        acl=DEFAULT_ACL,
        storage_class=upload.storage_class,
        headers=upload.headers,
        tags=upload.tags,
        body=None if segments else b"",
        segments=segments,
        encryption=upload.encryption,
        retention=upload.retention,
        legal_hold=upload.legal_hold,
        checksum=checksum,
        parts=tuple(KeptPart(part.size, part.checksum) for part in chosen),
    )


def _checksum_of(upload: Upload, parts: Sequence[Part]) -> Checksum | None:
    """What follows of the parts' checksums, if all have one of the same kind. An upload that said nothing of them gets
    that of all bytes, where that is possible."""
    known = [(part.checksum, part.size) for part in parts if part.checksum is not None]
    algorithms = {checksum.algorithm for checksum, _ in known}
    if len(known) != len(parts) or len(algorithms) != 1:
        return None
    if upload.checksum is not None:
        return combine_checksums(known, composite=upload.checksum.composite)
    return combine_checksums(known, composite=False) or combine_checksums(known, composite=True)


def _compare(wishes: Completion, parts: Sequence[Part], size: int, checksum: Checksum | None) -> None:
    """What was said of the object and its parts, with what they are.

    Raises: OssError INVALID_PART, S3_BAD_SIZE, S3_BAD_DIGEST, S3_OTHER_CHECKSUM.
    """
    for part in parts:
        said = wishes.checksums.get(part.number)
        if said is not None and said != part.checksum:
            raise INVALID_PART(PartNumber=str(part.number), ETag=f'"{part.etag}"')
    if wishes.size not in (None, size):
        raise S3_BAD_SIZE(ExpectedSize=str(wishes.size), ActualSize=str(size))
    said = wishes.checksum
    if said is None:
        return
    if checksum is None or checksum.algorithm != said.algorithm:
        raise S3_OTHER_CHECKSUM(f"The parts of this upload have no {said.algorithm.upper()} to compare with.")
    if said.value not in (checksum.value, checksum.value.partition("-")[0]):
        raise S3_BAD_DIGEST(f"The {said.algorithm.upper()} you specified did not match the calculated checksum.")


def _check_sizes(parts: Sequence[Part]) -> None:
    """Only the last part may be small. Raises: OssError ENTITY_TOO_SMALL."""
    for part in parts:
        if part.size < PART_MIN_BYTES:
            raise ENTITY_TOO_SMALL(
                ec="0042-00000213",
                ETag=f'"{part.etag}"',
                MinSizeAllowed=str(PART_MIN_BYTES),
                ProposedSize=str(part.size),
                PartNumber=str(part.number),
            )


def _choose(upload: Upload, parts: Sequence[Part], wanted: Wanted) -> list[Part]:
    by_number = {part.number: part for part in parts}
    chosen = []
    for number, etag in wanted:
        part = by_number.get(number)
        if part is None or part.etag != etag.strip('"').upper():
            raise INVALID_PART(UploadId=upload.upload_id, PartNumber=str(number), ETag=etag[:64])
        chosen.append(part)
    return chosen
