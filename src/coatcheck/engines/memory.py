"""Every port in dicts: the reference the other engines are compared with, and what the tests of operations use.

Nothing here is durable, and nothing awaits: each method runs whole between two steps of the event loop.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ..ports.bucket import Bucket, NewBucket
from ..ports.byte_store import BlobGone
from ..ports.catalog import AlreadyThere, Deleted, Gone, NotEmpty, TooMany, Written
from ..ports.keyring import AccessKey
from ..ports.object import ListedObject, ListPage, ObjectRecord, Segment

MEMORY_ROOT_ACCOUNT = "1000000000000001"


class MemoryCatalog:
    """The catalog in dicts. `garbage` holds what was released and not yet forgotten; `references` counts the rest."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}
        self._objects: dict[int, dict[str, ObjectRecord]] = {}
        self._last_bucket_id = 0
        self.references: Counter[str] = Counter()
        self.garbage: set[str] = set()

    # --- buckets ---

    async def find_bucket(self, name: str) -> Bucket | None:
        return self._buckets.get(name)

    async def list_buckets(self, owner: str, *, prefix: str, marker: str, limit: int) -> tuple[Sequence[Bucket], bool]:
        names = sorted(n for n, b in self._buckets.items() if b.owner == owner and n.startswith(prefix) and n > marker)
        return [self._buckets[name] for name in names[:limit]], len(names) > limit

    async def create_bucket(self, new: NewBucket, *, most: int) -> Bucket:
        if new.name in self._buckets:
            raise AlreadyThere(new.name)
        if sum((b.owner, b.region) == (new.owner, new.region) for b in self._buckets.values()) >= most:
            raise TooMany(new.owner)
        self._last_bucket_id += 1
        bucket = Bucket(
            bucket_id=self._last_bucket_id,
            name=new.name,
            owner=new.owner,
            region=new.region,
            acl=new.acl,
            storage_class=new.storage_class,
            redundancy=new.redundancy,
            created_at=new.created_at,
        )
        self._buckets[new.name] = bucket
        self._objects[bucket.bucket_id] = {}
        return bucket

    async def set_bucket_acl(self, bucket_id: int, acl: str) -> None:
        bucket = self._bucket_of(bucket_id)
        self._buckets[bucket.name] = replace(bucket, acl=acl)

    async def set_bucket_setting(self, bucket_id: int, name: str, document: str | None) -> None:
        bucket = self._bucket_of(bucket_id)
        kept = {known: text for known, text in bucket.settings if known != name}
        if document is not None:
            kept[name] = document
        self._buckets[bucket.name] = replace(bucket, settings=tuple(sorted(kept.items())))

    async def delete_bucket(self, bucket_id: int) -> None:
        bucket = self._bucket_of(bucket_id)
        if self._objects[bucket_id]:
            raise NotEmpty(bucket.name)
        del self._buckets[bucket.name], self._objects[bucket_id]

    def _bucket_of(self, bucket_id: int) -> Bucket:
        for bucket in self._buckets.values():
            if bucket.bucket_id == bucket_id:
                return bucket
        raise Gone(f"bucket {bucket_id}")

    # --- objects ---

    async def find_object(self, bucket_id: int, key: str) -> ObjectRecord | None:
        return self._objects.get(bucket_id, {}).get(key)

    async def put_object(self, bucket_id: int, record: ObjectRecord, *, forbid_overwrite: bool = False) -> Written:
        objects = self._objects_of(bucket_id)
        old = objects.get(record.key)
        if old is not None and forbid_overwrite:
            raise AlreadyThere(record.key)
        if not self.garbage.isdisjoint(_blob_ids(record)):
            raise ValueError("A released blob cannot be named again.")
        self.references.update(_blob_ids(record))
        objects[record.key] = record
        return Written(record.version_id, self._release(old))

    async def delete_object(self, bucket_id: int, key: str) -> Deleted:
        old = self._objects_of(bucket_id).pop(key, None)
        return Deleted(old is not None, self._release(old))

    async def delete_objects(self, bucket_id: int, keys: Sequence[str]) -> Sequence[Deleted]:
        self._objects_of(bucket_id)
        return [await self.delete_object(bucket_id, key) for key in keys]

    async def set_object_acl(self, bucket_id: int, key: str, acl: str) -> None:
        objects = self._objects_of(bucket_id)
        if key not in objects:
            raise Gone(key)
        objects[key] = replace(objects[key], acl=acl)

    async def list_objects(self, bucket_id: int, *, prefix: str, delimiter: str, marker: str, limit: int) -> ListPage:
        objects = self._objects.get(bucket_id, {})
        in_order = (key for key in sorted(objects, key=str.encode) if key.startswith(prefix))
        items = dict.fromkeys(_items(in_order, prefix, delimiter))
        behind = [item for item in items if item[0].encode() > marker.encode()]
        page = behind[:limit]
        return ListPage(
            tuple(_listed(objects[text]) for text, is_prefix in page if not is_prefix),
            tuple(text for text, is_prefix in page if is_prefix),
            page[-1][0] if len(behind) > limit else None,
        )

    def _objects_of(self, bucket_id: int) -> dict[str, ObjectRecord]:
        if bucket_id not in self._objects:
            raise Gone(f"bucket {bucket_id}")
        return self._objects[bucket_id]

    def _release(self, old: ObjectRecord | None) -> tuple[str, ...]:
        """Let go of a record's blobs; those that no other record names are released."""
        if old is None:
            return ()
        self.references.subtract(_blob_ids(old))
        released = tuple(blob_id for blob_id in _blob_ids(old) if not self.references[blob_id])
        for blob_id in released:
            del self.references[blob_id]
        self.garbage.update(released)
        return released

    # --- blobs ---

    async def forget_blobs(self, blob_ids: Sequence[str]) -> None:
        self.garbage.difference_update(blob_ids)


def _blob_ids(record: ObjectRecord) -> tuple[str, ...]:
    """The blobs a record names, each once, in order of appearance."""
    return tuple(dict.fromkeys(segment.blob_id for segment in record.segments))


def _items(keys: Iterable[str], prefix: str, delimiter: str) -> Iterator[tuple[str, bool]]:
    """What a listing shows of each key: the key, or the common prefix it falls under; and which of the two it is."""
    for key in keys:
        end = key.find(delimiter, len(prefix)) if delimiter else -1
        yield (key, False) if end < 0 else (key[: end + len(delimiter)], True)


def _listed(record: ObjectRecord) -> ListedObject:
    return ListedObject(record.key, record.kind, record.size, record.etag, record.last_modified, record.storage_class)


# --- bytes -----------------------------------------------------------------------------------------------------------


_PIECE_BYTES: Final = 128 * 1024


class MemoryByteStore:
    """Blobs in a dict. `unkept` are those written and neither kept nor discarded yet."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.unkept: set[str] = set()

    async def new_blob(self) -> MemoryBlobWriter:
        blob_id = secrets.token_hex(16)
        self.unkept.add(blob_id)
        return MemoryBlobWriter(self, blob_id)

    async def open(self, segments: Sequence[Segment]) -> MemoryBlobReader:
        try:
            return MemoryBlobReader([memoryview(self.blobs[s.blob_id])[s.start : s.stop] for s in segments])
        except KeyError as missing:
            raise BlobGone(missing.args[0]) from None

    async def remove(self, blob_ids: Sequence[str]) -> None:
        for blob_id in blob_ids:
            self.blobs.pop(blob_id, None)


@dataclass(slots=True)
class MemoryBlobWriter:
    store: MemoryByteStore
    blob_id: str
    written: bytearray = field(default_factory=bytearray)

    async def write(self, data: bytes | bytearray) -> None:
        self.written += data

    async def finish(self) -> None:
        self.store.blobs[self.blob_id] = bytes(self.written)

    async def keep(self) -> None:
        self.store.unkept.discard(self.blob_id)

    async def discard(self) -> None:
        self.store.blobs.pop(self.blob_id, None)
        self.store.unkept.discard(self.blob_id)


class MemoryBlobReader:
    def __init__(self, pieces: Sequence[memoryview]) -> None:
        self._content = b"".join(pieces)

    async def chunks(self, start: int, stop: int) -> AsyncIterator[bytes | bytearray]:
        for begin in range(start, stop, _PIECE_BYTES):
            yield self._content[begin : min(begin + _PIECE_BYTES, stop)]

    async def close(self) -> None:
        self._content = b""


# --- keys ------------------------------------------------------------------------------------------------------------


class MemoryKeyring:
    """Keys in a dict; `MemoryKeyring(key, ...)` starts with some."""

    def __init__(self, *keys: AccessKey, root_account: str = MEMORY_ROOT_ACCOUNT) -> None:
        self._keys = {key.access_key_id: key for key in keys}
        self._root_account = root_account

    async def find_key(self, access_key_id: str) -> AccessKey | None:
        return self._keys.get(access_key_id)

    async def root_account(self) -> str:
        return self._root_account

    async def list_keys(self) -> Sequence[AccessKey]:
        return [self._keys[access_key_id] for access_key_id in sorted(self._keys)]

    async def add_key(self, key: AccessKey) -> None:
        if key.access_key_id in self._keys:
            raise AlreadyThere(key.access_key_id)
        self._keys[key.access_key_id] = key

    async def remove_key(self, access_key_id: str) -> None:
        self._keys.pop(access_key_id, None)
