"""Making one key of a bucket what it is in another: a copy that shares its bytes, or a delete.

It looks at what is there on both sides, so it may be done twice, late, or for many changes at once; where both sides
are alike already nothing is written, so that two buckets that copy to each other come to rest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from coatcheck.access.actions import Action
from coatcheck.core.encryption_label import is_customers
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.byte_store import BlobGone, BlobWriter
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import DEFAULT_ACL, DELETE_MARKER, SYMLINK, ObjectRecord, Segment

from .append import APPENDABLE
from .commit import ReplacedMeanwhile, repeated
from .context import Context
from .delete import delete_object
from .encryption import bucket_encryption, copy_blob, encrypt_copy, inline_body
from .record import put_record
from .versions import version_id_for


class Pair(NamedTuple):
    """A source and its target, who reads the one and who writes the other.

    Attributes:
        deletes: whether what is gone from the source goes from the target.
        mutual: the target is copied back: of two changes of a key the newer one stays, whoever is looked at first.
    """

    reading: Context
    writing: Context
    source: Bucket
    target: Bucket
    deletes: bool
    mutual: bool = False


async def replicate(pair: Pair, key: str) -> bool:
    """Make the target's key what the source's is now; whether anything was to be done.

    Raises: OssError, a refusal among them; Damaged; NotWritten.
    """
    catalog = pair.reading.ports.catalog

    async def look(_: ObjectRecord | None) -> ObjectRecord | None:
        return await catalog.find_object(pair.source.bucket_id, key)

    async def attempt(record: ObjectRecord | None) -> bool:
        there = await catalog.find_object(pair.target.bucket_id, key)
        if there is not None and there.kind == DELETE_MARKER:
            there = None
        if record is None or record.kind == DELETE_MARKER:
            return await _remove(pair, key, there)
        pair.reading.decide(Action.GET_OBJECT, pair.source, key, record)
        if there is not None and (_alike(record, there) or (pair.mutual and _is_newer(there, record))):
            return False
        await _copy(pair, record, there)
        return True

    return await repeated(await look(None), attempt, look)


def _is_newer(there: ObjectRecord, record: ObjectRecord) -> bool:
    return there.last_modified > record.last_modified


async def _remove(pair: Pair, key: str, there: ObjectRecord | None) -> bool:
    if there is None or not pair.deletes:
        return False
    grant = pair.writing.decide(Action.DELETE_OBJECT, pair.target, key, there)
    await delete_object(pair.writing, grant)
    return True


def _alike(record: ObjectRecord, there: ObjectRecord) -> bool:
    """Content, metadata, tags and ACL. Each bucket has its own classes and ways to keep bytes."""
    facts = [(r.size, r.etag, r.crc64, r.headers, r.tags, r.acl, r.symlink_target) for r in (record, there)]
    return facts[0] == facts[1]


async def _copy(pair: Pair, record: ObjectRecord, there: ObjectRecord | None) -> None:
    """The copy keeps its time. An appendable object becomes one that isn't: its bytes are its own."""
    target, store = pair.target, pair.writing.ports.byte_store
    acl = None if record.acl == DEFAULT_ACL else record.acl
    grant = pair.writing.decide(Action.PUT_OBJECT, target, record.key, there, acl=acl, tags=record.tags)
    origin = Origin(pair.source.name, record)
    if not is_customers(record.encryption):  # whose copy shares the bytes, and their key, which nobody has here
        inline_body(store, origin)  # what is damaged isn't copied; of blobs, readers of the copy find out
    copy = replace(
        record, version_id=version_id_for(target), restore=None, sealed_at=None, retention=None, legal_hold=False
    )
    blob: BlobWriter | None = None
    try:
        if copy.kind == APPENDABLE:
            copy = replace(copy, kind="Normal")
            if copy.segments:
                blob = await copy_blob(store, copy.segments, copy.size, origin, encryption=record.encryption)
                copy = replace(copy, segments=(Segment(blob.blob_id, 0, copy.size),))
        elif (label := bucket_encryption(target)) and not copy.encryption and copy.kind != SYMLINK:
            copy, blob = await encrypt_copy(store, copy, origin, label)
    except BlobGone:
        raise ReplacedMeanwhile from None
    await put_record(pair.writing, grant, copy, blob, shared=blob is None)
