"""The byte store on an object store: the contract on memory, a local directory and SeaweedFS; and what is its own."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.engines.object_store.place import MARKER, BytePlace
from coatcheck.operations.context import Ports
from coatcheck.operations.sweep import sweep
from coatcheck.ports.byte_store import BlobStore, ByteStore
from coatcheck.ports.object import Segment

from ..ports.byte_store_contract import CONTENT, ByteStoreContract, a_blob
from ..seaweed import BUCKET, Seaweed

DAY_S = 86_400


async def swept(engines: LocalEngines, days: float) -> int:
    """How many blobs a sweep removes when so many days have gone by."""
    return await sweep(Ports(engines.catalog, engines.byte_store), time.time() + days * DAY_S)


class OnObjectStore(ByteStoreContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> BytePlace:
        raise NotImplementedError

    @pytest.fixture
    def opened(self, tmp_path: Path, place: BytePlace) -> Iterator[LocalEngines]:
        prepare_local(tmp_path / "data", place=place).close()
        with open_local(tmp_path / "data", place=place) as engines:
            yield engines

    @pytest.fixture
    def store(self, opened: LocalEngines) -> ByteStore:
        return opened.byte_store

    @pytest.fixture
    def settle(self, opened: LocalEngines) -> Callable[[], Awaitable[object]]:
        return lambda: swept(opened, 1.1)

    async def test_a_reader_goes_on_when_its_blob_is_removed(self, store: BlobStore) -> None:
        """Here only once it reads: what an object store has is removed by the sweep alone."""

    async def test_a_reader_goes_on_for_a_day_when_its_blob_is_released(
        self, store: BlobStore, opened: LocalEngines
    ) -> None:
        writer = await store.new_blob()
        await writer.write(CONTENT)
        await writer.finish()
        await writer.discard()
        reader = await store.open([Segment(writer.blob_id, 0, len(CONTENT))])
        assert await swept(opened, 0.9) == 0
        assert b"".join([chunk async for chunk in reader.chunks(0, len(CONTENT))]) == CONTENT
        await reader.close()

    async def test_what_nobody_names_is_removed_after_two_days_and_one_more(
        self, store: BlobStore, opened: LocalEngines
    ) -> None:
        blob = await a_blob(store, CONTENT)  # kept, says the writer; but no row names it
        assert await swept(opened, 1.9) == 0
        assert await store.size(blob) == len(CONTENT)
        assert await opened.byte_store.release_unnamed(time.time() + 2.1 * DAY_S) == 1
        assert await swept(opened, 1.1) == 1


class TestInMemory(OnObjectStore):
    @pytest.fixture
    def place(self) -> BytePlace:
        return BytePlace("memory:///")

    @pytest.fixture
    def store(self, opened: LocalEngines) -> ByteStore:
        opened.byte_store._inner._the_line().client.put(MARKER, b"")  # type: ignore[attr-defined]
        return opened.byte_store


class TestInALocalDirectory(OnObjectStore):
    @pytest.fixture
    def place(self, tmp_path: Path) -> BytePlace:
        return BytePlace(f"file://{tmp_path}/bytes")


@pytest.mark.live
class TestOnSeaweed(OnObjectStore):
    @pytest.fixture
    def place(self, seaweed_store: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BytePlace:
        for name, value in seaweed_store.environment().items():
            monkeypatch.setenv(name, value)
        return BytePlace(f"s3://{BUCKET}/{tmp_path.name}")
