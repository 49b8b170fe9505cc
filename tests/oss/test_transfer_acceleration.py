"""Which buckets answer at the accelerate endpoints."""

from __future__ import annotations

import pytest

from coatcheck.ports.keyring import AccessKey

from .house import ANYBODY, OWNER, House

BELOW = "photos.oss-accelerate.localhost"
HOSTS = [
    ("oss-accelerate.localhost", "/photos/a.txt"),
    ("oss-accelerate-overseas.localhost:8000", "/photos/a.txt"),
    (BELOW, "/a.txt"),
    ("photos.oss-accelerate-overseas.aliyuncs.com", "/a.txt"),
]


def a_document(enabled: str) -> bytes:
    return (
        f"<TransferAccelerationConfiguration><Enabled>{enabled}</Enabled></TransferAccelerationConfiguration>".encode()
    )


async def a_house(enabled: str | None = None) -> House:
    house = await House().with_bucket(acl="public-read")
    await house.put("/photos/a.txt", b"hello")
    if enabled is not None:
        assert (await house.ask("PUT", "/photos/?transferAcceleration", a_document(enabled))).status == 200
    return house


async def test_a_bucket_that_was_never_told_has_none() -> None:
    house = await a_house()
    answer = await house.ask("GET", "/photos/?transferAcceleration")
    assert answer.refusal == (404, "NoSuchTransferAccelerationConfiguration")
    assert answer.text("BucketName") == "photos"
    assert (await house.ask("GET", "/photos/?bucketInfo")).text("Bucket/TransferAcceleration") == "Disabled"


@pytest.mark.parametrize(("enabled", "shown", "state"), [("true", "true", "Enabled"), ("False", "false", "Disabled")])
async def test_what_was_put_comes_back(enabled: str, shown: str, state: str) -> None:
    house = await a_house(enabled)
    answer = await house.ask("GET", "/photos/?transferAcceleration")
    assert (answer.status, answer.xml.tag, answer.text("Enabled")) == (200, "TransferAccelerationConfiguration", shown)
    assert (await house.ask("GET", "/photos/?bucketInfo")).text("Bucket/TransferAcceleration") == state


async def test_what_is_deleted_was_never_told() -> None:
    house = await a_house("true")
    assert (await house.ask("DELETE", "/photos/?transferAcceleration")).status == 204
    answer = await house.ask("GET", "/photos/?transferAcceleration")
    assert answer.refusal == (404, "NoSuchTransferAccelerationConfiguration")


@pytest.mark.parametrize(
    "document",
    [b"", a_document(""), a_document("yes"), a_document("true</Enabled><Enabled>true"), b"<Enabled>true</Enabled>"],
)
async def test_nothing_but_true_and_false_is_taken(document: bytes) -> None:
    house = await a_house()
    answer = await house.ask("PUT", "/photos/?transferAcceleration", document)
    assert answer.refusal == (400, "MalformedXML")
    assert (await house.ask("GET", "/photos/?transferAcceleration")).status == 404


@pytest.mark.parametrize("by", [ANYBODY, OWNER])
@pytest.mark.parametrize(("host", "address"), HOSTS)
@pytest.mark.parametrize("enabled", [None, "false"])
async def test_accelerate_endpoints_refuse_a_bucket_while_it_is_off(
    enabled: str | None, host: str, address: str, by: AccessKey | None
) -> None:
    house = await a_house(enabled)
    query = house.link("GET", "a.txt").partition("?")[2] if by is OWNER else ""
    answer = await house.follow(f"http://{host}{address}?{query}")
    assert answer.refusal == (403, "TransferAccelerationDisabled")


@pytest.mark.parametrize(("host", "address"), HOSTS)
async def test_accelerate_endpoints_answer_for_a_bucket_that_has_it_on(host: str, address: str) -> None:
    house = await a_house("true")
    assert (await house.ask("GET", address, by=ANYBODY, host=host)).body == b"hello"


async def test_other_endpoints_do_not_ask() -> None:
    house = await a_house("false")
    for host in ("127.0.0.1", "oss-cn-hangzhou.localhost", "localhost"):
        assert (await house.ask("GET", "/photos/a.txt", by=ANYBODY, host=host)).body == b"hello"
    assert (await house.ask("GET", "/a.txt", by=ANYBODY, host="photos.oss-cn-hangzhou.localhost")).body == b"hello"


async def test_buckets_are_listed_at_an_accelerate_endpoint() -> None:
    house = await a_house()
    answer = await house.ask("GET", "/", host="oss-accelerate.localhost")
    assert answer.texts("Buckets/Bucket/Name") == ["photos"]


async def test_regions_name_their_accelerate_endpoint() -> None:
    answer = await (await a_house()).ask("GET", "/?regions")
    assert answer.text("RegionInfo/AccelerateEndpoint") == "oss-accelerate.localhost"
