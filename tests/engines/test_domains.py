from __future__ import annotations

from pathlib import Path

import pytest

from coatcheck.engines.local import LocalEngines, open_local
from coatcheck.engines.memory import MemoryCatalog
from coatcheck.engines.memory_domains import MemoryDomains
from coatcheck.engines.sqlite.catalog import SqliteCatalog
from coatcheck.engines.sqlite.domains import SqliteDomains

from ..ports.catalog_contract import a_bucket
from ..ports.domains_contract import DomainsContract


class TestMemoryDomains(DomainsContract):
    @pytest.fixture
    def catalog(self) -> MemoryCatalog:
        return MemoryCatalog()

    @pytest.fixture
    def domains(self, catalog: MemoryCatalog) -> MemoryDomains:
        return MemoryDomains(catalog)


class TestSqliteDomains(DomainsContract):
    @pytest.fixture
    def catalog(self, engines: LocalEngines) -> SqliteCatalog:
        return engines.catalog

    @pytest.fixture
    def domains(self, engines: LocalEngines) -> SqliteDomains:
        return engines.domains


async def test_a_name_bound_here_answers_there_at_once(data: Path) -> None:
    """Two sets of engines share nothing but the directory, as two workers do, or a command and a worker."""
    with open_local(data) as here, open_local(data) as there:
        bucket = await here.catalog.create_bucket(a_bucket(), most=100)
        assert await there.domains.find_domain("files.example.com") is None
        await here.domains.bind_domain("files.example.com", bucket.bucket_id, now=1, most=9)
        assert await there.domains.find_domain("files.example.com") == bucket.name
        await here.domains.unbind_domain("files.example.com", bucket.bucket_id)
        assert await there.domains.find_domain("files.example.com") is None
