"""Several gateways on one database, lines that break, and a database that goes away."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from coatcheck.clock import wall_clock
from coatcheck.core.errors import OUTCOME_UNKNOWN
from coatcheck.engines.directory_faults import BadDatabase, BadDirectory
from coatcheck.engines.postgres.store import PostgresPrepared, PostgresStore, open_postgres
from coatcheck.exchange import read_unwritten
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import NotWritten, Stale, Unknown
from coatcheck.ports.domains import CertificateChange
from coatcheck.ports.links import Rule, Scope
from coatcheck.ports.object import Deletion, Segment
from coatcheck.ports.snapshot import Lookup
from coatcheck.ports.upload import Part, Upload
from coatcheck.wire.hand_driven import go_on_with

from ..cutting_relay import CuttingRelay, cutting_relay
from ..patience import HANG_S, until
from ..ports.catalog_contract import a_bucket, a_large_object, an_object
from ..ports.domains_contract import CERTIFICATE, NAME
from ..ports.keyring_contract import KEY
from ..postgres_server import PostgresServer, empty, postgres_server


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def prepared(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    data = tmp_path_factory.mktemp("postgres") / "data"
    with server.database() as name:
        PostgresPrepared(server.url(name), data, wall_clock).close()
        yield name, data


@pytest.fixture
def place(server: PostgresServer, prepared: tuple[str, Path], tmp_path: Path) -> tuple[str, Path]:
    """A database's name, and the directory beside it."""
    name, data = prepared
    empty(server.url(name))
    return name, shutil.copytree(data, tmp_path / "data")


@asynccontextmanager
async def gateway(url: str, data: Path) -> AsyncIterator[PostgresStore]:
    with open_postgres(url, data) as store:
        yield store
    await asyncio.sleep(0)


@pytest.fixture
async def two(server: PostgresServer, place: tuple[str, Path]) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    url, data = server.url(place[0]), place[1]
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(gateway(url, data)), await stack.enter_async_context(gateway(url, data))


async def test_what_one_gateway_changes_the_other_sees_with_its_next_question(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    here, there = two
    lookup = Lookup(access_key_id=KEY.access_key_id, bucket="photos", key="a")
    assert (await there.reads.read(lookup)).bucket() is None
    bucket = await here.catalog.create_bucket(a_bucket(), most=9)
    await here.keyring.add_key(KEY)
    await here.catalog.put_object(bucket.bucket_id, an_object("a"))
    found = await there.reads.read(lookup)
    assert (found.bucket(), found.access_key(), found.found()) == (bucket, KEY, an_object("a"))
    await here.catalog.set_configuration(bucket.bucket_id, "policy", "{}")
    await here.keyring.remove_key(KEY.access_key_id)
    await here.catalog.delete_object(bucket.bucket_id, Deletion("a"))
    found = await there.reads.read(lookup)
    assert found.bucket() == replace(bucket, configurations=(("policy", "{}"),))
    assert (found.access_key(), found.found()) == (None, None)


async def test_the_question_of_a_request_is_one_statement(two: tuple[PostgresStore, PostgresStore]) -> None:
    here, _ = two
    bucket = await here.catalog.create_bucket(a_bucket(), most=9)
    await here.keyring.add_key(KEY)
    await here.catalog.put_object(bucket.bucket_id, an_object("a"))
    lookup = Lookup(access_key_id=KEY.access_key_id, bucket="photos", key="a")
    await here.reads.read(lookup)
    asked = here.reader.asked
    assert (await here.reads.read(lookup)).found() == an_object("a")
    assert here.reader.asked == asked + 1


async def test_a_question_that_is_begun_by_hand_makes_its_connection(two: tuple[PostgresStore, PostgresStore]) -> None:
    """As the first step of a request is, outside any task, where a time-out of asyncio refuses to be."""
    answers: list[Any] = []
    begun: asyncio.Future[tuple[Any, Any]] = asyncio.get_running_loop().create_future()

    async def ask() -> None:
        answers.extend(await two[0].reader.ask("SELECT 7"))

    def begin() -> None:
        run = ask()
        begun.set_result((run, next(run.__await__())))

    asyncio.get_running_loop().call_soon(begin)
    async with asyncio.timeout(HANG_S):
        await go_on_with(*await begun)
    assert [row[0] for row in answers] == [7]


async def test_a_gateway_that_nobody_asks_sees_changes_of_links_and_certificates(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    here, there = two
    bucket = await here.catalog.create_bucket(a_bucket(), most=9)
    await there.reads.read(Lookup())  # its first request
    before = there.links.number()
    await here.links.put_rule(Rule(Scope("", "photos"), "1", 1))
    change = CertificateChange(CERTIFICATE)
    await here.domains.bind_domain(NAME, bucket.bucket_id, now=1, most=9, change=change)
    await until(lambda: there.links.number() > before)
    await until(lambda: there.domains.look_for_certificate(NAME) == CERTIFICATE)


async def test_a_nonce_is_used_once_by_all_gateways_together(two: tuple[PostgresStore, PostgresStore]) -> None:
    used = await asyncio.gather(*[store.keyring.use_nonce("coat", "n", 2000, 1000) for store in two * 5])
    assert sorted(used) == [False] * 9 + [True]


async def test_no_blob_is_lost_or_leaked_when_many_write_the_same_keys(
    server: PostgresServer, place: tuple[str, Path], two: tuple[PostgresStore, PostgresStore]
) -> None:
    """Eight writers on two gateways put, copy and delete; in the end every blob that a row names is counted right, and
    every other one is garbage."""
    bucket = await two[0].catalog.create_bucket(a_bucket(), most=9)
    made: list[str] = []

    async def write(number: int) -> None:
        chance, catalog = Random(number), two[number % 2].catalog
        for turn in range(40):
            key = f"k{chance.randrange(5)}"
            if chance.random() < 0.2:
                await catalog.delete_object(bucket.bucket_id, Deletion(key))
            elif chance.random() < 0.3:
                found = await catalog.find_object(bucket.bucket_id, f"k{chance.randrange(5)}")
                if found is not None:
                    with_its_blobs = replace(found, key=key)
                    with suppress(Stale, ValueError):  # its blobs were let go of meanwhile
                        await catalog.put_object(bucket.bucket_id, with_its_blobs, shared=True)
            else:
                made.append(f"{number:04x}{turn:04x}" * 4)
                await catalog.put_object(bucket.bucket_id, a_large_object(key, made[-1]))

    await asyncio.gather(*map(write, range(8)))
    page = await two[0].catalog.list_objects(bucket.bucket_id, prefix="", delimiter="", marker="", limit=100)
    named: dict[str, int] = {}
    for item in page.objects:
        record = await two[1].catalog.find_object(bucket.bucket_id, item.key)
        assert record is not None
        for segment in record.segments:
            named[segment.blob_id] = named.get(segment.blob_id, 0) + 1
    rows = await two[0].reader.ask("SELECT id, object_count FROM blob")
    assert {row[0].hex(): row[1] for row in rows} == named
    garbage = await two[0].reader.ask("SELECT blob_id FROM garbage")
    assert {row[0].hex() for row in garbage} == set(made) - set(named)
    usage = await two[1].catalog.find_usage(bucket.bucket_id)
    assert usage.objects == len(page.objects)


# --- answers that are lost -------------------------------------------------------------------------------------------

Act = Callable[[PostgresStore, Bucket, str], Awaitable[Any]]

BLOB = "0e" * 16


def an_upload(key: str) -> Upload:
    return Upload(key, "A" * 32, 0, "Standard", (), (), "")


async def nothing(store: PostgresStore, bucket: Bucket, key: str) -> None:
    pass


async def put(store: PostgresStore, bucket: Bucket, key: str) -> None:
    await store.catalog.put_object(bucket.bucket_id, an_object(key))


async def begin(store: PostgresStore, bucket: Bucket, key: str) -> None:
    await store.catalog.create_upload(bucket.bucket_id, an_upload(key))


async def begin_with_a_part(store: PostgresStore, bucket: Bucket, key: str) -> None:
    await begin(store, bucket, key)
    await put_part(store, bucket, key)


async def put_part(store: PostgresStore, bucket: Bucket, key: str) -> None:
    part = Part(1, 5, "E", 1, 2, (Segment(key.encode().hex().rjust(32, "0"), 0, 5),))
    await store.catalog.put_part(bucket.bucket_id, key, "A" * 32, part)


async def complete(store: PostgresStore, bucket: Bucket, key: str) -> None:
    upload = await store.catalog.find_upload(bucket.bucket_id, key, "A" * 32)
    assert upload is not None
    record = a_large_object(key, key.encode().hex().rjust(32, "0"))
    await store.catalog.complete_upload(bucket.bucket_id, upload, record)


async def is_there(store: PostgresStore, bucket: Bucket, key: str) -> bool:
    return await store.catalog.find_object(bucket.bucket_id, key) is not None


async def is_begun(store: PostgresStore, bucket: Bucket, key: str) -> bool:
    return await store.catalog.find_upload(bucket.bucket_id, key, "A" * 32) is not None


def _says(record: Any, acl: str) -> bool:
    return record is not None and record.acl == acl


MUTATIONS: dict[str, tuple[Act, Act, Act]] = {
    "put": (nothing, put, is_there),
    "put a blob": (
        nothing,
        lambda store, bucket, key: store.catalog.put_object(
            bucket.bucket_id, a_large_object(key, key.encode().hex().rjust(32, "0"))
        ),
        is_there,
    ),
    "overwrite": (
        put,
        lambda store, bucket, key: store.catalog.put_object(bucket.bucket_id, an_object(key, acl="public-read")),
        lambda store, bucket, key: _acl_is(store, bucket, key, "public-read"),
    ),
    "change": (
        put,
        lambda store, bucket, key: store.catalog.change_object(
            bucket.bucket_id, key, None, lambda record: replace(record, acl="public-read")
        ),
        lambda store, bucket, key: _acl_is(store, bucket, key, "public-read"),
    ),
    "delete": (
        put,
        lambda store, bucket, key: store.catalog.delete_object(bucket.bucket_id, Deletion(key)),
        lambda store, bucket, key: _not(is_there(store, bucket, key)),
    ),
    "begin an upload": (nothing, begin, is_begun),
    "put a part": (
        begin,
        put_part,
        lambda store, bucket, key: _has_parts(store, bucket, key),
    ),
    "complete": (begin_with_a_part, complete, is_there),
    "abort": (
        begin_with_a_part,
        lambda store, bucket, key: store.catalog.abort_upload(bucket.bucket_id, key, "A" * 32),
        lambda store, bucket, key: _not(is_begun(store, bucket, key)),
    ),
    "make a bucket": (
        nothing,
        lambda store, bucket, key: store.catalog.create_bucket(a_bucket(f"bucket-{key}"), most=1000),
        lambda store, bucket, key: _is_bucket(store, f"bucket-{key}"),
    ),
    "configure": (
        nothing,
        lambda store, bucket, key: store.catalog.set_configuration(bucket.bucket_id, key, "{}"),
        lambda store, bucket, key: _is_configured(store, bucket, key),
    ),
    "put an entry": (
        nothing,
        lambda store, bucket, key: store.catalog.put_entries(bucket.bucket_id, "inventory", [(key, "{}")]),
        lambda store, bucket, key: _has_entry(store, bucket, key),
    ),
}


async def _acl_is(store: PostgresStore, bucket: Bucket, key: str, acl: str) -> bool:
    return _says(await store.catalog.find_object(bucket.bucket_id, key), acl)


async def _not(truth: Awaitable[bool]) -> bool:
    return not await truth


async def _has_parts(store: PostgresStore, bucket: Bucket, key: str) -> bool:
    parts, _ = await store.catalog.list_parts(bucket.bucket_id, key, "A" * 32, marker=0, limit=9)
    return bool(parts)


async def _is_bucket(store: PostgresStore, name: str) -> bool:
    return await store.catalog.find_bucket(name) is not None


async def _is_configured(store: PostgresStore, bucket: Bucket, name: str) -> bool:
    found = await store.catalog.find_bucket(bucket.name)
    return found is not None and name in dict(found.configurations)


async def _has_entry(store: PostgresStore, bucket: Bucket, name: str) -> bool:
    return await store.catalog.find_entry(bucket.bucket_id, "inventory", name) is not None


@pytest.mark.parametrize("delivers", [False, True], ids=["unsent", "unanswered"])
async def test_a_line_cut_at_any_message_makes_no_lie(
    server: PostgresServer, place: tuple[str, Path], delivers: bool
) -> None:
    """What was said to be done is there, what was said not to be isn't; and mostly it is done all the same."""
    name, data = place
    outcomes: dict[str, list[str]] = {mutation: [] for mutation in MUTATIONS}
    with cutting_relay(server.port) as relay:
        async with (
            gateway(server.url(name, relay.port), data) as behind,
            gateway(server.url(name), data) as beside,
        ):
            bucket = await behind.catalog.create_bucket(a_bucket(), most=9)
            for mutation, (before, act, seen) in MUTATIONS.items():
                for message in range(1, 100):
                    key = f"{mutation.replace(' ', '')[:8].lower()}{message}"
                    await before(behind, bucket, key)
                    outcome = await _cut(relay, message, delivers, act(behind, bucket, key))
                    outcomes[mutation].append(outcome)
                    if outcome != "unknown":
                        assert await seen(beside, bucket, key) is (outcome == "done"), (mutation, message, outcome)
                    if not relay.has_cut:
                        break
    assert min(len(all_of) for all_of in outcomes.values()) > 4  # begin, hold, look, write, commit
    flat = [outcome for all_of in outcomes.values() for outcome in all_of]
    assert flat.count("done") == len(flat)


async def _cut(relay: CuttingRelay, message: int, delivers: bool, act: Awaitable[Any]) -> str:
    relay.arm(message, delivers=delivers)
    try:
        await act
    except Unknown:
        return "unknown"
    except NotWritten:
        return "not"
    else:
        return "done"
    finally:
        relay.disarm()


async def test_when_nobody_can_say_how_a_commit_ended_the_outcome_is_unknown(
    server: PostgresServer, place: tuple[str, Path]
) -> None:
    """The client hears 503, and what was committed stays."""
    name, data = place
    with cutting_relay(server.port) as relay:
        async with (
            gateway(server.url(name, relay.port), data) as behind,
            gateway(server.url(name), data) as beside,
        ):
            bucket = await behind.catalog.create_bucket(a_bucket(), most=9)
            await put(behind, bucket, "first")
            relay.arm(10**6, delivers=True)
            await put(behind, bucket, "second")
            relay.arm(relay.messages, delivers=True, is_last=True)  # the last one is the commit
            with pytest.raises(Unknown) as told:
                await put(behind, bucket, "third")
            assert read_unwritten(told.value).fault is OUTCOME_UNKNOWN
            assert await beside.catalog.find_object(bucket.bucket_id, "third") == an_object("third")


# --- a database that goes away ---------------------------------------------------------------------------------------


async def test_a_database_that_was_away_is_used_again_when_it_is_back(
    server: PostgresServer, place: tuple[str, Path]
) -> None:
    async with gateway(server.url(place[0]), place[1]) as store:
        bucket = await store.catalog.create_bucket(a_bucket(), most=9)
        await store.catalog.put_object(bucket.bucket_id, an_object("before"))
        await asyncio.to_thread(server.kill)
        begun = time.monotonic()
        asked = await asyncio.gather(
            store.reads.read(Lookup(bucket="photos", key="before")),
            store.catalog.put_object(bucket.bucket_id, an_object("away")),
            return_exceptions=True,
        )
        assert [isinstance(outcome, NotWritten) for outcome in asked] == [True, True]
        assert time.monotonic() - begun < HANG_S
        waiting = asyncio.create_task(store.catalog.put_object(bucket.bucket_id, an_object("waiting")))
        await asyncio.to_thread(server.start)
        await waiting
        assert await store.catalog.find_object(bucket.bucket_id, "before") == an_object("before")
        assert await store.catalog.find_object(bucket.bucket_id, "away") is None


# --- what can't be opened --------------------------------------------------------------------------------------------


def test_the_bytes_of_another_database_are_not_taken_for_its_own(
    server: PostgresServer, place: tuple[str, Path], tmp_path: Path
) -> None:
    (place[1] / "bytes.id").write_text("0" * 32)
    with pytest.raises(BadDirectory, match="are not in"):
        open_postgres(server.url(place[0]), place[1])
    with pytest.raises(BadDirectory, match="are not in"):
        PostgresPrepared(server.url(place[0]), tmp_path / "other", wall_clock)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://coat@127.0.0.1:1/a?sslmode=disable", "cannot be reached"),
        ("postgresql://coat@127.0.0.1:{port}/nowhere?sslmode=disable", "Make it"),
    ],
)
def test_a_database_that_is_not_there_is_told_in_a_sentence(
    server: PostgresServer, tmp_path: Path, url: str, says: str
) -> None:
    with pytest.raises(BadDatabase, match=says):
        PostgresPrepared(url.format(port=server.port), tmp_path / "data", wall_clock)
