from __future__ import annotations

import pytest

from coatcheck.engines.memory import MemoryCatalog
from coatcheck.engines.memory_bytes import MemoryByteStore
from coatcheck.engines.memory_keyring import MemoryKeyring

from ..ports.byte_store_contract import ByteStoreContract
from ..ports.catalog_contract import CatalogContract
from ..ports.keyring_contract import KeyringContract


class TestMemoryCatalog(CatalogContract):
    @pytest.fixture
    def catalog(self) -> MemoryCatalog:
        return MemoryCatalog()


class TestMemoryByteStore(ByteStoreContract):
    @pytest.fixture
    def store(self) -> MemoryByteStore:
        return MemoryByteStore()


class TestMemoryKeyring(KeyringContract):
    @pytest.fixture
    def keyring(self) -> MemoryKeyring:
        return MemoryKeyring()
