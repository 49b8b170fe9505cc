"""Own domains: bound after proof, found by the next request, gone with their bucket."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from coatcheck.wire.request import Request

from .house import NOW, STRANGER, Answer, House

DOMAIN = "files.example.com"


class Dns:
    """A name server with one record."""

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}

    async def find_texts(self, name: str) -> Sequence[str]:
        return self.records.get(name, ())


def a_document(domain: str = DOMAIN, more: str = "") -> bytes:
    return (
        f"<BucketCnameConfiguration><Cname><Domain>{domain}</Domain>{more}</Cname></BucketCnameConfiguration>"
    ).encode()


async def a_house(**options: object) -> tuple[House, Dns]:
    dns = Dns()
    house = House(resolver=dns, options=options)
    await house.with_bucket(acl="public-read")
    await house.put("/photos/a.txt", b"hello")
    return house, dns


async def bind(house: House, dns: Dns, domain: str = DOMAIN, bucket: str = "photos") -> Answer:
    made = await house.ask("POST", f"/{bucket}/?cname&comp=token", a_document(domain))
    dns.records[f"_dnsauth.{domain}"] = ["v=something else", made.text("Token") or ""]
    return await house.ask("POST", f"/{bucket}/?cname&comp=add", a_document(domain))


async def through(house: House, host: str = DOMAIN) -> Answer:
    return await house.send(Request("GET", b"/a.txt", headers={"host": host}))


async def test_domain_that_is_proved_answers_for_the_bucket() -> None:
    house, dns = await a_house()
    assert (await through(house)).refusal == (403, "NonStandardHostForbidden")
    assert (await bind(house, dns)).status == 200
    assert (await through(house)).body == b"hello"
    assert (await through(house, "FILES.example.com.:443")).body == b"hello"
    listed = await house.ask("GET", "/photos/?cname")
    assert listed.texts("Cname/Domain") == [DOMAIN]
    assert listed.texts("Cname/LastModified") == ["2026-03-05T07:08:09.000Z"]
    assert listed.texts("Cname/Status") == ["Enabled"]
    assert (listed.text("Bucket"), listed.text("Owner")) == ("photos", "1000000000000001")


async def test_link_answers_under_the_own_domain() -> None:
    house, dns = await a_house()
    await bind(house, dns)
    link = house.link("GET", "a.txt", custom_domain=f"http://{DOMAIN}")
    assert (await house.follow(link)).body == b"hello"


async def test_token_is_the_same_until_it_dies() -> None:
    house, _ = await a_house()
    first = await house.ask("POST", "/photos/?cname&comp=token", a_document())
    token = first.text("Token") or ""
    assert (len(token), first.text("Bucket"), first.text("Cname")) == (32, "photos", DOMAIN)
    assert first.text("ExpireTime") == "Sun, 08 Mar 2026 07:08:09 GMT"
    assert (await house.ask("POST", "/photos/?cname&comp=token", a_document())).text("Token") == token
    shown = await house.ask("GET", f"/photos/?comp=token&cname={DOMAIN}")
    assert (shown.status, shown.text("Token")) == (200, token)
    house.now += 72 * 3600
    assert (await house.ask("GET", f"/photos/?comp=token&cname={DOMAIN}")).refusal == (404, "NoSuchCnameToken")
    assert (await house.ask("POST", "/photos/?cname&comp=token", a_document())).text("Token") != token


async def test_domain_that_is_not_proved_is_refused() -> None:
    house, dns = await a_house()
    for records in ([], ["", "0" * 32]):
        dns.records[f"_dnsauth.{DOMAIN}"] = records
        answer = await house.ask("POST", "/photos/?cname&comp=add", a_document())
        assert answer.refusal == (403, "NeedVerifyDomainOwnership")
        assert answer.text("Record") == f"_dnsauth.{DOMAIN}"
    assert (await house.ask("GET", "/photos/?cname")).texts("Cname") == []


async def test_question_of_ownership_can_be_switched_off() -> None:
    house, _ = await a_house(verify_domains=False)
    for _ in range(2):
        assert (await house.ask("POST", "/photos/?cname&comp=add", a_document("Files.Example.COM"))).status == 200
    assert (await through(house)).body == b"hello"


async def test_domain_is_bound_to_one_bucket() -> None:
    house, dns = await a_house()
    await house.with_bucket("other")
    await bind(house, dns)
    assert (await bind(house, dns, bucket="other")).refusal == (409, "CnameAlreadyExists")
    assert (await house.ask("PUT", "/theirs/", by=STRANGER)).status == 200
    theirs = await house.ask("POST", "/theirs/?cname&comp=add", a_document(), by=STRANGER)
    assert theirs.refusal == (403, "CnameDenied")


async def test_domain_is_unbound() -> None:
    house, dns = await a_house()
    await bind(house, dns)
    assert (await house.ask("POST", "/photos/?cname&comp=delete", a_document())).status == 200
    assert (await house.ask("POST", "/photos/?cname&comp=delete", a_document())).status == 200
    assert (await through(house)).refusal == (403, "NonStandardHostForbidden")


async def test_domain_of_another_bucket_is_not_unbound() -> None:
    house, dns = await a_house()
    await house.with_bucket("other")
    await bind(house, dns)
    assert (await house.ask("POST", "/other/?cname&comp=delete", a_document())).status == 200
    assert (await through(house)).body == b"hello"


async def test_proof_of_a_domain_comes_before_its_certificate() -> None:
    house, dns = await a_house()
    certificate = "<CertificateConfiguration><Certificate>pem</Certificate></CertificateConfiguration>"
    with_one = a_document(more=certificate)
    refused = await house.ask("POST", "/photos/?cname&comp=add", with_one)
    assert refused.refusal == (403, "NeedVerifyDomainOwnership")
    await bind(house, dns)
    assert (await house.ask("POST", "/photos/?cname&comp=add", with_one)).refusal == (400, "InvalidArgument")


async def test_all_names_below_a_domain_are_not_bound() -> None:
    house, dns = await a_house()
    await bind(house, dns)
    add, asked = "/photos/?cname&comp=add", a_document(more="<IsWildCard>true</IsWildCard>")
    assert (await house.ask("POST", add, asked)).refusal == (400, "NotImplemented")
    assert (await house.ask("POST", f"{add}&wildcard=true", a_document())).refusal == (400, "NotImplemented")
    assert (await house.ask("POST", add, a_document(more="<IsWildCard>false</IsWildCard>"))).status == 200
    assert (await house.ask("POST", f"{add}&wildcard=false", a_document())).status == 200


async def test_domain_goes_with_its_bucket() -> None:
    house, dns = await a_house()
    await bind(house, dns)
    await house.ask("DELETE", "/photos/a.txt")
    assert (await house.ask("DELETE", "/photos/")).status == 204
    assert (await through(house)).refusal == (403, "NonStandardHostForbidden")


async def test_bucket_has_at_most_a_hundred() -> None:
    house, _ = await a_house(verify_domains=False)
    for number in range(100):
        document = a_document(f"d{number}.example.com")
        assert (await house.ask("POST", "/photos/?cname&comp=add", document)).status == 200
        assert (await house.ask("POST", "/photos/?cname&comp=token", document)).status == 200
    assert (await house.ask("POST", "/photos/?cname&comp=add", a_document())).refusal == (400, "TooManyCname")
    assert (await house.ask("POST", "/photos/?cname&comp=token", a_document())).refusal == (400, "TooManyCnameToken")
    house.now = NOW + 72 * 3600
    assert (await house.ask("POST", "/photos/?cname&comp=token", a_document())).status == 200


@pytest.mark.parametrize(
    "domain",
    [
        "",
        "example",
        "*.example.com",
        "files.example.com/path",
        "files.example.com:80",
        "files..example.com",
        "-a.example.com",
        "127.0.0.1",
        "[::1]",
        "a&#10;b.example.com",
        "é.example.com",
        "a." * 130 + "com",
        "localhost",
        "photos.localhost",
        "photos.oss-cn-hangzhou.aliyuncs.com",
        "oss-accelerate.localhost",
    ],
)
@pytest.mark.parametrize("comp", ["add", "token", "delete"])
async def test_name_that_can_not_be_bound_is_refused(domain: str, comp: str) -> None:
    house, _ = await a_house(verify_domains=False)
    answer = await house.ask("POST", f"/photos/?cname&comp={comp}", a_document(domain))
    assert answer.refusal == (400, "InvalidArgument")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "MalformedXML"),
        (b"<BucketCnameConfiguration/>", "MalformedXML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + a_document(), "MalformedXML"),
        (
            a_document(more="<CertificateConfiguration><Certificate>pem</Certificate></CertificateConfiguration>"),
            "InvalidArgument",
        ),
    ],
)
async def test_document_that_breaks_a_rule_is_refused(document: bytes, code: str) -> None:
    house, _ = await a_house(verify_domains=False)
    assert (await house.ask("POST", "/photos/?cname&comp=add", document)).refusal == (400, code)
    assert (await house.ask("GET", "/photos/?cname")).texts("Cname") == []
