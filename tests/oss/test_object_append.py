from __future__ import annotations

import random

import pytest

from coatcheck.core.digests import update_crc64
from coatcheck.wire.request import BodyFailed

from .house import ANYBODY, STRANGER, Answer, GivenBody, House, together

ENABLED = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


async def append(
    house: House, position: object, body: bytes = b"hello", headers: dict[str, str] | None = None, key: str = "log"
) -> Answer:
    return await house.ask("POST", f"/photos/{key}?append&position={position}", body, headers)


async def test_an_object_grows_by_appends(house: House) -> None:
    headers = {"content-type": "text/x", "x-oss-meta-a": "1", "x-oss-tagging": "k=v", "x-oss-object-acl": "public-read"}
    made = await append(house, 0, b"hello", headers)
    assert made.status == 200, made.body
    assert made.headers["x-oss-next-append-position"] == "5"
    assert made.headers["x-oss-hash-crc64ecma"] == str(update_crc64(b"hello"))
    assert (len(made.headers["etag"]), made.headers["etag"][-9:]) == (34, '00000000"')
    house.now += 60
    grown = await append(house, 5, b" world", {"x-oss-meta-b": "ignored", "content-type": "ignored/too"})
    assert grown.headers["x-oss-next-append-position"] == "11"
    assert grown.headers["x-oss-hash-crc64ecma"] == str(update_crc64(b"hello world"))
    assert grown.headers["etag"] != made.headers["etag"]
    got = await house.ask("GET", "/photos/log", by=ANYBODY)
    assert got.body == b"hello world"
    for name, value in {
        "x-oss-object-type": "Appendable",
        "x-oss-next-append-position": "11",
        "x-oss-hash-crc64ecma": str(update_crc64(b"hello world")),
        "content-type": "text/x",
        "x-oss-meta-a": "1",
        "last-modified": "Thu, 05 Mar 2026 07:09:09 GMT",
    }.items():
        assert got.headers[name] == value
    assert (await house.ask("HEAD", "/photos/log")).headers["x-oss-tagging-count"] == "1"
    assert not {"content-md5", "x-oss-meta-b"} & set(got.headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-oss-server-side-encryption": "KMS"},
        {"x-oss-server-side-encryption": "AES256"},
        {"x-oss-server-side-encryption-key-id": "x"},
        {"x-oss-tagging": "a=1&a=2"},
        {"x-oss-tagging": "a=1"},
        {"x-oss-object-acl": "secret"},
        {"x-oss-storage-class": "Frozen"},
        {"x-oss-meta-long": "x" * 9000},
    ],
    ids=str,
)
async def test_what_an_object_has_is_said_by_its_first_append_alone(house: House, headers: dict[str, str]) -> None:
    await append(house, 0, b"hello", {"x-oss-tagging": "k=v"})
    before = (await house.ask("GET", "/photos/log")).headers
    grown = await append(house, 5, b" world", headers)
    assert grown.status == 200, grown.body
    assert "x-oss-server-side-encryption" not in grown.headers
    after = (await house.ask("GET", "/photos/log")).headers
    changing = {"etag", "x-oss-hash-crc64ecma", "x-oss-next-append-position"}
    assert {name: value for name, value in after.items() if name not in changing} == {
        name: value for name, value in before.items() if name not in changing
    }
    assert (await house.ask("GET", "/photos/log?tagging")).texts("TagSet/Tag/Key") == ["k"]


@pytest.mark.parametrize("seed", range(4))
async def test_pieces_of_all_sizes_are_one_content(house: House, seed: int) -> None:
    chance = random.Random(seed)
    content = b""
    for _ in range(40):
        piece = chance.randbytes(chance.choice((0, 1, 10, 1_000, 40_000, 66_000, 300_000)))
        grown = await append(house, len(content), piece)
        assert grown.status == 200, grown.body
        content += piece
    got = await house.ask("GET", "/photos/log")
    assert got.body == content
    assert got.headers["x-oss-hash-crc64ecma"] == str(update_crc64(content)) == grown.headers["x-oss-hash-crc64ecma"]
    assert not house.store.unkept
    assert not house.catalog.garbage
    assert len(house.store.blobs) < 12
    await house.ask("DELETE", "/photos/log")
    assert not house.store.blobs


async def test_a_thousand_lines_make_few_segments(house: House) -> None:
    line = b"x" * 200
    for number in range(1000):
        await append(house, number * 200, line)
    assert len(house.store.blobs) < 12
    assert (await house.ask("GET", "/photos/log")).body == line * 1000


@pytest.mark.parametrize("position", [1, 4, 6, 2**40])
async def test_a_wrong_position_is_told_the_right_one(house: House, position: int) -> None:
    await append(house, 0)
    before = house.contents()
    answer = await append(house, position)
    assert answer.refusal == (409, "PositionNotEqualToLength")
    assert (answer.text("Message"), answer.text("EC")) == ("Position is not equal to file length", "0026-00000016")
    assert answer.headers["x-oss-next-append-position"] == "5"
    assert house.contents() == before


async def test_the_first_position_is_zero(house: House) -> None:
    answer = await append(house, 3)
    assert answer.refusal == (409, "PositionNotEqualToLength")
    assert answer.headers["x-oss-next-append-position"] == "0"
    await append(house, 0)
    assert (await append(house, 0)).headers["x-oss-next-append-position"] == "5"


async def test_nothing_may_be_appended_at_the_right_position(house: House) -> None:
    assert (await append(house, 0, b"")).headers["x-oss-next-append-position"] == "0"
    made = await append(house, 0, b"x" * 100_000)
    house.now += 60
    before = house.contents()
    assert (await append(house, 100_000, b"")).headers["etag"] == made.headers["etag"]
    assert house.contents() == before
    assert (await append(house, 1, b"")).refusal == (409, "PositionNotEqualToLength")


@pytest.mark.parametrize("position", ["", "-1", "1.5", "x", "%D9%A1", "1" * 30, "%FF"])
async def test_a_position_is_a_number(house: House, position: str) -> None:
    answer = await append(house, position)
    assert (answer.refusal, answer.text("ArgumentName")) == ((400, "InvalidArgument"), "position")


async def test_a_position_is_needed(house: House) -> None:
    answer = await house.ask("POST", "/photos/log?append", b"x")
    assert (answer.refusal, answer.text("EC")) == ((400, "MissingArgument"), "0016-00000501")


async def test_only_an_appendable_object_grows(house: House) -> None:
    await house.put("/photos/log", b"hello")
    before = house.contents()
    answer = await append(house, 5)
    assert answer.refusal == (409, "ObjectNotAppendable")
    assert answer.headers["x-oss-next-append-position"] == "5"
    assert house.contents() == before


async def test_putting_over_it_makes_it_normal(house: House) -> None:
    await append(house, 0, b"x" * 100_000)
    await house.put("/photos/log", b"hello")
    assert (await house.ask("HEAD", "/photos/log")).headers["x-oss-object-type"] == "Normal"
    assert not house.store.blobs


async def test_of_many_at_once_one_wins(house: House) -> None:
    for position in (0, 100_000):
        bodies = [bytes([number]) * 100_000 for number in range(8)]
        answers = await together(*(append(house, position, body) for body in bodies))
        assert sorted(answer.status for answer in answers) == [200] + [409] * 7
        assert {answer.text("Code") for answer in answers if answer.status == 409} == {"PositionNotEqualToLength"}
    got = await house.ask("GET", "/photos/log")
    assert len(got.body) == 200_000
    assert not house.store.unkept
    assert len(house.store.blobs) <= 2


async def test_an_append_that_does_not_arrive_whole_changes_nothing(house: House) -> None:
    await append(house, 0)
    before = house.contents()
    for size in (10, 100_000):
        body = GivenBody([b"x" * size], BodyFailed())
        answer = await house.ask("POST", "/photos/log?append&position=5", body, chunked=True)
        assert answer.refusal == (400, "IncompleteBody")
        wrong = {"content-md5": "XUFAKrxLKna5cZ2REBfFkg=="}
        assert (await append(house, 5, b"y" * size, wrong)).refusal == (400, "InvalidDigest")
    assert house.contents() == before


async def test_overwriting_can_be_forbidden(house: House) -> None:
    forbid = {"x-oss-forbid-overwrite": "true"}
    assert (await append(house, 0, headers=forbid)).status == 200
    assert (await append(house, 5, headers=forbid)).refusal == (409, "FileAlreadyExists")


async def test_in_a_versioned_bucket_the_current_version_grows(house: House) -> None:
    await append(house, 0)
    await house.ask("PUT", "/photos/?versioning", ENABLED)
    assert (await append(house, 5)).headers["x-oss-version-id"] == "null"
    assert (await house.ask("GET", "/photos/?versions")).texts("Version/Size") == ["10"]
    await house.ask("DELETE", "/photos/log")
    assert (await append(house, 0)).refusal == (409, "ObjectNotAppendable")
    made = await append(house, 0, key="new")
    assert (await append(house, 5, key="new")).headers["x-oss-version-id"] == made.headers["x-oss-version-id"]


async def test_it_is_copied_only_onto_itself(house: House) -> None:
    await append(house, 0, b"x" * 100_000)
    source = {"x-oss-copy-source": "/photos/log", "x-oss-meta-new": "1"}
    assert (await house.ask("PUT", "/photos/copy", headers=source)).refusal == (400, "OperationNotSupported")
    assert (await house.ask("PUT", "/photos/log", headers=source)).status == 200
    assert (await house.ask("HEAD", "/photos/log")).headers["x-oss-meta-new"] == "1"
    assert (await append(house, 100_000)).status == 200


async def test_nobody_appends_without_the_right_to(house: House) -> None:
    await append(house, 0)
    before = house.contents()
    for by in (STRANGER, ANYBODY):
        for sub_resource in ("append", "seal"):
            answer = await house.ask("POST", f"/photos/log?{sub_resource}&position=5", b"x", by=by)
            assert answer.refusal == (403, "AccessDenied")
    assert house.contents() == before


# --- sealing ---


async def seal(house: House, position: object = 5) -> Answer:
    return await house.ask("POST", f"/photos/log?seal&position={position}")


async def test_a_sealed_object_grows_no_more(house: House) -> None:
    await append(house, 0)
    house.now += 60
    sealed = await seal(house)
    assert (sealed.status, sealed.headers["x-oss-sealed-time"]) == (200, "Thu, 05 Mar 2026 07:09:09 GMT")
    house.now += 60
    assert (await seal(house)).headers["x-oss-sealed-time"] == "Thu, 05 Mar 2026 07:09:09 GMT"
    assert (await append(house, 5)).refusal == (409, "ObjectNotAppendable")
    for method in ("GET", "HEAD"):
        headers = (await house.ask(method, "/photos/log")).headers
        assert headers["x-oss-sealed-time"] == "Thu, 05 Mar 2026 07:09:09 GMT"
        assert headers["last-modified"] == "Thu, 05 Mar 2026 07:08:09 GMT"


async def test_sealing_needs_an_appendable_object_and_its_length(house: House) -> None:
    assert (await seal(house)).refusal == (404, "NoSuchKey")
    await append(house, 0)
    answer = await seal(house, 4)
    assert answer.refusal == (409, "PositionNotEqualToLength")
    assert answer.headers["x-oss-next-append-position"] == "5"
    assert (await seal(house, "x")).refusal == (400, "InvalidArgument")
    await house.put("/photos/log", b"hello")
    assert (await seal(house)).refusal == (400, "OperationNotSupported")
