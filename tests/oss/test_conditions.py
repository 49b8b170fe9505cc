"""A condition of a policy sees what a request asks for, by whatever way it came: header, form field, document, the
source of a copy, the upload that was begun before."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from coatcheck.oss.asking import NOTHING
from coatcheck.oss.table import ROWS

from .house import Answer, House
from .test_post_object import a_form, post, signed, signed_v1

Way = Callable[[House], Awaitable[Answer]]
PART = b"x" * 10


def a_statement(effect: str, operator: str, key: str, value: Any) -> dict[str, Any]:
    return {
        "Effect": effect,
        "Action": "oss:*",
        "Principal": ["*"],
        "Resource": ["acs:oss:*:*:photos", "acs:oss:*:*:photos/*"],
        "Condition": {operator: {key: value}},
    }


async def forbid(house: House, operator: str, key: str, value: Any = "true") -> None:
    policy = json.dumps({"Version": "1", "Statement": [a_statement("Deny", operator, key, value)]}).encode()
    assert (await house.ask("PUT", "/photos/?policy", policy)).status == 200


def by(method: str, address: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Way:
    async def ask(house: House) -> Answer:
        return await house.ask(method, address, body, headers)

    return ask


async def begin(house: House, headers: dict[str, str] | None = None) -> str:
    answer = await house.ask("POST", "/photos/up?uploads", b"", headers)
    assert answer.status == 200, answer.body
    return answer.text("UploadId") or ""


async def complete(house: House, headers: dict[str, str]) -> Answer:
    upload = await begin(house)
    await house.ask("PUT", f"/photos/up?partNumber=1&uploadId={upload}", PART)
    return await house.ask("POST", f"/photos/up?uploadId={upload}", b"", {"x-oss-complete-all": "yes", **headers})


async def copy(house: House, headers: dict[str, str]) -> Answer:
    await house.put("/photos/source")
    return await house.ask("PUT", "/photos/a", b"", {"x-oss-copy-source": "/photos/source", **headers})


async def copy_onto_itself(house: House, headers: dict[str, str]) -> Answer:
    await house.put("/photos/a")
    return await house.ask("PUT", "/photos/a", b"", {"x-oss-copy-source": "/photos/a", **headers})


async def put_acl(house: House, headers: dict[str, str]) -> Answer:
    await house.put("/photos/a")
    return await house.ask("PUT", "/photos/a?acl", b"", headers)


async def a_signed_form(house: House, fields: dict[str, str]) -> Answer:
    return await post(house, a_form({**signed("a"), **fields}))


async def a_signed_v1_form(house: House, fields: dict[str, str]) -> Answer:
    return await post(house, a_form(signed_v1([["starts-with", "$key", ""]], fields=fields)))


def given(way: Callable[[House, dict[str, str]], Awaitable[Answer]], **headers: str) -> Way:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def ask(house: House) -> Answer:
        return await way(house, named)

    return ask


PUBLIC = {"x_oss_object_acl": "public-read"}
SHARED = {"x-oss-object-acl": "public-read"}

OBJECT_ACL: dict[str, Way] = {
    "PutObject": by("PUT", "/photos/a", SHARED, b"hello"),
    "AppendObject": by("POST", "/photos/a?append&position=0", SHARED, b"hello"),
    "PutSymlink": by("PUT", "/photos/a?symlink", {"x-oss-symlink-target": "b", **SHARED}),
    "PutObjectAcl": given(put_acl, **PUBLIC),
    "CopyObject": given(copy, **PUBLIC),
    "CopyObject onto itself": given(copy_onto_itself, **PUBLIC),
    "CompleteMultipartUpload": given(complete, **PUBLIC),
    "PostObject": given(a_signed_form, **PUBLIC),
    "PostObject, V1": given(a_signed_v1_form, **PUBLIC),
}


@pytest.mark.parametrize("key", ["oss:x-oss-object-acl", "oss:x-oss-acl", "OSS:X-OSS-Object-Acl"])
@pytest.mark.parametrize("way", OBJECT_ACL)
async def test_a_deny_of_an_objects_acl_holds_by_every_way(house: House, way: str, key: str) -> None:
    allowed = await OBJECT_ACL[way](house)
    assert allowed.status in (200, 204), allowed.body
    assert (await house.ask("DELETE", f"/photos/{allowed.trace.key}")).status == 204
    await forbid(house, "StringEquals", key, ["public-read", "public-read-write"])
    assert (await OBJECT_ACL[way](house)).refusal == (403, "AccessDenied")
    await forbid(house, "StringEquals", key, "private")
    assert (await OBJECT_ACL[way](house)).status in (200, 204)


async def bucket_made(house: House) -> Answer:
    return await house.ask("PUT", "/photos/", headers={"x-oss-acl": "public-read"})


@pytest.mark.parametrize("way", [by("PUT", "/photos/?acl", {"x-oss-acl": "public-read"}), bucket_made])
async def test_a_deny_of_a_buckets_acl_holds_by_every_way(house: House, way: Way) -> None:
    assert (await way(house)).status == 200
    assert (await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": "private"})).status == 200
    await forbid(house, "StringLike", "oss:x-oss-acl", "public-*")
    assert (await way(house)).refusal == (403, "AccessDenied")
    assert (await house.ask("GET", "/photos/?acl")).text("AccessControlList/Grant") == "private"


SECRET = "a=1&level=top%20secret"
TAGS_DOCUMENT = (
    b"<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag>"
    b"<Tag><Key>level</Key><Value>top secret</Value></Tag></TagSet></Tagging>"
)


async def tag(house: House) -> Answer:
    await house.put("/photos/a")
    return await house.ask("PUT", "/photos/a?tagging", TAGS_DOCUMENT)


async def copied_tags(house: House) -> Answer:
    return await house.ask("PUT", "/photos/a", b"", {"x-oss-copy-source": "/photos/tagged"})


async def begun_upload(house: House) -> Answer:
    return await house.ask("POST", "/photos/up?uploads", b"", {"x-oss-tagging": SECRET})


REPLACED = {"x_oss_tagging": SECRET, "x_oss_tagging_directive": "Replace"}

TAGS: dict[str, Way] = {
    "PutObject": by("PUT", "/photos/a", {"x-oss-tagging": SECRET}, b"hello"),
    "AppendObject": by("POST", "/photos/a?append&position=0", {"x-oss-tagging": SECRET}, b"hello"),
    "PutSymlink": by("PUT", "/photos/a?symlink", {"x-oss-symlink-target": "b", "x-oss-tagging": SECRET}),
    "CopyObject, replaced": given(copy, **REPLACED),
    "CopyObject, the source's": copied_tags,
    "InitiateMultipartUpload": begun_upload,
    "PutObjectTagging": tag,
}


@pytest.mark.parametrize("way", TAGS)
async def test_a_deny_of_a_tag_holds_by_every_way(house: House, way: str) -> None:
    await house.put("/photos/tagged", headers={"x-oss-tagging": SECRET})
    assert (await TAGS[way](house)).status == 200
    assert (await house.ask("DELETE", "/photos/a")).status == 204
    await forbid(house, "StringEquals", "oss:RequestObjectTag/level", "top secret")
    assert (await TAGS[way](house)).refusal == (403, "AccessDenied")
    tags = await house.ask("GET", "/photos/a?tagging")
    assert tags.status == 404 or tags.texts("TagSet/Tag/Key") == []
    await forbid(house, "StringEquals", "oss:RequestObjectTag/level", "secret")
    assert (await TAGS[way](house)).status == 200


@pytest.mark.parametrize("way", [way for way in TAGS if "Copy" not in way])  # reading a source gives no tag
async def test_a_deny_of_what_lacks_a_tag_lets_pass_what_has_it(house: House, way: str) -> None:
    if way == "PutObjectTagging":
        await house.put("/photos/a")
    await forbid(house, "StringNotEquals", "oss:RequestObjectTag/level", "top secret")
    ways = {**TAGS, "PutObjectTagging": by("PUT", "/photos/a?tagging", body=TAGS_DOCUMENT)}
    assert (await ways[way](house)).status == 200
    assert (await house.ask("PUT", "/photos/b", b"")).refusal == (403, "AccessDenied")


async def test_tags_of_an_upload_count_for_its_parts_and_its_end(house: House) -> None:
    tagged, plain = await begin(house, {"x-oss-tagging": SECRET}), await begin(house)
    await house.put("/photos/source", b"hello")
    part = await house.ask("PUT", f"/photos/up?partNumber=1&uploadId={tagged}", PART)
    assert part.status == 200
    await forbid(house, "StringEquals", "oss:RequestObjectTag/level", "top secret")
    source = {"x-oss-copy-source": "/photos/source"}
    for upload, status in ((tagged, 403), (plain, 200)):
        address = f"/photos/up?partNumber=2&uploadId={upload}"
        assert (await house.ask("PUT", address, PART)).status == status
        assert (await house.ask("PUT", address, b"", source)).status == status
        done = await house.ask("POST", f"/photos/up?uploadId={upload}", b"", {"x-oss-complete-all": "yes"})
        assert done.status == status


async def test_what_an_operation_ignores_is_no_fact(house: House) -> None:
    """A header that gives nothing can't fulfil a condition on what is given."""
    await house.put("/photos/a")
    await forbid(house, "StringNotEquals", "oss:x-oss-object-acl", "private")
    for method, address, body in (
        ("GET", "/photos/a", b""),
        ("PUT", "/photos/a?x-oss-object-acl=private", b"x"),
        ("PUT", "/photos/a?tagging", TAGS_DOCUMENT),
        ("POST", "/photos/a?uploads", b""),
    ):
        headers = {} if "=" in address else {"x-oss-object-acl": "private"}
        assert (await house.ask(method, address, body, headers)).refusal == (403, "AccessDenied"), address
    assert (await post(house, a_form(signed("a")))).refusal == (403, "AccessDenied")
    assert (await house.ask("PUT", "/photos/a", b"x", {"x-oss-object-acl": "private"})).status == 200


async def test_a_later_append_gives_nothing_and_meets_no_condition(house: House) -> None:
    await house.ask("POST", "/photos/log?append&position=0", b"hello")
    await forbid(house, "StringLike", "oss:x-oss-object-acl", "public-*")
    public = {"x-oss-object-acl": "public-read"}
    assert (await house.ask("POST", "/photos/log?append&position=5", b"x", public)).status == 200
    assert (await house.ask("GET", "/photos/log?acl")).text("AccessControlList/Grant") == "default"
    assert (await house.ask("POST", "/photos/other?append&position=0", b"x", public)).refusal == (403, "AccessDenied")


async def test_a_parameter_gives_no_acl_and_no_tags(house: House) -> None:
    await house.put("/photos/a?x-oss-object-acl=public-read&x-oss-tagging=level%3Dx")
    assert (await house.ask("GET", "/photos/a?acl")).text("AccessControlList/Grant") == "default"
    assert (await house.ask("GET", "/photos/a?tagging")).texts("TagSet/Tag/Key") == []


@pytest.mark.parametrize("header", ["level=top%20secret&level=x", "level=%ff", "level=top%20secret&%20%20=%0a"])
async def test_a_header_that_holds_no_tags_gives_none(house: House, header: str) -> None:
    await forbid(house, "StringEquals", "oss:RequestObjectTag/level", "top secret")
    for way in (
        by("PUT", "/photos/a", {"x-oss-tagging": header}, b"x"),
        by("POST", "/photos/a?append&position=0", {"x-oss-tagging": header}),
        by("POST", "/photos/a?uploads", {"x-oss-tagging": header}),
        by("PUT", "/photos/a?symlink", {"x-oss-tagging": header, "x-oss-symlink-target": "b"}),
    ):
        assert (await way(house)).status == 400


@pytest.mark.parametrize(
    "address", ["/photos/?prefix=in%2Fside", "/photos/?list-type=2&prefix=in/side", "/photos/?uploads&prefix=in/side"]
)
@pytest.mark.parametrize("more", ["", "&prefix=other"])
async def test_a_deny_of_a_prefix_holds_for_every_listing(house: House, address: str, more: str) -> None:
    assert (await house.ask("GET", address + more)).status == 200
    await forbid(house, "StringLike", "oss:Prefix", "in/*")
    assert (await house.ask("GET", address + more)).refusal == (403, "AccessDenied")
    assert (await house.ask("GET", address.replace("in", "on", 1).replace("side", "x"))).status == 200


def test_every_route_that_gives_something_says_so() -> None:
    asking = {row.name for row in ROWS if row.asks is not NOTHING}
    assert asking == {
        *("append_object", "complete_multipart_upload", "copy_object", "initiate_multipart_upload", "post_object"),
        *("put_bucket", "put_bucket_acl", "put_object", "put_object_acl", "put_object_tagging", "put_symlink"),
        *("upload_part", "upload_part_copy"),
    }
