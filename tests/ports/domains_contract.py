"""What every store of own domains does. An engine joins by subclassing `DomainsContract` with its two fixtures."""

from __future__ import annotations

import pytest

from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import AlreadyThere, Catalog, Gone, TooMany
from coatcheck.ports.domains import (
    CertificateChange,
    DomainCertificate,
    Domains,
    DomainToken,
    OtherCertificate,
    OwnDomain,
)

from .catalog_contract import a_bucket

NAME = "files.example.com"
TOKEN = DomainToken(NAME, "0123456789abcdef" * 2, 1000)
CERTIFICATE = DomainCertificate("one", "a chain", "a key", 5, "AB:CD", 1, 9)
OTHER = DomainCertificate("two", "another chain", "another key", 6, "EF:01", 2, 8)


class DomainsContract:
    @pytest.fixture
    async def bucket(self, catalog: Catalog) -> Bucket:
        return await catalog.create_bucket(a_bucket(), most=100)

    async def test_bound_name_is_found(self, domains: Domains, bucket: Bucket) -> None:
        assert await domains.find_domain(NAME) is None
        await domains.bind_domain(NAME, bucket.bucket_id, now=7, most=1)
        assert await domains.find_domain(NAME) == bucket.name
        assert list(await domains.list_domains(bucket.bucket_id)) == [OwnDomain(NAME, bucket.name, 7)]

    async def test_binding_again_changes_nothing(self, domains: Domains, bucket: Bucket) -> None:
        for now in (7, 8):
            await domains.bind_domain(NAME, bucket.bucket_id, now=now, most=1)
        assert [domain.bound_at for domain in await domains.list_domains()] == [7]

    async def test_names_are_listed_in_order_of_one_bucket_or_all(
        self, domains: Domains, catalog: Catalog, bucket: Bucket
    ) -> None:
        other = await catalog.create_bucket(a_bucket("other"), most=100)
        for name, owner in (("c.example", bucket), ("a.example", other), ("b.example", bucket)):
            await domains.bind_domain(name, owner.bucket_id, now=1, most=9)
        assert [domain.name for domain in await domains.list_domains(bucket.bucket_id)] == ["b.example", "c.example"]
        assert [domain.name for domain in await domains.list_domains()] == ["a.example", "b.example", "c.example"]

    async def test_name_has_one_bucket(self, domains: Domains, catalog: Catalog, bucket: Bucket) -> None:
        other = await catalog.create_bucket(a_bucket("other"), most=100)
        await domains.bind_domain(NAME, bucket.bucket_id, now=1, most=9)
        with pytest.raises(AlreadyThere):
            await domains.bind_domain(NAME, other.bucket_id, now=1, most=9)
        with pytest.raises(Gone):
            await domains.unbind_domain(NAME, other.bucket_id)
        assert await domains.find_domain(NAME) == bucket.name

    async def test_bucket_has_at_most_so_many(self, domains: Domains, bucket: Bucket) -> None:
        await domains.bind_domain(NAME, bucket.bucket_id, now=1, most=1)
        with pytest.raises(TooMany):
            await domains.bind_domain("b.example", bucket.bucket_id, now=1, most=1)

    async def test_unbound_name_is_free(self, domains: Domains, catalog: Catalog, bucket: Bucket) -> None:
        other = await catalog.create_bucket(a_bucket("other"), most=100)
        await domains.bind_domain(NAME, bucket.bucket_id, now=1, most=9)
        await domains.unbind_domain(NAME, bucket.bucket_id)
        assert await domains.find_domain(NAME) is None
        with pytest.raises(Gone):
            await domains.unbind_domain(NAME, bucket.bucket_id)
        await domains.bind_domain(NAME, other.bucket_id, now=1, most=9)
        assert await domains.find_domain(NAME) == "other"

    async def test_names_and_tokens_go_with_their_bucket(
        self, domains: Domains, catalog: Catalog, bucket: Bucket
    ) -> None:
        await domains.bind_domain(NAME, bucket.bucket_id, now=1, most=9)
        await domains.keep_token(bucket.bucket_id, TOKEN, now=1, most=9)
        assert await domains.find_domain(NAME) == bucket.name
        await catalog.delete_bucket(bucket.bucket_id)
        assert await domains.find_domain(NAME) is None
        assert list(await domains.list_domains()) == []
        assert await domains.find_token(bucket.bucket_id, NAME, now=1) is None
        again = await catalog.create_bucket(a_bucket(), most=100)
        assert await domains.find_domain(NAME) is None
        await domains.bind_domain(NAME, again.bucket_id, now=1, most=9)
        assert await domains.find_domain(NAME) == again.name

    async def test_bucket_that_is_gone_is_told(self, domains: Domains) -> None:
        with pytest.raises(Gone):
            await domains.bind_domain(NAME, 99, now=1, most=9)
        with pytest.raises(Gone):
            await domains.keep_token(99, TOKEN, now=1, most=9)

    async def test_token_stays_until_it_dies(self, domains: Domains, bucket: Bucket) -> None:
        later = DomainToken(NAME, "f" * 32, 2000)
        assert await domains.keep_token(bucket.bucket_id, TOKEN, now=1, most=1) == TOKEN
        assert await domains.keep_token(bucket.bucket_id, later, now=999, most=1) == TOKEN
        assert await domains.find_token(bucket.bucket_id, NAME, now=999) == TOKEN
        assert await domains.find_token(bucket.bucket_id, NAME, now=1000) is None
        assert await domains.keep_token(bucket.bucket_id, later, now=1000, most=1) == later
        assert await domains.find_token(bucket.bucket_id, NAME, now=1999) == later

    async def test_bucket_has_at_most_so_many_tokens(self, domains: Domains, bucket: Bucket) -> None:
        await domains.keep_token(bucket.bucket_id, TOKEN, now=1, most=1)
        with pytest.raises(TooMany):
            await domains.keep_token(bucket.bucket_id, DomainToken("b.example", "f" * 32, 1000), now=1, most=1)

    async def test_a_token_of_a_clock_that_was_ahead_is_not_good(self, domains: Domains, bucket: Bucket) -> None:
        ahead = DomainToken("a.example.com", "1" * 32, 365 * 86_400 + 3 * 86_400)
        await domains.keep_token(bucket.bucket_id, ahead, now=365 * 86_400, most=1)
        assert await domains.find_token(bucket.bucket_id, "a.example.com", now=365 * 86_400) == ahead
        assert await domains.find_token(bucket.bucket_id, "a.example.com", now=0) is None
        fresh = DomainToken("a.example.com", "2" * 32, 3 * 86_400)
        assert await domains.keep_token(bucket.bucket_id, fresh, now=0, most=1) == fresh
        assert await domains.find_token(bucket.bucket_id, "a.example.com", now=0) == fresh

    async def test_domain_has_the_certificate_that_was_given_last(self, domains: Domains, bucket: Bucket) -> None:
        place = (NAME, bucket.bucket_id)
        await domains.bind_domain(*place, now=7, most=1)
        assert domains.look_for_certificate(NAME) is None
        for certificate in (CERTIFICATE, OTHER, None, CERTIFICATE):
            await domains.bind_domain(*place, now=8, most=1, change=CertificateChange(certificate))
            assert domains.look_for_certificate(NAME) == certificate
        await domains.bind_domain(*place, now=9, most=1)
        assert domains.look_for_certificate(NAME) == CERTIFICATE
        assert list(await domains.list_domains()) == [OwnDomain(NAME, bucket.name, 7)]

    async def test_certificate_comes_with_its_domain(self, domains: Domains, bucket: Bucket) -> None:
        change = CertificateChange(CERTIFICATE)
        await domains.bind_domain(NAME, bucket.bucket_id, now=7, most=1, change=change)
        assert domains.look_for_certificate(NAME) == CERTIFICATE
        assert domains.look_for_certificate("b.example") is None
        with pytest.raises(TooMany):
            await domains.bind_domain("b.example", bucket.bucket_id, now=7, most=1, change=change)
        assert domains.look_for_certificate("b.example") is None

    async def test_certificate_is_replaced_only_by_who_knows_it(self, domains: Domains, bucket: Bucket) -> None:
        place = (NAME, bucket.bucket_id)
        for replaces in ("one", "two"):
            with pytest.raises(OtherCertificate, match=r"^$"):
                await domains.bind_domain(*place, now=7, most=1, change=CertificateChange(CERTIFICATE, replaces))
        assert await domains.find_domain(NAME) is None
        await domains.bind_domain(*place, now=7, most=1, change=CertificateChange(CERTIFICATE))
        with pytest.raises(OtherCertificate, match=r"^one$"):
            await domains.bind_domain(*place, now=7, most=1, change=CertificateChange(OTHER, "two"))
        assert domains.look_for_certificate(NAME) == CERTIFICATE
        await domains.bind_domain(*place, now=7, most=1, change=CertificateChange(OTHER, "one"))
        assert domains.look_for_certificate(NAME) == OTHER

    async def test_certificate_goes_with_its_domain(self, domains: Domains, catalog: Catalog, bucket: Bucket) -> None:
        change = CertificateChange(CERTIFICATE)
        await domains.bind_domain(NAME, bucket.bucket_id, now=7, most=1, change=change)
        await domains.unbind_domain(NAME, bucket.bucket_id)
        assert domains.look_for_certificate(NAME) is None
        await domains.bind_domain(NAME, bucket.bucket_id, now=7, most=1)
        assert domains.look_for_certificate(NAME) is None
        await domains.bind_domain(NAME, bucket.bucket_id, now=7, most=1, change=change)
        await catalog.delete_bucket(bucket.bucket_id)
        assert domains.look_for_certificate(NAME) is None
        again = await catalog.create_bucket(a_bucket(), most=100)
        await domains.bind_domain(NAME, again.bucket_id, now=7, most=1)
        assert domains.look_for_certificate(NAME) is None

    async def test_bucket_of_another_gets_no_certificate_in(
        self, domains: Domains, catalog: Catalog, bucket: Bucket
    ) -> None:
        other = await catalog.create_bucket(a_bucket("other"), most=100)
        await domains.bind_domain(NAME, bucket.bucket_id, now=7, most=1, change=CertificateChange(CERTIFICATE))
        with pytest.raises(AlreadyThere):
            await domains.bind_domain(NAME, other.bucket_id, now=7, most=1, change=CertificateChange(OTHER))
        assert domains.look_for_certificate(NAME) == CERTIFICATE
