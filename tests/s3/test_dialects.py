"""Two dialects, one object; and a request that is of both, or says what it didn't sign, does nothing at all."""

from __future__ import annotations

from hashlib import sha256

import pytest

from coatcheck import S3Presigner
from coatcheck.engines.local_reads import LocalReads
from coatcheck.ports.snapshot import Lookup, Snapshot

from ..oss.house import OWNER, House
from .asking import ask, follow, link


@pytest.fixture
async def house() -> House:
    return await House().with_bucket()


async def test_an_object_put_in_one_is_the_same_in_the_other(house: House) -> None:
    headers = {"x-amz-meta-colour": "red", "x-amz-tagging": "a=b", "x-amz-storage-class": "STANDARD_IA"}
    stored = await ask(house, "PUT", "/photos/dir/a%20b", b"hello", headers)
    assert (stored.status, stored.headers["etag"]) == (200, '"5d41402abc4b2a76b9719d911017c592"')
    seen = await house.ask("GET", "/photos/dir/a%20b")
    assert (seen.status, seen.body) == (200, b"hello")
    assert seen.headers["etag"] == '"5D41402ABC4B2A76B9719D911017C592"'
    assert seen.headers["x-oss-meta-colour"] == "red"
    assert seen.headers["x-oss-storage-class"] == "IA"
    assert seen.headers["x-oss-tagging-count"] == "1"
    assert seen.headers["content-type"] == "binary/octet-stream"


async def test_an_object_of_oss_has_the_words_of_s3(house: House) -> None:
    await house.put("/photos/k", b"hello", {"x-oss-meta-colour": "red", "x-oss-storage-class": "Archive"})
    seen = await ask(house, "HEAD", "/photos/k")
    assert seen.status == 200
    assert seen.headers["etag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert seen.headers["x-amz-meta-colour"] == "red"
    assert seen.headers["x-amz-storage-class"] == "GLACIER_IR"
    assert not [name for name in seen.headers if name.startswith("x-oss-")]


async def test_a_plus_in_a_path_is_a_plus_in_s3(house: House) -> None:
    await ask(house, "PUT", "/photos/a+b", b"plus")
    assert (await house.ask("GET", "/photos/a%2Bb")).body == b"plus"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-oss-object-acl": "public-read"},
        {"x-oss-meta-a": "b"},
        {"x-oss-forbid-overwrite": "true"},
        {"X-OSS-Callback": "e30="},
    ],
)
async def test_a_header_of_oss_under_a_signature_of_s3_is_refused(house: House, headers: dict[str, str]) -> None:
    before = house.contents()
    answer = await ask(house, "PUT", "/photos/k", b"x", headers)
    assert (answer.status, answer.text("Code")) == (400, "InvalidArgument")
    assert house.contents() == before


async def test_a_parameter_of_oss_under_a_signature_of_s3_is_refused(house: House) -> None:
    await house.put("/photos/k")
    answer = await follow(house, link(house, "GET", "/photos/k", "x-oss-process=image/info"))
    assert (answer.status, answer.text("Code")) == (400, "InvalidArgument")


async def test_a_header_of_s3_means_nothing_in_oss(house: House) -> None:
    await house.put("/photos/k", b"hello", {"x-amz-meta-a": "b", "x-amz-acl": "public-read"})
    seen = await house.ask("HEAD", "/photos/k")
    assert not [name for name in seen.headers if name.startswith(("x-amz-", "x-oss-meta-"))]
    assert (await house.ask("GET", "/photos/k", by=None)).status == 403


async def test_signatures_of_both_are_refused(house: House) -> None:
    await house.put("/photos/k")
    oss = house.link("GET", "k").partition("?")[2]
    answer = await follow(house, f"{link(house, 'GET', '/photos/k')}&{oss}")
    assert (answer.status, answer.text("Code")) == (400, "InvalidArgument")
    answer = await ask(house, "GET", f"/photos/k?{oss}")
    assert (answer.status, answer.text("Code")) == (400, "InvalidArgument")


NOT_SIGNED = [
    {"x-amz-acl": "public-read"},
    {"x-amz-copy-source": "/photos/secret"},
    {"x-amz-meta-a": "b"},
    {"x-amz-tagging": "a=b"},
    {"x-amz-storage-class": "STANDARD_IA"},
    {"x-amz-object-lock-legal-hold": "ON"},
    {"x-amz-of-tomorrow": "1"},
]


@pytest.mark.parametrize("unsigned", NOT_SIGNED, ids=lambda headers: next(iter(headers)))
async def test_what_was_not_signed_is_not_obeyed_but_refused(house: House, unsigned: dict[str, str]) -> None:
    await house.put("/photos/secret")
    before = house.contents()
    for answer in (
        await ask(house, "PUT", "/photos/k", b"x", unsigned=unsigned),
        await follow(house, link(house, "PUT", "/photos/k"), "PUT", b"x", unsigned),
    ):
        assert (answer.status, answer.text("Code")) == (403, "AccessDenied")
        assert answer.text("HeadersNotSigned") == next(iter(unsigned))
    assert house.contents() == before


async def test_a_refusal_is_said_as_s3_says_it(house: House) -> None:
    answer = await ask(house, "GET", "/photos/nothing")
    assert (answer.status, answer.text("Code"), answer.text("Key")) == (404, "NoSuchKey", "nothing")
    assert answer.text("RequestId") == answer.headers["x-amz-request-id"]
    assert answer.headers["x-amz-id-2"]
    head = await ask(house, "HEAD", "/photos/nothing")
    assert (head.status, head.body) == (404, b"")


async def test_a_write_may_be_for_a_new_key_alone(house: House) -> None:
    first = await ask(house, "PUT", "/photos/lock", b"1", {"if-none-match": "*"})
    second = await ask(house, "PUT", "/photos/lock", b"2", {"if-none-match": "*"})
    assert (first.status, second.status, second.text("Code")) == (200, 412, "PreconditionFailed")
    await ask(house, "PUT", "/photos?versioning", _VERSIONED)
    third = await ask(house, "PUT", "/photos/lock", b"3", {"if-none-match": "*"})
    assert (third.status, (await house.ask("GET", "/photos/lock")).body) == (412, b"1")


_VERSIONED = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


async def test_a_body_that_is_not_the_one_that_was_signed_stores_nothing(house: House) -> None:
    before = house.contents()
    answer = await ask(house, "PUT", "/photos/k", b"x", payload=sha256(b"y").hexdigest())
    assert (answer.status, answer.text("Code")) == (400, "XAmzContentSHA256Mismatch")
    assert house.contents() == before


async def test_a_page_may_ask_before_it_uses_a_link_and_read_what_it_answers(house: House) -> None:
    rules = b"<CORSConfiguration><CORSRule><AllowedOrigin>https://page.example</AllowedOrigin>"
    rules += b"<AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader></CORSRule></CORSConfiguration>"
    await house.ask("PUT", "/photos?cors", rules)
    url, origin = link(house, "PUT", "/photos/k"), {"origin": "https://page.example"}
    asked = {**origin, "access-control-request-method": "PUT", "access-control-request-headers": "x-amz-meta-a"}
    for answer in (
        await follow(house, url, "OPTIONS", headers=asked),
        await follow(house, url, "PUT", b"x", origin),
        await follow(house, f"{url}0", "PUT", b"x", origin),
    ):
        assert answer.headers["access-control-allow-origin"] == "https://page.example"


async def test_an_own_domain_costs_one_look(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.put("/photos/a%2Bb")
    bucket = await house.catalog.find_bucket("photos")
    assert bucket is not None
    await house.domains.bind_domain("files.example.com", bucket.bucket_id, now=int(house.now), most=1)
    looks = 0
    read = LocalReads.read

    async def counted(self: LocalReads, lookup: Lookup) -> Snapshot:
        nonlocal looks
        looks += 1
        return await read(self, lookup)

    monkeypatch.setattr(LocalReads, "read", counted)
    presigner = S3Presigner(OWNER.access_key_id, OWNER.access_key_secret, endpoint="http://127.0.0.1")
    url = presigner.presign("GET", "photos", "a+b", custom_domain="http://files.example.com", now=house.now).url
    answer = await house.follow(url)
    assert (answer.status, answer.body, looks) == (200, b"hello", 1)


@pytest.mark.parametrize("name", ["x-amz-te", "x-amz-not-known-yet"])
async def test_a_read_is_answered_whatever_form_of_answer_it_wishes(house: House, name: str) -> None:
    await house.put("/photos/k", b"hello")
    for method, body in (("GET", b"hello"), ("HEAD", b"")):
        answer = await ask(house, method, "/photos/k", headers={name: "append-md5"})
        assert (answer.status, answer.body) == (200, body)
    refused = await ask(house, "PUT", "/photos/k", b"other", {name: "append-md5"})
    assert refused.refusal == (501, "NotImplemented")
    unsigned = await ask(house, "GET", "/photos/k", unsigned={name: "append-md5"})
    assert unsigned.refusal == (403, "AccessDenied")
    assert (await house.ask("GET", "/photos/k")).body == b"hello"


async def test_all_headers_that_were_not_signed_are_named_as_they_came(house: House) -> None:
    before = house.contents()
    unsigned = {"x-amz-meta-b": "1", "x-amz-acl": "public-read", "X-Amz-Grant-Read": "id=1"}
    by_header = await ask(
        house, "PUT", "/photos/k", b"x", unsigned={name.lower(): each for name, each in unsigned.items()}
    )
    by_link = await follow(house, link(house, "PUT", "/photos/k"), "PUT", b"x", unsigned)
    for answer in (by_header, by_link):
        assert answer.refusal == (403, "AccessDenied")
        assert answer.text("HeadersNotSigned") == "x-amz-meta-b, x-amz-acl, x-amz-grant-read"
    assert house.contents() == before
