"""A process that writes to a data directory and says on stdout what it has been promised, one line each.

Run as `python writing_process.py DATA BUCKET_ID NAME SEED COUNT`; with COUNT 0 it goes on until it is killed. Lines:
"+ KEY" before a put, "= KEY" when it is acknowledged, "- KEY" before a delete, "! KEY" when that is acknowledged.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import sys
from itertools import count
from pathlib import Path

from coatcheck.core.digests import update_crc64
from coatcheck.engines.local import LocalEngines, open_local
from coatcheck.ports.object import Deletion, ObjectRecord, Segment

LARGE_BYTES = 70_000


def content_for(key: str) -> bytes:
    """Every third key is large: a blob instead of an inline body."""
    digest = hashlib.sha256(key.encode()).digest()
    return digest * (LARGE_BYTES // len(digest)) if digest[0] % 3 == 0 else digest


def record_for(key: str, segments: tuple[Segment, ...]) -> ObjectRecord:
    content = content_for(key)
    return ObjectRecord(
        key=key,
        version_id="null",
        kind="Normal",
        size=len(content),
        etag=hashlib.md5(content).hexdigest().upper(),
        crc64=update_crc64(content),
        last_modified=0,
        acl="default",
        storage_class="Standard",
        headers=(),
        body=None if segments else content,
        segments=segments,
    )


def say(kind: str, key: str) -> None:
    sys.stdout.write(f"{kind} {key}\n")
    sys.stdout.flush()


async def put(engines: LocalEngines, bucket_id: int, key: str) -> None:
    say("+", key)
    content = content_for(key)
    if len(content) < 1000:
        written = await engines.catalog.put_object(bucket_id, record_for(key, ()))
    else:
        blob = await engines.byte_store.new_blob()
        await blob.write(content)
        await blob.finish()
        segments = (Segment(blob.blob_id, 0, len(content)),)
        written = await engines.catalog.put_object(bucket_id, record_for(key, segments))
        await blob.keep()
    say("=", key)
    await engines.byte_store.remove(written.released)
    await engines.catalog.forget_blobs(written.released)


async def delete(engines: LocalEngines, bucket_id: int, key: str) -> None:
    say("-", key)
    deleted = await engines.catalog.delete_object(bucket_id, Deletion(key))
    say("!", key)
    await engines.byte_store.remove(deleted.released)
    await engines.catalog.forget_blobs(deleted.released)


async def write_one(engines: LocalEngines, bucket_id: int, key: str, chance: random.Random) -> None:
    await put(engines, bucket_id, key)
    if chance.random() < 0.3:
        await delete(engines, bucket_id, key)


async def write(data: Path, bucket_id: int, name: str, seed: int, how_many: int) -> None:
    chance = random.Random(seed)
    numbers = iter(range(how_many)) if how_many else count()

    async def work() -> None:
        for number in numbers:
            await write_one(engines, bucket_id, f"{name}/{number:06d}", chance)

    with open_local(data) as engines:
        say("#", "open")
        await asyncio.gather(*(work() for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
