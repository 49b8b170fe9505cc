"""Resource groups: labels of buckets, and listing by them."""

from __future__ import annotations

import pytest

from .house import House


def a_document(group_id: str) -> bytes:
    root = "BucketResourceGroupConfiguration"
    return f"<{root}><ResourceGroupId>{group_id}</ResourceGroupId></{root}>".encode()


async def listed(house: House, group_id: str) -> list[str]:
    answer = await house.ask("GET", "/", headers={"x-oss-resource-group-id": group_id})
    assert answer.status == 200
    return answer.texts("Buckets/Bucket/Name")


async def test_a_bucket_begins_in_the_default_group() -> None:
    house = await House().with_bucket()
    answer = await house.ask("GET", "/photos/?resourceGroup")
    assert (answer.status, answer.xml.tag) == (200, "BucketResourceGroupConfiguration")
    assert answer.text("ResourceGroupId") == "rg-default-id"
    assert (await house.ask("GET", "/photos/?bucketInfo")).text("Bucket/ResourceGroupId") == "rg-default-id"


async def test_what_was_put_comes_back() -> None:
    house = await House().with_bucket()
    assert (await house.ask("PUT", "/photos/?resourceGroup", a_document("rg-aekz1"))).status == 200
    assert (await house.ask("GET", "/photos/?resourceGroup")).text("ResourceGroupId") == "rg-aekz1"
    assert (await house.ask("GET", "/photos/?bucketInfo")).text("Bucket/ResourceGroupId") == "rg-aekz1"


async def test_a_bucket_is_made_in_a_group_and_keeps_it_when_it_is_made_again() -> None:
    house = House()
    for group_id in ("rg-one", "rg-two"):
        made = await house.ask("PUT", "/photos/", headers={"x-oss-resource-group-id": group_id})
        assert made.status == 200
    assert (await house.ask("GET", "/photos/?resourceGroup")).text("ResourceGroupId") == "rg-one"


async def test_a_bucket_is_not_made_in_what_can_be_no_group() -> None:
    house = House()
    made = await house.ask("PUT", "/photos/", headers={"x-oss-resource-group-id": "staff"})
    assert made.refusal == (400, "ResourceGroupIdPreCheckError")
    assert (await house.ask("GET", "/photos/?acl")).refusal == (404, "NoSuchBucket")


async def test_buckets_are_listed_by_their_group() -> None:
    house = House()
    for name, group_id in (("one-a", "rg-one"), ("one-b", "rg-one"), ("two-a", "rg-two")):
        assert (await house.ask("PUT", f"/{name}/", headers={"x-oss-resource-group-id": group_id})).status == 200
    await house.with_bucket("free")
    assert await listed(house, "rg-one") == ["one-a", "one-b"]
    assert await listed(house, "rg-default-id") == ["free"]
    assert await listed(house, "rg-three") == []
    page = await house.ask("GET", "/?max-keys=1", headers={"x-oss-resource-group-id": "rg-one"})
    assert (page.texts("Buckets/Bucket/Name"), page.text("NextMarker")) == (["one-a"], "one-a")
    assert len((await house.ask("GET", "/")).texts("Buckets/Bucket")) == 4


async def test_group_and_tags_narrow_a_listing_together() -> None:
    house = House()
    for name, tag in (("one-a", "team=x"), ("one-b", "team=y")):
        headers = {"x-oss-resource-group-id": "rg-one", "x-oss-bucket-tagging": tag}
        assert (await house.ask("PUT", f"/{name}/", headers=headers)).status == 200
    answer = await house.ask("GET", "/?tag-key=team&tag-value=y", headers={"x-oss-resource-group-id": "rg-one"})
    assert answer.texts("Buckets/Bucket/Name") == ["one-b"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (a_document("staff"), "ResourceGroupIdPreCheckError"),
        (a_document("rg-"), "ResourceGroupIdPreCheckError"),
        (a_document("rg-" + "a" * 62), "ResourceGroupIdPreCheckError"),
        (a_document("rg-a b"), "ResourceGroupIdPreCheckError"),
        (a_document(""), "MalformedXML"),
        (b"<BucketResourceGroupConfiguration/>", "MalformedXML"),
    ],
)
async def test_what_can_be_no_group_is_refused(document: bytes, code: str) -> None:
    house = await House().with_bucket()
    assert (await house.ask("PUT", "/photos/?resourceGroup", document)).refusal == (400, code)
    assert (await house.ask("GET", "/photos/?resourceGroup")).text("ResourceGroupId") == "rg-default-id"
