from __future__ import annotations

import pytest

from .house import ANYBODY, House


async def test_a_bucket_counts_what_is_in_it(house: House) -> None:
    empty = await house.ask("GET", "/photos/?stat")
    assert (empty.text("Storage"), empty.text("ObjectCount"), empty.text("LastModifiedTime")) == ("0", "0", "0")
    await house.put("/photos/a", b"hello")
    await house.put("/photos/b", b"x" * 100_000, {"x-oss-storage-class": "IA"})
    await house.put("/photos/c", b"hello", {"x-oss-storage-class": "IA"})
    begun = await house.ask("POST", "/photos/d?uploads")
    await house.ask("PUT", f"/photos/d?partNumber=1&uploadId={begun.text('UploadId')}", b"part")
    stat = await house.ask("GET", "/photos/?stat")
    assert {element.tag: int(element.text or "") for element in stat.xml} == {
        "Storage": 100_014,
        "ObjectCount": 3,
        "MultipartUploadCount": 1,
        "LiveChannelCount": 0,
        "LastModifiedTime": 1_772_694_489,
        "StandardStorage": 5,
        "StandardObjectCount": 1,
        "InfrequentAccessStorage": 165_536,
        "InfrequentAccessRealStorage": 100_005,
        "InfrequentAccessObjectCount": 2,
        "ArchiveStorage": 0,
        "ArchiveRealStorage": 0,
        "ArchiveObjectCount": 0,
        "ColdArchiveStorage": 0,
        "ColdArchiveRealStorage": 0,
        "ColdArchiveObjectCount": 0,
        "DeepColdArchiveStorage": 0,
        "DeepColdArchiveRealStorage": 0,
        "DeepColdArchiveObjectCount": 0,
        "MultipartPartCount": 1,
        "DeleteMarkerCount": 0,
    }


async def test_the_counts_are_the_owners(house: House) -> None:
    assert (await house.ask("GET", "/photos/?stat", by=ANYBODY)).refusal == (403, "AccessDenied")


@pytest.mark.parametrize("query", ["regions", "regions=", "regions=oss-cn-shanghai"])
async def test_the_regions_are_those_of_this_server(query: str) -> None:
    house = House(regions=("cn-hangzhou", "cn-shanghai"))
    answer = await house.ask("GET", f"/?{query}")
    expected = ["oss-cn-hangzhou", "oss-cn-shanghai"]
    assert answer.texts("RegionInfo/Region") == (expected if query.endswith(("regions", "=")) else expected[1:])
    assert answer.texts("RegionInfo/InternetEndpoint")[-1] == "oss-cn-shanghai.localhost"
    assert answer.texts("RegionInfo/InternalEndpoint")[-1] == "oss-cn-shanghai-internal.localhost"
    assert answer.texts("RegionInfo/AccelerateEndpoint")[-1] == "oss-accelerate.localhost"


async def test_an_unknown_region_is_not_there(house: House) -> None:
    assert (await house.ask("GET", "/?regions=oss-mars-1")).refusal == (404, "NoSuchRegion")
    assert (await house.ask("GET", "/?regions", by=ANYBODY)).refusal == (403, "AccessDenied")
