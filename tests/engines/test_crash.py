"""Processes that die, and processes that write side by side."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import coatcheck
from coatcheck.engines.directory_faults import InUse
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import Deletion

from ..audit import audit
from ..patience import HANG_S, wait_until
from ..ports.byte_store_contract import a_blob, content_of
from ..ports.catalog_contract import a_bucket, a_large_object, an_object, keys_of, listed
from ..soak import count
from .writing_process import content_for

KILLS = count(60)


class WritingProcess:
    """`writing_process.py`, running once this is made; what it says goes to a file, so that it never waits for us."""

    def __init__(self, data: Path, bucket: Bucket, name: str, seed: int, how_many: int) -> None:
        self._said = data.parent / f"{name}.said"
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    Path(__file__).with_name("writing_process.py"),
                    *(data, str(bucket.bucket_id), name, str(seed), str(how_many)),
                ],
                stdout=said,
                env={**os.environ, "PYTHONPATH": str(Path(coatcheck.__file__).parents[1])},
            )
        self.let_it_say(1)

    def let_it_say(self, size: int) -> None:
        """Wait until it has said that many bytes, or has ended."""
        wait_until(lambda: self._said.stat().st_size >= size or self._process.poll() is not None)

    def kill(self) -> list[str]:
        """What it said before; a line that was cut short is left out."""
        self._process.kill()
        self._process.wait()
        return self._said.read_text().rpartition("\n")[0].splitlines()

    def wait(self) -> list[str]:
        assert self._process.wait(HANG_S) == 0
        return self._said.read_text().splitlines()


async def all_keys(engines: LocalEngines, bucket: Bucket) -> list[str]:
    keys: list[str] = []
    marker: str | None = ""
    while marker is not None:
        page = await listed(engines.catalog, bucket, marker=marker)
        keys += keys_of(page)
        marker = page.next_marker
    return keys


async def bytes_of(engines: LocalEngines, bucket: Bucket, key: str) -> bytes:
    record = await engines.catalog.find_object(bucket.bucket_id, key)
    assert record is not None
    return record.body if record.body is not None else await content_of(engines.byte_store, *record.segments)


def make_bucket(data: Path) -> Bucket:
    async def make() -> Bucket:
        with open_local(data) as engines:
            return await engines.catalog.create_bucket(a_bucket(), most=1)

    return asyncio.run(make())


@pytest.mark.live
@pytest.mark.soak(KILLS)
@pytest.mark.parametrize("seed", range(KILLS))
def test_what_was_acknowledged_survives_kill_9(data: Path, seed: int) -> None:
    bucket = make_bucket(data)
    process = WritingProcess(data, bucket, "w", seed, 0)
    process.let_it_say(random.Random(seed).randint(100, 10_000))
    # A key's last word: "=" it must be there, "!" it must not; after "+" or "-" either is right.
    last_words = {line[2:]: line[0] for line in process.kill() if line[0] != "#"}
    assert last_words

    prepare_local(data).close()
    assert audit(data).clean

    async def check() -> None:
        with open_local(data) as engines:
            there = set(await all_keys(engines, bucket))
            assert {key for key, word in last_words.items() if word == "="} <= there
            assert not {key for key, word in last_words.items() if word == "!"} & there
            assert there <= last_words.keys()
            for key in there:
                assert await bytes_of(engines, bucket, key) == content_for(key)

    asyncio.run(check())


def test_two_processes_write_side_by_side_and_neither_starves(data: Path) -> None:
    bucket = make_bucket(data)
    one = WritingProcess(data, bucket, "a", 1, 300)
    two = WritingProcess(data, bucket, "b", 2, 300)
    said = [*one.wait(), *two.wait()]
    puts = {line[2:] for line in said if line[0] == "="}
    deletes = {line[2:] for line in said if line[0] == "!"}
    assert len(puts) == 600

    async def check() -> None:
        with open_local(data) as engines:
            assert await all_keys(engines, bucket) == sorted(puts - deletes)

    asyncio.run(check())
    assert audit(data).clean


async def test_recovery_keeps_what_a_row_names_and_removes_the_rest(data: Path) -> None:
    with open_local(data) as engines:
        store, catalog = engines.byte_store, engines.catalog
        bucket = await catalog.create_bucket(a_bucket(), most=1)
        begun, finished, named = [await store.new_blob() for _ in range(3)]
        for blob in (begun, finished, named):
            await blob.write(bytes(100_000))
        await finished.finish()
        await named.finish()
        await catalog.put_object(bucket.bucket_id, a_large_object("named", named.blob_id))
        released = await a_blob(store, bytes(100_000))
        await catalog.put_object(bucket.bucket_id, a_large_object("released", released))
        await catalog.delete_object(bucket.bucket_id, Deletion("released"))
    assert audit(data).in_flight == tuple(sorted((begun.blob_id, finished.blob_id, named.blob_id)))
    prepare_local(data).close()
    assert audit(data).clean
    assert [path.name for path in (data / "blobs").rglob("?" * 32)] == [named.blob_id]


async def test_what_else_lies_in_incoming_is_removed(data: Path) -> None:
    (data / "incoming" / "stray").write_bytes(b"x")
    prepare_local(data).close()
    assert os.listdir(data / "incoming") == []


def test_two_servers_cannot_run_on_one_directory(data: Path) -> None:
    server = prepare_local(data)
    with pytest.raises(InUse):
        prepare_local(data)
    server.close()
    prepare_local(data).close()


def test_a_server_does_not_recover_under_a_living_worker(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coatcheck.engines.local.OPEN_WAIT_S", 0.05)
    with open_local(data), pytest.raises(InUse):
        prepare_local(data)
    prepare_local(data).close()


async def test_workers_come_and_go_while_the_server_runs(data: Path) -> None:
    server = prepare_local(data)
    with open_local(data) as one, open_local(data) as two:
        bucket = await one.catalog.create_bucket(a_bucket(), most=1)
        await two.catalog.put_object(bucket.bucket_id, an_object("a"))
    with open_local(data) as three:
        assert await three.catalog.find_object(bucket.bucket_id, "a") == an_object("a")
    server.close()


def test_a_first_start_makes_few_files(tmp_path: Path) -> None:
    """It takes some milliseconds; hundreds of directories would be most of a start."""
    prepare_local(tmp_path / "data").close()
    assert len(list((tmp_path / "data").rglob("*"))) < 20
