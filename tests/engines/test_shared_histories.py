"""Random histories through two gateways at once: what one says is true for the other, no use of a link is given away
twice, and no blob is leaked or removed early."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from msgspec.structs import replace

from coatcheck.clock import wall_clock
from coatcheck.engines.object_store.place import BytePlace
from coatcheck.engines.postgres.store import PostgresPrepared, PostgresStore, open_postgres
from coatcheck.links.uses import UsedUp, Uses
from coatcheck.links.uses_text import read_uses, write_uses
from coatcheck.operations.context import Ports
from coatcheck.operations.sweep import sweep
from coatcheck.ports.arrivals import Arrival, Taken
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Gone, Stale
from coatcheck.ports.links import Limits, Link
from coatcheck.ports.object import Deletion, Segment
from coatcheck.ports.quota import QUOTA, OverQuota, Quota, write_quota

from ..gateways import bring_keys
from ..links.test_uses import NOW, World
from ..ports.arrivals_contract import ARRIVAL
from ..ports.catalog_contract import a_bucket, a_large_object, an_object
from ..postgres_server import postgres_server
from ..soak import SOAKING

HISTORIES = 1000 if SOAKING else 30
OPERATIONS = 10_000 if SOAKING else 320
TOGETHER = 10  # histories at once
DAY_S = 86_400

Two = tuple[PostgresStore, PostgresStore]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("shared")
    place = BytePlace(f"file://{folder}/bytes")
    with postgres_server() as server, server.database() as name:
        url = server.url(name)
        PostgresPrepared(url, folder / "first", wall_clock, place=place).close()
        PostgresPrepared(url, bring_keys(folder / "first", folder / "second"), wall_clock).close()
        yield url, folder


@pytest.fixture
async def two(prepared: tuple[str, Path]) -> AsyncIterator[Two]:
    url, folder = prepared
    async with AsyncExitStack() as stack:
        stores = [stack.enter_context(open_postgres(url, folder / name)) for name in ("first", "second")]
        yield stores[0], stores[1]
    await asyncio.sleep(0)


_bucket_numbers = count()


async def a_new_bucket(store: PostgresStore) -> Bucket:
    return await store.catalog.create_bucket(a_bucket(f"bucket-{next(_bucket_numbers)}"), most=10_000)


# --- one key, read and written through both --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """An operation on the key: when it began and ended, and what it has written or seen; "" for nothing there."""

    begun: float
    ended: float
    writes: bool
    value: str


def is_explained(history: list[Done], value: str = "") -> bool:
    """Whether the operations can have happened one after the other, each between its begin and its end, every read
    seeing what was written last."""
    tried: set[tuple[frozenset[int], str]] = set()

    def explain(left: frozenset[int], value: str) -> bool:
        if not left:
            return True
        if (left, value) in tried:
            return False
        tried.add((left, value))
        first_end = min(history[number].ended for number in left)
        for number in left:
            done = history[number]
            if done.begun > first_end or (not done.writes and done.value != value):
                continue
            if explain(left - {number}, done.value if done.writes else value):
                return True
        return False

    return explain(frozenset(range(len(history))), value)


def test_the_checker_knows_what_cannot_be() -> None:
    wrote_a, wrote_b = Done(0, 2, True, "a"), Done(3, 4, True, "b")
    assert is_explained([wrote_a, Done(1, 5, False, "a"), wrote_b])
    assert not is_explained([wrote_a, wrote_b, Done(5, 6, False, "a")])
    assert not is_explained([wrote_a, Done(3, 4, False, "")])


async def a_history(two: Two, bucket: Bucket, seed: int) -> list[Done]:
    """Four clients, each of whose requests goes to either gateway; objects are told apart by their ETags."""
    done: list[Done] = []

    async def client(number: int) -> None:
        chance = random.Random(seed * 10 + number)
        for turn in range(4):
            catalog = chance.choice(two).catalog
            act, value, begun = chance.choice(("put", "get", "get", "delete")), f"{number}-{turn}", time.monotonic()
            if act == "put":
                await catalog.put_object(bucket.bucket_id, an_object(f"k{seed}", etag=value))
            elif act == "delete":
                await catalog.delete_object(bucket.bucket_id, Deletion(f"k{seed}"))
                value = ""
            else:
                found = await catalog.find_object(bucket.bucket_id, f"k{seed}")
                value = found.etag if found is not None else ""
            done.append(Done(begun, time.monotonic(), act != "get", value))

    await asyncio.gather(*map(client, range(4)))
    return done


@pytest.mark.soak(HISTORIES)
async def test_what_is_read_through_either_gateway_is_what_was_written_last(two: Two) -> None:
    bucket, reads = await a_new_bucket(two[0]), 0
    for first in range(0, HISTORIES, TOGETHER):
        for history in await asyncio.gather(*[a_history(two, bucket, first + one) for one in range(TOGETHER)]):
            assert is_explained(history), history
            reads += sum(not done.writes and done.value != "" for done in history)
    assert reads > HISTORIES


# --- limits of links -------------------------------------------------------------------------------------------------


@pytest.mark.soak(HISTORIES)
async def test_no_history_passes_the_budget_of_a_link_through_two_gateways(two: Two) -> None:
    refused = 0

    async def history(seed: int) -> None:
        nonlocal refused
        chance = random.Random(seed)
        world = World(chance, limit=chance.choice((1, 1, 2, 5)), size=chance.choice((1, 2, 7, 40)))
        row = Link(f"lk_{seed}", "1", "Key", "photos", "a.bin", int(NOW), limits=Limits(downloads=world.limit))
        await two[0].links.change_link(row.id, lambda _: row)

        def change(text: str) -> str:
            world.uses = read_uses(text) if text else Uses()
            world.step()
            return write_uses(world.uses)

        for turn in range(15):
            await two[turn % 2].links.change_uses(row.id, {"": change})
            world.check()
        assert read_uses(await two[0].links.find_uses(row.id)) == world.uses
        refused += world.begun > world.uses.taken + len(world.sending)

    for first in range(0, HISTORIES, TOGETHER):
        await asyncio.gather(*[history(first + one) for one in range(TOGETHER)])
    assert refused > HISTORIES // 10


async def test_the_last_use_of_a_link_is_taken_once(two: Two) -> None:
    """Twenty receivers through two gateways at once."""
    row = Link("lk_last", "1", "Key", "photos", "a.bin", int(NOW), limits=Limits(downloads=1))
    await two[0].links.change_link(row.id, lambda _: row)

    def take(text: str) -> str:
        if text:
            raise UsedUp
        return "taken"

    tries = [two[number % 2].links.change_uses(row.id, {"": take}) for number in range(20)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, UsedUp) for outcome in outcomes) == 19


async def test_tries_of_a_password_are_counted_for_all_gateways_together(two: Two) -> None:
    tries = [two[number % 2].tickets.take_try("lk_box", "192.0.2.7", 3, 60, 1000) for number in range(20)]
    assert sum(await asyncio.gather(*tries)) == 3


async def test_an_upload_box_takes_no_more_than_its_rule_through_two_gateways(two: Two) -> None:
    async def bring(number: int) -> bool:
        arrival = replace(ARRIVAL, id=f"{number:032x}", link_id="lk_full")

        def change(_: Arrival | None, taken: Taken) -> tuple[Arrival | None, Taken]:
            if taken.files >= 5:
                raise Gone("full")
            return arrival, taken._replace(files=taken.files + 1)

        try:
            await two[number % 2].arrivals.change_arrival("lk_full", arrival.id, change)
        except Gone:
            return False
        return True

    assert sum(await asyncio.gather(*map(bring, range(20)))) == 5
    assert (await two[0].arrivals.find_taken("lk_full")).files == 5


async def test_a_quota_is_passed_by_what_is_under_way_at_most(two: Two) -> None:
    bucket = await a_new_bucket(two[0])
    await two[0].catalog.set_configuration(bucket.bucket_id, QUOTA, write_quota(Quota(None, 5)))

    async def put(number: int) -> bool:
        try:
            await two[number % 2].catalog.put_object(bucket.bucket_id, an_object(f"{number}"))
        except OverQuota:
            return False
        return True

    stored = sum([sum(await asyncio.gather(put(2 * turn), put(2 * turn + 1))) for turn in range(5)])
    assert stored in (5, 6)
    assert not await put(10)
    assert not await put(11)
    assert (await two[1].catalog.find_usage(bucket.bucket_id)).objects == stored


# --- blobs -----------------------------------------------------------------------------------------------------------


@pytest.mark.soak(OPERATIONS)
async def test_no_blob_is_leaked_or_removed_early(two: Two, prepared: tuple[str, Path]) -> None:
    """Eight clients put, copy, delete and give up on 50 keys; then the sweep has the last word."""
    bucket = await a_new_bucket(two[0])

    async def client(number: int) -> None:
        chance, store = random.Random(number), two[number % 2]
        for _ in range(OPERATIONS // 8):
            key, act = f"k{chance.randrange(50)}", chance.random()
            if act < 0.2:
                await store.catalog.delete_object(bucket.bucket_id, Deletion(key))
            elif act < 0.4:
                found = await store.catalog.find_object(bucket.bucket_id, f"k{chance.randrange(50)}")
                if found is not None:
                    with suppress(Stale, ValueError):  # its blobs were let go of meanwhile
                        await store.catalog.put_object(
                            bucket.bucket_id, dataclasses.replace(found, key=key), shared=True
                        )
            else:
                writer = await store.byte_store.new_blob()
                await writer.write(b"bytes")
                await writer.finish()
                if act < 0.5:
                    await writer.discard()
                else:
                    await store.catalog.put_object(bucket.bucket_id, a_large_object(key, writer.blob_id))
                    await writer.keep()

    await asyncio.gather(*map(client, range(8)))
    await asyncio.gather(*[sweep(Ports(store.catalog, store.byte_store), time.time() + 2 * DAY_S) for store in two])
    page = await two[0].catalog.list_objects(bucket.bucket_id, prefix="", delimiter="", marker="", limit=100)
    named: set[str] = set()
    for item in page.objects:
        record = await two[1].catalog.find_object(bucket.bucket_id, item.key)
        assert record is not None
        for segment in record.segments:
            named.add(segment.blob_id)
            reader = await two[1].byte_store.open([Segment(segment.blob_id, 0, 5)])
            await reader.close()
    files = {path.name for path in (prepared[1] / "bytes").rglob("*") if path.is_file()}
    assert files - {"coatcheck-bytes"} == named
    assert await two[0].reader.ask("SELECT blob_id FROM blob_intent") == []
    assert await two[0].reader.ask("SELECT blob_id FROM garbage") == []
