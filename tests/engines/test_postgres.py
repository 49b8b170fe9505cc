"""A catalog in PostgreSQL, bytes in files: every contract that a store is held to."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from coatcheck.clock import wall_clock
from coatcheck.engines.postgres.store import PostgresPrepared, PostgresStore, open_postgres
from coatcheck.ports.identities import Account
from coatcheck.ports.store import Store

from ..moved_clock import MovedClock
from ..ports.catalog_contract import OWNER
from ..ports.quota_contract import QuotaContract
from ..ports.reads_contract import ReadsContract
from ..ports.store_contract import (
    OfStore,
    StoreArrivals,
    StoreBytes,
    StoreCatalog,
    StoreContentSums,
    StoreDomains,
    StoreIdentities,
    StoreKeyring,
    StoreLinks,
    StoreLinkTotals,
    StoreSecrets,
    StoreTickets,
)
from ..ports.worm_contract import NOW, WormContract
from ..postgres_server import PostgresServer, empty, postgres_server


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def prepared(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A database and a directory as a first start leaves them."""
    data = tmp_path_factory.mktemp("postgres") / "data"
    with server.database() as name:
        PostgresPrepared(server.url(name), data, wall_clock).close()
        yield server.url(name), data


@pytest.fixture
def place(prepared: tuple[str, Path], tmp_path: Path) -> tuple[str, Path]:
    """URL and directory of a prepared store that nobody has open, and that holds nothing."""
    url, data = prepared
    empty(url)
    return url, shutil.copytree(data, tmp_path / "data")


@pytest.fixture
async def opened(place: tuple[str, Path]) -> AsyncIterator[PostgresStore]:
    with open_postgres(*place) as store:
        yield store
    await asyncio.sleep(0)  # for the connections' own ends


class TestPostgresCatalog(StoreCatalog):
    pass


class TestPostgresDomains(StoreDomains):
    pass


class TestPostgresKeyring(StoreKeyring):
    pass


class TestPostgresIdentities(StoreIdentities):
    pass


class TestPostgresArrivals(StoreArrivals):
    pass


class TestPostgresTickets(StoreTickets):
    pass


class TestPostgresLinks(StoreLinks):
    TELLS_LINKS_APART = False


class TestPostgresLinkTotals(StoreLinkTotals):
    pass


class TestPostgresContentSums(StoreContentSums):
    pass


class TestPostgresBytes(StoreBytes):
    pass


class TestPostgresSecrets(StoreSecrets):
    pass


class TestPostgresReads(ReadsContract):
    @pytest.fixture
    def store(self, opened: PostgresStore) -> Store:
        return opened


class TestPostgresQuota(OfStore, QuotaContract):
    @pytest.fixture(autouse=True)
    async def owner(self, opened: PostgresStore) -> None:
        await opened.identities.add_account(Account(OWNER, "owner", False, True, 0))


class TestPostgresWorm(OfStore, WormContract):
    @pytest.fixture
    def clock(self) -> MovedClock:
        return MovedClock(NOW)

    @pytest.fixture
    async def opened(self, place: tuple[str, Path], clock: MovedClock) -> AsyncIterator[PostgresStore]:
        with open_postgres(*place, clock.wall, clock.monotonic) as store:
            yield store
        await asyncio.sleep(0)
