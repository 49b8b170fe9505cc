"""A database that answers with a no, or stands still: every gateway says so in time, and goes on by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from coatcheck.clock import wall_clock
from coatcheck.core.errors import NO_SPACE_LEFT, SERVICE_UNAVAILABLE, UNWRITABLE, WRITES_BUSY, OssError
from coatcheck.engines.postgres.store import PostgresPrepared, PostgresStore, open_postgres
from coatcheck.exchange import read_unwritten
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Away, Busy, NoSpace, NotWritten, Unwritable
from coatcheck.ports.object import Deletion
from coatcheck.ports.snapshot import Lookup

from ..patience import HANG_S
from ..ports.catalog_contract import a_bucket, an_object
from ..postgres_server import PostgresServer, postgres_server

Two = tuple[PostgresStore, PostgresStore]
ROOM_MIB: Final = 24  # an empty database takes 8


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def name(server: PostgresServer) -> Iterator[str]:
    with server.database() as name:
        yield name


@pytest.fixture
async def two(server: PostgresServer, name: str, tmp_path: Path) -> AsyncIterator[Two]:
    url, data = server.url(name), tmp_path / "data"
    PostgresPrepared(url, data, wall_clock).close()
    async with AsyncExitStack() as stack:
        yield stack.enter_context(open_postgres(url, data)), stack.enter_context(open_postgres(url, data))
    await asyncio.sleep(0)


@pytest.fixture
async def bucket(two: Two) -> Bucket:
    bucket = await two[0].catalog.create_bucket(a_bucket(), most=9)
    await two[0].catalog.put_object(bucket.bucket_id, an_object("before"))
    return bucket


async def read(store: PostgresStore) -> bool:
    return (await store.reads.read(Lookup(bucket="photos", key="before"))).found() == an_object("before")


async def write(store: PostgresStore, bucket: Bucket, key: str = "after") -> bool:
    await store.catalog.put_object(bucket.bucket_id, an_object(key))
    return True


async def tried(two: Two, bucket: Bucket) -> list[object]:
    """What reads and writes come to, of each gateway, all at once."""
    asked = [act for store in two for act in (read(store), write(store, bucket))]
    async with asyncio.timeout(HANG_S):
        return await asyncio.gather(*asked, return_exceptions=True)


def said(outcome: object) -> OssError:
    assert isinstance(outcome, NotWritten), outcome
    return read_unwritten(outcome)


async def comes(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(HANG_S):
        while not await holds():
            await asyncio.sleep(0.02)


async def is_written(store: PostgresStore, bucket: Bucket) -> bool:
    try:
        return await write(store, bucket)
    except NotWritten:
        return False


async def is_refused(store: PostgresStore, bucket: Bucket) -> bool:
    return not await is_written(store, bucket)


async def test_a_database_that_only_reads_is_read(server: PostgresServer, two: Two, bucket: Bucket) -> None:
    with server.set_to("default_transaction_read_only", "on"):
        for store in two:  # its processes hear of it one by one
            await comes(lambda store=store: is_refused(store, bucket))  # type: ignore[misc]
        outcomes = await tried(two, bucket)
        assert outcomes[::2] == [True, True]
        for outcome in outcomes[1::2]:
            assert isinstance(outcome, Unwritable)
            assert (said(outcome).fault, said(outcome).headers) == (UNWRITABLE, ((b"Retry-After", b"5"),))
    for store in two:
        await comes(lambda store=store: is_written(store, bucket))  # type: ignore[misc]


async def test_a_database_that_lets_nobody_in_is_away(
    server: PostgresServer, name: str, two: Two, bucket: Bucket
) -> None:
    with server.let_nobody_into(name):
        for outcome in await tried(two, bucket):
            assert isinstance(outcome, Away)
            assert (said(outcome).fault, said(outcome).headers) == (SERVICE_UNAVAILABLE, ((b"Retry-After", b"1"),))
    assert await tried(two, bucket) == [True] * 4


async def test_who_waits_for_a_lock_of_others_is_told_to_come_later(
    server: PostgresServer, name: str, two: Two, bucket: Bucket
) -> None:
    with server.lock("object", server.url(name)):
        for outcome in await tried(two, bucket):
            assert isinstance(outcome, Busy)
            assert (said(outcome).fault, said(outcome).headers) == (WRITES_BUSY, ((b"Retry-After", b"5"),))
    assert await tried(two, bucket) == [True] * 4


async def test_who_waits_for_a_line_to_a_database_that_hangs_waits_no_longer_than_who_has_one(
    server: PostgresServer, two: Two, bucket: Bucket
) -> None:
    assert await read(two[0])
    before = two[0].reader.asked
    server.signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(HANG_S):
            outcomes = await asyncio.gather(*[read(two[0]) for _ in range(100)], return_exceptions=True)
    finally:
        server.signal(signal.SIGCONT)
    assert all(isinstance(outcome, Away) for outcome in outcomes)
    assert two[0].reader.asked <= before + 9  # as many as there are lines, and the look at the numbers
    assert await tried(two, bucket) == [True] * 4


async def test_a_full_database_says_so_and_takes_more_when_it_has_room(server: PostgresServer, tmp_path: Path) -> None:
    with server.small_disk(ROOM_MIB) as disk:
        server.sql(f"CREATE TABLESPACE small LOCATION '{disk}'")
        with server.database("TABLESPACE small") as name:
            url, data = server.url(name), tmp_path / "data"
            PostgresPrepared(url, data, wall_clock).close()
            with open_postgres(url, data) as here, open_postgres(url, data) as there:
                await fill_up((here, there), disk)
            await asyncio.sleep(0)
        server.sql("DROP TABLESPACE small")


async def fill_up(two: Two, disk: Path) -> None:
    bucket = await two[0].catalog.create_bucket(a_bucket(), most=9)
    await two[0].catalog.put_object(bucket.bucket_id, an_object("before"))
    stored, outcome = 0, None
    while outcome is None:
        record = an_object(f"{stored}", body=os.urandom(60_000), size=60_000)
        try:
            await two[stored % 2].catalog.put_object(bucket.bucket_id, record)
            stored += 1
        except NotWritten as error:
            outcome = error
        assert stored < ROOM_MIB * 1024**2 / 60_000
    assert isinstance(outcome, NoSpace)
    assert (said(outcome).fault, said(outcome).headers) == (NO_SPACE_LEFT, ((b"Retry-After", b"5"),))
    assert await read(two[0])
    assert await read(two[1])
    await two[0].catalog.delete_object(bucket.bucket_id, Deletion("0"))
    subprocess.run(["mount", "-o", f"remount,size={2 * ROOM_MIB}m", str(disk)], check=True)
    assert await tried(two, bucket) == [True] * 4
    page = await two[1].catalog.list_objects(bucket.bucket_id, prefix="", delimiter="", marker="", limit=1000)
    assert {item.key for item in page.objects} == {"before", "after", *map(str, range(1, stored))}
