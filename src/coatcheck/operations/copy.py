"""Copying an object: a new row that names the bytes of an old one, whatever their size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.errors import NO_SUCH_BUCKET, OPERATION_NOT_SUPPORTED
from coatcheck.ports.bucket import Bucket, Tags
from coatcheck.ports.byte_store import BlobGone, BlobWriter, ByteStore
from coatcheck.ports.catalog import Stale
from coatcheck.ports.object import DEFAULT_ACL, NULL_VERSION, SYMLINK, ObjectRecord, OnlyIf

from .append import APPENDABLE
from .checksums import sum_stored
from .commit import ReplacedMeanwhile, Stored, repeated
from .context import Context
from .encryption import encrypt_copy, inline_body, may_share
from .overwrite import check_writable
from .record import change_record, put_record
from .retention import FREE, Held
from .source import Judge, Source, SourceName, find_source
from .versions import version_id_for

_ONTO_ITSELF_ONLY: Final = "An appendable object can only be copied onto itself, to change its metadata."


def _nothing(_: bytes) -> bool:
    return False


class CopyWishes(NamedTuple):
    """What a copy is to have.

    Attributes:
        headers: those of the copy, if `replaces_headers`, or if it is made onto itself; else it has the source's.
        tags: None where none are given. The copy has them if `replaces_tags`; else it has the source's.
        acl, storage_class: None for what the bucket says; onto itself, for what is there.
        encryption: how the copy is to be kept; "" for as its source is, or as it is where a client keeps its key.
        forbid_overwrite: only if the key has no object.
        only_if: only if the key has that object.
        held: how it is held; a source's retention and hold are never copied.
        algorithm: of S3's checksums, the one that the copy is to have; "" for what its source has.
        survives: whether a header of the source, by its name, stays where `headers` has none of that name.
    """

    headers: tuple[tuple[bytes, bytes], ...] = ()
    replaces_headers: bool = False
    tags: Tags | None = None
    replaces_tags: bool = False
    acl: str | None = None
    storage_class: str | None = None
    encryption: str = ""
    forbid_overwrite: bool = False
    held: Held = FREE
    survives: Callable[[bytes], bool] = _nothing
    only_if: OnlyIf | None = None
    algorithm: str = ""


class Copied(NamedTuple):
    stored: Stored
    source: Source


async def copy_object(context: Context, grant: Grant, name: SourceName, wishes: CopyWishes, judge: Judge) -> Copied:
    """Make a copy of the source the object of the grant's key.

    Args:
        judge: looks at the source, each time that it had to be found anew.
    Raises: OssError those of `find_source`; OPERATION_NOT_SUPPORTED, FILE_ALREADY_EXISTS, NO_SUCH_KEY, INTERNAL_ERROR,
        S3_KEY_NEEDED, or the refusal to store it with these tags; what `judge` raises; Damaged; NotWritten.
    """
    grant.need(Action.PUT_OBJECT)

    async def attempt(bucket: Bucket) -> Copied:
        source = await find_source(context, name, bucket.region)
        judge(source)
        return await _copy(context, bucket, grant.this_key, source, wishes)

    async def again(bucket: Bucket) -> Bucket:
        there = await context.ports.catalog.find_bucket(bucket.name)
        if there is None:
            raise NO_SUCH_BUCKET(BucketName=bucket.name)
        return there

    return await repeated(grant.this_bucket, attempt, again)


async def _copy(context: Context, bucket: Bucket, key: str, source: Source, wishes: CopyWishes) -> Copied:
    store, record = context.ports.byte_store, source.record
    inline_body(store, source.origin)  # what is damaged isn't copied; of blobs, readers of the copy find out
    # In a versioned bucket a copy makes a new version, which is how an old one is brought back.
    onto_itself = not bucket.versioning and (source.bucket.bucket_id, record.key) == (bucket.bucket_id, key)
    copy = _copy_of(record, bucket, key, wishes, onto_itself=onto_itself)
    copy = replace(copy, last_modified=int(context.now))
    grant = await _decide_on_tags(context, bucket, copy, wishes)
    # Before bytes are encrypted; the commit checks again.
    await check_writable(context, grant, asked=wishes.forbid_overwrite, only_if=wishes.only_if)
    copy = await _with_checksum(store, copy, source, wishes.algorithm)
    blob = None
    if not may_share(copy.encryption, wishes.encryption) and copy.kind != SYMLINK:
        copy, blob = await _encrypt(context, copy, source, wishes.encryption)
    if onto_itself:
        return Copied(await _change(context, grant, record, copy, blob), source)
    stored = await put_record(
        context,
        grant,
        copy,
        blob,
        forbid_overwrite=wishes.forbid_overwrite,
        only_if=wishes.only_if,
        shared=blob is None,
    )
    return Copied(stored, source)


async def _with_checksum(store: ByteStore, copy: ObjectRecord, source: Source, algorithm: str) -> ObjectRecord:
    """The copy with a checksum of all its bytes, which are read where another one is known. Raises: Damaged."""
    known = copy.checksum
    if not algorithm or copy.kind == SYMLINK:
        return copy
    if known is not None and known.algorithm == algorithm and not known.is_composite:
        return copy
    try:
        checksum = await sum_stored(store, source.origin, copy.segments, copy.size, algorithm)
    except BlobGone:
        raise ReplacedMeanwhile from None
    return replace(copy, checksum=checksum)


def _copy_of(record: ObjectRecord, bucket: Bucket, key: str, wishes: CopyWishes, *, onto_itself: bool) -> ObjectRecord:
    """The record to be. Onto itself the metadata is always replaced, and ACL and class stay unless they are given.

    Raises: OssError OPERATION_NOT_SUPPORTED.
    """
    if record.kind == APPENDABLE and not onto_itself:
        raise OPERATION_NOT_SUPPORTED(_ONTO_ITSELF_ONLY)
    storage_class = wishes.storage_class or (record.storage_class if onto_itself else bucket.storage_class)
    return replace(
        record,
        key=key,
        version_id=version_id_for(bucket),
        acl=wishes.acl or (record.acl if onto_itself else DEFAULT_ACL),
        storage_class=storage_class,
        headers=_replaced(record, wishes) if wishes.replaces_headers or onto_itself else record.headers,
        tags=(wishes.tags or ()) if wishes.replaces_tags else record.tags,
        retention=record.retention if onto_itself else wishes.held.retention,
        legal_hold=record.legal_hold if onto_itself else wishes.held.legal_hold,
        parts=(),
        restore=record.restore if onto_itself and storage_class == record.storage_class else None,
    )


def _replaced(record: ObjectRecord, wishes: CopyWishes) -> tuple[tuple[bytes, bytes], ...]:
    given = {name for name, _ in wishes.headers}
    kept = [header for header in record.headers if wishes.survives(header[0]) and header[0] not in given]
    return (*kept, *wishes.headers)


async def _decide_on_tags(context: Context, bucket: Bucket, copy: ObjectRecord, wishes: CopyWishes) -> Grant:
    """The tags may be the source's. Giving some needs a right of its own. Raises: OssError, a refusal."""
    there = None
    if context.needs_object(bucket):
        there = await context.ports.catalog.find_object(bucket.bucket_id, copy.key)
    grant = context.decide(Action.PUT_OBJECT, bucket, copy.key, there, acl=wishes.acl, tags=copy.tags)
    if wishes.tags is not None:
        context.decide(Action.PUT_OBJECT_TAGGING, bucket, copy.key, there, acl=wishes.acl, tags=copy.tags)
    return grant


async def _encrypt(
    context: Context, copy: ObjectRecord, source: Source, encryption: str
) -> tuple[ObjectRecord, BlobWriter | None]:
    """The one copy that moves bytes: it is encrypted in another way than its source."""
    try:
        return await encrypt_copy(context.ports.byte_store, copy, source.origin, encryption)
    except BlobGone:
        raise ReplacedMeanwhile from None


async def _change(
    context: Context, grant: Grant, before: ObjectRecord, copy: ObjectRecord, blob: BlobWriter | None
) -> Stored:
    """Onto itself: the row is changed only if it is still the one that was read. Raises: Stale."""

    def change(record: ObjectRecord) -> ObjectRecord:
        if record != before:
            raise Stale
        return copy

    return Stored(copy, await change_record(context, grant, NULL_VERSION, change, blob))
