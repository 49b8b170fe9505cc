"""A commit whose answer is lost: the disk fails when the transaction may be durable already."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from coatcheck.core.errors import OUTCOME_UNKNOWN
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.engines.upkeep.check import check
from coatcheck.exchange import read_unwritten
from coatcheck.operations.commit import commit
from coatcheck.operations.context import Ports
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.byte_store import BlobWriter
from coatcheck.ports.catalog import AlreadyThere, Catalog, NoSpace, NotWritten, Unknown

from ..audit import audit
from ..ports.catalog_contract import a_bucket, a_large_object, an_object


class FailingConnection:
    """SQLite's connection, whose COMMITs fail: after they were made, or instead."""

    def __init__(self, connection: sqlite3.Connection, code: int, *, committed: bool) -> None:
        self._connection = connection
        self._code = code
        self._committed = committed
        self.commits = 0

    def execute(self, sql: str, *arguments: Any) -> Any:
        if sql != "COMMIT":
            return self._connection.execute(sql, *arguments)
        self.commits += 1
        self._connection.execute("COMMIT" if self._committed else "ROLLBACK")
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = self._code
        raise error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@contextmanager
def failing(
    engines: LocalEngines, code: int = sqlite3.SQLITE_IOERR_FSYNC, *, committed: bool
) -> Iterator[FailingConnection]:
    writer: Any = engines._writer
    real = writer._connection
    writer._connection = FailingConnection(real, code, committed=committed)
    try:
        yield writer._connection
    finally:
        writer._connection = real


@pytest.fixture
def opened(data: Path) -> Iterator[LocalEngines]:
    with open_local(data) as engines:
        yield engines


async def a_bucket_of(engines: LocalEngines) -> Bucket:
    return await engines.catalog.create_bucket(a_bucket(), most=100)


async def a_finished_blob(engines: LocalEngines) -> BlobWriter:
    blob = await engines.byte_store.new_blob()
    await blob.write(bytes(100_000))
    await blob.finish()
    return blob


async def put_without_an_answer(engines: LocalEngines, bucket: Bucket, *, committed: bool) -> str:
    """The id of the blob of `a`, whose commit gave no answer."""
    blob = await a_finished_blob(engines)
    put = engines.catalog.put_object(bucket.bucket_id, a_large_object("a", blob.blob_id))
    with failing(engines, committed=committed), pytest.raises(Unknown):
        await commit(Ports(engines.catalog, engines.byte_store), put, blob)
    return blob.blob_id


async def test_what_was_committed_without_an_answer_is_there_after_recovery(opened: LocalEngines, data: Path) -> None:
    bucket = await a_bucket_of(opened)
    blob_id = await put_without_an_answer(opened, bucket, committed=True)
    assert await opened.byte_store.size(blob_id) == 100_000
    assert audit(data).in_flight == (blob_id,)
    found = await opened.catalog.find_object(bucket.bucket_id, "a")
    assert found is not None
    opened.close()
    prepare_local(data).close()
    assert audit(data).clean
    assert list(check(data)) == []
    with open_local(data) as later:
        assert await later.byte_store.size(blob_id) == 100_000


async def test_what_was_not_committed_leaves_nothing_after_recovery(opened: LocalEngines, data: Path) -> None:
    bucket = await a_bucket_of(opened)
    blob_id = await put_without_an_answer(opened, bucket, committed=False)
    assert audit(data).in_flight == (blob_id,)
    assert await opened.catalog.find_object(bucket.bucket_id, "a") is None
    opened.close()
    prepare_local(data).close()
    assert audit(data).clean
    assert list(check(data)) == []


async def test_nothing_is_removed_that_a_lost_commit_let_go_of(opened: LocalEngines, data: Path) -> None:
    bucket = await a_bucket_of(opened)
    blob = await a_finished_blob(opened)
    ports = Ports(opened.catalog, opened.byte_store)
    await commit(ports, opened.catalog.put_object(bucket.bucket_id, a_large_object("a", blob.blob_id)), blob)
    with failing(opened, committed=False), pytest.raises(Unknown):
        await commit(ports, opened.catalog.put_object(bucket.bucket_id, an_object("a")))
    assert await opened.byte_store.size(blob.blob_id) == 100_000
    assert await opened.catalog.find_object(bucket.bucket_id, "a") == a_large_object("a", blob.blob_id)


async def test_a_lost_transaction_is_not_run_again(opened: LocalEngines) -> None:
    bucket = await a_bucket_of(opened)
    await opened.catalog.put_object(bucket.bucket_id, an_object("there"))
    catalog: Catalog = opened.catalog
    with failing(opened, committed=True) as connection:
        outcomes = await asyncio.gather(
            *(catalog.put_object(bucket.bucket_id, an_object(key)) for key in "abc"),
            catalog.put_object(bucket.bucket_id, an_object("there"), forbid_overwrite=True),
            return_exceptions=True,
        )
        made = connection.commits
    assert [type(outcome) for outcome in outcomes] == [Unknown, Unknown, Unknown, AlreadyThere]
    assert made <= 4  # one for each that had to be begun alone
    assert [await catalog.find_object(bucket.bucket_id, key) for key in "abc"] == [an_object(key) for key in "abc"]
    await catalog.put_object(bucket.bucket_id, an_object("d"))


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE])
async def test_a_commit_that_surely_failed_is_told_so(opened: LocalEngines, code: int) -> None:
    bucket = await a_bucket_of(opened)
    with failing(opened, code, committed=False), pytest.raises(NoSpace):
        await opened.catalog.put_object(bucket.bucket_id, an_object("a"))


def test_a_client_hears_that_nobody_knows() -> None:
    error = read_unwritten(Unknown("disk I/O error"))
    assert error.fault is OUTCOME_UNKNOWN
    assert (error.status, error.code, error.headers) == (503, "ServiceUnavailable", ((b"Retry-After", b"5"),))
    assert not issubclass(Unknown, NotWritten)


async def test_the_catalog_is_whole(opened: LocalEngines, data: Path) -> None:
    bucket = await a_bucket_of(opened)
    await put_without_an_answer(opened, bucket, committed=True)
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
