from __future__ import annotations

import json

import pytest

from .house import ANYBODY, STRANGER, Answer, House

ON = b"<PublicAccessBlockConfiguration><BlockPublicAccess>True</BlockPublicAccess></PublicAccessBlockConfiguration>"
OFF = ON.replace(b"True", b"false")
PUBLIC_POLICY = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": "oss:GetObject", "Principal": "*", "Resource": "acs:oss:*:*:photos/*"},
        ],
    }
).encode()

PLACES = pytest.mark.parametrize(
    "place", ["/photos/?publicAccessBlock", "/?publicAccessBlock"], ids=["bucket", "account"]
)


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket(acl="public-read")
    await house.put("/photos/a.txt")
    return house


async def switch(house: House, place: str) -> str | None:
    answer = await house.ask("GET", place)
    assert answer.xml.tag == "PublicAccessBlockConfiguration"
    return answer.text("BlockPublicAccess")


@PLACES
async def test_it_is_off_until_it_is_put_and_again_when_deleted(house: House, place: str) -> None:
    assert await switch(house, place) == "false"
    assert (await house.ask("PUT", place, ON)).status == 200
    assert await switch(house, place) == "true"
    assert (await house.ask("PUT", place, OFF)).status == 200
    assert await switch(house, place) == "false"
    await house.ask("PUT", place, ON)
    for _ in range(2):
        assert (await house.ask("DELETE", place)).status == 204
    assert await switch(house, place) == "false"


@PLACES
@pytest.mark.parametrize("body", [b"", b"<x/>", ON.replace(b"True", b"yes"), ON.replace(b"True", b"")])
async def test_anything_else_is_refused(house: House, place: str, body: bytes) -> None:
    assert (await house.ask("PUT", place, body)).refusal == (400, "MalformedXML")
    assert await switch(house, place) == "false"


@PLACES
async def test_while_it_is_on_nothing_is_open_to_everybody(house: House, place: str) -> None:
    assert (await house.ask("GET", "/photos/a.txt", by=ANYBODY)).status == 200
    await house.ask("PUT", place, ON)
    for by in (ANYBODY, STRANGER):
        assert (await house.ask("GET", "/photos/a.txt", by=by)).refusal == (403, "AccessDenied")
        assert (await house.ask("GET", "/photos/", by=by)).refusal == (403, "AccessDenied")
    assert (await house.ask("GET", "/photos/a.txt")).status == 200
    assert (await house.follow(house.link("GET", "a.txt"))).status == 200
    assert (await house.ask("GET", "/photos/?bucketInfo")).text("Bucket/BlockPublicAccess") == "true"
    await house.ask("DELETE", place)
    assert (await house.ask("GET", "/photos/a.txt", by=ANYBODY)).status == 200


@PLACES
async def test_while_it_is_on_nothing_can_be_opened(house: House, place: str) -> None:
    await house.ask("PUT", place, ON)
    before = house.contents()

    def blocked(answer: Answer) -> bool:
        return answer.refusal == (403, "AccessDenied") and "Public access is blocked" in (answer.text("Message") or "")

    assert blocked(await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": "public-read-write"}))
    assert blocked(await house.ask("PUT", "/photos/", headers={"x-oss-acl": "public-read"}))
    assert blocked(await house.ask("PUT", "/photos/a.txt?acl", headers={"x-oss-object-acl": "public-read"}))
    assert blocked(await house.ask("PUT", "/photos/b.txt", b"x", headers={"x-oss-object-acl": "public-read-write"}))
    assert blocked(await house.ask("PUT", "/photos/?policy", PUBLIC_POLICY))
    assert house.contents() == before
    assert (await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": "private"})).status == 200
    assert (await house.ask("PUT", "/photos/a.txt?acl", headers={"x-oss-object-acl": "private"})).status == 200
    narrow = PUBLIC_POLICY.replace(b'"*"', b'"2000000000000002"')
    assert (await house.ask("PUT", "/photos/?policy", narrow)).status == 200


async def test_the_accounts_switch_holds_for_new_buckets_and_for_no_other_account(house: House) -> None:
    await house.ask("PUT", "/?publicAccessBlock", ON)
    refused = await house.ask("PUT", "/fresh/", headers={"x-oss-acl": "public-read"})
    assert refused.refusal == (403, "AccessDenied")
    assert (await house.ask("PUT", "/fresh/")).status == 200
    assert (await house.ask("PUT", "/theirs/", headers={"x-oss-acl": "public-read"}, by=STRANGER)).status == 200
    assert (await house.ask("GET", "/theirs/", by=ANYBODY)).status == 200


async def test_only_those_with_the_right_may_switch(house: House) -> None:
    for method, body in (("PUT", ON), ("GET", b""), ("DELETE", b"")):
        for by in (STRANGER, ANYBODY):
            assert (await house.ask(method, "/photos/?publicAccessBlock", body, by=by)).refusal == (403, "AccessDenied")
        assert (await house.ask(method, "/?publicAccessBlock", body, by=ANYBODY)).refusal == (403, "AccessDenied")


async def test_new_buckets_may_be_blocked_from_the_start() -> None:
    house = await House(options={"block_new_buckets": True}).with_bucket()
    assert (await house.ask("GET", "/photos/?publicAccessBlock")).text("BlockPublicAccess") == "true"
    assert (await house.ask("GET", "/photos/?bucketInfo")).text("Bucket/BlockPublicAccess") == "true"
    public = {"x-oss-acl": "public-read"}
    assert (await house.ask("PUT", "/other/", headers=public)).refusal == (403, "AccessDenied")
    tagged = {"x-oss-bucket-tagging": "a=1"}
    assert (await house.ask("PUT", "/tagged/", headers=tagged)).status == 200
    assert (await house.ask("GET", "/tagged/?tagging")).texts("TagSet/Tag/Key") == ["a"]
    assert (await house.ask("DELETE", "/photos/?publicAccessBlock")).status == 204
    assert (await house.ask("PUT", "/photos/?acl", headers=public)).status == 200
