"""What every store does: the contracts of its ports, on what `open_store` opens.

An engine joins by subclassing each contract with a `store` fixture.
"""

from __future__ import annotations

import pytest

from coatcheck.ports.arrivals import Arrivals
from coatcheck.ports.byte_store import ByteStore
from coatcheck.ports.catalog import Catalog
from coatcheck.ports.content_sums import ContentSums
from coatcheck.ports.domains import Domains
from coatcheck.ports.identities import Identities
from coatcheck.ports.keyring import Keyring
from coatcheck.ports.link_totals import LinkTotals
from coatcheck.ports.links import Links
from coatcheck.ports.secrets import SecretsInUse
from coatcheck.ports.store import Store

from .arrivals_contract import ArrivalsContract
from .byte_store_contract import ByteStoreContract
from .catalog_contract import CatalogContract
from .content_sums_contract import ContentSumsContract
from .domains_contract import DomainsContract
from .identities_contract import IdentitiesContract
from .keyring_contract import KeyringContract
from .link_totals_contract import LinkTotalsContract
from .links_contract import LinksContract
from .tickets_contract import Both, TicketsContract


class OfStore:
    @pytest.fixture
    def catalog(self, opened: Store) -> Catalog:
        return opened.catalog

    @pytest.fixture
    def keyring(self, opened: Store) -> Keyring:
        return opened.keyring

    @pytest.fixture
    def identities(self, opened: Store) -> Identities:
        return opened.identities

    @pytest.fixture
    def domains(self, opened: Store) -> Domains:
        return opened.domains

    @pytest.fixture
    def links(self, opened: Store) -> Links:
        return opened.links

    @pytest.fixture
    def content_sums(self, opened: Store) -> ContentSums:
        return opened.content_sums

    @pytest.fixture
    def totals(self, opened: Store) -> LinkTotals:
        return opened.link_totals

    @pytest.fixture
    def secrets(self, opened: Store) -> SecretsInUse:
        return opened.secrets


class StoreCatalog(OfStore, CatalogContract):
    pass


class StoreDomains(OfStore, DomainsContract):
    pass


class StoreLinks(OfStore, LinksContract):
    pass


class StoreArrivals(OfStore, ArrivalsContract):
    @pytest.fixture
    def arrivals(self, opened: Store) -> Arrivals:
        return opened.arrivals


class StoreTickets(OfStore, TicketsContract):
    @pytest.fixture
    def both(self, opened: Store) -> Both:
        return Both(opened.links, opened.tickets)


class StoreContentSums(OfStore, ContentSumsContract):
    pass


class StoreLinkTotals(OfStore, LinkTotalsContract):
    pass


class StoreKeyring(OfStore, KeyringContract):
    pass


class StoreIdentities(OfStore, IdentitiesContract):
    pass


class StoreBytes(ByteStoreContract):
    @pytest.fixture
    def store(self, opened: Store) -> ByteStore:
        return opened.byte_store


class StoreSecrets(OfStore):
    async def test_a_secret_is_what_was_kept_first(self, secrets: SecretsInUse) -> None:
        assert await secrets.find("callback") is None
        assert await secrets.keep("callback", b"first") == b"first"
        assert await secrets.keep("callback", b"second") == b"first"
        assert await secrets.find("callback") == b"first"

    async def test_a_secret_may_be_noted_again(self, secrets: SecretsInUse) -> None:
        await secrets.keep("callback", b"first")
        await secrets.note("callback", b"first")
        await secrets.note("callback", b"first")
        assert await secrets.find("callback") == b"first"
