from __future__ import annotations

import pytest

from .house import ANYBODY, STRANGER, House


def document(*tags: tuple[str, str]) -> bytes:
    rows = "".join(f"<Tag><Key>{key}</Key><Value>{value}</Value></Tag>" for key, value in tags)
    return f"<Tagging><TagSet>{rows}</TagSet></Tagging>".encode()


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    await house.put("/photos/a")
    return house


async def tags(house: House) -> dict[str, str]:
    answer = await house.ask("GET", "/photos/a?tagging")
    assert answer.status == 200, answer.body
    return dict(zip(answer.texts("TagSet/Tag/Key"), answer.texts("TagSet/Tag/Value"), strict=True))


async def test_tags_are_set_read_and_removed(house: House) -> None:
    before = (await house.ask("HEAD", "/photos/a")).headers
    house.now += 60
    given = (("colour", "red"), ("empty", ""), ("写 +-=._:/", "真 +-=._:/"))
    assert (await house.ask("PUT", "/photos/a?tagging", document(*given))).status == 200
    assert await tags(house) == dict(given)
    assert (await house.ask("HEAD", "/photos/a")).headers == {**before, "x-oss-tagging-count": "3"}
    await house.ask("PUT", "/photos/a?tagging", document(("only", "one")))
    assert await tags(house) == {"only": "one"}
    gone = await house.ask("DELETE", "/photos/a?tagging")
    assert (gone.status, gone.body) == (204, b"")
    assert (await house.ask("GET", "/photos/a?tagging")).body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Tagging>\n  <TagSet></TagSet>\n</Tagging>\n'
    )
    assert "x-oss-tagging-count" not in (await house.ask("HEAD", "/photos/a")).headers


async def test_an_empty_set_removes_all(house: House) -> None:
    await house.ask("PUT", "/photos/a?tagging", document(("a", "b")))
    assert (await house.ask("PUT", "/photos/a?tagging", document())).status == 200
    assert await tags(house) == {}


async def test_tags_may_come_with_the_object(house: House) -> None:
    await house.put("/photos/a", b"new", {"x-oss-tagging": "a=1&%E5%86%99=+x&empty&b="})
    assert await tags(house) == {"a": "1", "写": " x", "empty": "", "b": ""}
    await house.put("/photos/a", b"new")
    assert await tags(house) == {}


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("a=1&a=2", "InvalidArgument"),
        ("a=%FF", "InvalidArgument"),
        ("=1", "InvalidTag"),
        ("a=1&", "InvalidTag"),
        ("a=%3C", "InvalidTag"),
        ("a%00=1", "InvalidTag"),
        ("a=1&b=2=3%26", "InvalidTag"),
        ("k" * 129 + "=1", "InvalidTag"),
        ("a=" + "v" * 257, "InvalidTag"),
        ("%E5%86%99" * 43 + "=1", "InvalidTag"),
        ("&".join(f"k{number}=v" for number in range(11)), "InvalidTag"),
    ],
)
async def test_a_header_that_breaks_a_rule_stores_nothing(house: House, header: str, code: str) -> None:
    before = house.contents()
    for method, address in (("PUT", "/photos/a"), ("POST", "/photos/a?uploads")):
        assert (await house.ask(method, address, b"", {"x-oss-tagging": header})).refusal == (400, code)
    assert house.contents() == before


async def test_ten_tags_of_full_length_are_taken(house: House) -> None:
    given = tuple((f"{number}" * 128, "v" * 256) for number in range(10))
    assert (await house.ask("PUT", "/photos/a?tagging", document(*given))).status == 200
    assert await tags(house) == dict(given)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MalformedXML"),
        (b"<Tagging></Tagging>", "MalformedXML"),
        (b"<Tagging><TagSet></TagSet><TagSet></TagSet></Tagging>", "MalformedXML"),
        (b"<Tags><TagSet></TagSet></Tags>", "MalformedXML"),
        (b"<!DOCTYPE a><Tagging><TagSet></TagSet></Tagging>", "MalformedXML"),
        (document() + b" " * 70_000, "MalformedXML"),
        (b"<Tagging><TagSet><Tag><Value>1</Value></Tag></TagSet></Tagging>", "MalformedXML"),
        (b"<Tagging><TagSet><Tag><Key>a</Key><Key>b</Key><Value>1</Value></Tag></TagSet></Tagging>", "MalformedXML"),
        (document(("a", "1"), ("a", "1")), "RepeatedTags"),
        (document(("", "1")), "InvalidTag"),
        (document(("k" * 129, "1")), "InvalidTag"),
        (document(("a", "v" * 257)), "InvalidTag"),
        (document(("a", "&amp;")), "InvalidTag"),
        (document(*((f"k{number}", "v") for number in range(11))), "InvalidTag"),
    ],
)
async def test_a_document_that_breaks_a_rule_changes_nothing(house: House, body: bytes, code: str) -> None:
    await house.ask("PUT", "/photos/a?tagging", document(("kept", "yes")))
    assert (await house.ask("PUT", "/photos/a?tagging", body)).refusal == (400, code)
    assert await tags(house) == {"kept": "yes"}


async def test_a_tag_without_a_value_element_has_an_empty_one(house: House) -> None:
    await house.ask("PUT", "/photos/a?tagging", b"<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>")
    assert await tags(house) == {"a": ""}


async def test_only_what_is_there_has_tags(house: House) -> None:
    for method in ("PUT", "GET", "DELETE"):
        answer = await house.ask(method, "/photos/none?tagging", document())
        assert answer.refusal == (404, "NoSuchKey")


async def test_each_version_has_its_own_tags(house: House) -> None:
    await house.ask(
        "PUT",
        "/photos/?versioning",
        b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    )
    newer = (await house.put("/photos/a", b"newer")).headers["x-oss-version-id"]
    answer = await house.ask("PUT", "/photos/a?tagging&versionId=null", document(("old", "yes")))
    assert answer.headers == {"x-oss-version-id": "null"}
    assert await tags(house) == {}
    old = await house.ask("GET", "/photos/a?tagging&versionId=null")
    assert (old.texts("TagSet/Tag/Key"), old.headers["x-oss-version-id"]) == (["old"], "null")
    gone = await house.ask("DELETE", f"/photos/a?tagging&versionId={newer}")
    assert gone.headers == {"x-oss-version-id": newer}


async def test_tags_are_the_owners_business(house: House) -> None:
    for by in (STRANGER, ANYBODY):
        for method in ("PUT", "GET", "DELETE"):
            assert (await house.ask(method, "/photos/a?tagging", document(), by=by)).refusal == (403, "AccessDenied")
