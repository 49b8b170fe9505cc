"""Links of S3 that were seen before: as those of OSS, nothing is believed that may have changed."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck.wire.http1_parsing import Head, RequestParser

from ..oss.house import NOW, House
from ..oss.test_readings import DOMAIN, STORED, a_house, a_request, again, compare, is_remembered, read, remembered
from ..soak import count
from .asking import link

# As in the tests of OSS's links: without its first letter each changes what a signature says, or who says it.
ODD = (
    "xauthorization: AWS OwnerKey:c2ln\r\nyauthorization: OSS OwnerKey:c2ln\r\nxdate: x\r\nxcontent-md5: 1\r\n"
    "yx-oss-meta-a: b\r\nyx-amz-meta-a: b\r\nyx-amz-content-sha256: UNSIGNED-PAYLOAD\r\nyx-amz-date: x\r\n"
    "yx-amz-security-token: t\r\nyx-amz-checksum-mode: ENABLED\r\nyx-amz-copy-source: /photos/a.txt\r\n"
    "xrange: bytes=0-1\r\nx-forwarded-for: 10.1.2.3\r\nyx-forwarded-host: photo.s3.localhost\r\n"
)


def heads() -> list[bytes]:
    presign = partial(link, STORED, "GET")
    version_2 = boto3_link()
    cases = [
        (presign("/photos/a.txt"), "127.0.0.1:8000", "user-agent: x\r\n"),
        (presign("/photos/a.txt", "response-cache-control=no-cache&x-id=GetObject"), "127.0.0.1:8000", ""),
        (presign("/photos/a.txt", "x-amz-checksum-mode=ENABLED", expires_s=1000), "127.0.0.1:8000", ""),
        (version_2, "127.0.0.1:8000", ""),
    ]
    return [f"GET {target} HTTP/1.1\r\nhost: {host}\r\n{ODD}{more}\r\n".encode() for target, host, more in cases]


def boto3_link() -> str:
    """Of version 2: path and query."""
    from coatcheck.signing import s3_v2, v1

    text = s3_v2.string_to_sign("GET", {}, str(NOW + 600), "/photos/a.txt")
    signature = v1.sign("owner-secret", text)
    return f"/photos/a.txt?AWSAccessKeyId=OwnerKey&Expires={NOW + 600}&Signature={signature}"


HEADS = heads()


@pytest.fixture
async def house() -> House:
    return await a_house()


async def test_a_link_is_remembered_when_it_is_followed_again(house: House) -> None:
    request = a_request(link(house, "GET", "/photos/a.txt"))
    assert (await house.send(request)).body == b"photos a.txt"
    assert not is_remembered(house, request)
    answer = await remembered(house, request)
    assert (answer.body, answer.headers["etag"]) == (b"photos a.txt", '"990a9fed8a5971132808e20d6ac3e27c"')
    assert (answer.trace.access_key_id, answer.trace.operation) == ("OwnerKey", "get_object")


def test_the_examples_are_answered_and_remembered() -> None:
    for head in HEADS:
        request = read(head)
        assert request is not None
        assert asyncio.run(remembered(again(STORED), request)).status == 200, head


async def test_a_header_that_was_not_signed_is_refused_each_time(house: House) -> None:
    target = link(house, "GET", "/photos/a.txt")
    await remembered(house, a_request(target))
    for name in ("x-amz-acl", "x-amz-meta-a", "x-amz-checksum-mode", "x-amz-anything"):
        answer = await house.send(a_request(target, {name: "x"}))
        assert (answer.refusal, answer.text("HeadersNotSigned")) == ((403, "AccessDenied"), name)
    assert (await house.send(a_request(target, {"x-oss-meta-a": "x"}))).refusal == (400, "InvalidArgument")


async def test_time_and_host_are_asked_each_time(house: House) -> None:
    target = link(house, "GET", "/photos/a.txt", expires_s=60)
    await remembered(house, a_request(target))
    assert (await house.send(a_request(target, host=DOMAIN))).status == 403
    house.now = NOW + 61
    assert (await house.send(a_request(target))).refusal == (403, "AccessDenied")
    house.now = NOW - 901
    assert (await house.send(a_request(target))).refusal == (403, "AccessDenied")


async def test_what_is_read_of_the_request_alone_is_read_each_time(house: House) -> None:
    target = link(house, "GET", "/photos/a.txt")
    whole = await remembered(house, a_request(target))
    part = await house.send(a_request(target, {"range": "bytes=0-5"}))
    same = await house.send(a_request(target, {"if-none-match": whole.headers["etag"]}))
    assert (whole.status, part.status, part.body, same.status) == (200, 206, b"photos", 304)


@pytest.mark.soak(count(3000))
@settings(max_examples=count(3000), deadline=None)
@given(st.sampled_from(HEADS), st.data())
def test_of_two_requests_that_differ_in_one_byte_each_gets_what_it_gets_alone(head: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(head) - 3))
    letter = data.draw(st.sampled_from([b"", *(bytes([byte]) for byte in b"%&=?+/;.:~-_ 0159aAfFHxZ\xc3\x20,")]))
    kept = head[place + data.draw(st.integers(0, 1)) :]
    compare(head, head[:place] + letter + kept)


@pytest.mark.parametrize("number", range(len(HEADS)))
def test_a_byte_less_of_any_header(number: int) -> None:
    head = HEADS[number]
    for place in range(head.index(b"\r\n") + 2, len(head) - 3):
        if head[place - 2 : place] == b"\r\n" or not place % 11:
            compare(head, head[:place] + head[place + 1 :])


def test_the_examples_are_single_requests() -> None:
    for head in HEADS:
        (event,) = RequestParser().feed(head)
        assert isinstance(event, Head)
