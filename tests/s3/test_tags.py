"""Tags by S3's rules, which are wider than OSS's: other signs, and lengths in characters."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import pytest

from ..oss.house import House
from .asking import ask

WIDE = {"ownér": "a@example.com", "ü" * 128: "文" * 256}


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    await house.put("/photos/k")
    return house


def tagging(pairs: Iterable[tuple[str, str]]) -> bytes:
    tags = "".join(f"<Tag><Key>{escape(key)}</Key><Value>{escape(value)}</Value></Tag>" for key, value in pairs)
    return f"<Tagging><TagSet>{tags}</TagSet></Tagging>".encode()


async def tags_of(house: House, address: str) -> dict[str, str]:
    seen = await house.ask("GET", f"{address}?tagging")
    return dict(zip(seen.texts("TagSet/Tag/Key"), seen.texts("TagSet/Tag/Value"), strict=True))


@pytest.mark.parametrize("copied", [{}, {"x-amz-copy-source": "/photos/k", "x-amz-tagging-directive": "REPLACE"}])
async def test_a_header_gives_tags_that_oss_then_shows(house: House, copied: dict[str, str]) -> None:
    answer = await ask(house, "PUT", "/photos/new", headers={"x-amz-tagging": urlencode(WIDE), **copied})
    assert answer.status == 200, answer.body
    assert await tags_of(house, "/photos/new") == WIDE


async def test_an_upload_in_parts_may_begin_with_them(house: House) -> None:
    begun = await ask(house, "POST", "/photos/new?uploads", headers={"x-amz-tagging": urlencode(WIDE)})
    assert begun.status == 200, begun.body


async def test_documents_give_tags_to_objects_and_buckets(house: House) -> None:
    for address in ("/photos/k", "/photos"):
        answer = await ask(house, "PUT", f"{address}?tagging", tagging(WIDE.items()))
        assert answer.status in (200, 204), answer.body
        assert await tags_of(house, address) == WIDE


async def test_a_rule_of_lifecycle_may_name_such_a_tag(house: House) -> None:
    tag = "<Tag><Key>owner</Key><Value>a@example.com</Value></Tag>"
    rule = f"<Rule><Status>Enabled</Status><Filter>{tag}</Filter><Expiration><Days>7</Days></Expiration></Rule>"
    document = f"<LifecycleConfiguration>{rule}</LifecycleConfiguration>".encode()
    assert (await ask(house, "PUT", "/photos?lifecycle", document)).status == 200
    seen = await ask(house, "GET", "/photos?lifecycle")
    assert b"<Value>a@example.com</Value>" in seen.body


async def test_oss_gives_no_such_tags(house: House) -> None:
    for key, value in WIDE.items():
        refused = await house.ask("PUT", "/photos/k?tagging", tagging([(key, value)]))
        assert refused.refusal == (400, "InvalidTag")


@pytest.mark.parametrize(
    ("address", "pairs"),
    [
        ("/photos/k", [("ü" * 129, "")]),
        ("/photos/k", [("k", "文" * 257)]),
        ("/photos/k", [("", "v")]),
        ("/photos/k", [("a&b", "v")]),
        ("/photos/k", [("k", "a"), ("k", "b")]),
        ("/photos/k", [(f"k{number}", "") for number in range(11)]),
        ("/photos", [("AWS:owner", "v")]),
        ("/photos", [("k", "<")]),
        ("/photos", [("k", "a"), ("k", "b")]),
    ],
)
async def test_what_s3_has_no_tags_for_is_refused(house: House, address: str, pairs: list[tuple[str, str]]) -> None:
    assert (await ask(house, "PUT", f"{address}?tagging", tagging(pairs))).refusal == (400, "InvalidTag")
    assert await tags_of(house, address) == {}


async def test_a_bucket_has_up_to_fifty_tags(house: House) -> None:
    fifty = [(f"k{number:02}", "v") for number in range(50)]
    assert (await ask(house, "PUT", "/photos?tagging", tagging(fifty))).status == 204
    refused = await ask(house, "PUT", "/photos?tagging", tagging([*fifty, ("one", "more")]))
    assert refused.refusal == (400, "TooManyTags")
    assert await tags_of(house, "/photos") == dict(fifty)
