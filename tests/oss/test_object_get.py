from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import quote

import pytest

from coatcheck.core.byte_range import ByteRange
from coatcheck.engines.memory_bytes import MemoryBlobReader, MemoryByteStore
from coatcheck.ports.byte_store import BlobGone
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import Segment

from .house import ANYBODY, House, together

CONTENT = bytes(range(256)) * 4
LARGE = bytes(range(256)) * 1000
ETAG = '"B2EA9F7FCEA831A4A63B213F41A8855B"'
SAME = "Thu, 05 Mar 2026 07:08:09 GMT"
EARLIER = "Thu, 05 Mar 2026 07:08:08 GMT"


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    await house.put("/photos/a.bin", CONTENT, {"content-type": "image/png", "x-oss-meta-a": "1"})
    await house.put("/photos/large.bin", LARGE)
    await house.put("/photos/empty", b"")
    return house


# --- the headers of a whole object ---


async def test_get_object_has_osss_headers_and_no_others(house: House) -> None:
    got = await house.ask("GET", "/photos/a.bin")
    assert (got.status, got.body, got.announced) == (200, CONTENT, 1024)
    assert got.headers == {
        "content-type": "image/png",
        "x-oss-meta-a": "1",
        "etag": ETAG,
        "last-modified": "Thu, 05 Mar 2026 07:08:09 GMT",
        "accept-ranges": "bytes",
        "x-oss-object-type": "Normal",
        "x-content-type-options": "nosniff",
        "x-oss-storage-class": "Standard",
        "x-oss-hash-crc64ecma": "15357192874899391488",
        "content-md5": "suqff86oMaSmOyE/QaiFWw==",
    }


@pytest.mark.parametrize("key", ["a.bin", "large.bin", "empty"])
async def test_head_object_says_what_get_object_would(house: House, key: str) -> None:
    got, head = await house.ask("GET", f"/photos/{key}"), await house.ask("HEAD", f"/photos/{key}")
    assert (head.status, head.headers, head.announced) == (got.status, got.headers, got.announced)
    assert head.body == b""


async def test_get_object_meta_says_little(house: House) -> None:
    meta = await house.ask("HEAD", "/photos/a.bin?objectMeta")
    assert (meta.status, meta.body, meta.announced) == (200, b"", 1024)
    assert meta.headers == {
        "etag": ETAG,
        "last-modified": "Thu, 05 Mar 2026 07:08:09 GMT",
        "x-oss-hash-crc64ecma": "15357192874899391488",
    }


async def test_get_object_meta_over_get_announces_no_body_that_never_comes(house: House) -> None:
    meta = await house.ask("GET", "/photos/a.bin?objectMeta")
    assert (meta.status, meta.body, meta.announced, meta.headers["etag"]) == (200, b"", 0, ETAG)


# --- what is not there ---


async def test_a_key_that_is_not_there_is_named(house: House) -> None:
    got = await house.ask("GET", "/photos/%E5%86%99%26.txt")
    assert got.refusal == (404, "NoSuchKey")
    assert (got.text("Key"), got.text("EC")) == ("写&.txt", "0026-00000001")
    assert got.text("HostId") == "127.0.0.1:8000"


@pytest.mark.parametrize("address", ["/photos/none", "/photos/none?objectMeta"])
async def test_a_head_of_a_missing_key_says_so_in_a_header(house: House, address: str) -> None:
    head = await house.ask("HEAD", address)
    assert (head.status, head.body, head.announced) == (404, b"", 0)
    document = base64.b64decode(head.headers["x-oss-err"])
    assert b"<Code>NoSuchKey</Code>" in document
    assert head.headers["x-oss-ec"] == "0026-00000001"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_bucket_that_is_not_there(house: House, method: str) -> None:
    assert (await house.ask(method, "/nobody/a.bin")).status == 404


@pytest.mark.parametrize(
    ("version_id", "status", "code", "message"),
    [
        ("", 400, "InvalidArgument", "Version id can not be the empty string."),
        ("a%2Fb", 400, "InvalidArgument", "Invalid version id specified."),
        ("a" * 129, 400, "InvalidArgument", "Invalid version id specified."),
        ("%FF", 400, "InvalidArgument", "Invalid version id specified."),
        ("CAEQNhiBgMDJgZCA0BYiIDc4", 404, "NoSuchVersion", "The specified version does not exist."),
    ],
)
async def test_an_unversioned_object_has_the_null_version_alone(
    house: House, version_id: str, status: int, code: str, message: str
) -> None:
    for suffix in ("", "&objectMeta"):
        answer = await house.ask("GET", f"/photos/a.bin?versionId={version_id}{suffix}")
        assert answer.refusal == (status, code)
        assert answer.text("Message") == message


@pytest.mark.parametrize("address", ["/photos/a.bin?versionId=null", "/photos/a.bin?objectMeta&versionId=null"])
async def test_the_null_version_is_the_object(house: House, address: str) -> None:
    assert (await house.ask("HEAD", address)).status == 200


# --- ranges ---


@pytest.mark.parametrize("key", ["a.bin", "large.bin"])
@pytest.mark.parametrize(
    ("header", "start", "stop"), [("bytes=0-99", 0, 100), ("bytes=1000-1023", 1000, 1024), ("bytes=255-255", 255, 256)]
)
async def test_a_range_is_a_slice(house: House, key: str, header: str, start: int, stop: int) -> None:
    content = CONTENT if key == "a.bin" else LARGE
    got = await house.ask("GET", f"/photos/{key}", headers={"range": header})
    assert (got.status, got.body, got.announced) == (206, content[start:stop], stop - start)
    assert got.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(content)}"


async def test_digests_of_a_range_are_those_of_the_whole(house: House) -> None:
    whole = await house.ask("GET", "/photos/a.bin")
    part = await house.ask("GET", "/photos/a.bin", headers={"range": "bytes=0-0"})
    for name in ("etag", "x-oss-hash-crc64ecma", "content-md5", "last-modified"):
        assert part.headers[name] == whole.headers[name]


@pytest.mark.parametrize("key", ["a.bin", "large.bin"])
async def test_a_range_beyond_the_end_is_cut_or_ignored_as_asked(house: House, key: str) -> None:
    content = CONTENT if key == "a.bin" else LARGE
    headers = {"range": f"bytes={len(content) - 10}-{len(content) + 10}"}
    lenient = await house.ask("GET", f"/photos/{key}", headers=headers)
    assert (lenient.status, lenient.body) == (200, content)
    assert "content-range" not in lenient.headers
    standard = await house.ask("GET", f"/photos/{key}", headers=headers | {"x-oss-range-behavior": "standard"})
    assert (standard.status, standard.body) == (206, content[-10:])


async def test_a_range_behind_the_end_is_refused_if_the_standard_was_asked_for(house: House) -> None:
    headers = {"range": "bytes=1024-", "x-oss-range-behavior": "standard"}
    answer = await house.ask("GET", "/photos/a.bin", headers=headers)
    assert answer.refusal == (416, "InvalidRange")
    assert (answer.text("ActualObjectSize"), answer.text("RangeRequested")) == ("1024", "bytes=1024-")
    assert answer.headers["content-range"] == "bytes */1024"
    assert (
        await house.ask("GET", "/photos/a.bin", headers=headers | {"x-oss-range-behavior": "Standard"})
    ).status == 200


@pytest.mark.parametrize(
    ("validator", "status"),
    [
        (ETAG, 206),
        (ETAG.strip('"'), 206),
        (ETAG.lower(), 206),
        (SAME, 206),
        ('"another"', 200),
        (f"W/{ETAG}", 200),
        (EARLIER, 200),
        ("", 200),
    ],
)
async def test_a_resumed_download_of_another_version_begins_anew(house: House, validator: str, status: int) -> None:
    got = await house.ask("GET", "/photos/a.bin", headers={"range": "bytes=1000-", "if-range": validator})
    assert (got.status, got.body) == (status, CONTENT[1000:] if status == 206 else CONTENT)


async def test_a_head_knows_no_ranges(house: House) -> None:
    head = await house.ask("HEAD", "/photos/a.bin", headers={"range": "bytes=0-9"})
    assert (head.status, head.announced) == (200, 1024)


# --- conditions ---


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", [{"if-none-match": ETAG}, {"if-modified-since": SAME}])
async def test_not_modified_has_no_body_but_says_what_is_there(
    house: House, method: str, headers: dict[str, str]
) -> None:
    answer = await house.ask(method, "/photos/a.bin", headers=headers | {"range": "bytes=0-9"})
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == ETAG
    assert answer.headers["last-modified"] == SAME
    assert not {"content-type", "content-range", "content-md5", "x-oss-err"} & set(answer.headers)


@pytest.mark.parametrize(
    ("headers", "condition"),
    [({"if-match": '"0"'}, "If-Match"), ({"if-unmodified-since": EARLIER}, "If-Unmodified-Since")],
)
async def test_a_failed_precondition_is_named_and_says_what_is_there(
    house: House, headers: dict[str, str], condition: str
) -> None:
    answer = await house.ask("GET", "/photos/a.bin", headers=headers)
    assert answer.refusal == (412, "PreconditionFailed")
    assert answer.text("Condition") == condition
    assert answer.headers["etag"] == ETAG
    head = await house.ask("HEAD", "/photos/a.bin", headers=headers)
    assert (head.status, head.body) == (412, b"")
    assert "x-oss-err" in head.headers


async def test_conditions_that_hold_send_the_object(house: House) -> None:
    headers = {"if-match": ETAG, "if-unmodified-since": SAME, "if-none-match": '"0"', "if-modified-since": EARLIER}
    assert (await house.ask("GET", "/photos/a.bin", headers=headers)).body == CONTENT


# --- response-* overrides ---

OVERRIDES = {
    "response-content-type": ("content-type", "text/html"),
    "response-content-language": ("content-language", "zh"),
    "response-expires": ("expires", "Thu, 05 Mar 2026 08:00:00 GMT"),
    "response-cache-control": ("cache-control", "no-cache"),
    "response-content-disposition": ("content-disposition", "attachment; filename=写.txt"),
    "response-content-encoding": ("content-encoding", "gzip"),
}


@pytest.mark.parametrize("parameter", OVERRIDES)
@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("GET", 206)])
async def test_a_signed_override_replaces_its_header(house: House, parameter: str, method: str, status: int) -> None:
    name, value = OVERRIDES[parameter]
    headers = {"range": "bytes=0-9"} if status == 206 else {}
    answer = await house.ask(method, f"/photos/a.bin?{parameter}={quote(value)}", headers=headers)
    assert answer.status == status
    assert answer.headers[name] == value


async def test_overrides_work_in_a_link(house: House) -> None:
    link = house.link("GET", "a.bin", response_content_type="text/plain", download_as="写.txt")
    answer = await house.follow(link)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, CONTENT, "text/plain")
    assert "UTF-8''%E5%86%99.txt" in answer.headers["content-disposition"]


async def test_an_empty_override_is_ignored(house: House) -> None:
    for sent in ("response-content-type=", "response-content-type"):
        assert (await house.ask("GET", f"/photos/a.bin?{sent}")).headers["content-type"] == "image/png"


async def test_overrides_do_not_reach_refusals_and_not_modified(house: House) -> None:
    missing = await house.ask("GET", "/photos/none?response-content-type=text/html")
    assert missing.headers["content-type"] == "application/xml"
    headers = {"if-none-match": ETAG}
    unmodified = await house.ask("GET", "/photos/a.bin?response-cache-control=no-cache", headers=headers)
    assert (unmodified.status, "cache-control" in unmodified.headers) == (304, False)


@pytest.mark.parametrize("character", ["%0D%0AX-Evil:%201", "%0A", "%0D", "%00", "%7F", "%1B"])
@pytest.mark.parametrize("parameter", OVERRIDES)
async def test_an_override_cannot_smuggle_a_line(house: House, parameter: str, character: str) -> None:
    answer = await house.ask("GET", f"/photos/a.bin?{parameter}=a{character}")
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("ArgumentName") == parameter


@pytest.mark.parametrize("parameter", OVERRIDES)
async def test_nobody_in_particular_overrides_nothing(parameter: str) -> None:
    house = await House().with_bucket(acl="public-read")
    await house.put("/photos/a.txt")
    for method in ("GET", "HEAD"):
        assert (await house.ask(method, f"/photos/a.txt?{parameter}=x", by=ANYBODY)).status == 400
    answer = await house.ask("GET", f"/photos/a.txt?{parameter}=x", by=ANYBODY)
    assert answer.refusal == (400, "InvalidRequest")
    assert answer.text("Message") == ("Request specific response headers cannot be used for anonymous GET requests.")
    assert (await house.ask("GET", "/photos/a.txt", by=ANYBODY)).status == 200


# --- x-oss-process ---


async def test_processing_is_refused_where_no_pictures_are_processed(house: House) -> None:
    answer = await house.ask("GET", "/photos/a.bin?x-oss-process=image/resize,w_100")
    assert answer.refusal == (400, "NotImplemented")
    assert answer.text("Header") == "x-oss-process"
    assert CONTENT not in answer.body


# --- x-oss-traffic-limit ---


@pytest.mark.parametrize("limit", ["819199", "838860801", "-819200", "1e6", "", "819200.0", "9" * 30])
async def test_an_impossible_traffic_limit_is_refused(house: House, limit: str) -> None:
    for answer in (
        await house.ask("GET", f"/photos/a.bin?x-oss-traffic-limit={limit}"),
        await house.ask("GET", "/photos/a.bin", headers={"x-oss-traffic-limit": limit}),
    ):
        assert answer.refusal == (400, "InvalidArgument")
        assert (answer.text("ArgumentName"), answer.text("ArgumentValue")) == ("x-oss-traffic-limit", limit)


async def test_a_traffic_limit_may_be_given_once(house: House) -> None:
    headers = {"x-oss-traffic-limit": "819200"}
    answer = await house.ask("GET", "/photos/a.bin?x-oss-traffic-limit=819200", headers=headers)
    assert answer.refusal == (400, "InvalidArgument")


@pytest.mark.parametrize("key", ["a.bin", "large.bin", "empty"])
async def test_a_throttled_download_is_whole(house: House, key: str) -> None:
    plain = await house.ask("GET", f"/photos/{key}")
    paced = await house.ask("GET", f"/photos/{key}?x-oss-traffic-limit=838860800")
    assert (paced.body, paced.announced, paced.headers) == (plain.body, plain.announced, plain.headers)


async def test_a_throttled_download_takes_its_time(house: House) -> None:
    before = asyncio.get_running_loop().time()
    headers = {"range": "bytes=0-29999", "x-oss-traffic-limit": "819200"}
    assert (await house.ask("GET", "/photos/large.bin", headers=headers)).body == LARGE[:30_000]
    assert asyncio.get_running_loop().time() - before > 0.1


# --- an object replaced between finding and opening it ---


class IntrudedStore(MemoryByteStore):
    """Somebody does something just before bytes are opened, once for each of `intrusions`."""

    def __init__(self) -> None:
        super().__init__()
        self.intrusions: list[Callable[[], Awaitable[object]]] = []

    async def open(
        self, segments: Sequence[Segment], origin: Origin | None = None, span: ByteRange | None = None
    ) -> MemoryBlobReader:
        if self.intrusions:
            await self.intrusions.pop(0)()
        return await super().open(segments, origin, span)


@pytest.fixture
async def intruded_house() -> House:
    house = await House(store=IntrudedStore()).with_bucket()
    await house.put("/photos/a.bin", b"old" * 50_000)
    return house


def intrusions(house: House) -> list[Callable[[], Awaitable[object]]]:
    assert isinstance(house.store, IntrudedStore)
    return house.store.intrusions


@pytest.mark.parametrize("new", [b"new" * 40_000, b"small and inline"])
async def test_a_replaced_object_is_read_anew_headers_and_all(intruded_house: House, new: bytes) -> None:
    house = intruded_house
    intrusions(house).append(lambda: house.put("/photos/a.bin", new))
    got = await house.ask("GET", "/photos/a.bin")
    assert (got.status, got.body, got.announced) == (200, new, len(new))
    assert got.headers == (await house.ask("HEAD", "/photos/a.bin")).headers


async def test_an_object_deleted_meanwhile_is_not_there(intruded_house: House) -> None:
    intrusions(intruded_house).append(lambda: intruded_house.ask("DELETE", "/photos/a.bin"))
    assert (await intruded_house.ask("GET", "/photos/a.bin")).refusal == (404, "NoSuchKey")


async def test_an_object_made_private_meanwhile_is_weighed_anew(intruded_house: House) -> None:
    house = intruded_house
    await house.ask("PUT", "/photos/a.bin?acl", headers={"x-oss-object-acl": "public-read"})
    intrusions(house).append(lambda: house.put("/photos/a.bin", b"secret" * 50_000))
    assert (await house.ask("GET", "/photos/a.bin", by=ANYBODY)).refusal == (403, "AccessDenied")


async def test_an_object_replaced_without_end_is_given_up_on(intruded_house: House) -> None:
    house = intruded_house
    for number in range(10):
        body = bytes([number]) * 100_000
        intrusions(house).append(lambda body=body: house.put("/photos/a.bin", body))  # type: ignore[misc]
    assert (await house.ask("GET", "/photos/a.bin")).refusal == (500, "InternalError")
    assert len(intrusions(house)) == 5


async def test_bytes_that_are_missing_are_the_servers_fault() -> None:
    class EmptyStore(MemoryByteStore):
        async def open(
            self, segments: Sequence[Segment], origin: Origin | None = None, span: ByteRange | None = None
        ) -> MemoryBlobReader:
            raise BlobGone

    house = await House(store=EmptyStore()).with_bucket()
    await house.put("/photos/a.bin", LARGE)
    answer = await house.ask("GET", "/photos/a.bin")
    assert answer.refusal == (500, "InternalError")
    assert (await house.ask("HEAD", "/photos/a.bin")).status == 200


async def test_readers_beside_writers_see_one_version_whole(house: House) -> None:
    bodies = [bytes([number]) * 100_000 for number in range(5)]
    writes = [house.ask("PUT", "/photos/large.bin", body) for body in bodies]
    reads = [house.ask("GET", "/photos/large.bin") for _ in range(20)]
    answers = await together(*writes, *reads)
    assert {answer.body for answer in answers[5:]} <= {LARGE, *bodies}
