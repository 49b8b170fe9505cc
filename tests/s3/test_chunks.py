"""Bodies of chunks: what lies about its length, its signatures or its trailers stores nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.errors import OssError
from coatcheck.wire.aws_chunked import decoded_chunks

from ..oss.house import House
from .asking import ask, chunked, send, signed

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
HELLO_CRC32 = "NhCmhg=="
CHUNKS = (b"he" * 5000, b"llo", b"!")


@pytest.fixture
async def house() -> House:
    return await House().with_bucket()


async def test_signed_chunks_are_stored_as_what_they_hold(house: House) -> None:
    request = signed(house, "PUT", "/photos/k", {"x-amz-decoded-content-length": "10004"}, payload=SIGNED)
    answer = await send(house, request, chunked(request, CHUNKS), pieces=777)
    assert answer.status == 200
    stored = await house.ask("GET", "/photos/k")
    assert (stored.body, stored.headers.get("content-encoding")) == (b"".join(CHUNKS), None)


async def test_an_encoding_beside_that_of_chunks_is_kept(house: House) -> None:
    headers = {"x-amz-decoded-content-length": "10004", "content-encoding": "gzip,aws-chunked"}
    request = signed(house, "PUT", "/photos/k", headers, payload=SIGNED)
    await send(house, request, chunked(request, CHUNKS))
    assert (await house.ask("HEAD", "/photos/k")).headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", ""),
        (b"5\r\nhello\r\n0\r\n\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", ""),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n", ""),
        (b"5\r\nhello\r\n0\r\n\r\n", "MalformedTrailerError"),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-sha1:NhCmhg==\r\n\r\n", "MalformedTrailerError"),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-acl:public-read\r\n\r\n", "MalformedTrailerError"),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhh==\r\n\r\n", "BadDigest"),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:zzz\r\n\r\n", "InvalidRequest"),
        (b"5\r\nhelloo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "IncompleteBody"),
        (b"4\r\nhell\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "IncompleteBody"),
        (b"6\r\nhello!\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "IncompleteBody"),
        (b"5\r\nhello\r\n", "IncompleteBody"),
        (b"ffffffffffffff\r\nhello\r\n", "IncompleteBody"),
        (b"-5\r\nhello\r\n0\r\n\r\n", "IncompleteBody"),
        (b"5;x=y\r\nhello\r\n0\r\n\r\n", "IncompleteBody"),
        (b"5\nhello\r\n0\r\n\r\n", "IncompleteBody"),
        (b"hello", "IncompleteBody"),
        (b"", "IncompleteBody"),
        (b"5" * 5000, "IncompleteBody"),
    ],
)
async def test_a_trailer_is_held_against_the_body(house: House, body: bytes, code: str) -> None:
    headers = {"x-amz-decoded-content-length": "5", "x-amz-trailer": "x-amz-checksum-crc32"}
    before = house.contents()
    answer = await ask(house, "PUT", "/photos/k", body, headers, payload=UNSIGNED_TRAILER)
    if code:
        assert (answer.status, answer.text("Code")) == (400, code)
        assert house.contents() == before
    else:
        assert (answer.status, answer.headers["x-amz-checksum-crc32"]) == (200, HELLO_CRC32)
        assert (await house.ask("GET", "/photos/k")).body == b"hello"


async def test_chunks_that_change_places_are_refused(house: House) -> None:
    headers = {"x-amz-decoded-content-length": "6"}
    request = signed(house, "PUT", "/photos/k", headers, payload=SIGNED)
    whole = chunked(request, (b"one", b"two"))
    first = whole.split(b"\r\n3;")[0]
    second = b"3;" + whole.split(b"\r\n3;")[1].split(b"\r\n0;")[0]
    end = b"0;" + whole.split(b"\r\n0;")[1]
    answer = await send(house, request, second + b"\r\n" + first + b"\r\n" + end)
    assert (answer.status, answer.text("Code")) == (403, "SignatureDoesNotMatch")


async def test_a_signed_trailer_is_compared(house: House) -> None:
    headers = {"x-amz-decoded-content-length": "5", "x-amz-trailer": "x-amz-checksum-crc32"}
    request = signed(house, "PUT", "/photos/k", headers, payload=SIGNED_TRAILER)
    body = chunked(request, (b"hello",), "x-amz-checksum-crc32:NhCmhg==")
    assert (await send(house, request, body)).status == 200
    answer = await send(house, request, body.replace(b"x-amz-trailer-signature:", b"x-amz-trailer-signature:0"))
    assert (answer.status, answer.text("Code")) == (403, "SignatureDoesNotMatch")


async def test_a_link_never_takes_its_body_for_chunks(house: House) -> None:
    headers = {"x-amz-content-sha256": UNSIGNED_TRAILER, "x-amz-decoded-content-length": "5"}
    answer = await ask(house, "PUT", "/photos/k", b"5\r\nhello\r\n0\r\n\r\n", unsigned=headers)
    assert (answer.status, answer.text("Code")) == (403, "AccessDenied")


class Arriving:
    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces

    async def chunks(self):  # type: ignore[no-untyped-def]
        for piece in self._pieces:
            yield piece


def decode(pieces: Sequence[bytes], length: int) -> bytes | str:
    async def run() -> bytes:
        chunks = decoded_chunks(Arriving(pieces), None, frozenset(), length, {})
        return b"".join([chunk async for chunk in chunks])

    try:
        return asyncio.run(run())
    except OssError as error:
        return error.code


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5), st.lists(st.integers(0, 300), max_size=6))
def test_it_does_not_matter_where_a_body_is_cut(data: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in data) + b"0\r\n\r\n"
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[start:end] for start, end in pairwise(places)]
    assert decode(pieces, sum(map(len, data))) == b"".join(data)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_any_bytes_are_data_or_refused(body: bytes, cut: int) -> None:
    whole, parted = decode([body], 3), decode([body[:cut], body[cut:]], 3)
    assert whole == parted
    assert isinstance(whole, str) or len(whole) == 3
