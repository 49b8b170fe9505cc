"""Links of S3 behind a trusted proxy: the host that was signed is the client's, or the one that the proxy puts in."""

from __future__ import annotations

import pytest

from coatcheck import S3Presigner
from coatcheck.wire.forwarded import TrustedProxies
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request

from ..oss.house import NOW, OWNER, Answer, House
from ..oss.test_endpoints import a_house
from .asking import send, signed

SEEN = TrustedProxies(["127.0.0.1"])
INNER = "127.0.0.1:8000"


@pytest.fixture
async def house() -> House:
    house = await a_house()
    await house.put("/photos/a b.txt", b"one coat")
    return house


def link(host: str, version: str = "v4", key: str = "a b.txt") -> str:
    """Path and query of a path-style link that is signed for that host."""
    presigner = S3Presigner(
        OWNER.access_key_id,
        OWNER.access_key_secret,
        endpoint=f"http://{host}",
        signature_version=version,  # type: ignore[arg-type]
    )
    return presigner.presign("GET", "photos", key, now=NOW, path_style=True).url.removeprefix(f"http://{host}")


async def follow(house: House, path_and_query: str, host: str, told: str, client: str = "127.0.0.1") -> Answer:
    path, _, query = path_and_query.partition("?")
    headers = {"host": host, **({"x-forwarded-host": told} if told else {})}
    request = Request("GET", path.encode(), read_query(query.encode()), headers, client=client)
    return await house.send(SEEN.see_through(request))


@pytest.mark.parametrize("version", ["v4", "v2"])
@pytest.mark.parametrize(
    ("signed", "host", "told"),
    [
        (INNER, INNER, ""),
        ("s3.localhost", INNER, "s3.localhost"),
        ("www.example.org", INNER, "www.example.org"),
        ("www.example.org:8443", "s3.localhost", "www.example.org:8443"),
        (INNER, INNER, "www.example.org"),
        (INNER, INNER, "s3.localhost"),
        ("s3.localhost", "s3.localhost", "photos.s3.cn-hangzhou.localhost"),
    ],
)
async def test_a_link_works_by_the_clients_host_and_by_the_proxys(
    house: House, version: str, signed: str, host: str, told: str
) -> None:
    if version == "v2" and told.startswith("photos."):
        return  # it signs no host, so the address that the client used counts
    for _ in range(3):  # also once it is remembered
        assert (await follow(house, link(signed, version), host, told)).body == b"one coat"


@pytest.mark.parametrize(("region", "status"), [("cn-hangzhou", 200), ("oss-cn-hangzhou", 200), ("eu-west-1", 403)])
async def test_a_server_of_several_regions_takes_its_own_and_those_that_mean_none(
    house: House, region: str, status: int
) -> None:
    for named, expected in ((region, status), ("us-east-1", 200), ("auto", 200)):
        assert (await send(house, signed(house, "GET", "/photos/a%20b.txt", region=named))).status == expected
        name = f"made-{named}"
        assert (await send(house, signed(house, "PUT", f"/{name}", region=named))).status == 200
        made = await house.catalog.find_bucket(name)
        assert made is not None
        assert made.region == (named.removeprefix("oss-") if named == region else "cn-hangzhou")


async def test_a_bucket_is_made_where_its_document_says(house: House) -> None:
    document = "<CreateBucketConfiguration><LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>"
    for constraint, signed_for, expected in (
        ("eu-west-1", "us-east-1", "eu-west-1"),
        ("oss-eu-west-1", "eu-west-1", "eu-west-1"),
        ("EU", "us-east-1", "cn-hangzhou"),
        ("us-west-2", "us-east-1", "InvalidLocationConstraint"),
        ("eu-west-1", "cn-hangzhou", "IllegalLocationConstraintException"),
    ):
        request = signed(house, "PUT", f"/in-{constraint.lower()}-{signed_for}", region=signed_for)
        made = await send(house, request, document.format(constraint).encode())
        bucket = await house.catalog.find_bucket(f"in-{constraint.lower()}-{signed_for}")
        assert (made.refusal[1] if bucket is None else bucket.region) == expected


async def test_a_third_host_is_refused(house: House) -> None:
    refused = await follow(house, link("other.example.org"), INNER, "www.example.org")
    assert refused.refusal == (403, "SignatureDoesNotMatch")
    for host, told in ((INNER, "s3.localhost"), ("s3.localhost", INNER)):
        assert (await follow(house, link("www.example.org"), host, told)).refusal == (403, "SignatureDoesNotMatch")


async def test_what_was_remembered_behind_one_proxy_is_none_behind_another(house: House) -> None:
    signed_inside = link(INNER)
    for _ in range(3):
        assert (await follow(house, signed_inside, INNER, "www.example.org")).status == 200
    assert (await follow(house, signed_inside, "127.0.0.1:9000", "www.example.org")).status == 403
    assert (await follow(house, signed_inside, "www.example.org", "")).status == 403


async def test_a_stranger_tells_no_host(house: House) -> None:
    answer = await follow(house, link("www.example.org"), INNER, "www.example.org", client="192.0.2.1")
    assert answer.refusal == (403, "SignatureDoesNotMatch")


async def test_a_name_that_neither_is_ours_is_refused_by_the_clients(house: House) -> None:
    answer = await follow(house, link("www.example.org"), "backend", "www.example.org")
    assert (answer.refusal, "does not answer to" in (answer.text("Message") or "")) == ((403, "AccessDenied"), True)
