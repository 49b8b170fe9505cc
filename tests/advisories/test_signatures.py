"""Nobody does anything with a signature that isn't theirs, isn't of now, or isn't about this request."""

from __future__ import annotations

import hmac
from base64 import b64encode
from hashlib import md5, sha256
from typing import Any
from urllib.parse import quote, unquote

import pytest

from coatcheck.oss.table import ROWS, Level, Row
from coatcheck.signing import v4

from ..each import each
from ..oss.house import NOW, OWNER, STRANGER, GivenBody
from ..oss.test_post_object import a_form, post, signed
from .crafting import FORGER, HTTP_DATE, a_house, hmac_sha256, v1_headers, v1_link, v4_headers, v4_link

KINDS = ("v4-header", "v1-header", "v2-header", "v4-link", "v1-link", "v2-link")
_PLACES = {Level.SERVICE: "/", Level.BUCKET: "/photos/", Level.OBJECT: "/photos/secret.txt"}
_VALUES = {
    "partNumber": "partNumber=1",
    "uploadId": "uploadId=0A",
    "list-type": "list-type=2",
    "styleName": "styleName=s",
}


def address_of(row: Row) -> str:
    query = "&".join(_VALUES.get(name, name) for name in row.sub_resource.split("&"))
    return _PLACES[row.level] + (f"?{query}" if query else "")


@each(ROWS, KINDS, name=lambda row, kind: f"{row.name}, {row.method}, {kind}")
async def test_no_operation_runs_on_a_forged_signature(row: Row, kind: str) -> None:
    """Every operation asks for the signature, whichever kind it comes as: who knows a key's id gets nowhere."""
    house = await a_house(acl="public-read-write")
    before = house.contents()
    address, extra = address_of(row), {row.header: "/photos/secret.txt"} if row.header else {}
    if row.name == "post_object":
        answer = await post(house, a_form(signed("a.txt", by=FORGER)))
    elif kind == "v4-header":
        answer = await house.ask(row.method, address, b"<x/>", extra, by=FORGER)
    elif kind == "v1-header":
        headers = v1_headers(address, row.method, by=FORGER, headers=extra)
        answer = await house.ask(row.method, address, b"<x/>", headers, by=None)
    elif kind == "v2-header":
        signature = hmac_sha256(FORGER.access_key_secret, "whatever is signed")
        headers = {**extra, "date": HTTP_DATE, "authorization": f"OSS2 AccessKeyId:OwnerKey,Signature:{signature}"}
        answer = await house.ask(row.method, address, b"<x/>", headers, by=None)
    elif kind == "v2-link":
        own = f"x-oss-signature-version=OSS2&x-oss-expires={NOW + 60}&x-oss-access-key-id=OwnerKey&x-oss-signature=AAAA"
        answer = await house.ask(row.method, f"{address}{'&' if '?' in address else '?'}{own}", b"<x/>", extra, by=None)
    elif kind == "v4-link":
        link = v4_link(address, row.method, by=FORGER, headers=extra)
        answer = await house.ask(row.method, link, b"<x/>", extra, by=None)
    else:
        answer = await house.ask(row.method, v1_link(address, row.method, by=FORGER), b"<x/>", extra, by=None)
    only_for_objects = kind == "v1-link" and row.level is not Level.OBJECT and row.name != "post_object"
    expected = "AccessDenied" if only_for_objects else "SignatureDoesNotMatch"
    assert (answer.status, answer.trace.refusal) == (403, expected)
    assert house.contents() == before


async def test_a_signature_in_the_header_lends_nothing_to_one_in_the_query() -> None:
    """Whose key it is and what is checked come from one place: a request signed in two places is refused."""
    house = await a_house()
    address = "/photos/new.txt?x-oss-credential=OwnerKey%2F20260305%2Fcn-hangzhou%2Foss%2Faliyun_v4_request"
    answer = await house.ask("PUT", address, b"x", by=STRANGER)
    assert answer.refusal == (400, "InvalidArgument")
    assert (answer.text("Message") or "").startswith("Only one auth mechanism allowed")


@pytest.mark.parametrize(
    "query",
    [
        "x-oss-signature=00",
        "x-oss-credential=OwnerKey%2F20260305%2Fcn-hangzhou%2Foss%2Faliyun_v4_request",
        "OSSAccessKeyId=OwnerKey",
        "Signature=AAAA",
        f"Expires={NOW + 60}",
        "X-Amz-Signature=00",
        "x-oss-access-key-id=OwnerKey",
        "x-oss-signature-version=OSS2",
    ],
)
async def test_half_a_signature_is_not_nobodys(query: str) -> None:
    """A request that says anything of a signature is never taken for one that nobody signed."""
    house = await a_house(acl="public-read-write")
    assert (await house.ask("PUT", "/photos/new.txt", b"x", by=None)).status == 200
    answer = await house.ask("PUT", f"/photos/other.txt?{query}", b"x", by=None)
    assert answer.status in (400, 403)
    assert (await house.ask("GET", "/photos/other.txt")).status == 404


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("Bearer token", "InvalidArgument"),
        ("Basic b3duZXI6", "InvalidArgument"),
        ("AWS4-HMAC-SHA256 Credential=OwnerKey", "AuthorizationHeaderMalformed"),
        (" ", "InvalidArgument"),
    ],
)
async def test_a_scheme_that_is_not_spoken_is_not_nobodys(authorization: str, code: str) -> None:
    """What somebody signed in a way that isn't known here is refused, also where nobody need sign."""
    house = await a_house(acl="public-read")
    assert (await house.ask("GET", "/photos/secret.txt", by=None)).status == 200
    answer = await house.ask("GET", "/photos/secret.txt", headers={"authorization": authorization}, by=None)
    assert answer.refusal == (400, code)


async def test_a_forged_stream_is_refused_unread() -> None:
    """An upload without a length is nobody's until its signature held; not a byte of it is taken before."""
    house = await a_house()
    before = house.contents()
    body = GivenBody([b"x" * 1000] * 1000)
    answer = await house.ask("PUT", "/photos/new.txt", body, by=FORGER, chunked=True)
    assert answer.refusal == (403, "SignatureDoesNotMatch")
    assert body.taken == 0
    assert house.contents() == before


@pytest.mark.parametrize("word", ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
async def test_a_word_for_the_body_chooses_no_other_check(word: str) -> None:
    """x-oss-content-sha256 doesn't turn the body into a stream of pieces with checks of their own: it stays unread."""
    house = await a_house()
    headers = v4_headers("/photos/new.txt", "PUT", headers={"x-oss-content-sha256": word})
    body = GivenBody([b"1\r\nx\r\n0\r\n\r\n"])
    answer = await house.ask("PUT", "/photos/new.txt", body, headers, by=None)
    assert (answer.status, body.taken) == (400, 0)
    assert (await house.ask("GET", "/photos/new.txt")).status == 404


async def test_the_date_that_is_signed_is_the_date_that_is_checked() -> None:
    """V1 signs x-oss-date where it is there, so a fresh Date beside it doesn't make an old request new."""
    house = await a_house()
    old = {"x-oss-date": "Thu, 05 Mar 2026 06:08:09 GMT", "date": "Thu, 05 Mar 2026 07:08:09 GMT"}
    headers = v1_headers("/photos/secret.txt", headers=old)
    answer = await house.ask("GET", "/photos/secret.txt", headers=headers, by=None)
    assert answer.refusal == (403, "RequestTimeTooSkewed")


@pytest.mark.parametrize("sign", [v1_headers, v4_headers])
async def test_a_signature_without_a_date_is_refused(sign: Any) -> None:
    """No date is not a date that is always good."""
    house = await a_house()
    headers = sign("/photos/secret.txt")
    undated = {name: value for name, value in headers.items() if name not in ("date", "x-oss-date")}
    answer = await house.ask("GET", "/photos/secret.txt", headers=undated, by=None)
    assert answer.refusal == (403, "AccessDenied")
    assert answer.text("Message") == "OSS authentication requires a valid Date."


@pytest.mark.parametrize(("minutes", "status"), [(-16, 403), (-14, 200), (14, 200), (16, 403)])
async def test_a_signature_in_a_header_lasts_fifteen_minutes(minutes: int, status: int) -> None:
    """Who overhears a signed request can't repeat it for ever."""
    house = await a_house()
    headers = v4_headers("/photos/secret.txt")
    house.now = NOW + minutes * 60
    answer = await house.ask("GET", "/photos/secret.txt", headers=headers, by=None)
    assert (answer.status, answer.trace.refusal) == (status, "" if status == 200 else "RequestTimeTooSkewed")


@pytest.mark.parametrize("sign", [v1_headers, v4_headers])
@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("DELETE", "/photos/secret.txt"),
        ("PUT", "/photos/secret.txt"),
        ("GET", "/photos/other.txt"),
        ("GET", "/photos/"),
        ("GET", "/photos/secret.txt?acl"),
    ],
)
async def test_a_signature_is_good_for_one_method_and_one_resource(method: str, address: str, sign: Any) -> None:
    """The signature of a past GET does nothing else, nor elsewhere, whatever headers say of methods and texts."""
    house = await a_house()
    before = house.contents()
    headers = sign("/photos/secret.txt")
    said = {"x-http-method-override": "GET", "x-auth-token": "R0VUCgoK", "x-original-url": "/photos/secret.txt"}
    assert (await house.ask("GET", "/photos/secret.txt", headers=headers | said, by=None)).status == 200
    answer = await house.ask(method, address, b"x", headers | said, by=None)
    assert answer.refusal == (403, "SignatureDoesNotMatch")
    assert house.contents() == before


async def test_a_body_with_another_digest_than_the_signed_one_is_not_stored() -> None:
    """Content-MD5 is signed, and the body is held against it: nobody on the way puts another in its place."""
    house = await a_house()
    digest = b64encode(md5(b"mine").digest()).decode()
    link = house.link("PUT", "new.txt", headers={"Content-MD5": digest})
    sent = {"content-md5": digest}
    assert (await house.follow(link, "PUT", b"else", sent)).refusal == (400, "InvalidDigest")
    assert (await house.ask("GET", "/photos/new.txt")).status == 404
    assert (await house.follow(link, "PUT", b"mine", sent)).status == 200


async def test_a_body_with_another_sha256_than_the_signed_one_is_not_stored() -> None:
    """A link signed over the SHA-256 of a body stores that body or none."""
    house = await a_house()
    sent = {"x-oss-content-sha256": sha256(b"mine").hexdigest()}
    address = v4_link("/photos/new.txt", "PUT", headers=sent)
    answer = await house.ask("PUT", address, b"else", sent, by=None)
    assert answer.status == 400
    assert (await house.ask("GET", "/photos/new.txt")).status == 404
    assert (await house.ask("PUT", address, b"mine", sent, by=None)).status == 200


async def test_signatures_are_compared_in_a_time_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every comparison of a signature takes as long wherever it differs, for each kind of signature."""
    compared: list[int] = []
    whole = hmac.compare_digest

    def watched(ours: Any, theirs: Any) -> bool:
        compared.append(len(ours))
        return whole(ours, theirs)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    house = await a_house()
    compared.clear()
    for address in (v4_link("/photos/secret.txt", by=FORGER), v1_link("/photos/secret.txt", by=FORGER)):
        assert (await house.ask("GET", address, by=None)).status == 403
    assert (await post(house, a_form(signed("a.txt", by=FORGER)))).status == 403
    assert compared[0] == 64
    assert set(compared) == {64, 28}  # whole ones, also where a hint is looked for


@pytest.mark.parametrize(
    ("scope", "in_link", "in_header"),
    [
        (v4.Scope("20260304", "cn-hangzhou"), 400, 400),  # another day than the request's
        (v4.Scope("20260305", "cn-beijing"), 400, 400),
        (v4.Scope("20260305", "cn-hangzhou", "sts"), 400, 400),
    ],
    ids=["day", "region", "product"],
)
async def test_a_signing_key_is_good_for_its_own_day_region_and_product(
    scope: v4.Scope, in_link: int, in_header: int
) -> None:
    """A derived key that was handed out for one thing signs nothing else, however right its signatures are."""
    house = await a_house()
    assert (await house.ask("GET", v4_link("/photos/secret.txt", scope=scope), by=None)).status == in_link
    headers = v4_headers("/photos/secret.txt", scope=scope)
    assert (await house.ask("GET", "/photos/secret.txt", headers=headers, by=None)).status == in_header


async def test_the_signature_of_a_v1_link_signs_no_request_in_its_header() -> None:
    """Both have one text, but for what stands in the line of the date: the link's end, in Unix seconds."""
    house = await a_house()
    link = v1_link("/photos/secret.txt", expires=NOW + 60)
    assert (await house.ask("GET", link, by=None)).body == b"a secret"
    signature = unquote(link.rpartition("Signature=")[2])
    for date in (
        {"date": str(NOW + 60)},
        {"x-oss-date": str(NOW + 60)},
        {"date": str(NOW + 60), "x-oss-date": HTTP_DATE},
    ):
        headers = {**date, "authorization": f"OSS OwnerKey:{signature}"}
        assert (await house.ask("GET", "/photos/secret.txt", headers=headers, by=None)).status == 403


async def test_the_signature_of_a_v2_link_signs_no_request_in_its_header() -> None:
    """Its text holds the link's own parameters: without them it is another, and with them there are two signatures."""
    house = await a_house()
    own = f"x-oss-access-key-id=OwnerKey&x-oss-expires={NOW + 60}&x-oss-signature-version=OSS2"
    text = f"GET\n\n\n{NOW + 60}\n\n%2Fphotos%2Fsecret.txt?{own}"
    signature = hmac_sha256(OWNER.access_key_secret, text)
    link = f"/photos/secret.txt?{own}&x-oss-signature={quote(signature, safe='')}"
    assert (await house.ask("GET", link, by=None)).body == b"a secret"
    headers = {"date": str(NOW + 60), "authorization": f"OSS2 AccessKeyId:OwnerKey,Signature:{signature}"}
    for address in ("/photos/secret.txt", f"/photos/secret.txt?{own}", link):
        assert (await house.ask("GET", address, headers=headers, by=None)).status in (400, 403)


async def test_a_refusal_does_not_tell_the_right_signature() -> None:
    """What goes out about a wrong signature is the text that was to be signed, never what signs it."""
    house = await a_house()
    right = v4_link("/photos/secret.txt").rpartition("=")[2]
    answer = await house.ask("GET", v4_link("/photos/secret.txt", by=FORGER), by=None)
    assert answer.refusal == (403, "SignatureDoesNotMatch")
    assert b"StringToSign" in answer.body
    assert right.encode() not in answer.body
    assert OWNER.access_key_secret.encode() not in answer.body
