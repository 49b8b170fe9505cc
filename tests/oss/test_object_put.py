from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from coatcheck.engines.memory import MemoryCatalog
from coatcheck.engines.memory_bytes import MemoryBlobWriter, MemoryByteStore
from coatcheck.ports.catalog import NoSpace, Written
from coatcheck.wire.query import read_query
from coatcheck.wire.request import BodyFailed, BodyStalled, Request

from .house import GivenBody, House, together

HELLO_MD5 = "XUFAKrxLKna5cZ2REBfFkg=="


def a_body(size: int) -> bytes:
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


# --- what is stored ---


@pytest.mark.parametrize(
    ("size", "etag"),
    [
        (0, "D41D8CD98F00B204E9800998ECF8427E"),
        (1, "CFCD208495D565EF66E7DFF9F98764DA"),
        (64 * 1024, "EA2E4A9D8ADD947ABC90705D59D34A74"),
        (64 * 1024 + 1, "76C8250F86B85BB419E15FE8DA9DA89D"),
        (3 * 1024 * 1024, "1A910CD9769E9A112E798595CBEB9446"),
    ],
)
async def test_a_body_of_any_size_comes_back_as_it_was(house: House, size: int, etag: str) -> None:
    put = await house.put("/photos/a.bin", a_body(size))
    got = await house.ask("GET", "/photos/a.bin")
    assert (got.status, got.announced) == (200, size)
    assert got.body == a_body(size)
    assert got.headers["etag"] == put.headers["etag"]
    assert put.headers["etag"] == f'"{etag}"'
    assert bool(house.store.blobs) == (size > 64 * 1024)
    assert not house.store.unkept


async def test_the_reply_tells_the_digests(house: House) -> None:
    put = await house.put("/photos/a.txt", b"hello world")
    assert (put.status, put.body) == (200, b"")
    assert put.headers == {
        "etag": '"5EB63BBBE01EEED093CB22BB8F5ACDC3"',
        "x-oss-hash-crc64ecma": "5981764153023615706",
        "content-md5": "XrY7u+Ae7tCTyyK7j1rNww==",
    }


async def test_a_body_compressed_on_its_way_is_not_stored_as_it_travels(house: House) -> None:
    before = house.contents()
    answer = await house.ask("PUT", "/photos/a.txt", b"x", {"transfer-encoding": "gzip, chunked"}, chunked=True)
    assert answer.refusal == (400, "NotImplemented")
    assert answer.text("Header") == "Transfer-Encoding"
    assert house.contents() == before


async def test_a_chunked_body_needs_no_length(house: House) -> None:
    body = GivenBody([b"hel", b"", b"lo"])
    assert (await house.ask("PUT", "/photos/a.txt", body, chunked=True)).status == 200
    assert (await house.ask("GET", "/photos/a.txt")).body == b"hello"


async def test_a_large_body_may_arrive_in_small_pieces(house: House) -> None:
    pieces = [a_body(1000)] * 2500
    assert (await house.ask("PUT", "/photos/a.bin", GivenBody(pieces))).status == 200
    assert (await house.ask("GET", "/photos/a.bin")).body == b"".join(pieces)


async def test_keys_that_look_like_paths_are_only_names(house: House) -> None:
    for number, key in enumerate(("../up", "a//b", "dir/", ".", "a/../b", "%E5%86%99", "a%0Ab", "a%20%2B+", "..%5Cx")):
        await house.put(f"/photos/{key}", b"%d" % number)
    for number, key in enumerate(("../up", "a//b", "dir%2F", "%2E", "a%2F..%2Fb", "写", "a%0ab", "a%20++", "..\\x")):
        assert (await house.ask("GET", f"/photos/{key}")).body == b"%d" % number


async def test_an_overwritten_object_is_replaced_as_a_whole(house: House) -> None:
    headers = {"x-oss-meta-a": "1", "cache-control": "no-store", "x-oss-storage-class": "IA"}
    await house.put("/photos/a.bin", a_body(100_000), headers)
    house.now += 60
    await house.put("/photos/a.bin", b"new")
    got = await house.ask("GET", "/photos/a.bin")
    assert got.body == b"new"
    assert not {"x-oss-meta-a", "cache-control"} & set(got.headers)
    assert got.headers["x-oss-storage-class"] == "Standard"
    assert got.headers["last-modified"] == "Thu, 05 Mar 2026 07:09:09 GMT"
    assert not house.store.blobs
    assert not house.catalog.garbage


async def test_writers_at_once_leave_one_whole_object(house: House) -> None:
    bodies = [bytes([number]) * 100_000 for number in range(8)]
    answers = await together(*(house.ask("PUT", "/photos/a.bin", body) for body in bodies))
    assert {answer.status for answer in answers} == {200}
    assert (await house.ask("GET", "/photos/a.bin")).body in bodies
    assert len(house.store.blobs) == 1


# --- headers stored with the object ---


async def test_standard_headers_and_user_metadata_come_back(house: House) -> None:
    given = {
        "content-type": "text/plain; charset=utf-8",
        "cache-control": "max-age=60",
        "content-disposition": "attachment; filename*=UTF-8''%E5%86%99.txt",
        "content-encoding": "identity",
        "content-language": "zh",
        "expires": "never, as it were",
        "x-oss-meta-author": "写真",
        "x-oss-meta-under_score": "a  b",
        "x-oss-meta-empty": "",
    }
    await house.put("/photos/a.txt", headers=given)
    for method in ("GET", "HEAD"):
        got = await house.ask(method, "/photos/a.txt")
        assert {name: got.headers[name] for name in given} == given


async def test_bytes_of_metadata_that_are_not_utf8_come_back_unchanged(house: House) -> None:
    raw = b"\xff\xfe".decode("utf-8", "surrogateescape")
    link = house.link("PUT", "a.txt", headers={"x-oss-meta-raw": raw})
    assert (await house.follow(link, "PUT", b"hi", {"x-oss-meta-raw": raw})).status == 200
    assert (await house.ask("HEAD", "/photos/a.txt")).headers["x-oss-meta-raw"] == raw


async def test_user_metadata_is_in_lower_case(house: House) -> None:
    await house.put("/photos/a.txt", headers={"X-Oss-Meta-Author": "Me"})
    assert (await house.ask("HEAD", "/photos/a.txt")).headers["x-oss-meta-author"] == "Me"


async def test_without_a_content_type_there_is_the_general_one(house: House) -> None:
    await house.put("/photos/a.txt")
    assert (await house.ask("GET", "/photos/a.txt")).headers["content-type"] == "application/octet-stream"


async def test_other_headers_are_not_stored(house: House) -> None:
    await house.put("/photos/a.txt", headers={"x-other": "1", "user-agent": "curl", "x-oss-request-payer": "requester"})
    got = await house.ask("GET", "/photos/a.txt")
    assert not {"x-other", "user-agent", "x-oss-request-payer"} & set(got.headers)


@pytest.mark.parametrize("name", ["content-type", "cache-control", "content-disposition"])
async def test_a_header_too_long_to_be_given_back_is_not_stored(house: House, name: str) -> None:
    await house.put("/photos/a.txt", headers={name: "v" * 8192})
    before = house.contents()
    answer = await house.ask("PUT", "/photos/b.txt", b"hello", {name: "v" * 8193})
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("ArgumentName") == name
    assert house.contents() == before


async def test_user_metadata_of_8_kib_fits_and_no_more(house: House) -> None:
    name = "x-oss-meta-a"
    await house.put("/photos/a.txt", headers={name: "v" * (8192 - len(name))})
    before = house.contents()
    refused = await house.ask("PUT", "/photos/a.txt", b"x", {name: "写" * 2731})
    assert refused.refusal == (400, "InvalidArgument")
    assert house.contents() == before


@pytest.mark.parametrize("storage_class", ["Standard", "IA"])
async def test_the_storage_class_is_remembered(house: House, storage_class: str) -> None:
    await house.put("/photos/a.txt", headers={"x-oss-storage-class": storage_class})
    assert (await house.ask("HEAD", "/photos/a.txt")).headers["x-oss-storage-class"] == storage_class
    assert (await house.ask("GET", "/photos/")).text("Contents/StorageClass") == storage_class


async def test_the_storage_class_is_the_buckets_unless_told_otherwise(empty_house: House) -> None:
    body = b"<CreateBucketConfiguration><StorageClass>IA</StorageClass></CreateBucketConfiguration>"
    await empty_house.ask("PUT", "/photos/", body)
    await empty_house.put("/photos/a.txt")
    assert (await empty_house.ask("HEAD", "/photos/a.txt")).headers["x-oss-storage-class"] == "IA"


# --- refusals, each of which leaves everything as it was ---

REFUSED: list[tuple[dict[str, str], int, str]] = [
    ({"content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, 400, "InvalidDigest"),
    ({"content-md5": "not base64"}, 400, "InvalidDigest"),
    ({"content-md5": ""}, 400, "InvalidDigest"),
    ({"x-oss-hash-crc64ecma": "1"}, 400, "InvalidCRC64"),
    ({"x-oss-hash-crc64ecma": "five"}, 400, "InvalidCRC64"),
    ({"content-length": "4"}, 400, "IncompleteBody"),
    ({"content-length": "6"}, 400, "IncompleteBody"),
    ({"content-length": "-1"}, 400, "InvalidArgument"),
    ({"content-length": "5,5"}, 400, "InvalidArgument"),
    ({"content-length": str(5 * 1024**3 + 1)}, 400, "EntityTooLarge"),
    ({"x-oss-object-acl": "public"}, 400, "InvalidArgument"),
    ({"x-oss-storage-class": "standard"}, 400, "InvalidArgument"),
    ({"x-oss-forbid-overwrite": "yes"}, 400, "InvalidArgument"),
    ({"x-oss-forbid-overwrite": ""}, 400, "InvalidArgument"),
    ({"x-oss-traffic-limit": "819199"}, 400, "InvalidArgument"),
    ({"x-oss-traffic-limit": "838860801"}, 400, "InvalidArgument"),
    ({"x-oss-traffic-limit": "fast"}, 400, "InvalidArgument"),
    ({"x-oss-traffic-limit": ""}, 400, "InvalidArgument"),
]


@pytest.mark.parametrize("before", [b"", b"hello before", a_body(70_000)], ids=["new", "small", "large"])
@pytest.mark.parametrize(("headers", "status", "code"), REFUSED)
async def test_a_refused_put_changes_nothing(
    house: House, headers: dict[str, str], status: int, code: str, before: bytes
) -> None:
    if before:
        await house.put("/photos/a.txt", before)
    contents = house.contents()
    assert (await house.ask("PUT", "/photos/a.txt", b"hello", headers)).refusal == (status, code)
    assert house.contents() == contents


@pytest.mark.parametrize("headers", [{"content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, {"x-oss-hash-crc64ecma": "1"}])
async def test_a_large_body_that_fails_its_check_leaves_no_bytes(house: House, headers: dict[str, str]) -> None:
    before = house.contents()
    assert (await house.ask("PUT", "/photos/a.bin", a_body(3_000_000), headers)).status == 400
    assert house.contents() == before


async def test_a_body_that_passes_its_checks_is_stored(house: House) -> None:
    await house.put("/photos/a.txt", headers={"content-md5": HELLO_MD5})
    await house.put("/photos/b.txt", b"hello world", headers={"x-oss-hash-crc64ecma": "5981764153023615706"})


@pytest.mark.parametrize(
    "header",
    [
        "If-Match",
        "If-None-Match",
        "If-Modified-Since",
        "If-Unmodified-Since",
    ],
)
async def test_a_header_that_asks_for_what_is_not_built_is_refused_by_name(house: House, header: str) -> None:
    before = house.contents()
    answer = await house.ask("PUT", "/photos/a.txt", b"hello", {header: "x"})
    assert answer.refusal == (400, "NotImplemented")
    assert answer.text("Message") == "A header you provided implies functionality that is not implemented."
    assert answer.text("Header") == header
    assert house.contents() == before


@pytest.mark.parametrize("name", ["x-oss-process"])
async def test_so_is_a_parameter(house: House, name: str) -> None:
    before = house.contents()
    answer = await house.ask("PUT", f"/photos/a.txt?{name}=e30%3D", b"hello")
    assert answer.refusal == (400, "NotImplemented")
    assert answer.text("Header") == name
    assert house.contents() == before


async def test_a_body_without_length_or_chunks_is_refused_unread(house: House) -> None:
    query = read_query(house.link("PUT", "a.txt").partition("?")[2].encode())
    body = GivenBody([b"hello"])
    answer = await house.send(Request("PUT", b"/photos/a.txt", query, {"host": "127.0.0.1"}, body=body))
    assert answer.refusal == (411, "MissingContentLength")
    assert body.taken == 0


async def test_put_object_needs_its_bucket(house: House) -> None:
    answer = await house.ask("PUT", "/nobody/a.txt", b"hello")
    assert answer.refusal == (404, "NoSuchBucket")


async def test_a_bucket_that_goes_while_the_body_arrives_is_missed(house: House) -> None:
    class Going(GivenBody):
        async def chunks(self) -> AsyncIterator[bytes]:
            yield a_body(100_000)
            assert (await house.ask("DELETE", "/photos/")).status == 204

    answer = await house.ask("PUT", "/photos/a.bin", Going([]), chunked=True)
    assert answer.refusal == (404, "NoSuchBucket")
    assert not house.store.blobs
    assert not house.store.unkept


# --- bodies that do not arrive ---


@pytest.mark.parametrize("size", [10, 100_000, 3_000_000])
@pytest.mark.parametrize(
    ("failure", "code"), [(BodyFailed(), "IncompleteBody"), (BodyStalled(), "RequestTimeout")], ids=["cut", "stalled"]
)
async def test_a_body_that_fails_is_never_stored(house: House, size: int, failure: BodyFailed, code: str) -> None:
    await house.put("/photos/a.bin", b"before")
    before = house.contents()
    for chunked in (False, True):
        body = GivenBody([a_body(size)], failure)
        assert (await house.ask("PUT", "/photos/a.bin", body, chunked=chunked)).refusal == (400, code)
    assert house.contents() == before


async def test_a_chunked_body_is_cut_off_at_the_limit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coatcheck.oss.object_put.PUT_OBJECT_MAX_BYTES", 100_000)
    before = house.contents()
    body = GivenBody([a_body(50_000)] * 5)
    assert (await house.ask("PUT", "/photos/a.bin", body, chunked=True)).refusal == (400, "EntityTooLarge")
    assert body.taken == 3
    assert house.contents() == before


async def test_a_put_that_is_cancelled_leaves_no_bytes(house: House) -> None:
    class Endless(GivenBody):
        async def chunks(self) -> AsyncIterator[bytes]:
            yield a_body(3_000_000)
            await asyncio.Event().wait()

    before = house.contents()
    task = asyncio.create_task(house.ask("PUT", "/photos/a.bin", Endless([]), chunked=True))
    while not house.store.unkept:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert house.contents() == before


# --- a full disk ---


class FullCatalog(MemoryCatalog):
    async def put_object(self, *arguments: Any, **named: Any) -> Written:
        raise NoSpace


class FullStore(MemoryByteStore):
    async def new_blob(self, *, encryption: str = "") -> MemoryBlobWriter:
        raise NoSpace


@pytest.mark.parametrize("size", [10, 100_000, 3_000_000])
async def test_a_catalog_without_room_is_told_and_nothing_is_changed(size: int) -> None:
    house = await House(catalog=FullCatalog()).with_bucket()
    before = house.contents()
    answer = await house.ask("PUT", "/photos/a.bin", a_body(size))
    assert answer.refusal == (503, "ServiceUnavailable")
    assert house.contents() == before


async def test_a_byte_store_without_room_is_told_and_nothing_is_changed() -> None:
    house = await House(store=FullStore()).with_bucket()
    before = house.contents()
    answer = await house.ask("PUT", "/photos/a.bin", a_body(100_000))
    assert answer.refusal == (503, "ServiceUnavailable")
    assert house.contents() == before


# --- x-oss-forbid-overwrite ---


async def test_forbid_overwrite_lets_the_first_write_through_and_no_other(house: House) -> None:
    headers = {"x-oss-forbid-overwrite": "true"}
    await house.put("/photos/a.txt", b"first", headers)
    body = GivenBody([b"second"])
    refused = await house.ask("PUT", "/photos/a.txt", body, headers)
    assert refused.refusal == (409, "FileAlreadyExists")
    assert refused.text("Key") == "a.txt"
    assert body.taken == 0
    assert (await house.ask("GET", "/photos/a.txt")).body == b"first"
    await house.put("/photos/a.txt", b"third", {"x-oss-forbid-overwrite": "false"})


async def test_one_of_many_writers_that_may_not_overwrite_wins(house: House) -> None:
    headers = {"x-oss-forbid-overwrite": "true"}
    bodies = [bytes([number]) * 100_000 for number in range(8)]
    answers = await together(*(house.ask("PUT", "/photos/a.bin", body, headers) for body in bodies))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 7
    winner = next(number for number, answer in enumerate(answers) if answer.status == 200)
    assert (await house.ask("GET", "/photos/a.bin")).body == bodies[winner]
    assert len(house.store.blobs) == 1
    assert not house.store.unkept


# --- x-oss-traffic-limit ---


async def test_a_throttled_upload_takes_its_time_and_arrives_whole(house: House) -> None:
    before = asyncio.get_running_loop().time()
    await house.put("/photos/a.bin", a_body(30_000), {"x-oss-traffic-limit": "819200"})
    assert asyncio.get_running_loop().time() - before > 0.1  # 16 KiB at 100 KiB/s before the second piece
    assert (await house.ask("GET", "/photos/a.bin")).body == a_body(30_000)


# --- what a link may bring ---


UNSIGNED = {
    "Cache-Control": "no-store",
    "Content-Disposition": "attachment",
    "Content-Encoding": "gzip",
    "Content-Language": "en",
    "Expires": "0",
}


@pytest.mark.parametrize("name", UNSIGNED)
async def test_osss_default_lets_a_links_user_choose_unsigned_headers(house: House, name: str) -> None:
    answer = await house.follow(house.link("PUT", "a.txt"), "PUT", b"hello", {name: UNSIGNED[name]})
    assert answer.status == 200
    assert (await house.ask("HEAD", "/photos/a.txt")).headers[name.lower()] == UNSIGNED[name]


@pytest.mark.parametrize("name", UNSIGNED)
async def test_a_strict_server_stores_only_what_the_signer_listed(name: str) -> None:
    house = await House(strict_link_headers=True).with_bucket()
    header = {name: UNSIGNED[name]}
    before = house.contents()
    refused = await house.follow(house.link("PUT", "a.txt"), "PUT", b"hello", header)
    assert refused.refusal == (403, "AccessDenied")
    assert refused.text("Header") == name.lower()
    assert house.contents() == before
    listed = house.link("PUT", "a.txt", headers=header, additional_headers=[name])
    assert (await house.follow(listed, "PUT", b"hello", header)).status == 200
    assert (await house.ask("HEAD", "/photos/a.txt")).headers[name.lower()] == UNSIGNED[name]


async def test_a_strict_server_lets_the_owner_send_what_it_likes() -> None:
    house = await House(strict_link_headers=True).with_bucket()
    await house.put("/photos/a.txt", headers=UNSIGNED)


async def test_a_link_to_get_does_not_put(house: House) -> None:
    assert (await house.follow(house.link("GET", "a.txt"), "PUT", b"hello")).refusal == (403, "SignatureDoesNotMatch")


# --- headers of the uploader's own ---


async def test_persistent_headers_go_out_with_the_object(house: House) -> None:
    given = {"x-oss-persistent-headers": "X-Custom-Key1:dmFsdWUx, X-Robots-Tag:5YaZ"}  # value1, 写
    await house.put("/photos/a.txt", b"hello", given)
    for method in ("GET", "HEAD"):
        headers = (await house.ask(method, "/photos/a.txt")).headers
        assert (headers["x-custom-key1"], headers["x-robots-tag"]) == ("value1", "写")
    await house.ask("PUT", "/photos/b.txt", headers={"x-oss-copy-source": "/photos/a.txt"})
    assert (await house.ask("HEAD", "/photos/b.txt")).headers["x-custom-key1"] == "value1"


@pytest.mark.parametrize(
    "text",
    [
        "x-custom-1",
        ":dmFsdWUx",
        "x-custom-1:not base64",
        "x-custom-1:/w==",  # not UTF-8
        "x-custom-1:YQ0KYjogYw==",  # a line break, and a header of the attacker's
        "x-custom-1:dmFsdWUx,x-custom-1:dmFsdWUx",
        "x-custom-1:dmFsdWUx,",
        "x-custom k:dmFsdWUx",
        "ETag:dmFsdWUx",
        "content-type:dmFsdWUx",
        "x-oss-meta-a:dmFsdWUx",
        "Set-Cookie:dmFsdWUx",
        "x-custom-1:" + "YWFh" * 3000,
    ],
)
async def test_persistent_headers_that_break_a_rule_store_nothing(house: House, text: str) -> None:
    before = house.contents()
    answer = await house.ask("PUT", "/photos/a.txt", b"hello", {"x-oss-persistent-headers": text})
    assert answer.refusal == (400, "InvalidArgument")
    assert house.contents() == before


CONTROLS = [
    "x-accel-redirect",
    "x-accel-charset",
    "x-accel-limit-rate",
    "x-sendfile",
    "x-lighttpd-send-file",
    "x-lighttpd-send-tempfile",
    "x-reproxy-url",
    "x-litespeed-location",
    "surrogate-control",
    "cdn-cache-control",
    "www-authenticate",
    "proxy-authenticate",
    "proxy-connection",
    "authentication-info",
    "clear-site-data",
    "alt-svc",
    "set-cookie",
    "set-cookie2",
    "strict-transport-security",
    "public-key-pins",
    "content-security-policy",
    "content-security-policy-report-only",
    "permissions-policy",
    "report-to",
    "nel",
    "service-worker-allowed",
    "link",
    "refresh",
    "location",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "trailer",
    "te",
    "upgrade",
    "content-length",
    "etag",
    "server",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "timing-allow-origin",
    "x-oss-request-id",
    "x-oss-meta-a",
    "key1",
]


@pytest.mark.parametrize("name", CONTROLS)
async def test_no_header_that_proxies_or_browsers_obey_can_be_stored_or_chosen(house: House, name: str) -> None:
    before = house.contents()
    given = {"x-oss-persistent-headers": f"{name}:L2V0Yy9wYXNzd2Q="}
    for method, address, more in (
        ("PUT", "/photos/a.txt", {}),
        ("PUT", "/photos/a.txt?symlink", {"x-oss-symlink-target": "b.txt"}),
        ("POST", "/photos/a.txt?append&position=0", {}),
        ("POST", "/photos/a.txt?uploads", {}),
    ):
        answer = await house.ask(method, address, b"", {**given, **more})
        assert answer.refusal == (400, "InvalidArgument")
        assert answer.text("Message") == (
            f"The header {name} cannot be stored with an object; names of your own begin with x-custom-."
        )
    assert house.contents() == before
    await house.put("/photos/a.txt")
    copy = {"x-oss-copy-source": "/photos/a.txt", "x-oss-metadata-directive": "REPLACE", **given}
    assert (await house.ask("PUT", "/photos/b.txt", b"", copy)).refusal == (400, "InvalidArgument")
    for link in (house.link("GET", "a.txt", query={f"response-{name}": "x"}),):
        refused = await house.follow(link)
        assert refused.refusal == (400, "InvalidArgument")
        assert refused.text("Message") == f"The header {name} cannot be chosen by a request."


@pytest.mark.parametrize("name", CONTROLS)
async def test_a_header_of_a_put_is_not_stored_for_being_sent(house: House, name: str) -> None:
    if name in ("content-length", "transfer-encoding", "x-oss-meta-a"):
        return  # what they say is heeded
    await house.put("/photos/a.txt", headers={name: "/etc/passwd"})
    assert "/etc/passwd" not in (await house.ask("GET", "/photos/a.txt")).headers.values()


async def test_names_of_user_metadata_are_names_of_headers(house: House) -> None:
    for name in ("x-oss-meta-(a)", "x-oss-meta-a/b", "x-oss-meta-a=b", 'x-oss-meta-"a"', "x-oss-meta-a\x7f"):
        answer = await house.ask("PUT", "/photos/a.txt", b"hello", {name: "x"})
        assert answer.refusal == (400, "InvalidArgument")
