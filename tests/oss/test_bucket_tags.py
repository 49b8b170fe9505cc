from __future__ import annotations

from urllib.parse import quote

import pytest

from .house import STRANGER, House


def a_document(*tags: tuple[str, str]) -> bytes:
    inner = "".join(f"<Tag><Key>{key}</Key><Value>{value}</Value></Tag>" for key, value in tags)
    return f"<Tagging><TagSet>{inner}</TagSet></Tagging>".encode()


async def tags_of(house: House, bucket: str = "photos") -> list[tuple[str, str]]:
    answer = await house.ask("GET", f"/{bucket}/?tagging")
    assert answer.status == 200
    return list(zip(answer.texts("TagSet/Tag/Key"), answer.texts("TagSet/Tag/Value"), strict=True))


async def test_tags_are_kept_replaced_and_dropped() -> None:
    house = await House().with_bucket()
    assert await tags_of(house) == []
    assert (await house.ask("PUT", "/photos/?tagging", a_document(("team", "a"), ("Team", "ä")))).status == 200
    assert await tags_of(house) == [("team", "a"), ("Team", "ä")]
    assert (await house.ask("PUT", "/photos/?tagging", a_document(("k", "")))).status == 200
    assert await tags_of(house) == [("k", "")]
    answer = await house.ask("DELETE", "/photos/?tagging")
    assert (answer.status, await tags_of(house)) == (204, [])
    assert (await house.ask("DELETE", "/photos/?tagging")).status == 204


async def test_named_tags_are_dropped_alone() -> None:
    house = await House().with_bucket()
    await house.ask("PUT", "/photos/?tagging", a_document(("a", "1"), ("b", "2"), ("c", "3")))
    assert (await house.ask("DELETE", "/photos/?tagging=a,c,x")).status == 204
    assert await tags_of(house) == [("b", "2")]
    assert (await house.ask("DELETE", "/photos/?tagging=b")).status == 204
    assert await tags_of(house) == []


async def test_no_tags_are_an_empty_set() -> None:
    house = await House().with_bucket()
    body = (await house.ask("GET", "/photos/?tagging")).body
    assert b"<Tagging>\n  <TagSet></TagSet>\n</Tagging>" in body


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MalformedXML"),
        (b"<Tagging/>", "MalformedXML"),
        (b"<Tagging><TagSet/></Tagging>", "MalformedXML"),
        (b"<Tags><TagSet><Tag><Key>a</Key></Tag></TagSet></Tags>", "MalformedXML"),
        (b"<!DOCTYPE x><Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>", "MalformedXML"),
        (b"<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet><TagSet/></Tagging>", "MalformedXML"),
        (b"<Tagging><TagSet><Tag><Key>a</Key><Key>b</Key></Tag></TagSet></Tagging>", "MalformedXML"),
        (b"<Tagging><TagSet><Tag><Key><b/></Key></Tag></TagSet></Tagging>", "MalformedXML"),
        (b"<Tagging>" + b"x" * 70_000 + b"</Tagging>", "MalformedXML"),
        (b"<Tagging><TagSet><Tag><Value>a</Value></Tag></TagSet></Tagging>", "InvalidTag"),
        (a_document(("", "a")), "InvalidTag"),
        (a_document(("k" * 65, "a")), "InvalidTag"),
        (a_document(("http://a", "a")), "InvalidTag"),
        (a_document(("Aliyun-x", "a")), "InvalidTag"),
        (a_document(("k", "v" * 129)), "InvalidTag"),
        (a_document(("k", "1"), ("k", "2")), "RepeatedTags"),
        (a_document(*((f"k{i}", "") for i in range(21))), "TooManyTags"),
    ],
)
async def test_what_are_no_tags_is_refused_and_nothing_changes(body: bytes, code: str) -> None:
    house = await House().with_bucket()
    await house.ask("PUT", "/photos/?tagging", a_document(("a", "1")))
    answer = await house.ask("PUT", "/photos/?tagging", body)
    assert answer.refusal == (400, code)
    assert await tags_of(house) == [("a", "1")]


async def test_tags_with_a_namespace_and_at_their_limits_are_taken() -> None:
    house = await House().with_bucket()
    tags = [(f"{i:02}" + "k" * 62, "v" * 128) for i in range(20)]
    body = a_document(*tags).replace(b"<Tagging>", b'<Tagging xmlns="http://doc.oss-cn-hangzhou.aliyuncs.com">')
    assert (await house.ask("PUT", "/photos/?tagging", body)).status == 200
    assert await tags_of(house) == tags


async def test_tags_are_the_owners_affair() -> None:
    house = await House().with_bucket(acl="public-read-write")
    for method in ("PUT", "GET", "DELETE"):
        for by in (STRANGER, None):
            assert (await house.ask(method, "/photos/?tagging", a_document(("a", "1")), by=by)).status == 403


async def test_a_bucket_may_be_made_with_tags() -> None:
    house = House()
    answer = await house.ask("PUT", "/photos/", headers={"x-oss-bucket-tagging": "a=1&b%20c=%C3%A4"})
    assert (answer.status, await tags_of(house)) == (200, [("a", "1"), ("b c", "ä")])
    answer = await house.ask("PUT", "/other/", headers={"x-oss-bucket-tagging": "a=1&a=2"})
    assert answer.refusal == (400, "RepeatedTags")
    assert (await house.ask("GET", "/other/")).refusal == (404, "NoSuchBucket")


@pytest.mark.parametrize("tags", ["%FF=1", "a=%C3", b"\xff\xfe=1".decode("utf-8", "surrogateescape")])
async def test_a_bucket_is_not_made_with_tags_that_are_no_text(tags: str) -> None:
    house = House()
    answer = await house.ask("PUT", "/photos/", headers={"x-oss-bucket-tagging": tags})
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("ArgumentName") == "x-oss-bucket-tagging"
    assert (await house.ask("GET", "/photos/")).refusal == (404, "NoSuchBucket")


async def names(house: House, query: str) -> list[str]:
    answer = await house.ask("GET", f"/?{query}")
    assert answer.status == 200, answer.body
    return answer.texts("Buckets/Bucket/Name")


async def test_buckets_are_listed_by_tag() -> None:
    house = House()
    for name, tags in {"aaa": "team=a&env=x", "bbb": "team=b", "ccc": "team=a", "ddd": ""}.items():
        await house.ask("PUT", f"/{name}/", headers={"x-oss-bucket-tagging": tags} if tags else {})
    assert await names(house, "tag-key=team") == ["aaa", "bbb", "ccc"]
    assert await names(house, "tag-key=team&tag-value=a") == ["aaa", "ccc"]
    assert await names(house, "tag-key=team&tag-value=a&marker=aaa") == ["ccc"]
    assert await names(house, "tag-key=team&max-keys=1") == ["aaa"]
    pairs = quote('"team":"a","env":"x"')
    assert await names(house, f"tagging={pairs}") == ["aaa"]
    assert await names(house, "tag-key=nothing") == []


@pytest.mark.parametrize("query", ["tag-value=a", "tagging=x", "tagging=%22a%22:%22b%22&tag-key=a", "tagging=%22a%22"])
async def test_a_filter_that_cannot_be_read_is_refused(query: str) -> None:
    assert (await House().ask("GET", f"/?{query}")).refusal == (400, "InvalidArgument")


async def test_a_bucket_policy_may_ask_for_a_tag_of_the_bucket() -> None:
    house = await House().with_bucket()
    await house.put("/photos/a.txt")
    policy = b"""{"Version": "1", "Statement": [{"Effect": "Allow", "Principal": ["*"], "Action": "oss:GetObject",
        "Resource": "acs:oss:*:*:photos/*", "Condition": {"StringEquals": {"oss:BucketTag/shown": "yes"}}}]}"""
    assert (await house.ask("PUT", "/photos/?policy", policy)).status == 200
    assert (await house.ask("GET", "/photos/a.txt", by=STRANGER)).status == 403
    await house.ask("PUT", "/photos/?tagging", a_document(("shown", "yes")))
    assert (await house.ask("GET", "/photos/a.txt", by=STRANGER)).status == 200


async def test_buckets_that_are_listed_by_tag_show_their_tags() -> None:
    house = await House().with_bucket()
    await house.ask("PUT", "/photos/?tagging", a_document(("team", "a"), ("level", "ä")))
    listed = await house.ask("GET", "/?tag-key=team")
    keys, values = (listed.texts(f"Buckets/Bucket/Tagging/TagSet/Tag/{name}") for name in ("Key", "Value"))
    assert (keys, values) == (["team", "level"], ["a", "ä"])
    assert (await house.ask("GET", "/")).texts("Buckets/Bucket/Tagging/TagSet/Tag/Key") == []
