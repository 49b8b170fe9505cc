"""How often a write waits for an answer of the database: each time is what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from coatcheck.clock import wall_clock
from coatcheck.engines.postgres.connection import Connection
from coatcheck.engines.postgres.store import PostgresPrepared, PostgresStore, open_postgres
from coatcheck.ports.object import ObjectRecord

from ..ports.catalog_contract import a_bucket, an_object
from ..postgres_server import postgres_server


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
    await asyncio.sleep(0)  # for connections that are closed


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What connections that write have sent since."""
    texts: list[str] = []
    ask, run = Connection.ask, Connection.run

    def note_ask(line: Connection, text: str, *arguments: object) -> object:
        texts.append(text)
        return ask(line, text, *arguments)

    def note_run(line: Connection, script: str) -> str:
        texts.append(script)
        return run(line, script)

    monkeypatch.setattr(Connection, "ask", note_ask)
    monkeypatch.setattr(Connection, "run", note_run)
    return texts


async def test_few_round_trips_for_one_write_and_two_for_each_of_many(store: PostgresStore, asked: list[str]) -> None:
    bucket = await store.catalog.create_bucket(a_bucket(), most=1)

    async def put(key: str, body: bytes = b"hello") -> None:
        await store.catalog.put_object(bucket.bucket_id, an_object(key, body=body))

    await put("first")  # numbers of bodies are fetched for 64
    asked.clear()
    await put("alone")
    assert len(asked) == 8
    asked.clear()
    await put("alone", b"other")
    assert len(asked) == 7
    asked.clear()
    await asyncio.gather(*(put(f"{number:03}") for number in range(60)))
    assert len(asked) <= 2 * 60 + 2 * 8  # two transactions, or fewer
    found = await store.catalog.find_object(bucket.bucket_id, "alone")
    assert isinstance(found, ObjectRecord)
    assert found.body == b"other"


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
