"""A bucket's bandwidths, requests a second, storage capacity and quota: kept, shown and heeded."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from coatcheck.configurations import qos
from coatcheck.configurations.qos import Qos
from coatcheck.core.errors import OssError
from coatcheck.oss.traffic_limit import check_request_rate
from coatcheck.ports.quota import QUOTA, Quota, write_quota
from coatcheck.wire.request import BodyFailed, Request

from .house import OWNER, STRANGER, Answer, GivenBody, House
from .test_post_object import a_form, post, signed

ELEMENTS: Final = [
    f"{side}{kind}"
    for kind in ("UploadBandwidth", "DownloadBandwidth", "Qps")
    for side in ("Total", "Intranet", "Extranet")
]


def a_document(**limits: object) -> bytes:
    inner = "".join(f"<{name}>{limit}</{name}>" for name, limit in limits.items())
    return f"<QoSConfiguration>{inner}</QoSConfiguration>".encode()


async def put(house: House, **limits: object) -> None:
    assert (await house.ask("PUT", "/photos/?qosInfo", a_document(**limits))).status == 200


async def shown(house: House, address: str = "/photos/?qosInfo") -> dict[str, str]:
    answer = await house.ask("GET", address)
    assert (answer.status, answer.xml.tag) == (200, "QoSConfiguration")
    return {element.tag: element.text or "" for element in answer.xml}


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    await house.put("/photos/a.txt")
    return house


async def test_limits_are_kept_shown_and_removed(house: House) -> None:
    assert await shown(house) == dict.fromkeys(ELEMENTS, "-1")
    await put(house, TotalUploadBandwidth=10, IntranetUploadBandwidth=-1, ExtranetUploadBandwidth=10, TotalQps=1000)
    given = {"TotalUploadBandwidth": "10", "ExtranetUploadBandwidth": "10", "TotalQps": "1000"}
    assert await shown(house) == dict.fromkeys(ELEMENTS, "-1") | given
    for _ in range(2):
        assert (await house.ask("DELETE", "/photos/?qosInfo")).status == 204
    assert await shown(house) == dict.fromkeys(ELEMENTS, "-1")


async def test_an_account_has_no_limits(house: House) -> None:
    region = {"Region": "oss-cn-hangzhou"}
    assert await shown(house, "/?qosInfo") == region | dict.fromkeys(ELEMENTS, "-1")


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"TotalUploadBandwidth": "-2"}, "MalformedXML"),
        ({"TotalUploadBandwidth": "1.5"}, "MalformedXML"),
        ({"TotalUploadBandwidth": ""}, "MalformedXML"),
        ({"TotalQps": "9" * 30}, "MalformedXML"),
        ({"TotalQps": "\u0663"}, "MalformedXML"),
        ({"TotalQps": 1_000_001}, "InvalidArgument"),
        ({"TotalUploadBandwidth": 5, "ExtranetUploadBandwidth": 6}, "InvalidArgument"),
        ({"TotalDownloadBandwidth": 0, "IntranetDownloadBandwidth": 1}, "InvalidArgument"),
    ],
)
async def test_what_are_no_limits_is_refused(house: House, limits: dict[str, object], code: str) -> None:
    before = house.contents()
    assert (await house.ask("PUT", "/photos/?qosInfo", a_document(**limits))).refusal == (400, code)
    assert house.contents() == before


async def test_a_bandwidth_of_none_switches_a_direction_off(house: House) -> None:
    await put(house, TotalUploadBandwidth=0)
    before = house.contents()
    forbidden = [
        await house.ask("PUT", "/photos/b.txt", b"x"),
        await house.ask("POST", "/photos/log?append&position=0", b"x"),
        await post(house, a_form(signed())),
    ]
    assert [answer.refusal for answer in forbidden] == [(403, "AccessDenied")] * 3
    assert "upload bandwidth is 0" in (forbidden[0].text("Message") or "")
    assert house.contents() == before
    assert (await house.ask("GET", "/photos/a.txt")).status == 200
    await put(house, TotalDownloadBandwidth=0)
    assert (await house.ask("GET", "/photos/a.txt")).refusal == (403, "AccessDenied")
    assert (await house.ask("HEAD", "/photos/a.txt")).status == 200
    assert (await house.ask("PUT", "/photos/b.txt", b"x")).status == 200


async def test_either_kind_of_endpoint_has_limits_of_its_own(house: House) -> None:
    await put(house, ExtranetDownloadBandwidth=0)
    inside = "photos.oss-cn-hangzhou-internal.localhost"
    assert (await house.ask("GET", "/photos/a.txt")).refusal == (403, "AccessDenied")
    link = house.link("GET", "a.txt").replace("127.0.0.1/photos", inside)
    assert (await house.follow(link)).body == b"hello"
    await put(house, IntranetDownloadBandwidth=0)
    assert (await house.ask("GET", "/photos/a.txt")).body == b"hello"
    assert (await house.follow(link)).refusal == (403, "AccessDenied")


async def test_what_goes_at_the_same_time_shares_a_bandwidth(house: House, monkeypatch: Any) -> None:
    """At a thousandth of a Gbit, since nobody wants to wait for a whole one."""
    monkeypatch.setattr("coatcheck.operations.bandwidth._GBIT", 10**6)
    await house.put("/photos/large.bin", bytes(64 * 1024))
    await put(house, TotalDownloadBandwidth=8, ExtranetDownloadBandwidth=8)
    begun = asyncio.get_running_loop().time()
    answers = await asyncio.gather(*[house.ask("GET", "/photos/large.bin") for _ in range(4)])
    assert [len(answer.body) for answer in answers] == [64 * 1024] * 4
    assert asyncio.get_running_loop().time() - begun > 0.2  # 256 KiB less the last piece, at a MB a second


async def test_requests_a_second_are_counted(house: House) -> None:
    bucket = house.catalog.look_for_bucket("photos")
    assert bucket is not None
    request = Request("GET", b"/", headers={"host": "photos.oss-cn-hangzhou.localhost"})
    bucket = bucket.with_configuration(qos.NAME, qos.to_json(Qos(total_qps=5)))
    for _ in range(5):
        check_request_rate(bucket, request, house.meters, 100.0)
    with pytest.raises(OssError) as refused:
        check_request_rate(bucket, request, house.meters, 100.0)
    assert (refused.value.code, refused.value.status) == ("MetaOperationQpsLimitExceeded", 503)
    assert refused.value.headers == ((b"Retry-After", b"1"),)
    check_request_rate(bucket, request, house.meters, 100.3)


async def test_every_request_counts_whatever_it_asks_for(house: House) -> None:
    await put(house, TotalQps=0)
    for method, address in (("GET", "/photos/a.txt"), ("GET", "/photos/"), ("PUT", "/photos/b.txt")):
        assert (await house.ask(method, address)).refusal == (403, "AccessDenied")
    assert (await house.ask("DELETE", "/photos/?qosInfo")).status == 204  # nobody locks themselves out
    assert (await house.ask("GET", "/photos/a.txt")).status == 200


# --- storage capacity -----------------------------------------------------------------------------------------------


def a_capacity(gigabytes: object) -> bytes:
    return f"<BucketUserQos><StorageCapacity>{gigabytes}</StorageCapacity></BucketUserQos>".encode()


async def limit(house: House, gigabytes: int) -> None:
    assert (await house.ask("PUT", "/photos/?qos", a_capacity(gigabytes))).status == 200


async def test_a_capacity_is_kept_and_shown(house: House) -> None:
    assert (await house.ask("GET", "/photos/?qos")).text("StorageCapacity") == "-1"
    await limit(house, 12)
    answer = await house.ask("GET", "/photos/?qos")
    assert (answer.xml.tag, answer.text("StorageCapacity")) == ("BucketUserQos", "12")
    await limit(house, -1)
    assert (await house.ask("GET", "/photos/?qos")).text("StorageCapacity") == "-1"
    assert (await house.ask("PUT", "/photos/?qos", a_capacity(1), by=STRANGER)).refusal == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("capacity", "code"),
    [("-2", "MalformedXML"), ("", "MalformedXML"), ("1e3", "MalformedXML"), (10**9 + 1, "InvalidArgument")],
)
async def test_what_is_no_capacity_is_refused(house: House, capacity: object, code: str) -> None:
    assert (await house.ask("PUT", "/photos/?qos", a_capacity(capacity))).refusal == (400, code)


async def writes(house: House) -> list[Answer]:
    begun = await house.ask("POST", "/photos/parts?uploads")
    upload = begun.text("UploadId")
    return [
        await house.ask("PUT", "/photos/b.txt", b"x"),
        await house.ask("POST", "/photos/log?append&position=0", b"x"),
        await house.ask("PUT", f"/photos/parts?partNumber=1&uploadId={upload}", b"x"),
        await post(house, a_form(signed())),
    ]


async def test_a_bucket_without_room_takes_nothing_more(house: House) -> None:
    await limit(house, 0)
    assert [answer.refusal for answer in await writes(house)] == [(403, "QuotaExceeded")] * 4
    assert (await house.ask("GET", "/photos/a.txt")).body == b"hello"
    assert (await house.ask("DELETE", "/photos/a.txt")).status == 204
    await limit(house, 1)
    assert [answer.status for answer in await writes(house)] == [200, 200, 200, 204]


async def test_what_is_there_and_what_comes_count_together(house: House, monkeypatch: Any) -> None:
    monkeypatch.setattr("coatcheck.ports.quota.GIGABYTE", 10)
    await limit(house, 1)
    assert (await house.ask("PUT", "/photos/b.txt", b"123456")).refusal == (403, "QuotaExceeded")
    assert (await house.ask("PUT", "/photos/b.txt", b"12345")).status == 200
    refusal = await house.ask("PUT", "/photos/c.txt", b"1")
    assert refusal.refusal == (403, "QuotaExceeded")
    assert (refusal.text("QuotaOf"), refusal.text("Quota")) == ("bucket", "10 bytes")
    copy = {"x-oss-copy-source": "/photos/a.txt"}
    assert (await house.ask("PUT", "/photos/c.txt", headers=copy)).refusal == (403, "QuotaExceeded")
    assert (await house.ask("PUT", "/photos/a.txt", b"olleh")).status == 200  # in place of as much
    assert (await house.ask("PUT", "/photos/a.txt", b"longer")).refusal == (403, "QuotaExceeded")


# --- storage quotas --------------------------------------------------------------------------------------------------


def a_storage_quota(size: object, mode: str = "") -> bytes:
    return f"<QuotaConfiguration><StorageQuota>{size}</StorageQuota><Mode>{mode}</Mode></QuotaConfiguration>".encode()


async def test_a_storage_quota_is_kept_and_shown_with_what_is_held(house: House) -> None:
    assert (await house.ask("GET", "/photos/?quota")).refusal == (404, "NoSuchBucketStorageQuota")
    assert (await house.ask("PUT", "/photos/?quota", a_storage_quota(10, "Warning"))).status == 200
    shown = await house.ask("GET", "/photos/?quota")
    assert [(element.tag, element.text) for element in shown.xml] == [
        ("StorageQuota", "10"),
        ("Mode", "Warning"),
        ("CurrentUsage", "5"),
    ]
    assert (await house.ask("PUT", "/photos/?quota", a_storage_quota(1), by=STRANGER)).refusal == (403, "AccessDenied")
    assert (await house.ask("PUT", "/photos/?quota", shown.body)).status == 200  # as it was given
    for _ in range(2):
        assert (await house.ask("DELETE", "/photos/?quota")).status == 204
    assert (await house.ask("GET", "/photos/?quota")).refusal == (404, "NoSuchBucketStorageQuota")


async def test_a_strict_storage_quota_refuses_what_would_be_more_and_a_warning_does_not(house: House) -> None:
    assert (await house.ask("PUT", "/photos/?quota", a_storage_quota(5))).status == 200
    assert [answer.refusal for answer in await writes(house)] == [(403, "QuotaExceeded")] * 4
    assert (await house.ask("PUT", "/photos/?quota", a_storage_quota(5, "Warning"))).status == 200
    assert [answer.status for answer in await writes(house)] == [200, 200, 200, 204]


@pytest.mark.parametrize(
    ("size", "mode", "code"),
    [
        ("", "", "MalformedXML"),
        ("-1", "", "MalformedXML"),
        ("0", "", "InvalidArgument"),
        (2**62 + 1, "", "InvalidArgument"),
        ("9", "strict", "InvalidArgument"),
    ],
)
async def test_what_is_no_storage_quota_is_refused(house: House, size: object, mode: str, code: str) -> None:
    assert (await house.ask("PUT", "/photos/?quota", a_storage_quota(size, mode))).refusal == (400, code)


# --- quotas of ours --------------------------------------------------------------------------------------------------


async def quota(house: House, most: Quota) -> None:
    bucket = house.catalog.look_for_bucket("photos")
    assert bucket is not None
    await house.catalog.set_configuration(bucket.bucket_id, QUOTA, write_quota(most))


async def test_no_body_is_read_that_a_quota_has_no_room_for(house: House) -> None:
    upload = (await house.ask("POST", "/photos/parts?uploads")).text("UploadId")
    await quota(house, Quota(100))
    for method, address in (
        ("PUT", "/photos/b.txt"),
        ("POST", "/photos/log?append&position=0"),
        ("PUT", f"/photos/parts?partNumber=1&uploadId={upload}"),
    ):
        body = GivenBody([b"x"], BodyFailed("nobody sends the rest"))
        answer = await house.ask(method, address, body, {"content-length": "5000"})
        assert answer.refusal == (403, "QuotaExceeded"), address
        assert body.taken == 0


async def test_a_part_may_replace_one_where_there_is_no_room_beside_it(house: House) -> None:
    upload = (await house.ask("POST", "/photos/parts?uploads")).text("UploadId")
    part = f"/photos/parts?partNumber=2&uploadId={upload}"
    assert (await house.ask("PUT", part, b"x" * 1000)).status == 200
    await quota(house, Quota(1100))
    assert (await house.ask("PUT", part, b"y" * 1000)).status == 200
    assert (await house.ask("PUT", part, b"y" * 1100)).refusal == (403, "QuotaExceeded")
    assert (await house.ask("PUT", part.replace("=2", "=1"), b"y" * 1000)).refusal == (403, "QuotaExceeded")


async def test_an_account_that_holds_as_much_as_it_may_takes_nothing_more(house: House) -> None:
    await house.catalog.set_account_quota(OWNER.account, Quota(None, 1))
    refusal = await house.ask("PUT", "/photos/b.txt", b"x")
    assert (refusal.refusal, refusal.text("QuotaOf"), refusal.text("Quota")) == (
        (403, "QuotaExceeded"),
        "account",
        "1 objects",
    )
    assert (await house.ask("PUT", "/photos/a.txt", b"another")).status == 200
    assert (await house.ask("DELETE", "/photos/a.txt")).status == 204
    assert (await house.ask("PUT", "/photos/b.txt", b"x")).status == 200
