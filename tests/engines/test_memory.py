from __future__ import annotations

import pytest

from coatcheck.engines.memory import MemoryCatalog
from coatcheck.engines.memory_bytes import MemoryByteStore
from coatcheck.engines.memory_identities import MemoryIdentities
from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.ports.keyring import AccessKey, Principal, Role

from ..moved_clock import MovedClock
from ..ports.byte_store_contract import ByteStoreContract
from ..ports.catalog_contract import CatalogContract
from ..ports.identities_contract import ACCOUNT, ROLE, USER, IdentitiesContract
from ..ports.keyring_contract import KeyringContract
from ..ports.quota_contract import QuotaContract
from ..ports.worm_contract import WormContract


class TestMemoryCatalog(CatalogContract):
    @pytest.fixture
    def catalog(self) -> MemoryCatalog:
        return MemoryCatalog()


class TestMemoryQuota(QuotaContract):
    @pytest.fixture
    def catalog(self) -> MemoryCatalog:
        return MemoryCatalog()


class TestMemoryWorm(WormContract):
    @pytest.fixture
    def catalog(self, clock: MovedClock) -> MemoryCatalog:
        return MemoryCatalog(clock.wall, clock.monotonic)


class TestMemoryByteStore(ByteStoreContract):
    @pytest.fixture
    def store(self) -> MemoryByteStore:
        return MemoryByteStore()


class TestMemoryKeyring(KeyringContract):
    @pytest.fixture
    def keyring(self) -> MemoryKeyring:
        return MemoryKeyring()


class TestMemoryIdentities(IdentitiesContract):
    @pytest.fixture
    def catalog(self) -> MemoryCatalog:
        return MemoryCatalog()

    @pytest.fixture
    def keyring(self) -> MemoryKeyring:
        return MemoryKeyring()

    @pytest.fixture
    def identities(self, keyring: MemoryKeyring, catalog: MemoryCatalog) -> MemoryIdentities:
        return MemoryIdentities(keyring, catalog)


async def test_what_a_key_or_a_role_was_given_stays_with_it() -> None:
    alice = AccessKey("coat", "hanger", ACCOUNT, principal=Principal(USER, "alice", ("given",)), suspended=True)
    role = Role(ROLE, ACCOUNT, "reader", "{}", ("given",), suspended=True)
    keyring = MemoryKeyring(alice, roles=[role])
    assert await keyring.find_key("coat") == alice
    assert await keyring.find_role_by_uid(ROLE) == role
