"""Texts that go out compressed."""

from __future__ import annotations

import gzip

import pytest

from .house import ANYBODY, House

TEXT = b"All work and no play. " * 5000  # a blob, not inline
ASKS = {"accept-encoding": "gzip, deflate"}


async def a_house(**options: bool) -> House:
    house = await House(options=options).with_bucket()
    for name, kind, body in (
        ("long.txt", "text/plain; charset=utf-8", TEXT),
        ("inline.json", "application/json", TEXT[:1024]),
        ("short.txt", "text/plain", TEXT[:1023]),
        ("picture.png", "image/png", TEXT),
    ):
        await house.put(f"/photos/{name}", body, {"content-type": kind})
    return house


@pytest.mark.parametrize(("name", "body"), [("long.txt", TEXT), ("inline.json", TEXT[:1024])])
async def test_a_text_is_compressed_for_who_asks(name: str, body: bytes) -> None:
    house = await a_house()
    got = await house.ask("GET", f"/photos/{name}", headers=ASKS)
    assert gzip.decompress(got.body) == body
    assert len(got.body) < len(body)
    assert (got.status, got.announced) == (200, -1)
    assert (got.headers["content-encoding"], got.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert not {"etag", "content-md5", "x-oss-hash-crc64ecma", "accept-ranges"} & set(got.headers)
    assert got.headers["last-modified"] == "Thu, 05 Mar 2026 07:08:09 GMT"
    plain = await house.ask("GET", f"/photos/{name}")
    assert (plain.body, plain.headers["vary"]) == (body, "Accept-Encoding")
    assert {"etag", "content-md5", "x-oss-hash-crc64ecma"} < set(plain.headers)


@pytest.mark.parametrize("accepted", ["", "identity", "deflate, br", "gzip;q=0", "gzip; q=0.000", "x-gzip", "*"])
async def test_nobody_else_gets_it_compressed(accepted: str) -> None:
    house = await a_house()
    got = await house.ask("GET", "/photos/long.txt", headers={"accept-encoding": accepted})
    assert (got.body, "content-encoding" in got.headers) == (TEXT, False)


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "gzip;q=1"])
async def test_gzip_may_be_one_of_many(accepted: str) -> None:
    house = await a_house()
    got = await house.ask("GET", "/photos/long.txt", headers={"accept-encoding": accepted})
    assert got.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("method", "address", "headers"),
    [
        ("GET", "/photos/short.txt", {}),
        ("GET", "/photos/picture.png", {}),
        ("HEAD", "/photos/long.txt", {}),
        ("GET", "/photos/long.txt", {"range": "bytes=0-99"}),
        ("GET", "/photos/long.txt", {"range": "nonsense"}),
        ("GET", "/photos/long.txt?x-oss-traffic-limit=838860800", {}),
        ("GET", "/photos/long.txt?response-content-type=image/png", {}),
        ("GET", "/photos/long.txt?response-content-encoding=br", {}),
    ],
)
async def test_what_is_never_compressed(method: str, address: str, headers: dict[str, str]) -> None:
    got = await (await a_house()).ask(method, address, headers={**ASKS, **headers})
    assert got.headers.get("content-encoding") != "gzip"
    assert got.announced >= 0
    assert "etag" in got.headers


async def test_what_its_uploader_encoded_goes_out_as_it_is() -> None:
    house = await a_house()
    await house.put("/photos/packed.txt", TEXT, {"content-type": "text/plain", "content-encoding": "br"})
    got = await house.ask("GET", "/photos/packed.txt", headers=ASKS)
    assert (got.body, got.headers["content-encoding"]) == (TEXT, "br")


async def test_it_can_be_switched_off() -> None:
    got = await (await a_house(gzip=False)).ask("GET", "/photos/long.txt", headers=ASKS)
    assert (got.body, "vary" in got.headers) == (TEXT, False)


async def test_a_page_that_may_read_it_gets_one_vary() -> None:
    house = await a_house()
    rules = (
        "<CORSConfiguration><CORSRule><AllowedOrigin>http://a.example</AllowedOrigin>"
        "<AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>"
    )
    await house.ask("PUT", "/photos/?cors", rules.encode())
    got = await house.ask("GET", "/photos/long.txt", headers={**ASKS, "origin": "http://a.example"})
    assert got.headers["vary"] == "Accept-Encoding, Origin"


async def test_what_was_opened_is_closed() -> None:
    house = await a_house()
    await house.ask("PUT", "/photos/long.txt?acl", headers={"x-oss-object-acl": "public-read"})
    got = await house.ask("GET", "/photos/long.txt", headers=ASKS, by=ANYBODY)
    assert got.trace.whole
    assert got.trace.sent_bytes == len(got.body) < len(TEXT)
