"""A client that says whose bucket it means reads and writes in nobody else's."""

from __future__ import annotations

import pytest

from ..oss.house import House
from .asking import ask, follow, link

WHOSE = "x-amz-expected-bucket-owner"
SOURCE = "x-amz-source-expected-bucket-owner"
OTHER = "123456789012"


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    await house.put("/photos/k", b"hello")
    return house


async def owner_of(house: House) -> str:
    return (await ask(house, "GET", "/photos?acl")).text("{*}Owner/{*}ID") or ""


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_a_bucket_of_another_owner_is_let_alone(house: House, method: str) -> None:
    for address in ("/photos/k", "/photos"):
        refused = await ask(house, method, address, headers={WHOSE: OTHER})
        assert refused.status == 403
    assert (await house.ask("GET", "/photos/k")).body == b"hello"


async def test_a_bucket_of_the_owner_is_as_ever(house: House) -> None:
    assert (await ask(house, "GET", "/photos/k", headers={WHOSE: await owner_of(house)})).body == b"hello"


async def test_a_copy_is_made_from_the_owner_that_was_meant(house: House) -> None:
    owner = await owner_of(house)
    source = {"x-amz-copy-source": "/photos/k"}
    refused = await ask(house, "PUT", "/photos/copy", headers={**source, SOURCE: OTHER})
    assert refused.refusal == (403, "AccessDenied")
    assert (await house.ask("GET", "/photos/copy")).status == 404
    assert (await ask(house, "PUT", "/photos/copy", headers={**source, SOURCE: owner})).status == 200
    begun = await ask(house, "POST", "/photos/parts?uploads")
    part = f"/photos/parts?partNumber=1&uploadId={begun.text('{*}UploadId')}"
    assert (await ask(house, "PUT", part, headers={**source, SOURCE: OTHER})).refusal == (403, "AccessDenied")
    assert (await ask(house, "PUT", part, headers={**source, SOURCE: owner})).status == 200


async def test_so_it_is_by_a_link_each_time(house: House) -> None:
    for owner, status in ((OTHER, 403), (await owner_of(house), 200)):
        address = link(house, "GET", "/photos/k", f"{WHOSE}={owner}")
        assert [(await follow(house, address)).status for _ in range(3)] == [status] * 3
