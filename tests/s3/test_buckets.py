"""A bucket with open uploads: S3 lets them go with it, where no object is left."""

from __future__ import annotations

import json

import pytest

from ..oss.house import STRANGER, House
from .asking import ask

PART = b"x" * 200_000


@pytest.fixture
async def house() -> House:
    """With an upload that has a part."""
    house = await House().with_bucket()
    begun = await ask(house, "POST", "/photos/large%20one?uploads")
    upload = begun.text("{*}UploadId")
    part = await ask(house, "PUT", f"/photos/large%20one?partNumber=1&uploadId={upload}", PART)
    assert part.status == 200
    return house


async def uploads(house: House) -> list[str]:
    return (await ask(house, "GET", "/photos?uploads")).texts("{*}Upload/{*}Key")


async def test_open_uploads_do_not_hold_a_bucket(house: House) -> None:
    await ask(house, "POST", "/photos/another?uploads")
    assert (await house.ask("DELETE", "/photos/")).refusal == (409, "BucketNotEmpty")  # OSS says that they do
    assert (await ask(house, "DELETE", "/photos")).status == 204
    assert (await ask(house, "HEAD", "/photos")).status == 404
    assert (await house.with_bucket()) is house
    assert await uploads(house) == []


async def test_a_bucket_with_an_object_keeps_its_uploads(house: House) -> None:
    await ask(house, "PUT", "/photos/k", b"hello")
    assert (await ask(house, "DELETE", "/photos")).refusal == (409, "BucketNotEmpty")
    assert await uploads(house) == ["large one"]


async def test_a_delete_marker_is_something_left(house: House) -> None:
    versioned = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    await ask(house, "PUT", "/photos?versioning", versioned)
    await ask(house, "DELETE", "/photos/k")
    assert (await ask(house, "DELETE", "/photos")).refusal == (409, "BucketNotEmpty")
    assert await uploads(house) == ["large one"]


async def test_who_may_not_abort_an_upload_deletes_no_bucket_by_it(house: House) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": [STRANGER.account],
        "Action": ["oss:DeleteBucket"],
        "Resource": ["acs:oss:*:*:photos"],
    }
    policy = json.dumps({"Version": "1", "Statement": [statement]}).encode()
    assert (await house.ask("PUT", "/photos?policy", policy)).status == 200
    assert (await ask(house, "DELETE", "/photos", by=STRANGER)).refusal == (403, "AccessDenied")
    assert await uploads(house) == ["large one"]
