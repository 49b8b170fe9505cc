"""How often a write waits for an answer of the database: each time is what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import asyncpg
import pytest

from coatcheck.clock import wall_clock
from coatcheck.engines.postgres.connection import Connection
from coatcheck.engines.postgres.reads import Found
from coatcheck.engines.postgres.store import PostgresPrepared, PostgresStore, open_postgres
from coatcheck.ports.catalog import Away
from coatcheck.ports.object import Deletion, ObjectRecord
from coatcheck.ports.quota import Usage
from coatcheck.ports.snapshot import Lookup

from ..ports.catalog_contract import a_bucket, an_object
from ..postgres_server import empty, postgres_server


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres_server() as server, server.database() as name:
        yield server.url(name)


@pytest.fixture
async def store(url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PostgresStore]:
    data = tmp_path_factory.getbasetemp() / "round-trips"
    PostgresPrepared(url, data, wall_clock).close()
    with open_postgres(url, data) as store:
        yield store
    empty(url)
    await asyncio.sleep(0)  # for connections that are closed


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What connections that write have sent since."""
    texts: list[str] = []
    ask, run = Connection._ask_now, Connection.run

    def note_ask(line: Connection, text: str, arguments: Sequence[object]) -> object:
        texts.append(text)
        return ask(line, text, arguments)

    def note_run(line: Connection, script: str) -> str:
        texts.append(script)
        return run(line, script)

    monkeypatch.setattr(Connection, "_ask_now", note_ask)
    monkeypatch.setattr(Connection, "run", note_run)
    return texts


async def test_few_round_trips_for_one_write_and_as_few_for_many_together(
    store: PostgresStore, asked: list[str]
) -> None:
    bucket = await store.catalog.create_bucket(a_bucket(), most=1)

    async def put(key: str, body: bytes = b"hello") -> None:
        await store.catalog.put_object(bucket.bucket_id, an_object(key, body=body))

    await put("first")  # numbers of bodies are fetched for 256
    asked.clear()
    await put("alone")
    assert len(asked) == 6
    asked.clear()
    await put("alone", b"other")
    assert len(asked) == 6
    asked.clear()
    await asyncio.gather(*(put(f"{number:03}") for number in range(60)))
    assert len(asked) <= 2 * 6  # two transactions, or one
    for key, body in (("alone", b"other"), ("000", b"hello"), ("059", b"hello")):
        found = await store.catalog.find_object(bucket.bucket_id, key)
        assert isinstance(found, ObjectRecord)
        assert found.body == body


async def test_puts_to_many_buckets_are_written_together_too(store: PostgresStore, asked: list[str]) -> None:
    places = [(await store.catalog.create_bucket(a_bucket(f"bucket-{n}"), most=99)).bucket_id for n in range(20)]
    record = an_object("a")
    await asyncio.gather(*(store.catalog.put_object(place, record) for place in places))
    asked.clear()
    await asyncio.gather(*(store.catalog.put_object(place, record) for place in places))
    assert len(asked) <= 2 * 6
    assert [await store.catalog.find_usage(place) for place in places] == [Usage(5, 1)] * 20


async def test_what_is_asked_for_together_takes_one_statement(store: PostgresStore) -> None:
    bucket = await store.catalog.create_bucket(a_bucket(), most=1)
    for key in ("a", "b", "c"):
        await store.catalog.put_object(bucket.bucket_id, an_object(key, body=key.encode()))
    lookups = [Lookup(bucket=bucket.name, key=key) for key in ("a", "b", "c", "gone", "a")]
    await store.reads.read(lookups[0])  # the bucket is remembered from here on
    asked = store.reader.asked
    await store.reads.read(lookups[0])
    assert store.reader.asked == asked + 1
    snapshots = await asyncio.gather(*(store.reads.read(lookup) for lookup in lookups))
    assert store.reader.asked == asked + 3  # the first doesn't wait for others, which are asked for together
    bodies = [found and found.body for found in (snapshot.found() for snapshot in snapshots)]
    assert bodies == [b"a", b"b", b"c", None, b"a"]


async def test_what_was_written_since_is_seen_by_each_that_is_asked_for_together(store: PostgresStore) -> None:
    bucket = await store.catalog.create_bucket(a_bucket(), most=1)

    async def read(key: str) -> bytes | None:
        found = (await store.reads.read(Lookup(bucket=bucket.name, key=key))).found()
        return None if found is None else found.body

    for turn in range(20):
        for key in ("a", "b", "c"):
            await store.catalog.put_object(bucket.bucket_id, an_object(key, body=b"%d" % turn))
            assert [*await asyncio.gather(read(key), read(key), read("d"))] == [b"%d" % turn, b"%d" % turn, None]


async def test_a_reader_that_is_cancelled_leaves_the_others_their_answers(store: PostgresStore) -> None:
    bucket = await store.catalog.create_bucket(a_bucket(), most=1)
    await store.catalog.put_object(bucket.bucket_id, an_object("a"))
    lookup = Lookup(bucket=bucket.name, key="a")
    for _ in range(3):
        readers = [asyncio.create_task(store.reads.read(lookup)) for _ in range(4)]
        await asyncio.sleep(0)
        for reader in readers[:2]:
            reader.cancel()
        ends = await asyncio.gather(*readers, return_exceptions=True)
        assert [type(end) for end in ends[:2]] == [asyncio.CancelledError, asyncio.CancelledError]
        assert all(isinstance(end, Found) and end.found() is not None for end in ends[2:])


async def test_what_cannot_be_asked_for_fails_nobody_else(store: PostgresStore) -> None:
    bucket = await store.catalog.create_bucket(a_bucket(), most=1)
    await store.catalog.put_object(bucket.bucket_id, an_object("a"))
    keys = ("a", "a", "\ud800", "b")  # the first is asked for alone; the database takes no half of a pair
    lookups = [Lookup(bucket=bucket.name, key=key) for key in keys]
    await store.reads.read(lookups[0])
    ends = await asyncio.gather(*(store.reads.read(lookup) for lookup in lookups), return_exceptions=True)
    assert isinstance(ends[2], asyncpg.DataError)
    assert [isinstance(end, Found) and end.found() is not None for end in ends] == [True, True, False, False]
    assert isinstance(ends[3], Found)


async def test_a_database_that_is_away_is_told_to_each_that_is_asked_for_together(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = await store.catalog.create_bucket(a_bucket(), most=1)
    lookup = Lookup(bucket=bucket.name, key="a")
    await store.reads.read(lookup)

    async def is_away(text: str, *arguments: object) -> list[object]:
        await asyncio.sleep(0)
        raise Away("The database cannot be reached.")

    with monkeypatch.context() as away:
        away.setattr(store.reader, "ask", is_away)
        ends = await asyncio.gather(*(store.reads.read(lookup) for _ in range(4)), return_exceptions=True)
    assert [type(end) for end in ends] == [Away] * 4
    assert (await store.reads.read(lookup)).bucket() == bucket


async def test_puts_to_one_key_in_one_transaction_follow_each_other(store: PostgresStore) -> None:
    """And what comes between them is seen: a delete, a put that may not overwrite, other versions."""
    bucket = await store.catalog.create_bucket(a_bucket(), most=1)
    place = bucket.bucket_id

    async def put(body: bytes, *, forbid_overwrite: bool = False) -> object:
        record = an_object("a", body=body)
        return await store.catalog.put_object(place, record, forbid_overwrite=forbid_overwrite)

    async def delete() -> object:
        return await store.catalog.delete_objects(place, [Deletion("a")])

    ends = await asyncio.gather(
        *(put(b"1"), put(b"22"), delete(), put(b"333", forbid_overwrite=True), put(b"4", forbid_overwrite=True)),
        return_exceptions=True,
    )
    assert [type(end).__name__ for end in ends] == ["Written", "Written", "list", "Written", "AlreadyThere"]
    found = await store.catalog.find_object(place, "a")
    assert found is not None
    assert found.body == b"333"
    assert await store.catalog.find_usage(place) == Usage(3, 1)
    rows = await store.reader.ask("SELECT count(*) FROM body")
    assert rows[0][0] == len(await store.reader.ask("SELECT 1 FROM object WHERE body_id IS NOT NULL"))


async def test_a_body_is_there_though_what_follows_it_is_not_its_object(store: PostgresStore) -> None:
    def change(line: Connection) -> tuple[int, object]:
        body = line.execute(
            "INSERT INTO body (content, segments, parts) VALUES (?, ?, ?)", (b"hello", None, None)
        ).lastrowid
        assert body is not None
        return body, line.execute("SELECT content FROM body WHERE id = ?", (body,)).fetchone()[0]

    number, content = await store._writer.run(change)
    assert content == b"hello"
    rows = await store.reader.ask("SELECT content FROM body WHERE id = $1", number)
    assert rows[0][0] == b"hello"
