"""A process that changes objects of a bucket with a replication rule, and replicates them, until it is killed.

Run as `python replicating_process.py DATA SEED`. "= KEY TEXT" is said when KEY has that content, "= KEY -" when it is
gone.
"""

from __future__ import annotations

import asyncio
import random
import sys
from itertools import count
from pathlib import Path

from coatcheck.background.notices import Notices
from coatcheck.background.replication_run import Replications
from coatcheck.core.digests import update_crc64
from coatcheck.engines.local import LocalEngines, open_local
from coatcheck.operations.context import Ports
from coatcheck.ports.object import Deletion
from tests.ports.catalog_contract import an_object

KEYS = 12
NOW = 1_772_694_489


async def replicate(engines: LocalEngines) -> None:
    runs = Replications(Ports(engines.catalog, engines.byte_store), engines.keyring, Notices())
    while True:
        await runs.run(NOW)


async def work(data: Path, seed: int) -> None:
    chance = random.Random(seed)
    with open_local(data) as engines:
        bucket = await engines.catalog.find_bucket("photos")
        assert bucket is not None
        replicating = asyncio.create_task(replicate(engines))
        for number in count():
            key, text = f"k{chance.randrange(KEYS):02}", f"{seed}-{number}"
            if chance.random() < 0.3:
                await engines.catalog.delete_object(bucket.bucket_id, Deletion(key))
                text = "-"
            else:
                body = text.encode()
                record = an_object(key, body, crc64=update_crc64(body), etag=body.hex().upper())
                await engines.catalog.put_object(bucket.bucket_id, record)
            sys.stdout.write(f"= {key} {text}\n")
            sys.stdout.flush()
            if replicating.done():
                replicating.result()


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2])))
