"""What lies, smuggles or mixes dialects: refused with its code, and nothing is stored, changed or told."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from coatcheck.signing import v1
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request

from ..oss.house import ANYBODY, NOW, OWNER, GivenBody, House
from ..wire.readings import read
from .asking import HOST, ask, chunked, follow, link, send, signed

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
LENGTH, TRAILER, CRC32 = "x-amz-decoded-content-length", "x-amz-trailer", "x-amz-checksum-crc32"


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    await house.put("/photos/secret", b"a secret")
    return house


# --- chunks ----------------------------------------------------------------------------------------------------------

Change = Callable[[bytes], bytes]


LIES: dict[str, tuple[Change, int, str]] = {  # what is done to three signed chunks, and what that is
    "a size that is too small": (lambda body: body.replace(b"a;", b"9;", 1), 400, "IncompleteBody"),
    "a size that is too large": (lambda body: body.replace(b"a;", b"b;", 1), 400, "IncompleteBody"),
    "a size beyond all": (lambda body: body.replace(b"a;", b"ffffffffffff;", 1), 400, "InvalidRequest"),
    "a size of 17 MiB": (lambda body: body.replace(b"a;", b"1100000;", 1), 400, "InvalidRequest"),
    "a size in decimal with a sign": (lambda body: body.replace(b"a;", b"+a;", 1), 400, "IncompleteBody"),
    "a size in Python's way": (lambda body: body.replace(b"a;", b"0xa;", 1), 400, "IncompleteBody"),
    "a size with an underscore": (lambda body: body.replace(b"a;", b"0_a;", 1), 400, "IncompleteBody"),
    "another byte": (lambda body: body.replace(b"0123456789", b"0123456780", 1), 403, "SignatureDoesNotMatch"),
    "a signature of nobody": (
        lambda body: body.replace(b"signature=", b"signature=0", 1),
        403,
        "SignatureDoesNotMatch",
    ),
    "no signature": (lambda body: body.replace(b";chunk-signature=", b";x=", 1), 400, "IncompleteBody"),
    "no extension": (lambda body: b"a\r\n" + body.partition(b"\r\n")[2], 400, "IncompleteBody"),
    "a second extension": (lambda body: body.replace(b"\r\n", b";x=y\r\n", 1), 403, "SignatureDoesNotMatch"),
    "the first chunk missing": (lambda body: body[body.index(b"5;") :], 403, "SignatureDoesNotMatch"),
    "the second chunk missing": (
        lambda body: body[: body.index(b"5;")] + body[body.index(b"0;") :],
        403,
        "SignatureDoesNotMatch",
    ),
    "the second chunk twice": (
        lambda body: body[: body.index(b"0;")] + body[body.index(b"5;") :],
        400,
        "IncompleteBody",  # more than was said
    ),
    "the last chunk missing": (lambda body: body[: body.index(b"0;")], 400, "IncompleteBody"),
    "the end behind the first chunk": (
        lambda body: body[: body.index(b"5;")] + b"0" + body[body.index(b";") : body.index(b"\r\n")] + b"\r\n\r\n",
        403,
        "SignatureDoesNotMatch",
    ),
    "a trailer that was not announced": (
        lambda body: body[:-2] + b"x-amz-acl:public-read\r\n\r\n",
        400,
        "MalformedTrailerError",
    ),
    "something behind the end": (lambda body: body + b"5\r\nhello\r\n", 400, "MalformedTrailerError"),
    "lines that never end": (lambda body: b"a" * 100_000, 400, "IncompleteBody"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_signed_chunks_that_lie_store_nothing(house: House, lie: str) -> None:
    change, status, code = LIES[lie]
    before = house.contents()
    request = signed(house, "PUT", "/photos/k", {LENGTH: "15"}, payload=SIGNED)
    body = chunked(request, (b"0123456789", b"hello"))
    assert change(body) != body
    for pieces in (1 << 20, 7):
        assert (await send(house, request, change(body), pieces=pieces)).refusal == (status, code)
    assert house.contents() == before
    assert (await send(house, request, body)).status == 200


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        (None, 411, "MissingContentLength"),
        ("", 400, "InvalidArgument"),
        ("-15", 400, "InvalidArgument"),
        ("1e1", 400, "InvalidArgument"),
        ("15.0", 400, "InvalidArgument"),
        ("0x0f", 400, "InvalidArgument"),
        ("\u0661\u0665", 400, "InvalidArgument"),  # digits, elsewhere
        ("14", 400, "IncompleteBody"),
        ("16", 400, "IncompleteBody"),
        ("0", 400, "IncompleteBody"),
        (str(5 * 1024**3 + 1), 400, "EntityTooLarge"),
        ("9" * 30, 400, "InvalidArgument"),
    ],
)
@pytest.mark.parametrize("payload", [SIGNED, UNSIGNED_TRAILER])
async def test_a_decoded_length_that_lies_stores_nothing(
    house: House, said: str | None, status: int, code: str, payload: str
) -> None:
    before = house.contents()
    request = signed(house, "PUT", "/photos/k", {} if said is None else {LENGTH: said}, payload=payload)
    body = b"a\r\n0123456789\r\n5\r\nhello\r\n0\r\n\r\n"
    if payload == SIGNED:
        body = chunked(request, (b"0123456789", b"hello"))
    assert (await send(house, request, body)).refusal == (status, code)
    assert house.contents() == before


async def test_chunks_of_another_request_are_not_taken(house: House) -> None:
    """Each body hangs on the signature of its head, so one that was overheard is of use nowhere else."""
    overheard = signed(house, "PUT", "/photos/k", {LENGTH: "5"}, payload=SIGNED)
    body = chunked(overheard, (b"hello",))
    before = house.contents()
    for address, headers in (("/photos/other", {}), ("/photos/k", {"x-amz-acl": "public-read"})):
        request = signed(house, "PUT", address, {LENGTH: "5", **headers}, payload=SIGNED)
        assert (await send(house, request, body)).refusal == (403, "SignatureDoesNotMatch")
    assert house.contents() == before


@pytest.mark.parametrize(
    "trailer", ["", f"{CRC32}:NhCmhh==", f"{CRC32}:", "x-amz-checksum-crc32c:mnG7TA==", "x-amz-acl:private"]
)
async def test_a_signed_trailer_that_lacks_or_lies_stores_nothing(house: House, trailer: str) -> None:
    before = house.contents()
    request = signed(house, "PUT", "/photos/k", {LENGTH: "5", TRAILER: CRC32}, payload=SIGNED_TRAILER)
    answer = await send(house, request, chunked(request, (b"hello",), trailer))
    assert answer.status == 400
    assert answer.refusal[1] in ("MalformedTrailerError", "BadDigest", "InvalidRequest")
    assert house.contents() == before


async def test_a_trailer_without_its_signature_stores_nothing(house: House) -> None:
    before = house.contents()
    request = signed(house, "PUT", "/photos/k", {LENGTH: "5", TRAILER: CRC32}, payload=SIGNED_TRAILER)
    body = chunked(request, (b"hello",), f"{CRC32}:NhCmhg==")
    without = body[: body.index(b"x-amz-trailer-signature")] + b"\r\n"
    assert (await send(house, request, without)).refusal == (403, "SignatureDoesNotMatch")
    assert house.contents() == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize(
    "payload", [SIGNED, UNSIGNED_TRAILER, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-"]
)
async def test_a_word_for_chunks_where_no_body_is_expected_lends_nothing(
    house: House, method: str, payload: str
) -> None:
    before = house.contents()
    request = signed(house, method, "/photos/secret", payload=payload)
    answer = await send(house, request)
    assert answer.status >= 400
    assert b"a secret" not in answer.body
    assert house.contents() == before


# --- headers that nobody signed --------------------------------------------------------------------------------------


def as_sent(request: Request, more: bytes) -> bytes:
    """A request as bytes on the wire, with lines added behind its headers."""
    query = request.query.canonical if request.query.canonical is not None else ""
    target = request.raw_path + (b"?" + query.encode() if query else b"")
    lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items()).encode()
    return b"%b %b HTTP/1.1\r\n%bContent-Length: 5\r\n%b\r\nhello" % (request.method.encode(), target, lines, more)


SMUGGLED = {
    "lower case": b"x-amz-acl: public-read\r\n",
    "upper case": b"X-AMZ-ACL: public-read\r\n",
    "mixed case": b"X-aMz-AcL: public-read\r\n",
    "twice": b"x-amz-acl: private\r\nx-amz-acl: public-read\r\n",
    "no blank": b"x-amz-acl:public-read\r\n",
    "a blank before the colon": b"x-amz-acl : public-read\r\n",
    "a tab before the colon": b"x-amz-acl\t: public-read\r\n",
    "folded into the one before": b"x-other: a\r\n x-amz-acl: public-read\r\n",
    "folded value": b"x-amz-acl:\r\n public-read\r\n",
    "a blank before the name": b" x-amz-acl: public-read\r\n",
    "behind a bare line feed": b"x-other: a\nx-amz-acl: public-read\r\n",
    "behind a bare carriage return": b"x-other: a\rx-amz-acl: public-read\r\n",
    "a NUL in the name": b"x-amz-\0acl: public-read\r\n",
    "empty": b"x-amz-acl:\r\n",
}
NO_HTTP = {  # what is read in one way here and in another elsewhere is no request
    "a blank before the colon",
    "a tab before the colon",
    "folded into the one before",
    "folded value",
    "a blank before the name",
    "behind a bare line feed",
    "behind a bare carriage return",
    "a NUL in the name",
}


@pytest.mark.parametrize("way", SMUGGLED)
@pytest.mark.parametrize("by_link", [False, True])
async def test_a_header_that_nobody_signed_is_not_smuggled_in(house: House, way: str, *, by_link: bool) -> None:
    before = house.contents()
    raw = as_sent(signed(house, "PUT", "/photos/k"), SMUGGLED[way])
    if by_link:
        address = link(house, "PUT", "/photos/k").encode()
        head = b"PUT %b HTTP/1.1\r\nHost: %b\r\nContent-Length: 5\r\n" % (address, HOST.encode())
        raw = head + SMUGGLED[way] + b"\r\nhello"
    verdict = read(raw)
    assert (verdict.refusal[:4] == "400 ") == (way in NO_HTTP)
    if way in NO_HTTP:
        return
    (parsed,) = verdict.requests
    path, _, query = parsed.target.partition(b"?")
    body = GivenBody([parsed.body])
    answer = await house.send(Request(parsed.method, path, read_query(query), parsed.headers, body=body))
    assert answer.refusal == (403, "AccessDenied")
    assert answer.text("HeadersNotSigned") == "x-amz-acl"
    assert house.contents() == before


@pytest.mark.parametrize("way", ["x_amz_acl", "x-amz", "amz-acl", "x-amzn-acl", "x\u2010amz-acl"])
async def test_a_name_that_only_looks_like_one_means_nothing(house: House, way: str) -> None:
    answer = await follow(house, link(house, "PUT", "/photos/k"), "PUT", b"hello", {way: "public-read"})
    assert answer.status == 200
    assert (await house.ask("GET", "/photos/k", by=ANYBODY)).status == 403


@pytest.mark.parametrize("value", ["private,public-read", "public-read", "Private", ""])
async def test_a_signed_header_is_not_replaced(house: House, value: str) -> None:
    """What comes twice is one value with a comma, so it isn't what was signed."""
    before = house.contents()
    answer = await ask(house, "PUT", "/photos/k", b"x", {"x-amz-acl": "private"}, unsigned={"x-amz-acl": value})
    assert answer.refusal == (403, "SignatureDoesNotMatch")
    assert house.contents() == before


LISTS: dict[str, Callable[[str], str]] = {
    "twice": lambda names: f"{names};{names.rpartition(';')[2]}",
    "an empty name": lambda names: f"{names};",
    "an empty name before": lambda names: f";{names}",
    "upper case": str.upper,
    "another order": lambda names: ";".join(reversed(names.split(";"))),
    "a blank": lambda names: names.replace(";", "; "),
    "a comma": lambda names: names.replace(";", ","),
    "a thousand": lambda names: ";".join([*names.split(";"), *(f"y{number:04}" for number in range(1000))]),
    "no host": lambda names: names.replace("host;", ""),
    "nothing": lambda names: "",
}


@pytest.mark.parametrize("way", LISTS)
async def test_a_list_of_signed_headers_that_is_none_is_refused(house: House, way: str) -> None:
    before = house.contents()
    request = signed(house, "PUT", "/photos/k", {"x-amz-acl": "public-read"})
    authorization = request.headers["authorization"]
    names = authorization.partition("SignedHeaders=")[2].partition(",")[0]
    changed = authorization.replace(f"SignedHeaders={names},", f"SignedHeaders={LISTS[way](names)},")
    assert changed != authorization
    answer = await send(house, replace(request, headers={**request.headers, "authorization": changed}), b"x")
    assert answer.refusal[0] in (400, 403)
    assert house.contents() == before


# --- links, versions, dialects ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        "x-amz-copy-source=/photos/secret",
        "x-amz-acl=public-read",
        "X-Amz-Acl=public-read",
        "partNumber=1&uploadId=0",
        "acl=",
        "versionId=null",
        "response-content-type=text/html",
        "X-Amz-Expires=604800",
        "X-Amz-SignedHeaders=host",
        "X-Amz-Security-Token=x",
    ],
)
async def test_nothing_can_be_added_to_a_link(house: House, more: str) -> None:
    before = house.contents()
    for method, path in (("PUT", "/photos/k"), ("GET", "/photos/secret")):
        address = link(house, method, path)
        for changed in (f"{address}&{more}", address.replace("?", f"?{more}&")):
            answer = await follow(house, changed, method, b"x" if method == "PUT" else b"")
            assert answer.status in (400, 403, 405, 501), answer.body
            assert b"a secret" not in answer.body
    assert house.contents() == before


def v2_link(method: str, path: str, query: str = "") -> str:
    """A link of version 2 over whatever it names."""
    expires = str(NOW + 600)
    text = f"{method}\n\n\n{expires}\n{path}"
    signature = quote(v1.sign(OWNER.access_key_secret, text), safe="")
    return f"{path}?{query}AWSAccessKeyId={OWNER.access_key_id}&Expires={expires}&Signature={signature}"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "POST"])
@pytest.mark.parametrize(
    ("path", "query"), [("/photos", ""), ("/photos/", ""), ("/", ""), ("/photos", "list-type=2&"), ("/photos", "acl&")]
)
async def test_version_2_opens_neither_a_bucket_nor_the_service(
    house: House, method: str, path: str, query: str
) -> None:
    before = house.contents()
    answer = await follow(house, v2_link(method, path, query), method, b"" if method != "POST" else b"x")
    assert answer.status in (400, 403, 405, 501)
    assert b"secret" not in answer.body
    assert house.contents() == before


async def test_version_2_in_a_header_is_off(house: House) -> None:
    for word in ("AWS", "aws", "AWS "):
        headers = {"authorization": f"{word} {OWNER.access_key_id}:x", "date": "Thu, 05 Mar 2026 07:08:09 GMT"}
        answer = await follow(house, "/photos/secret", headers=headers)
        assert answer.status in (400, 403)
        assert b"a secret" not in answer.body


@pytest.mark.parametrize(
    ("headers", "query", "code"),
    [
        ({"authorization": "OSS OwnerKey:x"}, "", "InvalidArgument"),
        ({"authorization": "OSS4-HMAC-SHA256 Credential=x"}, "", "InvalidArgument"),
        ({"x-oss-object-acl": "public-read"}, "", "InvalidArgument"),
        ({"X-OSS-Meta-A": "b"}, "", "InvalidArgument"),
        ({}, "&x-oss-process=image/info", "InvalidArgument"),
        ({}, "&OSSAccessKeyId=OwnerKey", "InvalidArgument"),
        ({}, "&x-oss-signature-version=OSS4-HMAC-SHA256", "InvalidArgument"),
    ],
)
async def test_signs_of_both_dialects_in_one_request_are_refused(
    house: House, headers: dict[str, str], query: str, code: str
) -> None:
    """By a link of S3, and nothing is tried in the other way."""
    before = house.contents()
    for method, path in (("PUT", "/photos/k"), ("GET", "/photos/secret")):
        answer = await follow(house, f"{link(house, method, path)}{query}", method, b"x", headers)
        assert answer.status in (400, 403)
        assert b"a secret" not in answer.body
    assert answer.refusal[1] in (code, "SignatureDoesNotMatch", "AccessDenied")
    assert house.contents() == before


@pytest.mark.parametrize(
    "headers",
    [{"x-amz-acl": "public-read"}, {"x-amz-copy-source": "/photos/secret"}, {CRC32: "AAAAAA=="}, {TRAILER: CRC32}],
)
async def test_what_s3_says_is_nothing_under_a_signature_of_oss(house: House, headers: dict[str, str]) -> None:
    for answer in (
        await house.ask("PUT", "/photos/k", b"hello", headers),
        await house.follow(house.link("PUT", "k"), "PUT", b"hello", headers),
    ):
        assert (answer.status, "x-amz-request-id" in answer.headers) == (200, False)
    assert (await house.ask("GET", "/photos/k")).body == b"hello"
    assert (await house.ask("GET", "/photos/k", by=ANYBODY)).status == 403


@pytest.mark.parametrize(
    ("method", "address"),
    [
        *(("PUT", "/photos/k"), ("DELETE", "/photos/secret"), ("GET", "/photos/secret"), ("HEAD", "/photos/secret")),
        *(("POST", "/photos/k?uploads"), ("POST", "/photos?delete"), ("GET", "/photos"), ("GET", "/photos?versions")),
        *(("PUT", "/photos?policy"), ("PUT", "/photos/secret?acl"), ("GET", "/"), ("PUT", "/others")),
        *(("PUT", "/photos?acl"), ("GET", "/photos/secret?attributes"), ("DELETE", "/photos")),
    ],
)
async def test_who_signs_nothing_does_nothing(house: House, method: str, address: str) -> None:
    before = house.contents()
    headers = {"x-amz-acl": "public-read", "x-amz-object-attributes": "ETag", "content-length": "0"}
    raw_path, _, query = address.partition("?")
    request = Request(method, raw_path.encode(), read_query(query.encode()), {"host": HOST, **headers})
    answer = await house.send(request)
    assert answer.status == 403
    assert "x-amz-request-id" in answer.headers
    assert house.contents() == before
