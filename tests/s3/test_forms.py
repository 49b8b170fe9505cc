"""Forms: what the signer's policy covers is done, what it doesn't cover is refused, whoever adds it."""

from __future__ import annotations

from typing import Any

import pytest

from coatcheck.ports.links import Limits, Link
from coatcheck.wire.query import NO_QUERY
from coatcheck.wire.request import Request

from ..oss.house import NOW, OWNER, REGION, STRANGER, Answer, GivenBody, House
from ..oss.test_post_object import BOUNDARY, a_form, post, signed
from .asking import form_fields

ANY_KEY = ["starts-with", "$key", ""]


@pytest.fixture
async def house() -> House:
    return await House().with_bucket()


@pytest.mark.parametrize("version", [2, 4])
async def test_a_signed_form_stores_its_file(house: House, version: int) -> None:
    fields = form_fields([["starts-with", "$key", "user/"]], {"key": "user/${filename}"}, version=version)
    answer = await post(house, a_form(fields, kind="text/html"))
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["etag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert answer.headers["location"] == "http://127.0.0.1:8000/photos/user/a.txt"
    assert answer.headers["x-amz-request-id"]
    assert not [name for name in answer.headers if name.startswith("x-oss-")]
    got = await house.ask("GET", "/photos/user/a.txt")
    # The type of the file's part means nothing in S3.
    assert (got.body, got.headers["content-type"]) == (b"hello", "binary/octet-stream")
    assert answer.trace.operation == "post_object"


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("127.0.0.1:8000", "/photos"),
        (f"photos.s3.{REGION}.localhost:8000", "/"),
        (f"photos.oss-{REGION}.localhost:8000", "/"),
    ],
)
async def test_a_form_is_posted_to_the_bucket_in_any_style(house: House, host: str, path: str) -> None:
    answer = await post(house, a_form(form_fields([ANY_KEY])), path, host)
    assert (answer.status, "x-amz-request-id" in answer.headers) == (204, True)


async def test_fields_say_what_headers_say_to_an_upload(house: House) -> None:
    fields = {
        "acl": "public-read",
        "Content-Type": "image/png",
        "Cache-Control": "no-cache",
        "x-amz-meta-Colour": "red",
        "x-amz-storage-class": "STANDARD_IA",
        "tagging": "<Tagging><TagSet><Tag><Key>a b</Key><Value>c=d</Value></Tag></TagSet></Tagging>",
        "x-ignore-button": "Upload",
    }
    covered = [["starts-with", f"${name}", ""] for name in fields if not name.startswith("x-ignore")]
    assert (await post(house, a_form(form_fields([ANY_KEY, *covered], fields)))).status == 204
    got = await house.ask("GET", "/photos/a.txt", by=None)
    assert got.status == 200
    assert got.headers["content-type"] == "image/png"
    assert got.headers["cache-control"] == "no-cache"
    assert got.headers["x-oss-meta-colour"] == "red"
    assert got.headers["x-oss-storage-class"] == "IA"
    tags = await house.ask("GET", "/photos/a.txt?tagging")
    assert (tags.text("TagSet/Tag/Key"), tags.text("TagSet/Tag/Value")) == ("a b", "c=d")


@pytest.mark.parametrize(("sent", "status"), [("200", 200), ("204", 204), ("404", 204), ("", 204)])
async def test_success_is_said_as_the_form_asks(house: House, sent: str, status: int) -> None:
    fields = form_fields([ANY_KEY, {"success_action_status": sent}], {"success_action_status": sent})
    answer = await post(house, a_form(fields))
    assert (answer.status, answer.body) == (status, b"")


async def test_201_has_a_document_without_a_namespace(house: House) -> None:
    fields = form_fields([ANY_KEY, {"success_action_status": "201"}], {"success_action_status": "201"})
    answer = await post(house, a_form(fields))
    assert answer.status == 201
    assert [(child.tag, child.text) for child in answer.xml] == [
        ("Location", "http://127.0.0.1:8000/photos/a.txt"),
        ("Bucket", "photos"),
        ("Key", "a.txt"),
        ("ETag", '"5d41402abc4b2a76b9719d911017c592"'),
    ]


@pytest.mark.parametrize("name", ["success_action_redirect", "redirect"])
async def test_a_redirect_carries_what_was_stored(house: House, name: str) -> None:
    there = "https://www.example.com/done"
    answer = await post(house, a_form(form_fields([ANY_KEY, {name: there}], {name: there})))
    assert (answer.status, answer.headers["location"]) == (
        303,
        f"{there}?bucket=photos&key=a.txt&etag=%225d41402abc4b2a76b9719d911017c592%22",
    )


@pytest.mark.parametrize(
    ("value", "status", "code"),
    [
        ("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", 204, ""),
        ("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCA=", 400, "BadDigest"),
        ("zzz", 400, "InvalidRequest"),
    ],
)
async def test_a_checksum_is_compared_before_anything_is_stored(
    house: House, value: str, status: int, code: str
) -> None:
    before = house.contents()
    name = "x-amz-checksum-sha256"
    answer = await post(house, a_form(form_fields([ANY_KEY, ["eq", f"${name}", value]], {name: value})))
    assert answer.status == status
    if code:
        assert answer.text("Code") == code
        assert house.contents() == before
    else:
        assert answer.headers[name] == value


@pytest.mark.parametrize(
    ("sizes", "code"),
    [
        ([0, 5], ""),
        ([5, 9], ""),
        ([0, 4], "EntityTooLarge"),
        ([6, 9], "EntityTooSmall"),
        ([0], "InvalidPolicyDocument"),
    ],
)
async def test_the_size_is_that_of_the_policy(house: House, sizes: list[int], code: str) -> None:
    before = house.contents()
    answer = await post(house, a_form(form_fields([ANY_KEY, ["content-length-range", *sizes]])))
    assert (answer.status, answer.status == 204 or answer.text("Code")) == ((400, code) if code else (204, True))
    assert (house.contents() == before) == bool(code)


NOT_COVERED = [
    {"acl": "public-read"},
    {"x-amz-meta-a": "b"},
    {"Content-Type": "text/html"},
    {"tagging": "<Tagging><TagSet/></Tagging>"},
    {"success_action_redirect": "https://evil.example/"},
    {"success_action_status": "200"},
    {"x-amz-storage-class": "GLACIER"},
    {"x-amz-security-token": "x"},
    {"submit": "Upload"},
]


@pytest.mark.parametrize("more", NOT_COVERED, ids=lambda more: next(iter(more)))
@pytest.mark.parametrize("version", [2, 4])
async def test_a_field_that_no_condition_names_is_refused(house: House, more: dict[str, str], version: int) -> None:
    before = house.contents()
    answer = await post(house, a_form(form_fields([ANY_KEY], version=version) | more))
    name = next(iter(more))
    if name == "x-amz-security-token":  # of an ordinary key it is refused as a token
        assert answer.status in (400, 403)
    else:
        assert (answer.status, answer.text("Code")) == (403, "AccessDenied")
        assert answer.text("Message") == f"Invalid according to Policy: Extra input fields: {name.lower()}"
    assert house.contents() == before


async def test_a_policy_has_to_name_the_key_and_the_bucket(house: House) -> None:
    await house.with_bucket("others")
    before = house.contents()
    for fields, path in (
        (form_fields([]), "/photos"),
        (form_fields([ANY_KEY], bucket="others"), "/photos"),
        (form_fields([ANY_KEY]), "/others"),
        (form_fields([ANY_KEY], {"bucket": "photos"}), "/others"),
    ):
        assert (await post(house, a_form(fields), path)).refusal == (403, "AccessDenied")
    assert house.contents() == before


@pytest.mark.parametrize(
    ("conditions", "fields", "expected"),
    [
        ([["starts-with", "$key", "user/"]], {}, (403, "AccessDenied")),
        ([ANY_KEY, {"x-amz-meta-a": "b"}], {"x-amz-meta-a": "c"}, (403, "AccessDenied")),
        ([ANY_KEY, ["starts-with", "$Content-Type", "image/"]], {"Content-Type": "text/html"}, (403, "AccessDenied")),
        ([ANY_KEY, ["starts-with", "$Content-Type", "image/"]], {}, (403, "AccessDenied")),
        ([ANY_KEY, {}], {}, (400, "InvalidPolicyDocument")),
        ([ANY_KEY, ["has", "$key", "a"]], {}, (400, "InvalidPolicyDocument")),
        ([{"key": "${filename}x"}], {"key": "${filename}"}, (403, "AccessDenied")),
        ([ANY_KEY, ["starts-with", "$acl", ""]], {"acl": "everybody"}, (400, "InvalidArgument")),
        ([ANY_KEY, ["starts-with", "$x-amz-copy-source", ""]], {"x-amz-copy-source": "/a/b"}, (501, "NotImplemented")),
        ([ANY_KEY, ["starts-with", "$tagging", ""]], {"tagging": "a=b"}, (400, "MalformedXML")),
    ],
)
async def test_what_a_condition_forbids_is_not_stored(
    house: House, conditions: list[Any], fields: dict[str, str], expected: tuple[int, str]
) -> None:
    before = house.contents()
    assert (await post(house, a_form(form_fields(conditions, fields), kind="image/png"))).refusal == expected
    assert house.contents() == before


async def test_an_escaped_dollar_is_read_either_way(house: House) -> None:
    for key in ("u$a.txt", "u\\$a.txt"):
        fields = form_fields([["starts-with", "$key", "u\\$a"]], {"key": key})
        assert (await post(house, a_form(fields))).status == 204


BROKEN = {
    "x-amz-signature": (403, "SignatureDoesNotMatch"),
    "policy": (403, "SignatureDoesNotMatch"),
    "x-amz-credential": (403, "InvalidAccessKeyId"),
    "x-amz-date": (400, "InvalidArgument"),
    "x-amz-algorithm": (400, "InvalidArgument"),
}


@pytest.mark.parametrize(("name", "expected"), BROKEN.items())
async def test_a_signature_that_is_not_whole_is_refused(house: House, name: str, expected: tuple[int, str]) -> None:
    before = house.contents()
    fields = form_fields([ANY_KEY])
    assert (await post(house, a_form(fields | {name: "@" + fields[name][1:]}))).refusal == expected
    del fields[name]
    assert (await post(house, a_form(fields))).refusal == (400, "InvalidArgument")
    assert house.contents() == before


@pytest.mark.parametrize(
    ("expiration", "timestamp", "expected"),
    [
        ("2026-03-05T07:08:08Z", "20260305T070809Z", (403, "AccessDenied")),
        ("2030-03-05T07:08:08Z", "20260220T070809Z", (403, "AccessDenied")),
        ("2030-03-05T07:08:08Z", "20260305T090809Z", (403, "AccessDenied")),
        ("tomorrow", "20260305T070809Z", (400, "InvalidPolicyDocument")),
        (None, "20260305T070809Z", (400, "InvalidPolicyDocument")),
    ],
)
async def test_a_form_lives_as_long_as_its_policy_and_its_key(
    house: House, expiration: object, timestamp: str, expected: tuple[int, str]
) -> None:
    fields = form_fields([ANY_KEY], expiration=expiration, timestamp=timestamp)
    assert (await post(house, a_form(fields))).refusal == expected


async def test_signs_of_both_dialects_or_versions_in_one_form_are_refused(house: House) -> None:
    before = house.contents()
    of_s3 = form_fields([ANY_KEY])
    for fields in (
        of_s3 | signed("a.txt"),
        signed("a.txt") | of_s3,
        of_s3 | form_fields([ANY_KEY], version=2),
        of_s3 | {"x-oss-object-acl": "public-read"},
        of_s3 | {"OSSAccessKeyId": OWNER.access_key_id},
    ):
        assert (await post(house, a_form(fields))).refusal == (400, "InvalidArgument")
    assert house.contents() == before


async def post_with(house: House, body: bytes, **headers: str) -> Answer:
    sent = {"host": "127.0.0.1:8000", "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await house.send(Request("POST", b"/photos", NO_QUERY, sent, body=GivenBody([body])))


async def test_headers_beside_a_form_are_signed_by_nobody(house: House) -> None:
    before = house.contents()
    for headers in ({"x_amz_acl": "public-read"}, {"x_amz_meta_a": "b"}, {"x_amz_copy_source": "/a/b"}):
        answer = await post_with(house, a_form(form_fields([ANY_KEY])), **headers)
        assert answer.refusal == (403, "AccessDenied")
        assert answer.text("HeadersNotSigned") == next(iter(headers)).replace("_", "-")
    assert house.contents() == before


async def test_a_form_of_oss_is_taken_as_one_whatever_the_headers_say(house: House) -> None:
    answer = await post_with(house, a_form(signed("a.txt")), x_amz_meta_a="b")
    assert (answer.status, answer.headers["etag"]) == (204, '"5D41402ABC4B2A76B9719D911017C592"')


async def test_anybody_may_post_to_a_public_bucket_in_the_dialect_of_the_host() -> None:
    house = await House().with_bucket(acl="public-read-write")
    answer = await post(house, a_form({"key": "a.txt", "acl": "public-read"}), "/", f"photos.s3.{REGION}.localhost")
    assert (answer.status, answer.headers["etag"]) == (204, '"5d41402abc4b2a76b9719d911017c592"')
    assert (await post(house, a_form({"key": "b.txt"}))).headers["etag"] == '"5D41402ABC4B2A76B9719D911017C592"'
    answer = await post(house, a_form({"key": "a.txt"}), "/", f"nothing.s3.{REGION}.localhost")
    assert (answer.refusal, "x-amz-request-id" in answer.headers) == ((404, "NoSuchBucket"), True)


async def test_a_stranger_who_signs_may_do_what_a_stranger_may(house: House) -> None:
    assert (await post(house, a_form(form_fields([ANY_KEY], by=STRANGER)))).refusal == (403, "AccessDenied")


async def test_a_form_is_a_link_that_its_owner_can_cancel(house: House) -> None:
    fields = form_fields([ANY_KEY])
    first = await post(house, a_form(fields))
    assert first.trace.link is not None
    link_id = first.trace.link.caller.link
    row = Link(link_id, OWNER.account, OWNER.access_key_id, "photos", "a.txt", NOW, limits=Limits(), cancelled_at=NOW)
    await house.links.change_link(link_id, lambda _: row)
    second = await post(house, a_form(fields))
    assert (second.refusal, "x-amz-request-id" in second.headers) == ((403, "AccessDenied"), True)
    assert second.text("Message") == "This link has been cancelled. Ask for a new one."
    assert (await post(house, a_form(form_fields([ANY_KEY], version=2)))).status == 204


async def test_a_form_is_held_to_the_limits_of_its_link(house: House) -> None:
    """Addresses and the start; uses are those of downloads."""
    fields = form_fields([ANY_KEY])
    first = await post(house, a_form(fields))
    assert first.trace.link is not None
    link_id = first.trace.link.caller.link
    before = house.contents()
    for limits, message in (
        (Limits(networks=("192.0.2.0/24",)), "This link cannot be used from your network address."),
        (Limits(starts_at=NOW + 60), "This link is not valid yet."),
    ):
        row = Link(link_id, OWNER.account, OWNER.access_key_id, "photos", "a.txt", NOW, limits=limits)
        await house.links.change_link(link_id, lambda _, row=row: row)
        refused = await post(house, a_form(fields, b"other"))
        assert (refused.refusal, refused.text("Message")) == ((403, "AccessDenied"), message)
    assert house.contents() == before
    house.now += 60
    assert (await post(house, a_form(fields, b"other"))).status == 204
