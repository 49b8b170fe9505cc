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
from coatcheck.ports.byte_store import BlobGone, BlobStore, ByteStore
from coatcheck.ports.object import Segment
from coatcheck.ports.store import Store

from ..ports.byte_store_contract import CONTENT, ByteStoreContract, a_blob
from ..seaweed import Seaweed
from .test_encrypted import EverythingEncrypted

DAY_S = 86_400


async def swept(engines: Store, days: float) -> int:
    """How many blobs a sweep removes when so many days have gone by."""
    return await sweep(Ports(engines.catalog, engines.byte_store), time.time() + days * DAY_S)


class OnObjectStore(ByteStoreContract):
    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, folder: Path) -> BytePlace:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return tmp_path_factory.mktemp("bytes")

    @pytest.fixture(scope="class")
    @classmethod
    def data(cls, folder: Path, place: BytePlace) -> Path:
        prepare_local(folder / "data", place=place).close()
        return folder / "data"

    @pytest.fixture
    def opened(self, data: Path, place: BytePlace) -> Iterator[LocalEngines]:
        with open_local(data, place=place) as engines:
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
        await swept(opened, 0.9)
        assert b"".join([chunk async for chunk in reader.chunks(0, len(CONTENT))]) == CONTENT
        await reader.close()

    async def test_what_nobody_names_is_removed_after_two_days_and_one_more(
        self, store: BlobStore, opened: LocalEngines
    ) -> None:
        blob = await a_blob(store, CONTENT)  # kept, says the writer; but no row names it
        await swept(opened, 1.9)
        assert await store.size(blob) == len(CONTENT)
        await opened.byte_store.release_unnamed(time.time() + 2.1 * DAY_S)
        await swept(opened, 0.9)
        assert await store.size(blob) == len(CONTENT)
        await swept(opened, 1.1)
        with pytest.raises(BlobGone):
            await store.size(blob)


class TestInMemory(OnObjectStore):
    @pytest.fixture(scope="class")
    @classmethod
    def place(cls) -> BytePlace:
        return BytePlace("memory:///")

    @pytest.fixture
    def store(self, opened: LocalEngines) -> ByteStore:
        opened.byte_store._inner._the_line().client.put(MARKER, b"")  # type: ignore[attr-defined]
        return opened.byte_store


class TestInALocalDirectory(OnObjectStore):
    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, folder: Path) -> BytePlace:
        return BytePlace(f"file://{folder}/bytes")


@pytest.mark.live
class TestOnSeaweed(OnObjectStore):
    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, seaweed_store: Seaweed, folder: Path) -> Iterator[BytePlace]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in seaweed_store.environment().items():
                patch.setenv(name, value)
            yield BytePlace(seaweed_store.url(folder.name))


@pytest.mark.live
class TestEncryptedOnSeaweed(TestOnSeaweed):
    @pytest.fixture
    def store(self, opened: LocalEngines) -> EverythingEncrypted:
        return EverythingEncrypted(opened.byte_store)
