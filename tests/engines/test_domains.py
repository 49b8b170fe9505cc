from __future__ import annotations

import base64
from pathlib import Path

import pytest
from msgspec.structs import replace

from coatcheck.engines.local import LocalEngines, open_local
from coatcheck.engines.memory import MemoryCatalog
from coatcheck.engines.memory_domains import MemoryDomains
from coatcheck.engines.sql.seal import Seal
from coatcheck.engines.sqlite.catalog import SqliteCatalog
from coatcheck.engines.sqlite.domains import SqliteDomains
from coatcheck.ports.domains import CertificateChange

from ..ports.catalog_contract import a_bucket
from ..ports.domains_contract import CERTIFICATE, OTHER, DomainsContract


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


async def test_a_certificate_given_here_is_served_there_at_once(data: Path) -> None:
    with open_local(data) as here, open_local(data) as there:
        bucket = await here.catalog.create_bucket(a_bucket(), most=100)
        for certificate in (CERTIFICATE, OTHER, None):
            await here.domains.bind_domain(
                "files.example.com", bucket.bucket_id, now=1, most=9, change=CertificateChange(certificate)
            )
            assert there.domains.look_for_certificate("files.example.com") == certificate


async def test_key_of_a_certificate_lies_nowhere_in_the_clear(data: Path) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEH\n-----END PRIVATE KEY-----\n"
    certificate = replace(CERTIFICATE, key=key)
    with open_local(data) as engines:
        bucket = await engines.catalog.create_bucket(a_bucket(), most=100)
        await engines.domains.bind_domain(
            "files.example.com", bucket.bucket_id, now=1, most=9, change=CertificateChange(certificate)
        )
        assert engines.domains.look_for_certificate("files.example.com") == certificate
    kept = b"".join(file.read_bytes() for file in data.rglob("*") if file.is_file())
    assert b"a chain" in kept
    for part in (b"MIGHAgEAMBMGByqGSM49", base64.b64encode(key.encode())[:24], b"PRIVATE KEY"):
        assert part not in kept
    assert "MIGH" not in repr(certificate)


async def test_certificate_of_another_secret_key_is_none_and_can_be_given_anew(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open_local(data) as engines:
        bucket = await engines.catalog.create_bucket(a_bucket(), most=100)
        place = ("files.example.com", bucket.bucket_id)
        await engines.domains.bind_domain(*place, now=1, most=9, change=CertificateChange(CERTIFICATE))
        moved = SqliteDomains(engines._reader, engines._writer, Seal(b"k" * 32))
        assert moved.look_for_certificate("files.example.com") is None
        assert "files.example.com was kept under another secret key" in caplog.text
        await moved.bind_domain(*place, now=1, most=9, change=CertificateChange(OTHER))
        assert moved.look_for_certificate("files.example.com") == OTHER
