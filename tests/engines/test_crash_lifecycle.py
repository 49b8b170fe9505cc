"""A lifecycle run that dies: everything is there or gone, no bytes are lost or left, and the next run finishes."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from coatcheck.configurations.lifecycle import Due, Lifecycle, Rule, to_json
from coatcheck.core.digests import update_crc64
from coatcheck.engines.local import open_local, prepare_local
from coatcheck.engines.upkeep.check import check
from coatcheck.operations.context import Ports
from coatcheck.operations.lifecycle_run import run_lifecycle
from coatcheck.ports.object import Segment

from ..audit import audit
from ..ports.byte_store_contract import a_blob, content_of
from ..ports.catalog_contract import a_bucket, a_large_object
from ..server_process import clean_environment
from ..soak import count

OBJECTS = 600
KILLS = count(30)
FAR = 4_102_444_800  # 2100
RULES = to_json(Lifecycle((Rule("r", "tmp/", enabled=True, expiration=Due(before_s=FAR)),)))


async def fill(data: Path) -> int:
    """Objects with bytes of their own, most of them to expire."""
    with open_local(data) as engines:
        bucket = await engines.catalog.create_bucket(a_bucket(), most=9)

        async def put(number: int) -> None:
            key = f"{'keep' if number % 10 == 0 else 'tmp'}/{number:04}"
            blob = await a_blob(engines.byte_store, key.encode())
            segments, crc64 = (Segment(blob, 0, len(key)),), update_crc64(key.encode())
            record = replace(a_large_object(key, blob), size=len(key), crc64=crc64, segments=segments)
            await engines.catalog.put_object(bucket.bucket_id, record)

        await asyncio.gather(*(put(number) for number in range(OBJECTS)))
        await engines.catalog.set_configuration(bucket.bucket_id, "lifecycle", RULES)
    return bucket.bucket_id


@pytest.mark.live
@pytest.mark.soak(KILLS)
@pytest.mark.parametrize("seed", range(KILLS))
async def test_a_run_that_is_killed_loses_and_leaves_nothing(data: Path, seed: int) -> None:
    bucket_id = await fill(data)
    words = [sys.executable, "-m", "coatcheck", "lifecycle", "run", "--now", "--data", str(data)]
    with subprocess.Popen(words, env=clean_environment(), stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        for _ in range(random.Random(seed).randint(1, OBJECTS // 2)):
            assert run.stdout.readline()  # an action that was done
        run.kill()
    prepare_local(data).close()  # recovery
    assert audit(data).clean
    assert list(check(data)) == []
    with open_local(data) as engines:
        page = await engines.catalog.list_objects(bucket_id, prefix="keep/", delimiter="", marker="", limit=1000)
        assert len(page.objects) == OBJECTS // 10
        for listed in page.objects[:5]:
            record = await engines.catalog.find_object(bucket_id, listed.key)
            assert record is not None
            assert await content_of(engines.byte_store, *record.segments) == listed.key.encode()
        await run_lifecycle(Ports(engines.catalog, engines.byte_store), now=time.time())
        left = await engines.catalog.list_objects(bucket_id, prefix="tmp/", delimiter="", marker="", limit=10)
        assert left.objects == ()
    assert audit(data).clean
    assert list(check(data)) == []
