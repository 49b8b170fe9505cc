"""What do the catalog's reads, writes and listings cost, and does a page's cost follow the page or the bucket?

    python benchmarks/catalog.py [--keys 1000000] [--versions 1 10] [--dir DIRECTORY]

Works in a temporary directory below DIRECTORY (default: the system's), which takes about 0.3 KiB a version of a key.
Prints one line a figure; a figure is the median of its rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.ports.bucket import Bucket, NewBucket
from coatcheck.ports.object import ObjectRecord

ROUNDS = 5
SMALL = 10_000  # keys that the large bucket is compared with
CONCURRENT = 32


def a_record(key: str, size: int) -> ObjectRecord:
    headers = ((b"content-type", b"image/jpeg"), (b"x-oss-meta-origin", b"benchmark"))
    return ObjectRecord(
        key=key,
        version_id="null",
        kind="Normal",
        size=size,
        etag="5D41402ABC4B2A76B9719D911017C592",
        crc64=2**64 - 1,
        last_modified=1_772_694_489,
        acl="default",
        storage_class="Standard",
        headers=headers,
        body=b"x" * size,
    )


def key_of(number: int) -> str:
    return f"photos/2026/{number % 365:03d}/{number:010d}.jpeg"


async def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--keys", type=int, default=1_000_000, help="keys in the large bucket")
    arguments.add_argument("--versions", type=int, nargs="*", default=[1, 10], help="versions a key, a round for each")
    arguments.add_argument("--dir", type=Path, help="where to make the temporary directory")
    given = arguments.parse_args()
    root = Path(tempfile.mkdtemp(prefix="coatcheck-catalog-", dir=given.dir))
    try:
        prepare_local(root).close()
        with open_local(root) as engines:
            await measure(engines, root, given.keys, given.versions)
    finally:
        shutil.rmtree(root)


async def measure(engines: LocalEngines, root: Path, keys: int, versions: list[int]) -> None:
    for size in (1024, 64 * 1024):
        bucket = await a_bucket(engines, f"reads-{size}")
        rate = await puts_a_second(engines, bucket, 4_000 if size == 1024 else 1_000, size)
        report(f"put {size // 1024} KiB, {CONCURRENT} at once, durable", rate, "a second")
        report(f"find_object with {size // 1024} KiB inline", await find_us(engines, bucket, 1_000, size), "us")
    report(
        "find_bucket, from memory", await per_call_us(lambda: engines.catalog.find_bucket("reads-1024"), 5_000), "us"
    )
    for number in versions:
        await compare_pages(engines, root, keys, number)


async def a_bucket(engines: LocalEngines, name: str) -> Bucket:
    new = NewBucket(name, "1234567890123456", "cn-hangzhou", "private", "Standard", "LRS", 1_772_694_489)
    return await engines.catalog.create_bucket(new, most=100)


async def puts_a_second(engines: LocalEngines, bucket: Bucket, count: int, size: int) -> float:
    rates = []
    for _ in range(ROUNDS):
        numbers = iter(range(count))

        async def work(numbers: Iterator[int] = numbers) -> None:
            for number in numbers:
                await engines.catalog.put_object(bucket.bucket_id, a_record(key_of(number), size))

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(CONCURRENT)))
        rates.append(count / (time.perf_counter() - began))
    return statistics.median(rates)


async def find_us(engines: LocalEngines, bucket: Bucket, count: int, size: int) -> float:
    chance = random.Random(1)

    async def find() -> None:
        found = await engines.catalog.find_object(bucket.bucket_id, key_of(chance.randrange(count)))
        assert found is not None
        assert found.size == size

    return await per_call_us(find, 10_000)


async def per_call_us(call: Callable[[], object], count: int) -> float:
    costs = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(count):
            await call()  # type: ignore[misc]
        costs.append((time.perf_counter() - began) / count * 1e6)
    return statistics.median(costs)


async def compare_pages(engines: LocalEngines, root: Path, keys: int, versions: int) -> None:
    """The same page among few and among many keys: 1,000 keys behind random markers, flat and with a delimiter."""
    small = await a_bucket(engines, f"small-{versions}")
    large = await a_bucket(engines, f"large-{versions}")
    fill(root, small, SMALL, versions)
    fill(root, large, keys, versions)
    for name, delimiter in (("1,000 keys", ""), ("365 common prefixes", "/")):
        few = await page_ms(engines, small, SMALL, delimiter)
        many = await page_ms(engines, large, keys, delimiter)
        what = f"page of {name}, {versions} version{'s' * (versions > 1)} a key"
        report(f"{what}, among {SMALL:,}", few, "ms")
        report(f"{what}, among {keys:,}", many, "ms")
        report(f"{what}: ratio", many / few, "")


def fill(root: Path, bucket: Bucket, keys: int, versions: int) -> None:
    """Rows without content, straight into the table; with `keys` >= 1,000 every directory has at least two."""
    rows = (
        (bucket.bucket_id, key, -seq, f"v{seq}" if seq else "null")
        for key in sorted(key_of(number) for number in range(keys))
        for seq in reversed(range(versions))
    )
    connection = sqlite3.connect(root / "catalog.sqlite", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "INSERT INTO object (bucket_id, key, seq, kind, size, etag, last_modified, storage_class, version_id, crc64,"
        " acl, headers, encryption) VALUES (?, ?, ?, 'Normal', 1024, '5D41402ABC4B2A76B9719D911017C592', 1772694489,"
        " 'Standard', ?, -1, 'default', CAST('content-type' || char(10) || 'image/jpeg' AS BLOB), '')",
        rows,
    )
    connection.execute("COMMIT")
    connection.close()


async def page_ms(engines: LocalEngines, bucket: Bucket, keys: int, delimiter: str) -> float:
    """Wall time of one page; each time another one, so that a large bucket's pages aren't in SQLite's cache."""
    chance = random.Random(1)
    costs = []
    for _ in range(ROUNDS * 40):
        day = f"{chance.randrange(300):03d}"  # leaves at least 1,000 keys behind it even in the small bucket
        prefix, marker = ("photos/2026/", "") if delimiter else ("", f"photos/2026/{day}/")
        began = time.perf_counter()
        page = await engines.catalog.list_objects(
            bucket.bucket_id, prefix=prefix, delimiter=delimiter, marker=marker, limit=1000
        )
        costs.append((time.perf_counter() - began) * 1e3)
        assert len(page.objects) + len(page.common_prefixes) == (365 if delimiter else min(1000, keys))
    return statistics.median(costs)


def report(what: str, figure: float, unit: str) -> None:
    print(f"{what:<70} {figure:>12,.2f} {unit}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
