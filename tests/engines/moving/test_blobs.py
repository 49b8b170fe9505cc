"""Blobs go to an object store and come back, while the store is written, and whatever breaks off on the way."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import obstore
import pytest

from coatcheck.clock import wall_clock
from coatcheck.core.digests import EMPTY_CRC64, update_crc64
from coatcheck.engines.blob_paths import BlobPaths
from coatcheck.engines.directory_faults import BadDirectory
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.engines.moving.blobs import NotTheSame
from coatcheck.engines.moving.move import FILES, Move, Moved, Wanted
from coatcheck.engines.object_store.place import BytePlace, make_client
from coatcheck.ports.catalog import Moving
from coatcheck.ports.object import Deletion, ObjectRecord

from ...ports.byte_store_contract import a_blob, content_of
from ...ports.catalog_contract import a_bucket, a_large_object
from .test_rows import Killed, Notes

OBJECTS = 200  # four pages
DIRECTORY = BytePlace(FILES)


@pytest.fixture
def place(tmp_path: Path) -> BytePlace:
    return BytePlace(f"file://{tmp_path}/store")


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A directory with a bucket of large objects, one of them encrypted."""
    data = tmp_path / "data"
    prepare_local(data).close()
    with open_local(data) as engines:
        await engines.catalog.create_bucket(a_bucket(), most=1)
        await asyncio.gather(*(put(engines, number) for number in range(OBJECTS)))
        writer = await engines.byte_store.new_blob(encryption="AES256")
        await writer.write(content(7))
        await writer.finish()
        await engines.catalog.put_object(1, an_object_of(7, "secret", writer.blob_id))
        await writer.keep()
    return data


def content(number: int) -> bytes:
    return f"{number:05}".encode() * 20_000


async def put(engines: LocalEngines, number: int) -> None:
    blob = await a_blob(engines.byte_store, content(number))
    await engines.catalog.put_object(1, an_object_of(number, f"{number:06}", blob))


def an_object_of(number: int, key: str, blob_id: str) -> ObjectRecord:
    return replace(a_large_object(key, blob_id), crc64=update_crc64(content(number), EMPTY_CRC64))


async def read(engines: LocalEngines, key: str) -> bytes:
    record = await engines.catalog.find_object(1, key)
    assert record is not None
    return await content_of(engines.byte_store, *record.segments)


def move(data: Path, place: BytePlace, dies_at: int = -1, *, verify: bool = True) -> Moved:
    wanted = Wanted(data, FILES, None, place, verify=verify)
    with closing(Move(wanted, wall_clock, Notes(dies_at), lambda line: None)) as each:
        return each.run()


def stored(place: BytePlace) -> set[str]:
    client = make_client(place)
    return {entry["path"].rpartition("/")[2] for page in obstore.list(client) for entry in page} - {"coatcheck-bytes"}


async def test_what_comes_and_goes_meanwhile_is_there_and_gone(data: Path, place: BytePlace) -> None:
    with open_local(data) as engines:
        with pytest.raises(Killed):
            await asyncio.to_thread(move, data, place, 2)
        for number in range(OBJECTS, OBJECTS + 100):
            await put(engines, number)
        for number in range(0, OBJECTS, 2):
            await engines.catalog.delete_object(1, Deletion(f"{number:06}"))
        await engines.byte_store.remove(await engines.catalog.released_blobs(2**40, limit=1000))
        for dies_at in (1, 2):
            with pytest.raises(Killed):
                await asyncio.to_thread(move, data, place, dies_at)
        moved = await asyncio.to_thread(move, data, place)
        assert moved.copied.damaged == []
        with pytest.raises(Moving):
            await engines.catalog.delete_object(1, Deletion("000001"))
        assert await read(engines, "000001") == content(1)
        named = set(BlobPaths(data).stored())
    prepare_local(data).close()
    assert stored(place) == named
    assert len(named) == OBJECTS / 2 + 100 + 1
    with open_local(data) as engines:
        for key in ("000001", "000299"):
            assert await read(engines, key) == content(int(key))
        assert await read(engines, "secret") == content(7)
        await put(engines, 1000)
        assert len(stored(place)) == len(named) + 1


async def test_they_come_back(data: Path, place: BytePlace) -> None:
    await asyncio.to_thread(move, data, place)
    with pytest.raises(BadDirectory, match=r"are in file:///.* already"):
        await asyncio.to_thread(move, data, place)
    prepare_local(data).close()
    with open_local(data) as engines:
        await put(engines, 1000)
    await asyncio.to_thread(move, data, DIRECTORY)
    prepare_local(data).close()
    with open_local(data) as engines:
        for number in (0, 199, 1000):
            assert await read(engines, f"{number:06}") == content(number)
        await put(engines, 1001)
    assert not (data / "migrate").exists() or not any((data / "migrate").iterdir())


async def test_a_missing_blob_and_a_rotten_one_are_named_and_the_rest_goes_on(data: Path, place: BytePlace) -> None:
    with open_local(data) as engines:
        missing, rotten = [await engines.catalog.find_object(1, key) for key in ("000003", "000004")]
    assert missing is not None
    assert rotten is not None
    paths = BlobPaths(data)
    Path(paths.blob(missing.segments[0].blob_id)).unlink()
    with open(paths.blob(rotten.segments[0].blob_id), "r+b") as file:
        file.write(b"x")
    moved = await asyncio.to_thread(move, data, place)
    assert sorted(why for _, why in moved.copied.damaged) == [
        "its bytes are missing",
        "its bytes are not what was written",
    ]
    assert len(stored(place)) == OBJECTS


async def test_bytes_that_are_read_back_as_others_end_the_move(
    data: Path, place: BytePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coatcheck.engines.moving.blob_ends import ObjectEnd

    async def other(end: ObjectEnd, blob_id: str, size: int) -> object:
        yield b"x" * size

    monkeypatch.setattr(ObjectEnd, "read", other)
    with pytest.raises(NotTheSame):
        await asyncio.to_thread(move, data, place)
