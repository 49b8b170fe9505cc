"""The region of a bucket is said by every refusal about it: SDKs look for it there (`GetBucketRegion` and its like)."""

from __future__ import annotations

import pytest

from ..oss.house import STRANGER, House
from .asking import ask, follow, link

SAID = "x-amz-bucket-region"


@pytest.fixture
async def house() -> House:
    return await House().with_bucket()


@pytest.mark.parametrize("method", ["HEAD", "GET", "PUT", "DELETE"])
async def test_a_refusal_names_the_region_of_its_bucket(house: House, method: str) -> None:
    for address in ("/photos", "/photos/none"):
        refused = await ask(house, method, address, by=STRANGER)
        assert refused.status in (403, 409), refused.body
        assert refused.headers[SAID] == "cn-hangzhou"


async def test_so_does_one_to_somebody_unknown(house: House) -> None:
    anonymous = await house.ask("HEAD", "/photos", headers={"x-amz-user-agent": "sdk"}, by=None)
    assert (anonymous.status, anonymous.headers[SAID]) == (403, "cn-hangzhou")


async def test_and_one_of_a_link_each_time(house: House) -> None:
    address = link(house, "GET", "/photos/none")
    for _ in range(3):
        refused = await follow(house, address)
        assert (refused.status, refused.headers[SAID]) == (404, "cn-hangzhou")


async def test_no_region_is_said_where_there_is_no_bucket(house: House) -> None:
    for address in ("/not-there", "/not-there/k"):
        refused = await ask(house, "GET", address)
        assert (refused.status, SAID in refused.headers) == (404, False)
    assert SAID not in (await ask(house, "PUT", "/Not_A_Name")).headers


async def test_what_succeeds_says_it_of_the_bucket_alone(house: House) -> None:
    assert (await ask(house, "HEAD", "/photos")).headers[SAID] == "cn-hangzhou"
    assert SAID not in (await ask(house, "GET", "/photos")).headers
