"""Many clients on an object store, and sweeps meanwhile: nothing is leaked, and nothing removed too early."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from coatcheck.core.byte_range import ByteRange
from coatcheck.core.digests import update_crc64
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.engines.object_store.place import BytePlace
from coatcheck.operations.commit import commit
from coatcheck.operations.context import Ports
from coatcheck.operations.sweep import sweep
from coatcheck.ports.catalog import Stale
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import Deletion, Segment

from ..ports.catalog_contract import a_bucket, an_object
from ..soak import count

OPERATIONS: Final = count(10_000)
KEYS: Final = 50
CLIENTS: Final = 8
DAY_S: Final = 86_400


async def operate(engines: LocalEngines, bucket_id: int, chance: random.Random) -> None:
    """Overwrite, copy, delete, or begin and give up; and read what is there."""
    catalog, key, choice = engines.catalog, f"key-{chance.randrange(KEYS)}", chance.random()
    ports = Ports(catalog, engines.byte_store)
    if choice < 0.15:
        await commit(ports, catalog.delete_objects(bucket_id, [Deletion(key)]))
        return
    found = await catalog.find_object(bucket_id, key)
    if choice < 0.3 and found is not None:
        with suppress(Stale):
            copy = replace(found, key=f"key-{chance.randrange(KEYS)}")
            await commit(ports, catalog.put_object(bucket_id, copy, shared=True))
        return
    if choice < 0.5 and found is not None:
        reader = await engines.byte_store.open(found.segments, Origin("b", found), ByteRange(0, found.size))
        assert sum([len(piece) async for piece in reader.chunks(0, found.size)]) == found.size
        await reader.close()
        return
    writer, content = await engines.byte_store.new_blob(), chance.randbytes(1000)
    await writer.write(content)
    if choice < 0.6:
        await writer.discard()
        return
    await writer.finish()
    if choice < 0.65:
        return  # as if the process had died here
    segments, crc64 = (Segment(writer.blob_id, 0, len(content)),), update_crc64(content)
    record = an_object(key, body=None, size=len(content), crc64=crc64, segments=segments)
    await commit(ports, catalog.put_object(bucket_id, record), writer)


@pytest.mark.soak(OPERATIONS)
async def test_after_a_sweep_the_store_has_what_rows_name_and_nothing_else(tmp_path: Path) -> None:
    place = BytePlace(f"file://{tmp_path}/bytes")
    prepare_local(tmp_path / "data", place=place).close()
    with open_local(tmp_path / "data", place=place) as engines:
        bucket = await engines.catalog.create_bucket(a_bucket(), most=100)

        async def client(number: int) -> None:
            chance = random.Random(number)
            for _ in range(OPERATIONS // CLIENTS):
                await operate(engines, bucket.bucket_id, chance)

        async def sweeper() -> None:
            while True:
                await sweep(Ports(engines.catalog, engines.byte_store), time.time())  # nothing is old enough
                await asyncio.sleep(0.05)

        sweeping = asyncio.create_task(sweeper())
        await asyncio.gather(*(client(number) for number in range(CLIENTS)))
        sweeping.cancel()
        await engines.byte_store.release_unnamed(time.time() + 2.1 * DAY_S)
        await sweep(Ports(engines.catalog, engines.byte_store), time.time() + 1.1 * DAY_S)
        named = set()
        for number in range(KEYS):
            found = await engines.catalog.find_object(bucket.bucket_id, f"key-{number}")
            named |= {segment.blob_id for segment in found.segments} if found is not None else set()
    stored = {path.name for path in (tmp_path / "bytes").glob("??/*")}
    assert stored == named
    assert len(named) > 10
