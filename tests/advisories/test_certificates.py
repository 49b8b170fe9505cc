"""Certificates of own domains: whoever gives one gets at nobody else's, and its key at nobody's eyes."""

from __future__ import annotations

from pathlib import Path

import pytest

from coatcheck.core.errors import OssError
from coatcheck.engines.certificate_reader import PemCertificateReader
from coatcheck.engines.local import open_local, prepare_local
from coatcheck.oss.cname_certificate import check_facts
from coatcheck.ports.catalog import AlreadyThere
from coatcheck.ports.certificates import BadPair, CertificateFacts
from coatcheck.ports.domains import CertificateChange

from ..pairs import a_pair
from ..ports.catalog_contract import a_bucket
from ..ports.domains_contract import CERTIFICATE, NAME, OTHER

DAY = 86_400


@pytest.fixture
def data(tmp_path: Path) -> Path:
    prepare_local(tmp_path / "data").close()
    return tmp_path / "data"


async def test_a_key_that_was_given_lies_nowhere_in_the_clear(data: Path) -> None:
    with open_local(data) as engines:
        bucket = await engines.catalog.create_bucket(a_bucket(), most=9)
        await engines.domains.bind_domain(NAME, bucket.bucket_id, now=1, most=9, change=CertificateChange(CERTIFICATE))
    kept = b"".join(file.read_bytes() for file in data.rglob("*") if file.is_file())
    assert CERTIFICATE.chain.encode() in kept
    assert CERTIFICATE.key.encode() not in kept


async def test_a_key_among_the_certificates_is_not_kept_with_them() -> None:
    pair = a_pair(NAME)
    for chain in (pair.chain + pair.key, pair.key + pair.chain):
        with pytest.raises(BadPair, match="holds a private key"):
            await PemCertificateReader().read(chain, pair.key)


async def test_a_certificate_of_anothers_domain_stays(data: Path) -> None:
    with open_local(data) as engines:
        bucket = await engines.catalog.create_bucket(a_bucket(), most=9)
        other = await engines.catalog.create_bucket(a_bucket("other"), most=9)
        await engines.domains.bind_domain(NAME, bucket.bucket_id, now=1, most=9, change=CertificateChange(CERTIFICATE))
        for change in (CertificateChange(OTHER), CertificateChange(None)):
            with pytest.raises(AlreadyThere):
                await engines.domains.bind_domain(NAME, other.bucket_id, now=1, most=9, change=change)
        assert engines.domains.look_for_certificate(NAME) == CERTIFICATE


@pytest.mark.parametrize("names", [(), ("example.com",), ("*.com",), ("www.example.com", "*.www.example.com")])
def test_a_certificate_is_for_its_domain(names: tuple[str, ...]) -> None:
    with pytest.raises(OssError, match=f"is not for {NAME}"):
        check_facts(CertificateFacts(names, "AB", 0, 2 * DAY), NAME, DAY)


async def test_a_key_that_is_not_the_certificates_ends_no_handshakes() -> None:
    first, second = a_pair(NAME), a_pair(NAME)
    with pytest.raises(BadPair, match=r"^PrivateKey is not the key of Certificate\.$"):
        await PemCertificateReader().read(first.chain, second.key)
