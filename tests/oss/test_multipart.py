"""Multipart uploads, from the first request to the object."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

import pytest

from coatcheck.core.digests import update_crc64

from .house import ANYBODY, STRANGER, Answer, GivenBody, House, together

LARGE = bytes(range(256)) * 400  # 100 KiB, the least a part that isn't the last may have
ENABLED = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


async def initiate(house: House, key: str = "a", headers: dict[str, str] | None = None) -> str:
    answer = await house.ask("POST", f"/photos/{key}?uploads", headers=headers)
    assert answer.status == 200, answer.body
    return answer.text("UploadId") or ""


async def upload(house: House, upload_id: str, number: int, body: bytes, key: str = "a") -> str:
    answer = await house.ask("PUT", f"/photos/{key}?partNumber={number}&uploadId={upload_id}", body)
    assert answer.status == 200, answer.body
    return answer.headers["etag"]


def document(parts: Sequence[tuple[int | str, str]]) -> bytes:
    rows = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in parts)
    return f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()


async def complete(house: House, upload_id: str, body: bytes, headers: dict[str, str] | None = None) -> Answer:
    return await house.ask("POST", f"/photos/a?uploadId={upload_id}", body, headers)


def etag_of(*parts: bytes) -> str:
    joined = "".join(hashlib.md5(part).hexdigest().upper() for part in parts)
    return f"{hashlib.md5(joined.encode()).hexdigest().upper()}-{len(parts)}"


# --- in order ---


async def test_a_sequential_upload_gives_its_object_the_md5_of_the_whole(house: House) -> None:
    await house.put("/photos/link?symlink", b"", {"x-oss-symlink-target": "a"})
    for flag in ("&sequential", "&sequential=", "&sequential=1"):
        upload_id = (await house.ask("POST", f"/photos/a?uploads{flag}")).text("UploadId") or ""
        etags = [await upload(house, upload_id, number, body) for number, body in ((1, LARGE), (2, b"hello"))]
        done = await complete(house, upload_id, document(list(enumerate(etags, 1))))
        assert done.headers["etag"] == f'"{etag_of(LARGE, b"hello")}"'
    md5 = base64.b64encode(hashlib.md5(LARGE + b"hello").digest()).decode()
    copied = {"x-oss-copy-source": "/photos/a", "x-oss-metadata-directive": "REPLACE"}
    await house.put("/photos/copy", b"", copied)
    for address in ("/photos/a", "/photos/copy", "/photos/link"):
        for method in ("GET", "HEAD"):
            assert (await house.ask(method, address)).headers["content-md5"] == md5


async def test_another_upload_gives_its_object_none(house: House) -> None:
    upload_id = await initiate(house)
    etag = await upload(house, upload_id, 1, LARGE)
    await complete(house, upload_id, document([(1, etag)]))
    assert "content-md5" not in (await house.ask("GET", "/photos/a")).headers


async def test_parts_of_a_sequential_upload_come_in_order(house: House) -> None:
    upload_id = (await house.ask("POST", "/photos/a?uploads&sequential")).text("UploadId") or ""
    early = await house.ask("PUT", f"/photos/a?partNumber=2&uploadId={upload_id}", b"x")
    assert early.refusal == (400, "PartNotSequential")
    etags = [await upload(house, upload_id, number, LARGE) for number in (1, 2)]
    again = await house.ask("PUT", f"/photos/a?partNumber=1&uploadId={upload_id}", b"x")
    assert (again.refusal, again.text("PartEtag")) == ((409, "PartAlreadyExist"), etags[0])
    await house.put("/photos/b")
    source = {"x-oss-copy-source": "/photos/b"}
    copied = await house.ask("PUT", f"/photos/a?partNumber=4&uploadId={upload_id}", headers=source)
    assert copied.refusal == (400, "PartNotSequential")
    assert (await complete(house, upload_id, document([(2, etags[1])]))).refusal == (400, "PartNotSequential")
    assert (await complete(house, upload_id, document([(1, etags[0])]))).status == 200
    assert len(house.store.blobs) == 1


# --- the whole way ---


async def test_an_object_is_made_of_its_parts_without_moving_a_byte(house: House) -> None:
    headers = {"content-type": "text/x", "x-oss-meta-a": "1", "x-oss-storage-class": "IA", "x-oss-tagging": "k=v"}
    upload_id = await initiate(house, headers=headers)
    bodies = [LARGE, LARGE[1:] + b"x", b"the end"]
    etags = [await upload(house, upload_id, number, body) for number, body in enumerate(bodies, 1)]
    assert (await house.ask("GET", "/photos/a")).refusal == (404, "NoSuchKey")
    before = dict(house.store.blobs)
    done = await complete(house, upload_id, document(list(enumerate(etags, 1))))
    assert (done.status, done.headers["content-type"]) == (200, "application/xml")
    assert done.text("Location") == "http://127.0.0.1:8000/photos/a"
    assert (done.text("Bucket"), done.text("Key")) == ("photos", "a")
    assert done.text("ETag") == done.headers["etag"] == f'"{etag_of(*bodies)}"'
    assert done.headers["x-oss-hash-crc64ecma"] == str(update_crc64(b"".join(bodies)))
    assert house.store.blobs == before
    assert not house.store.unkept
    got = await house.ask("GET", "/photos/a")
    assert got.body == b"".join(bodies)
    assert "content-md5" not in got.headers
    for name, value in {
        "x-oss-object-type": "Multipart",
        "x-oss-storage-class": "IA",
        "content-type": "text/x",
        "x-oss-meta-a": "1",
        "x-oss-tagging-count": "1",
        "etag": f'"{etag_of(*bodies)}"',
        "x-oss-hash-crc64ecma": str(update_crc64(b"".join(bodies))),
    }.items():
        assert got.headers[name] == value
    over_the_seam = await house.ask("GET", "/photos/a", headers={"range": "bytes=102398-102402"})
    assert over_the_seam.body == b"".join(bodies)[102398:102403]
    assert (await complete(house, upload_id, document([(1, etags[0])]))).refusal == (404, "NoSuchUpload")


async def test_initiating_is_answered_as_documented(house: House) -> None:
    answer = await house.ask("POST", "/photos/%E5%86%99%20a?uploads&encoding-type=url")
    upload_id = answer.text("UploadId") or ""
    assert (len(upload_id), upload_id.isalnum()) == (32, True)
    assert answer.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<InitiateMultipartUploadResult>\n'
        "  <EncodingType>url</EncodingType>\n  <Bucket>photos</Bucket>\n  <Key>%E5%86%99%20a</Key>\n"
        f"  <UploadId>{upload_id}</UploadId>\n</InitiateMultipartUploadResult>\n"
    )


async def test_a_part_is_answered_with_its_digests(house: House) -> None:
    upload_id = await initiate(house)
    answer = await house.ask("PUT", f"/photos/a?partNumber=1&uploadId={upload_id}", b"hello")
    assert answer.headers == {
        "etag": '"5D41402ABC4B2A76B9719D911017C592"',
        "x-oss-hash-crc64ecma": str(update_crc64(b"hello")),
        "content-md5": "XUFAKrxLKna5cZ2REBfFkg==",
    }


async def test_a_part_uploaded_again_replaces_the_one_before(house: House) -> None:
    upload_id = await initiate(house)
    await upload(house, upload_id, 1, b"first")
    etag = await upload(house, upload_id, 1, b"second")
    assert list(house.store.blobs.values()) == [b"second"]
    await complete(house, upload_id, document([(1, etag)]))
    assert (await house.ask("GET", "/photos/a")).body == b"second"


async def test_parts_that_are_not_named_go(house: House) -> None:
    upload_id = await initiate(house)
    await upload(house, upload_id, 1, LARGE)
    etag = await upload(house, upload_id, 7, b"seven")
    await upload(house, upload_id, 9, LARGE)
    assert (await complete(house, upload_id, document([(7, etag)]))).status == 200
    assert list(house.store.blobs.values()) == [b"seven"]
    assert (await house.ask("GET", "/photos/a")).headers["x-oss-object-type"] == "Multipart"


@pytest.mark.parametrize("spell", [str, str.lower, lambda e: e.strip('"'), lambda e: e.replace('"', "&quot;")])
async def test_etags_are_compared_without_quotes_and_case(house: House, spell: object) -> None:
    upload_id = await initiate(house)
    etag = await upload(house, upload_id, 1, b"x")
    assert (await complete(house, upload_id, document([(1, spell(etag))]))).status == 200  # type: ignore[operator]


async def test_all_parts_can_be_taken_without_naming_them(house: House) -> None:
    upload_id = await initiate(house)
    for number, body in ((3, b"last"), (1, LARGE)):
        await upload(house, upload_id, number, body)
    both = await complete(house, upload_id, document([(1, "x")]), {"x-oss-complete-all": "yes"})
    assert both.refusal == (400, "InvalidArgument")
    assert both.text("Message") == "Should not speficy both complete all header and http body."
    assert both.text("EC") == "0042-00000216"
    assert (await complete(house, upload_id, b"", {"x-oss-complete-all": "no"})).refusal == (400, "InvalidArgument")
    assert (await complete(house, upload_id, b"", {"x-oss-complete-all": "yes"})).status == 200
    assert (await house.ask("GET", "/photos/a")).body == LARGE + b"last"


async def test_an_empty_part_makes_an_empty_object(house: House) -> None:
    upload_id = await initiate(house)
    etag = await upload(house, upload_id, 1, b"")
    assert (await complete(house, upload_id, document([(1, etag)]))).status == 200
    got = await house.ask("GET", "/photos/a")
    assert (got.body, got.headers["x-oss-hash-crc64ecma"]) == (b"", "0")
    assert not house.store.blobs


async def test_no_part_named_makes_an_empty_object(house: House) -> None:
    """Go's uploader begins an upload, finds its stream empty, and completes it so."""
    upload_id = await initiate(house)
    await upload(house, upload_id, 1, LARGE)
    done = await complete(house, upload_id, b"<CompleteMultipartUpload></CompleteMultipartUpload>")
    assert (done.status, done.headers["etag"]) == (200, '"D41D8CD98F00B204E9800998ECF8427E-0"')
    got = await house.ask("GET", "/photos/a")
    assert (got.body, got.headers["x-oss-hash-crc64ecma"]) == (b"", "0")
    assert got.headers["x-oss-object-type"] == "Multipart"
    assert not house.store.blobs


async def test_a_part_that_is_not_there_comes_back_as_it_was_named(house: House) -> None:
    upload_id = await initiate(house)
    await upload(house, upload_id, 1, b"x")
    answer = await complete(house, upload_id, document([(1, '"abc"')]))
    assert answer.refusal == (400, "InvalidPart")
    assert (answer.text("UploadId"), answer.text("PartNumber"), answer.text("ETag")) == (upload_id, "1", '"abc"')


async def test_completing_may_set_the_acl(house: House) -> None:
    upload_id = await initiate(house)
    etag = await upload(house, upload_id, 1, b"x")
    await complete(house, upload_id, document([(1, etag)]), {"x-oss-object-acl": "public-read"})
    assert (await house.ask("GET", "/photos/a", by=ANYBODY)).body == b"x"


async def test_completing_in_a_versioned_bucket_adds_a_version(house: House) -> None:
    await house.ask("PUT", "/photos/?versioning", ENABLED)
    first = (await house.put("/photos/a", b"first")).headers["x-oss-version-id"]
    upload_id = await initiate(house, headers={"x-oss-forbid-overwrite": "true"})
    etag = await upload(house, upload_id, 1, b"second")
    done = await complete(house, upload_id, document([(1, etag)]))
    assert (await house.ask("GET", "/photos/a")).headers["x-oss-version-id"] == done.headers["x-oss-version-id"]
    assert (await house.ask("GET", f"/photos/a?versionId={first}")).body == b"first"


async def test_an_aborted_upload_leaves_nothing(house: House) -> None:
    upload_id = await initiate(house)
    await upload(house, upload_id, 1, LARGE)
    gone = await house.ask("DELETE", f"/photos/a?uploadId={upload_id}")
    assert (gone.status, gone.body, gone.headers) == (204, b"", {})
    assert not house.store.blobs
    assert not house.catalog.garbage
    for method in ("DELETE", "GET"):
        answer = await house.ask(method, f"/photos/a?uploadId={upload_id}")
        assert answer.refusal == (404, "NoSuchUpload")
        assert answer.text("UploadId") == upload_id
    answer = await house.ask("PUT", f"/photos/a?partNumber=1&uploadId={upload_id}", b"late")
    assert answer.refusal == (404, "NoSuchUpload")
    assert not house.store.blobs


@pytest.mark.parametrize("headers", [{}, {"x-oss-complete-all": "yes"}])
async def test_an_upload_that_goes_while_it_is_completed_is_not_there(
    house: House, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    upload_id = await initiate(house)
    etag = await upload(house, upload_id, 1, LARGE)
    list_parts = house.catalog.list_parts

    async def list_too_late(*place: Any, **page: Any) -> Any:
        await house.ask("DELETE", f"/photos/a?uploadId={upload_id}")
        return await list_parts(*place, **page)

    monkeypatch.setattr(house.catalog, "list_parts", list_too_late)
    answer = await complete(house, upload_id, b"" if headers else document([(1, etag)]), headers)
    assert answer.refusal == (404, "NoSuchUpload")


async def test_an_open_upload_keeps_its_bucket(house: House) -> None:
    upload_id = await initiate(house)
    assert (await house.ask("DELETE", "/photos/")).refusal == (409, "BucketNotEmpty")
    await house.ask("DELETE", f"/photos/a?uploadId={upload_id}")
    assert (await house.ask("DELETE", "/photos/")).status == 204


async def test_parts_that_come_at_once_are_all_there(house: House) -> None:
    upload_id = await initiate(house)
    bodies = [bytes([number]) * 102_400 for number in range(20)]
    etags = await together(*(upload(house, upload_id, number, body) for number, body in enumerate(bodies, 1)))
    assert (await complete(house, upload_id, document(list(enumerate(etags, 1))))).status == 200
    assert (await house.ask("GET", "/photos/a")).body == b"".join(bodies)


async def test_links_carry_an_upload_from_begin_to_end(house: House) -> None:
    begun = await house.follow(house.link("POST", "a", query=(("uploads", ""),)), "POST")
    upload_id = begun.text("UploadId") or ""
    query = (("partNumber", "1"), ("uploadId", upload_id))
    part = await house.follow(house.link("PUT", "a", query=query), "PUT", b"by link")
    link = house.link("POST", "a", query=(("uploadId", upload_id),))
    done = await house.follow(link, "POST", document([(1, part.headers["etag"])]))
    assert done.status == 200, done.body
    assert (await house.ask("GET", "/photos/a")).body == b"by link"


# --- forbid overwrite ---


async def test_overwriting_is_forbidden_at_the_begin_and_at_the_end(house: House) -> None:
    forbid = {"x-oss-forbid-overwrite": "true"}
    upload_id = await initiate(house, headers=forbid)
    etag = await upload(house, upload_id, 1, b"new")
    await house.put("/photos/a", b"meanwhile")
    again = await house.ask("POST", "/photos/a?uploads", headers=forbid)
    assert again.refusal == (409, "FileAlreadyExists")
    before = house.contents()
    done = await complete(house, upload_id, document([(1, etag)]), forbid)
    assert (done.refusal, done.text("EC")) == ((409, "FileAlreadyExists"), "0042-00000214")
    assert house.contents() == before
    assert (await complete(house, upload_id, document([(1, etag)]))).status == 200


# --- what is refused ---


@pytest.mark.parametrize("number", ["0", "10001", "", "-1", "1.5", "x", "1" * 30, "%D9%A1", "%FF"])
async def test_a_part_number_is_1_to_10000(house: House, number: str) -> None:
    upload_id = await initiate(house)
    before = house.contents()
    answer = await house.ask("PUT", f"/photos/a?partNumber={number}&uploadId={upload_id}", b"x")
    assert answer.refusal == (400, "InvalidArgument")
    assert (answer.text("ArgumentName"), answer.text("EC")) == ("PartNumber", "0017-00000220")
    assert answer.text("Message") == "Part number must be an integer between 1 and 10000, inclusive."
    assert house.contents() == before


async def test_the_last_part_number_is_10000(house: House) -> None:
    upload_id = await initiate(house)
    etag = await upload(house, upload_id, 10000, b"x")
    assert (await complete(house, upload_id, document([(10000, etag)]))).status == 200


@pytest.mark.parametrize("upload_id", ["", "nobody", "%FF", "a%00b", "x" * 100])
async def test_an_upload_that_is_not_there(house: House, upload_id: str) -> None:
    await initiate(house)
    before = house.contents()
    for method, query, ec in (
        ("PUT", "partNumber=1&", "0042-00000104"),
        ("POST", "", "0042-00000002"),
        ("DELETE", "", "0042-00000002"),
        ("GET", "", "0042-00000002"),
    ):
        body = document([(1, "x")]) if method == "POST" else b""
        answer = await house.ask(method, f"/photos/a?{query}uploadId={upload_id}", body)
        assert answer.refusal == (404, "NoSuchUpload"), method
        assert answer.text("EC") == ec
    source = {"x-oss-copy-source": "/photos/a"}
    answer = await house.ask("PUT", f"/photos/a?partNumber=1&uploadId={upload_id}", headers=source)
    assert (answer.refusal, answer.text("EC")) == ((404, "NoSuchUpload"), "0042-00000311")
    assert house.contents() == before


async def test_an_upload_belongs_to_its_key(house: House) -> None:
    upload_id = await initiate(house)
    answer = await house.ask("PUT", f"/photos/b?partNumber=1&uploadId={upload_id}", b"x")
    assert answer.refusal == (404, "NoSuchUpload")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MalformedXML"),
        (b"<CompleteMultipartUpload><Part></CompleteMultipartUpload>", "MalformedXML"),
        (b"<Complete><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></Complete>", "MalformedXML"),
        (b"<!DOCTYPE a><CompleteMultipartUpload></CompleteMultipartUpload>", "MalformedXML"),
        (document([(1, "$1")]) + b" " * 4 * 1024**2, "MalformedXML"),
        (b"<CompleteMultipartUpload><Part><ETag>$1</ETag></Part></CompleteMultipartUpload>", "MalformedXML"),
        (
            b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><PartNumber>2</PartNumber><ETag>$1</ETag>"
            b"</Part></CompleteMultipartUpload>",
            "MalformedXML",
        ),
        (b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>", "MalformedXML"),
        (document([(1, "$1"), (1, "$1")]), "InvalidPartOrder"),
        (document([(2, "$2"), (1, "$1")]), "InvalidPartOrder"),
        (document([(0, "$1")]), "InvalidArgument"),
        (document([(10001, "$1")]), "InvalidArgument"),
        (document([("x", "$1")]), "InvalidArgument"),
        (document([(1, "$2")]), "InvalidPart"),
        (document([(1, "")]), "InvalidPart"),
        (document([(1, "$1"), (3, "$1")]), "InvalidPart"),
        (document([(1, "$1"), (2, "$2")]), "EntityTooSmall"),
    ],
)
async def test_a_completion_that_breaks_a_rule_changes_nothing(house: House, body: bytes, code: str) -> None:
    upload_id = await initiate(house)
    etags = [await upload(house, upload_id, number, b"%d" % number) for number in (1, 2)]
    before = house.contents()
    filled = body.replace(b"$1", etags[0].encode()).replace(b"$2", etags[1].encode())
    assert (await complete(house, upload_id, filled)).refusal == (400, code)
    assert house.contents() == before


async def test_too_small_a_part_is_named(house: House) -> None:
    upload_id = await initiate(house)
    etags = [await upload(house, upload_id, 1, LARGE[:-1]), await upload(house, upload_id, 2, b"")]
    answer = await complete(house, upload_id, document(list(enumerate(etags, 1))))
    assert answer.refusal == (400, "EntityTooSmall")
    assert (answer.text("EC"), answer.text("PartNumber"), answer.text("ProposedSize")) == (
        "0042-00000213",
        "1",
        "102399",
    )
    assert answer.text("MinSizeAllowed") == "102400"


async def test_nothing_can_be_made_of_no_parts(house: House) -> None:
    upload_id = await initiate(house)
    answer = await complete(house, upload_id, b"", {"x-oss-complete-all": "yes"})
    assert answer.refusal == (400, "InvalidPart")


async def test_encryption_is_said_at_the_begin_alone(house: House) -> None:
    upload_id = await initiate(house)
    etag = await upload(house, upload_id, 1, b"x")
    headers = {"x-oss-server-side-encryption": "AES256"}
    part = await house.ask("PUT", f"/photos/a?partNumber=1&uploadId={upload_id}", b"y", headers)
    assert part.refusal == (400, "InvalidArgument")
    assert (await complete(house, upload_id, document([(1, etag)]), headers)).refusal == (400, "InvalidArgument")


async def test_a_part_that_does_not_arrive_whole_is_not_kept(house: House) -> None:
    from coatcheck.wire.request import BodyFailed

    upload_id = await initiate(house)
    before = house.contents()
    address = f"/photos/a?partNumber=1&uploadId={upload_id}"
    cut = GivenBody([LARGE, LARGE], BodyFailed())
    assert (await house.ask("PUT", address, cut, chunked=True)).refusal == (400, "IncompleteBody")
    for headers, code in (
        ({"content-md5": "XUFAKrxLKna5cZ2REBfFkg=="}, "InvalidDigest"),
        ({"x-oss-hash-crc64ecma": "1"}, "InvalidCRC64"),
    ):
        assert (await house.ask("PUT", address, LARGE, headers)).refusal == (400, code)
    assert house.contents() == before


async def test_an_upload_is_the_owners(house: House) -> None:
    upload_id = await initiate(house)
    before = house.contents()
    for by in (STRANGER, ANYBODY):
        for method, address in (
            ("POST", "/photos/a?uploads"),
            ("PUT", f"/photos/a?partNumber=1&uploadId={upload_id}"),
            ("POST", f"/photos/a?uploadId={upload_id}"),
            ("DELETE", f"/photos/a?uploadId={upload_id}"),
            ("GET", f"/photos/a?uploadId={upload_id}"),
            ("GET", "/photos/?uploads"),
        ):
            assert (await house.ask(method, address, by=by)).refusal == (403, "AccessDenied")
    assert house.contents() == before


# --- listing ---


async def test_parts_are_listed_as_documented(house: House) -> None:
    upload_id = await initiate(house, "%E5%86%99")
    etag = await upload(house, upload_id, 2, b"hello", "%E5%86%99")
    answer = await house.ask("GET", f"/photos/%E5%86%99?uploadId={upload_id}&encoding-type=url")
    assert answer.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListPartsResult>\n  <EncodingType>url</EncodingType>\n'
        f"  <Bucket>photos</Bucket>\n  <Key>%E5%86%99</Key>\n  <UploadId>{upload_id}</UploadId>\n"
        "  <StorageClass>Standard</StorageClass>\n  <PartNumberMarker>0</PartNumberMarker>\n"
        "  <NextPartNumberMarker>2</NextPartNumberMarker>\n  <MaxParts>1000</MaxParts>\n"
        "  <IsTruncated>false</IsTruncated>\n  <Part>\n    <PartNumber>2</PartNumber>\n"
        f"    <LastModified>2026-03-05T07:08:09.000Z</LastModified>\n    <ETag>{etag}</ETag>\n"
        f"    <HashCrc64ecma>{update_crc64(b'hello')}</HashCrc64ecma>\n    <Size>5</Size>\n  </Part>\n"
        "</ListPartsResult>\n"
    )


async def test_pages_of_parts_go_on_where_the_last_ended(house: House) -> None:
    upload_id = await initiate(house)
    for number in (1, 5, 9):
        await upload(house, upload_id, number, b"x")
    page = await house.ask("GET", f"/photos/a?uploadId={upload_id}&max-parts=2")
    assert (page.text("IsTruncated"), page.text("NextPartNumberMarker")) == ("true", "5")
    page = await house.ask("GET", f"/photos/a?uploadId={upload_id}&max-parts=2&part-number-marker=5")
    assert (page.texts("Part/PartNumber"), page.text("IsTruncated")) == (["9"], "false")
    page = await house.ask("GET", f"/photos/a?uploadId={upload_id}&part-number-marker=9")
    assert (page.texts("Part/PartNumber"), page.text("NextPartNumberMarker")) == ([], "0")


@pytest.mark.parametrize("query", ["max-parts=0", "max-parts=1001", "max-parts=x", "part-number-marker=-1"])
async def test_a_page_of_parts_that_breaks_a_rule_is_refused(house: House, query: str) -> None:
    upload_id = await initiate(house)
    answer = await house.ask("GET", f"/photos/a?uploadId={upload_id}&{query}")
    assert answer.refusal == (400, "InvalidArgument")


async def test_what_a_client_says_of_its_encryption_is_listed_again(house: House) -> None:
    headers = {
        "x-oss-meta-client-side-encryption-key": "KEY",
        "x-oss-meta-client-side-encryption-start": "IV",
        "x-oss-meta-client-side-encryption-cek-alg": "AES/CTR/NoPadding",
        "x-oss-meta-client-side-encryption-wrap-alg": "RSA/NONE/PKCS1Padding",
        "x-oss-meta-client-side-encryption-data-size": "100",
        "x-oss-meta-client-side-encryption-part-size": "50",
    }
    upload_id = await initiate(house, headers=headers)
    page = await house.ask("GET", f"/photos/a?uploadId={upload_id}")
    names = ("Key", "Start", "CekAlg", "WrapAlg", "DataSize", "PartSize")
    assert [page.text(f"ClientEncryption{name}") for name in names] == list(headers.values())


async def test_uploads_are_listed_with_the_last_item_always_named(house: House) -> None:
    empty = await house.ask("GET", "/photos/?uploads")
    assert (empty.text("NextKeyMarker"), empty.text("NextUploadIdMarker"), empty.text("IsTruncated")) == (
        "",
        "",
        "false",
    )
    ids = sorted([await initiate(house), await initiate(house)])
    other = await initiate(house, "b/1")
    page = await house.ask("GET", "/photos/?uploads")
    assert page.texts("Upload/UploadId") == [*ids, other]
    assert page.texts("Upload/Key") == ["a", "a", "b/1"]
    assert page.texts("Upload/Initiated") == ["2026-03-05T07:08:09.000Z"] * 3
    assert (page.text("NextKeyMarker"), page.text("NextUploadIdMarker")) == ("b/1", other)
    page = await house.ask("GET", "/photos/?uploads&max-uploads=1")
    assert (page.text("IsTruncated"), page.text("NextKeyMarker"), page.text("NextUploadIdMarker")) == (
        "true",
        "a",
        ids[0],
    )
    page = await house.ask("GET", f"/photos/?uploads&key-marker=a&upload-id-marker={ids[0]}")
    assert page.texts("Upload/UploadId") == [ids[1], other]
    page = await house.ask("GET", f"/photos/?uploads&upload-id-marker={ids[0]}")
    assert len(page.texts("Upload/UploadId")) == 3
    page = await house.ask("GET", "/photos/?uploads&delimiter=/&encoding-type=url")
    assert page.texts("CommonPrefixes/Prefix") == ["b%2F"]
    for query in ("max-uploads=0", "max-uploads=1001", "prefix=" + "x" * 1024):
        assert (await house.ask("GET", f"/photos/?uploads&{query}")).refusal == (400, "InvalidArgument")


# --- parts of what is there ---


async def copy_part(
    house: House, upload_id: str, source: str, number: int = 1, headers: dict[str, str] | None = None
) -> Answer:
    given = {"x-oss-copy-source": source, **(headers or {})}
    return await house.ask("PUT", f"/photos/a?partNumber={number}&uploadId={upload_id}", headers=given)


@pytest.mark.parametrize("size", [0, 5, 300_000])
async def test_a_part_can_be_the_whole_of_an_object(house: House, size: int) -> None:
    body = (b"0123456789" * 30_000)[:size]
    await house.put("/photos/source", body)
    upload_id = await initiate(house)
    copied = await copy_part(house, upload_id, "/photos/source")
    digest = hashlib.md5(body).hexdigest().upper()
    assert copied.text("ETag") == copied.headers["etag"] == f'"{digest}"'
    assert copied.text("LastModified") == "2026-03-05T07:08:09.000Z"
    assert copied.headers["x-oss-hash-crc64ecma"] == str(update_crc64(body))
    assert "content-range" not in copied.headers
    await house.ask("DELETE", "/photos/source")
    assert (await complete(house, upload_id, document([(1, digest)]))).status == 200
    assert (await house.ask("GET", "/photos/a")).body == body
    await house.ask("DELETE", "/photos/a")
    assert not house.store.blobs


async def test_a_part_can_be_a_range_over_the_parts_of_another(house: House) -> None:
    upload_id = await initiate(house)
    bodies = [LARGE, LARGE[::-1], b"tail"]
    for number, body in enumerate(bodies, 1):
        await upload(house, upload_id, number, body)
    await complete(house, upload_id, b"", {"x-oss-complete-all": "yes"})
    whole = b"".join(bodies)
    upload_id = await initiate(house)
    blobs = dict(house.store.blobs)
    for number, (first, last) in enumerate(((10, 204_802), (102_400, 204_799), (204_803, 204_803)), 1):
        spanned = {"x-oss-copy-source-range": f"bytes={first}-{last}"}
        copied = await copy_part(house, upload_id, "/photos/a", number, spanned)
        assert copied.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
        assert copied.headers["etag"] == f'"{hashlib.md5(whole[first : last + 1]).hexdigest().upper()}"'
    assert house.store.blobs == blobs
    done = await complete(house, upload_id, b"", {"x-oss-complete-all": "yes"})
    assert done.status == 200, done.body
    expected = whole[10:204_803] + whole[102_400:204_800] + whole[204_803:204_804]
    got = await house.ask("GET", "/photos/a")
    assert got.body == expected
    assert got.headers["x-oss-hash-crc64ecma"] == str(update_crc64(expected))


async def test_a_range_that_makes_no_sense_copies_the_whole(house: House) -> None:
    await house.put("/photos/source", b"hello")
    upload_id = await initiate(house)
    for text in ("bytes=3-9", "bytes=9-", "x", "bytes=3-1"):
        copied = await copy_part(house, upload_id, "/photos/source", headers={"x-oss-copy-source-range": text})
        assert "content-range" not in copied.headers
        assert copied.headers["etag"] == '"5D41402ABC4B2A76B9719D911017C592"'


async def test_conditions_on_the_source_of_a_part(house: House) -> None:
    await house.put("/photos/source", b"hello")
    upload_id = await initiate(house)
    for name, value in (
        ("if-match", '"no"'),
        ("if-none-match", "5D41402ABC4B2A76B9719D911017C592"),
        ("if-modified-since", "Thu, 05 Mar 2026 07:08:09 GMT"),
        ("if-unmodified-since", "Thu, 05 Mar 2026 07:08:08 GMT"),
    ):
        answer = await copy_part(house, upload_id, "/photos/source", headers={f"x-oss-copy-source-{name}": value})
        assert answer.refusal == (412, "PreconditionFailed"), name
    assert not (await house.ask("GET", f"/photos/a?uploadId={upload_id}")).texts("Part/PartNumber")
