"""Names that S3 alone allows: buckets with dots, and keys of any beginning."""

from __future__ import annotations

from base64 import b64encode
from hashlib import md5

import pytest

from ..oss.house import House
from .asking import ask


@pytest.fixture
async def house() -> House:
    return await House().with_bucket()


async def test_a_bucket_with_dots_is_one_of_s3(house: House) -> None:
    assert (await ask(house, "PUT", "/my.bucket-1.x")).status == 200
    assert (await ask(house, "PUT", "/my.bucket-1.x/k", b"hello")).status == 200
    assert (await ask(house, "GET", "/my.bucket-1.x/k")).body == b"hello"
    assert (await house.ask("GET", "/")).texts("Buckets/Bucket/Name") == ["my.bucket-1.x", "photos"]
    assert (await house.ask("GET", "/my.bucket-1.x/k")).refusal == (400, "InvalidBucketName")
    copied = await ask(house, "PUT", "/photos/copy", b"", {"x-amz-copy-source": "/my.bucket-1.x/k"})
    assert copied.status == 200
    assert (await house.ask("GET", "/photos/copy")).body == b"hello"


@pytest.mark.parametrize(
    "name",
    ["192.0.2.1", "a..b", ".ab", "ab.", "a-.b", "a.-b", "a.B", "a_b.c", "a" * 60 + ".bcd", "%2E%2E", "my-ossalias"],
)
async def test_other_names_are_refused(house: House, name: str) -> None:
    assert (await ask(house, "PUT", f"/{name}")).refusal == (400, "InvalidBucketName")


@pytest.mark.parametrize("key", ["/k", "//k/", "\\k", "a" * 1024])
async def test_a_key_begins_with_anything(house: House, key: str) -> None:
    path = f"/photos/{key}".replace("\\", "%5C")
    assert (await ask(house, "PUT", path, b"hello")).status == 200
    assert (await ask(house, "GET", path)).body == b"hello"
    assert (await ask(house, "GET", "/photos")).texts("{*}Contents/{*}Key") == [key]
    assert (await house.ask("GET", "/photos")).texts("Contents/Key") == [key]
    copied = await ask(house, "PUT", "/photos/copy", b"", {"x-amz-copy-source": path})
    assert copied.status == 200
    document = f"<Delete><Object><Key>{key}</Key></Object></Delete>".encode()
    deleted = await ask(house, "POST", "/photos?delete", document, {"content-md5": md5_of(document)})
    assert deleted.texts("{*}Deleted/{*}Key") == [key]
    assert (await ask(house, "GET", path)).refusal == (404, "NoSuchKey")


async def test_a_key_that_is_too_long_or_holds_nul_is_refused(house: House) -> None:
    assert (await ask(house, "PUT", f"/photos/{'a' * 1025}", b"")).refusal == (400, "KeyTooLongError")
    for key in ("a%00b", "%FF"):
        assert (await ask(house, "PUT", f"/photos/{key}", b"")).refusal == (400, "InvalidObjectName")


def md5_of(body: bytes) -> str:
    return b64encode(md5(body).digest()).decode()
