from __future__ import annotations

import pytest

from .house import ANYBODY, House


async def test_an_objects_acl_is_default_until_it_is_set(house: House) -> None:
    await house.put("/photos/a.txt")
    answer = await house.ask("GET", "/photos/a.txt?acl")
    assert (answer.status, answer.xml.tag) == (200, "AccessControlPolicy")
    assert answer.text("AccessControlList/Grant") == "default"
    assert answer.text("Owner/ID") == answer.text("Owner/DisplayName") == "1000000000000001"


@pytest.mark.parametrize("acl", ["default", "private", "public-read", "public-read-write"])
async def test_an_objects_acl_is_given_back(house: House, acl: str) -> None:
    await house.put("/photos/a.txt")
    put = await house.ask("PUT", "/photos/a.txt?acl", headers={"x-oss-object-acl": acl})
    assert (put.status, put.body) == (200, b"")
    assert (await house.ask("GET", "/photos/a.txt?acl")).text("AccessControlList/Grant") == acl


async def test_an_acl_may_come_with_the_object(house: House) -> None:
    await house.put("/photos/a.txt", headers={"x-oss-object-acl": "public-read"})
    assert (await house.ask("GET", "/photos/a.txt", by=ANYBODY)).body == b"hello"


async def test_nothing_else_of_the_object_changes(house: House) -> None:
    await house.put("/photos/a.txt")
    before = await house.ask("HEAD", "/photos/a.txt")
    house.now += 60
    await house.ask("PUT", "/photos/a.txt?acl", headers={"x-oss-object-acl": "public-read"})
    assert (await house.ask("HEAD", "/photos/a.txt")).headers == before.headers


async def test_an_object_written_anew_has_the_default_acl_again(house: House) -> None:
    await house.put("/photos/a.txt", headers={"x-oss-object-acl": "public-read"})
    await house.put("/photos/a.txt")
    assert (await house.ask("GET", "/photos/a.txt?acl")).text("AccessControlList/Grant") == "default"


async def test_the_header_is_required(house: House) -> None:
    await house.put("/photos/a.txt")
    assert (await house.ask("PUT", "/photos/a.txt?acl")).refusal == (400, "MissingArgument")


async def test_an_unknown_acl_is_refused(house: House) -> None:
    await house.put("/photos/a.txt")
    answer = await house.ask("PUT", "/photos/a.txt?acl", headers={"x-oss-object-acl": "Private"})
    assert answer.refusal == (400, "InvalidArgument")
    assert (answer.text("ArgumentName"), answer.text("ArgumentValue")) == ("x-oss-object-acl", "Private")


async def test_an_object_that_is_not_there_has_no_acl(house: House) -> None:
    got = await house.ask("GET", "/photos/a.txt?acl")
    put = await house.ask("PUT", "/photos/a.txt?acl", headers={"x-oss-object-acl": "private"})
    assert got.refusal == put.refusal == (404, "NoSuchKey")
    assert got.text("Key") == "a.txt"


@pytest.mark.parametrize(
    ("version_id", "refusal"),
    [("", (400, "InvalidArgument")), ("%2F", (400, "InvalidArgument")), ("CAEQNhiB", (404, "NoSuchVersion"))],
)
async def test_only_the_null_version_has_an_acl(house: House, version_id: str, refusal: tuple[int, str]) -> None:
    await house.put("/photos/a.txt")
    headers = {"x-oss-object-acl": "private"}
    assert (await house.ask("GET", f"/photos/a.txt?acl&versionId={version_id}")).refusal == refusal
    assert (await house.ask("PUT", f"/photos/a.txt?acl&versionId={version_id}", headers=headers)).refusal == refusal
    assert (await house.ask("GET", "/photos/a.txt?acl&versionId=null")).status == 200
