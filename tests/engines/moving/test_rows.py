"""Every table of a catalog goes to a database and comes back as it was, whatever breaks off on the way."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from coatcheck.clock import wall_clock
from coatcheck.engines.directory_faults import BadDatabase, BadDirectory
from coatcheck.engines.local import open_local, prepare_local
from coatcheck.engines.moving.move import FILES, Move, Wanted, cancel, open_catalog
from coatcheck.engines.moving.sqlite_end import SqliteEnd
from coatcheck.engines.moving.tables import OF_ENGINES
from coatcheck.engines.postgres.store import PostgresPrepared, open_postgres
from coatcheck.ports.catalog import Moving

from ...ports.catalog_contract import a_bucket
from ...postgres_server import PostgresServer, postgres_server
from .full_catalog import all_rows, fill

ROWS = 70


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    with server.database() as name:
        yield server.url(name)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("filled") / "data"
    prepare_local(data).close()
    fill(data, ROWS)
    return data


@pytest.fixture
def full(filled: Path, tmp_path: Path) -> Path:
    return shutil.copytree(filled, tmp_path / "data")


class Killed(Exception):
    """The process is gone."""


class Notes:
    """What a move is told to note; it dies at the given one."""

    def __init__(self, dies_at: int = -1) -> None:
        self.count = 0
        self._dies_at = dies_at

    def __call__(self, what: str, done: int, total: int) -> None:
        self.count += 1
        if self.count == self._dies_at:
            raise Killed


def move(data: Path, source: str, store: str, notes: Notes) -> None:
    wanted = Wanted(data, source, store, None, verify=True)
    with closing(Move(wanted, wall_clock, notes, lambda line: None)) as each:
        each.run()


def move_through(data: Path, source: str, store: str) -> int:
    """By a process that dies early, then by one that dies later, until one goes through; how many that took."""
    tries = 0
    while True:
        tries += 1
        try:
            move(data, source, store, Notes(dies_at=tries * 4))
        except Killed:
            continue
        return tries


def test_all_rows_go_there_and_come_back(full: Path, url: str) -> None:
    before = dict(all_rows(full))
    assert all(len(rows) >= ROWS for table, rows in before.items() if table in ("object", "link", "ticket", "policy"))
    assert move_through(full, FILES, url) > 8
    with pytest.raises(BadDirectory, match="was moved to postgresql://"):
        prepare_local(full)
    shutil.copytree(full, other := full.with_name("other"))
    with pytest.raises(BadDatabase, match="has a store already"):
        move_anew(other, url)
    assert move_through(full, url, FILES) > 8
    with pytest.raises(BadDirectory, match="was moved to file:"):
        PostgresPrepared(url, full.with_name("third"), wall_clock)
    after = dict(all_rows(full))
    after["key_fingerprint"] = {row for row in after["key_fingerprint"] if row[0] != "bytes"}  # the database's own
    assert after == before
    prepare_local(full).close()


def move_anew(data: Path, url: str) -> None:
    with closing(SqliteEnd(data)) as end:
        cancel(end)
    move(data, FILES, url, Notes())


async def test_who_has_a_store_open_may_not_write_while_it_is_left(full: Path, url: str) -> None:
    with open_local(full) as engines:
        with pytest.raises(Killed):
            await asyncio.to_thread(move, full, FILES, url, Notes(dies_at=3))
        assert await engines.catalog.find_bucket("name é\U0001f600 0001") is not None
        with pytest.raises(Moving):
            await engines.catalog.create_bucket(a_bucket(), most=100)
        with closing(SqliteEnd(full)) as end:
            assert cancel(end) == "leaving"
        await engines.catalog.create_bucket(a_bucket(), most=100)
    with pytest.raises(BadDirectory, match="was not finished"):
        PostgresPrepared(url, full.with_name("new"), wall_clock)


async def test_a_gateway_may_not_write_to_a_database_that_is_left(url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    PostgresPrepared(url, data, wall_clock).close()
    with open_postgres(url, data) as store:
        await store.catalog.create_bucket(a_bucket(), most=100)
        await asyncio.to_thread(move, data, url, FILES, Notes())
        assert await store.catalog.find_bucket("photos") is not None
        with pytest.raises(Moving):
            await store.catalog.delete_bucket(1)
    prepare_local(data).close()
    with open_local(data) as engines:
        assert await engines.catalog.find_bucket("photos") is not None
        await engines.catalog.delete_bucket(1)


def test_a_table_of_one_engine_alone_is_named_as_its_own(url: str, tmp_path: Path) -> None:
    prepare_local(tmp_path / "data").close()
    PostgresPrepared(url, tmp_path / "beside", wall_clock).close()
    with (
        closing(open_catalog(FILES, tmp_path / "data", wall_clock)) as one,
        closing(open_catalog(url, tmp_path / "beside", wall_clock)) as other,
    ):
        ours, theirs = dict(one.columns()), dict(other.columns())
    ours = {name: columns for name, columns in ours.items() if not name.startswith("sqlite_")}
    assert ours.keys() ^ theirs.keys() <= OF_ENGINES
    for name in ours.keys() & theirs.keys() - OF_ENGINES:
        assert set(ours[name]) ^ set(theirs[name]) <= {"row_crc32"}
