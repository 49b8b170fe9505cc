"""Operations on memory ports, without a request: one owner, one bucket, and whoever else a test needs."""

from __future__ import annotations

from collections.abc import AsyncIterator

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.body import Stream
from coatcheck.engines.encrypted import EncryptingByteStore
from coatcheck.engines.master_keys import MasterKeys
from coatcheck.engines.memory import MemoryCatalog
from coatcheck.engines.memory_bytes import MemoryByteStore
from coatcheck.identity.caller import Caller
from coatcheck.operations.commit import Stored
from coatcheck.operations.context import Context, Ports
from coatcheck.operations.intake import receive
from coatcheck.operations.put import NewObject, put_object
from coatcheck.ports.bucket import Bucket, NewBucket
from coatcheck.ports.catalog import BucketChange
from coatcheck.ports.object import ObjectRecord

NOW = 1_772_694_489
OWNER = Caller("1000000000000001", "OwnerKey")
STRANGER = Caller("2000000000000002", "StrangerKey")
PLAIN = NewObject("default", "Standard", ((b"content-type", b"text/plain"),))
LARGE = b"0123456789" * 10_000  # 100,000 bytes: a blob, not inline


async def pieces_of(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def content_of(content: bytes | Stream | None) -> bytes:
    """All of it; a stream is closed then."""
    assert content is not None
    if isinstance(content, bytes):
        return content
    joined = b"".join([bytes(chunk) async for chunk in content.chunks])
    await content.close()
    assert len(joined) == content.size
    return joined


class Stage:
    """Make it with `await a_stage()`."""

    def __init__(self, catalog: MemoryCatalog, blobs: MemoryByteStore) -> None:
        self.catalog = catalog
        self.blobs = blobs
        self.ports = Ports(self.catalog, EncryptingByteStore(self.blobs, MasterKeys((bytes(range(32)),))))
        self.bucket: Bucket

    def context(self, caller: Caller = OWNER, now: float = NOW) -> Context:
        return Context(self.ports, caller, now)

    def grant(self, action: Action, key: str = "a", caller: Caller = OWNER) -> Grant:
        return self.context(caller).decide(action, self.bucket, key)

    async def find(self, key: str) -> ObjectRecord | None:
        return await self.catalog.find_object(self.bucket.bucket_id, key)

    async def change_bucket(self, change: BucketChange) -> None:
        """Change the bucket, and have what comes see it so."""
        await self.catalog.change_bucket(self.bucket.bucket_id, change)
        changed = await self.catalog.find_bucket(self.bucket.name)
        assert changed is not None
        self.bucket = changed

    async def put(self, key: str, content: bytes, new: NewObject = PLAIN) -> Stored:
        incoming = await receive(pieces_of(content), self.ports.byte_store, most=1 << 30, encryption=new.encryption)
        return await put_object(self.context(), self.grant(Action.PUT_OBJECT, key), new, incoming)


async def a_stage(catalog: MemoryCatalog | None = None, blobs: MemoryByteStore | None = None) -> Stage:
    stage = Stage(catalog or MemoryCatalog(), blobs or MemoryByteStore())
    new = NewBucket("photos", OWNER.account, "cn-hangzhou", "private", "Standard", "LRS", NOW)
    stage.bucket = await stage.catalog.create_bucket(new, most=100)
    return stage
