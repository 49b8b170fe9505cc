"""Stores by their URL, each held to every contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from coatcheck.clock import wall_clock
from coatcheck.engines.directory_faults import InUse
from coatcheck.engines.local import LocalEngines
from coatcheck.engines.memory_store import MemoryStore
from coatcheck.engines.opening import open_store, prepare_store
from coatcheck.ports.secrets import SecretLost
from coatcheck.ports.store import Store

from ..ports.catalog_contract import a_bucket
from ..ports.store_contract import (
    StoreArrivals,
    StoreBytes,
    StoreCatalog,
    StoreDomains,
    StoreIdentities,
    StoreKeyring,
    StoreLinks,
    StoreSecrets,
    StoreTickets,
)


class InMemory:
    @pytest.fixture
    def opened(self) -> Iterator[Store]:
        store = open_store("memory:", wall_clock)
        yield store
        store.close()


class OnFiles:
    @pytest.fixture
    def opened(self, data: Path) -> Iterator[Store]:
        store = open_store(f"file:{data}", wall_clock)
        yield store
        store.close()


class TestMemoryCatalog(InMemory, StoreCatalog):
    pass


class TestMemoryDomains(InMemory, StoreDomains):
    pass


class TestMemoryKeyring(InMemory, StoreKeyring):
    pass


class TestMemoryArrivals(InMemory, StoreArrivals):
    pass


class TestMemoryTickets(InMemory, StoreTickets):
    pass


class TestMemoryLinks(InMemory, StoreLinks):
    pass


class TestMemoryIdentities(InMemory, StoreIdentities):
    pass


class TestMemoryBytes(InMemory, StoreBytes):
    pass


class TestMemorySecrets(InMemory, StoreSecrets):
    pass


class TestLocalCatalog(OnFiles, StoreCatalog):
    pass


class TestLocalDomains(OnFiles, StoreDomains):
    pass


class TestLocalKeyring(OnFiles, StoreKeyring):
    pass


class TestLocalArrivals(OnFiles, StoreArrivals):
    pass


class TestLocalTickets(OnFiles, StoreTickets):
    pass


class TestLocalLinks(OnFiles, StoreLinks):
    pass


class TestLocalIdentities(OnFiles, StoreIdentities):
    pass


class TestLocalBytes(OnFiles, StoreBytes):
    pass


class TestLocalSecrets(OnFiles, StoreSecrets):
    pass


def test_the_url_chooses(data: Path) -> None:
    for url, engine in (("memory:", MemoryStore), (f"file:{data}", LocalEngines)):
        store = open_store(url, wall_clock)
        assert type(store) is engine
        store.close()


@pytest.mark.parametrize("url", ["", "file:", "memory:x", "mysql:///coatcheck", "/srv/coatcheck"])
def test_what_is_no_store_is_refused(url: str) -> None:
    for verb in (open_store, prepare_store):
        with pytest.raises(ValueError, match="names no store"):
            verb(url, wall_clock)


def test_one_server_has_a_directory(tmp_path: Path) -> None:
    prepared = prepare_store(f"file:{tmp_path / 'data'}", wall_clock)
    assert (prepared.data, prepared.needs_root_key()) == (tmp_path / "data", False)
    with pytest.raises(InUse):
        prepare_store(f"file:{tmp_path / 'data'}", wall_clock)
    prepared.close()


async def test_nothing_of_memory_is_on_disk() -> None:
    prepared = prepare_store("memory:", wall_clock)
    store = open_store("memory:", wall_clock)
    await store.catalog.create_bucket(a_bucket(), most=100)
    await store.secrets.keep("callback", b"first")
    prepared.secrets.replace("tls", b"first")
    assert sorted(path.name for path in prepared.data.iterdir()) == ["results"]
    other = open_store("memory:", wall_clock)
    assert await other.catalog.find_bucket("photos") is None
    prepared.close()
    assert not prepared.data.exists()


async def test_a_secret_that_was_in_use_is_not_made_anew(data: Path) -> None:
    store = open_store(f"file:{data}", wall_clock)
    await store.secrets.keep("callback", b"first")
    await store.secrets.note("callback", b"first")
    (data / "callback.key").unlink()
    with pytest.raises(SecretLost, match=r"callback\.key is missing; restore it from a backup"):
        await store.secrets.find("callback")
    store.close()


def test_the_clock_dates_what_is_made(tmp_path: Path) -> None:
    prepare_store(f"file:{tmp_path / 'data'}", lambda: 1_772_694_489.5).close()
    store = open_store(f"file:{tmp_path / 'data'}", wall_clock)
    assert isinstance(store, LocalEngines)
    assert store._reader.rows("SELECT created_at FROM account") == [(1_772_694_489,)]
    store.close()
