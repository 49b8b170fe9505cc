"""A page of another origin may read what the bucket's rules say, refusals included; nobody else's page may."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.configurations import cors as cors_rules
from coatcheck.configurations.cors import Cors, CorsRule, read, write
from coatcheck.core.errors import OssError
from coatcheck.core.xml import read_xml, write_xml

from .house import ANYBODY, STRANGER, House

RULES = """
<CORSConfiguration>
  <CORSRule>
    <AllowedOrigin>https://app.example.com</AllowedOrigin>
    <AllowedOrigin>http://*.example.net</AllowedOrigin>
    <AllowedMethod>GET</AllowedMethod>
    <AllowedMethod>PUT</AllowedMethod>
    <AllowedHeader>x-oss-*</AllowedHeader>
    <AllowedHeader>Content-Type</AllowedHeader>
    <ExposeHeader>ETag</ExposeHeader>
    <ExposeHeader>x-oss-request-id</ExposeHeader>
    <MaxAgeSeconds>600</MaxAgeSeconds>
  </CORSRule>
  <CORSRule>
    <AllowedOrigin>*</AllowedOrigin>
    <AllowedMethod>HEAD</AllowedMethod>
    <AllowedHeader>*</AllowedHeader>
  </CORSRule>
</CORSConfiguration>
"""
APP = {"origin": "https://app.example.com"}


async def a_house(rules: str = RULES) -> House:
    house = await House().with_bucket()
    await house.put("/photos/a.txt", b"hello")
    assert (await house.ask("PUT", "/photos/?cors", rules.encode())).status == 200
    return house


def cors_of(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("access-control-") or name == "vary"}


async def preflight(
    house: House, origin: str, method: str, headers: str | None = None, address: str = "/photos/a.txt"
) -> tuple[int, dict[str, str]]:
    asked = {"origin": origin, "access-control-request-method": method}
    if headers is not None:
        asked["access-control-request-headers"] = headers
    answer = await house.ask("OPTIONS", address, headers=asked, by=ANYBODY)
    return answer.status, cors_of(answer.headers)


# --- the documents ---------------------------------------------------------------------------------------------------


async def test_rules_come_back_as_they_were_put_but_for_the_case_of_headers() -> None:
    answer = await (await a_house()).ask("GET", "/photos/?cors")
    assert answer.status == 200
    assert answer.texts("CORSRule/AllowedOrigin") == ["https://app.example.com", "http://*.example.net", "*"]
    assert answer.texts("CORSRule/AllowedMethod") == ["GET", "PUT", "HEAD"]
    assert answer.texts("CORSRule/AllowedHeader") == ["x-oss-*", "content-type", "*"]
    assert answer.texts("CORSRule/ExposeHeader") == ["ETag", "x-oss-request-id"]
    assert answer.texts("CORSRule/MaxAgeSeconds") == ["600"]
    assert answer.text("ResponseVary") == "false"


async def test_rules_are_gone_after_delete_which_may_be_repeated() -> None:
    house = await a_house()
    for _ in range(2):
        assert (await house.ask("DELETE", "/photos/?cors")).status == 204
    assert (await house.ask("GET", "/photos/?cors")).refusal == (404, "NoSuchCORSConfiguration")
    assert cors_of((await house.ask("GET", "/photos/a.txt", headers=APP)).headers) == {}


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
async def test_rules_are_the_owners_business(method: str) -> None:
    house = await a_house()
    assert (await house.ask(method, "/photos/?cors", RULES.encode(), by=STRANGER)).refusal == (403, "AccessDenied")
    assert (await house.ask(method, "/photos/?cors", RULES.encode(), by=ANYBODY)).refusal == (403, "AccessDenied")


def a_document(*rules: str, vary: str = "") -> str:
    return f"<CORSConfiguration>{''.join(f'<CORSRule>{rule}</CORSRule>' for rule in rules)}{vary}</CORSConfiguration>"


ORIGIN, GET = "<AllowedOrigin>*</AllowedOrigin>", "<AllowedMethod>GET</AllowedMethod>"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("", "MalformedXML"),
        ("<CORSConfiguration/>", "MalformedXML"),
        ("<Wrong/>", "MalformedXML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + a_document(ORIGIN + GET), "MalformedXML"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd">' + a_document(ORIGIN + GET), "MalformedXML"),
        (a_document(ORIGIN), "MalformedXML"),
        (a_document(GET), "MalformedXML"),
        (a_document(ORIGIN + GET, vary="<ResponseVary>maybe</ResponseVary>"), "MalformedXML"),
        (a_document(*[ORIGIN + GET] * 11), "CORSRuleBeyondLimit"),
        (a_document(ORIGIN + GET) + " " * 16384, "MalformedXML"),
        (a_document(ORIGIN + "<AllowedMethod>PATCH</AllowedMethod>"), "InvalidArgument"),
        (a_document(ORIGIN + "<AllowedMethod>get</AllowedMethod>"), "InvalidArgument"),
        (a_document("<AllowedOrigin></AllowedOrigin>" + GET), "InvalidArgument"),
        (a_document("<AllowedOrigin>http://*.*</AllowedOrigin>" + GET), "InvalidArgument"),
        (a_document("<AllowedOrigin>http://a&#13;&#10;X-Evil: 1</AllowedOrigin>" + GET), "InvalidArgument"),
        (a_document(ORIGIN + GET + "<AllowedHeader>a\nb</AllowedHeader>"), "InvalidArgument"),
        (a_document(ORIGIN + GET + "<AllowedHeader>*a*</AllowedHeader>"), "InvalidArgument"),
        (a_document(ORIGIN + GET + "<ExposeHeader>*</ExposeHeader>"), "InvalidArgument"),
        (a_document(ORIGIN + GET + "<ExposeHeader>a&#10;Set-Cookie: b</ExposeHeader>"), "InvalidArgument"),
        (a_document(ORIGIN + GET + "<MaxAgeSeconds>-1</MaxAgeSeconds>"), "InvalidArgument"),
        (a_document(ORIGIN + GET + "<MaxAgeSeconds>1000000000</MaxAgeSeconds>"), "InvalidArgument"),
        (a_document(ORIGIN + GET + "<MaxAgeSeconds>٣</MaxAgeSeconds>"), "InvalidArgument"),
    ],
)
async def test_document_that_breaks_a_rule_is_refused_and_nothing_is_stored(document: str, code: str) -> None:
    house = await House().with_bucket()
    answer = await house.ask("PUT", "/photos/?cors", document.encode())
    assert answer.refusal == (400, code)
    assert (await house.ask("GET", "/photos/?cors")).refusal == (404, "NoSuchCORSConfiguration")


# --- preflight -------------------------------------------------------------------------------------------------------


async def test_preflight_needs_no_signature_and_says_what_is_allowed() -> None:
    house = await a_house()
    status, headers = await preflight(house, "https://app.example.com", "PUT", "Content-Type, x-oss-meta-a")
    assert status == 200
    assert headers == {
        "access-control-allow-origin": "https://app.example.com",
        "access-control-allow-methods": "GET, PUT",
        "access-control-allow-headers": "Content-Type, x-oss-meta-a",
        "access-control-expose-headers": "ETag, x-oss-request-id",
        "access-control-max-age": "600",
        "vary": "Origin",
    }


async def test_preflight_of_an_object_that_is_not_there_and_of_the_bucket_itself() -> None:
    house = await a_house()
    assert (await preflight(house, "http://a.example.net", "GET", address="/photos/none"))[0] == 200
    assert (await preflight(house, "http://a.example.net", "GET", address="/photos/"))[0] == 200


async def test_rule_for_everybody_answers_with_a_star() -> None:
    status, headers = await preflight(await a_house(), "null", "HEAD", "anything")
    assert (status, headers["access-control-allow-origin"]) == (200, "*")
    assert "vary" not in headers


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        ("https://evil.example.org", "GET", None),
        ("https://app.example.com.evil.org", "GET", None),
        ("http://app.example.com", "GET", None),
        ("http://example.net", "GET", None),
        ("https://app.example.com", "DELETE", None),
        ("https://app.example.com", "get", None),
        ("https://app.example.com", "PUT", "authorization"),
        ("https://app.example.com", "PUT", "content-type, authorization"),
        ("https://app.example.com", "PUT", "x-oss-a\tb"),
    ],
)
async def test_preflight_that_no_rule_allows_is_refused(origin: str, method: str, headers: str | None) -> None:
    house = await a_house()
    asked = {"origin": origin, "access-control-request-method": method}
    asked |= {} if headers is None else {"access-control-request-headers": headers}
    answer = await house.ask("OPTIONS", "/photos/a.txt", headers=asked, by=ANYBODY)
    assert answer.refusal == (403, "AccessForbidden")
    assert (answer.text("Message") or "").startswith("CORSResponse: This CORS request is not allowed.")
    assert answer.text("ResourceType") == "OBJECT"
    assert cors_of(answer.headers) == {}


async def test_preflight_without_rules_or_bucket_or_headers() -> None:
    house = await House().with_bucket()
    assert (await preflight(house, "https://app.example.com", "GET"))[0] == 403
    assert (await preflight(house, "https://app.example.com", "GET", address="/nobucket/a"))[0] == 404
    assert (await preflight(house, "https://app.example.com", "GET", address="/"))[0] == 403
    for headers in ({}, {"origin": "https://app.example.com"}):
        answer = await house.ask("OPTIONS", "/photos/a", headers=headers, by=ANYBODY)
        assert answer.refusal == (400, "BadRequest")


# --- other requests --------------------------------------------------------------------------------------------------

ALLOWED = {
    "access-control-allow-origin": "https://app.example.com",
    "access-control-allow-methods": "GET, PUT",
    "access-control-expose-headers": "ETag, x-oss-request-id",
    "access-control-max-age": "600",
    "vary": "Origin",
}


async def test_allowed_origin_may_read_the_object() -> None:
    answer = await (await a_house()).ask("GET", "/photos/a.txt", headers=APP)
    assert (answer.status, answer.body, cors_of(answer.headers)) == (200, b"hello", ALLOWED)


async def test_request_without_origin_or_from_elsewhere_is_answered_as_ever() -> None:
    house = await a_house()
    for headers in ({}, {"origin": "https://evil.example.org"}, {"origin": "https://a\x7f"}):
        answer = await house.ask("GET", "/photos/a.txt", headers=headers)
        assert (answer.status, cors_of(answer.headers)) == (200, {})


async def test_page_sees_why_it_was_refused_whatever_the_reason() -> None:
    house = await a_house()
    link = house.link("GET", "a.txt", expires=60)
    expected = [
        (await house.ask("GET", "/photos/none", headers=APP), "NoSuchKey"),
        (await house.ask("GET", "/photos/a.txt", headers=APP, by=ANYBODY), "AccessDenied"),
        (await house.follow(f"{link}&x=1", headers=APP), "SignatureDoesNotMatch"),
        (await house.ask("GET", "/photos/?uploads&acl", headers=APP), "NotImplemented"),
        (await house.ask("GET", "/photos/a.txt?x-oss-signature=1", headers=APP, by=ANYBODY), "InvalidArgument"),
    ]
    house.now += 61
    expected.append((await house.follow(link, headers=APP), "AccessDenied"))
    for answer, code in expected:
        assert (answer.refusal[1], cors_of(answer.headers)) == (code, ALLOWED)


async def test_not_modified_is_shared_too() -> None:
    house = await a_house()
    etag = (await house.ask("HEAD", "/photos/a.txt")).headers["etag"]
    answer = await house.ask("GET", "/photos/a.txt", headers={**APP, "if-none-match": etag})
    assert (answer.status, cors_of(answer.headers)) == (304, ALLOWED)


async def test_response_vary_is_said_on_every_reply_of_the_bucket() -> None:
    house = await a_house(a_document(ORIGIN + GET, vary="<ResponseVary>true</ResponseVary>"))
    for headers in ({}, APP):
        assert (await house.ask("GET", "/photos/a.txt", headers=headers)).headers["vary"] == "Origin"
        assert (await house.ask("GET", "/photos/none", headers=headers)).headers["vary"] == "Origin"
    assert (await preflight(house, "https://x.example", "GET"))[1]["vary"] == "Origin"


# --- properties ------------------------------------------------------------------------------------------------------

words = st.text("abcxyz0123456789-.:/", min_size=1, max_size=12)
tokens = st.text("abcxyz-", min_size=1, max_size=8)
rules = st.builds(
    CorsRule,
    st.lists(words, min_size=1, max_size=3).map(tuple),
    st.lists(st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE"]), min_size=1, max_size=5).map(tuple),
    st.lists(tokens, max_size=3).map(tuple),
    st.lists(tokens, max_size=3).map(tuple),
    st.none() | st.integers(0, 999_999_999),
)


@given(st.lists(rules, min_size=1, max_size=10).map(tuple), st.booleans())
def test_what_is_written_is_read_again(rules: tuple[CorsRule, ...], vary: bool) -> None:
    cors = Cors(rules, vary)
    assert read(read_xml(write_xml("CORSConfiguration", write(cors)), "CORSConfiguration")) == cors


@given(st.lists(st.tuples(st.sampled_from(["AllowedOrigin", "AllowedMethod", "ExposeHeader"]), st.text()), max_size=4))
def test_any_texts_are_rules_or_a_refusal(pairs: list[tuple[str, str]]) -> None:
    body = "".join(f"<{name}><![CDATA[{text.replace(']]>', '')}]]></{name}>" for name, text in pairs)
    with suppress(OssError):
        read(read_xml(a_document(body).encode("utf-8", "surrogatepass"), "CORSConfiguration"))


# --- what a preflight may cost ---


def a_rule_of(headers: list[str]) -> str:
    allowed = "".join(f"<AllowedHeader>{header}</AllowedHeader>" for header in headers)
    return (
        "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>"
        f"{allowed}</CORSRule></CORSConfiguration>"
    )


@pytest.mark.parametrize(
    "requested",
    [
        ",".join(f"x{number}" for number in range(120_000)),
        ",".join("a" for _ in range(101)),
        "," * 100,
        "a" * 8193,
        " " * 8193,
    ],
)
async def test_a_preflight_with_too_many_names_is_refused_before_any_rule_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, requested: str
) -> None:
    house = await a_house(a_rule_of(["*"]))
    monkeypatch.setattr(cors_rules, "preflight_headers", None)  # whoever calls it fails
    asked = {"origin": "http://a", "access-control-request-method": "PUT", "access-control-request-headers": requested}
    answer = await house.ask("OPTIONS", "/photos/a.txt", headers=asked, by=ANYBODY)
    assert answer.refusal == (400, "BadRequest")
    assert answer.text("Message") == "Access-Control-Request-Headers has more than 100 names or 8192 characters."


async def test_as_many_names_as_are_allowed_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []

    def fits(pattern: str, text: str) -> bool:
        compared.append((pattern, text))
        return real(pattern, text)

    real = cors_rules._fits
    house = await a_house(a_rule_of([f"plain-{number}" for number in range(300)] + ["x-a*", "X-A*", "x-b*"]))
    monkeypatch.setattr(cors_rules, "_fits", fits)
    names = [f"plain-{number}" for number in range(97)]
    status, headers = await preflight(house, "http://a", "PUT", ",".join([*names, "X-B1", "x-b1", "x-b2"]))
    assert (status, headers["access-control-allow-headers"].count(",")) == (200, 99)
    # The origin, and of the names only those that aren't listed as they are, each once.
    assert sorted(compared) == sorted(
        [("*", "http://a"), *((pattern, name) for name in ("x-b1", "x-b2") for pattern in ("x-a*", "x-b*"))]
    )


async def test_an_origin_longer_than_any_host_is_allowed_nothing() -> None:
    house = await a_house()
    assert (await preflight(house, "https://" + "a" * 504, "HEAD"))[0] == 200
    assert (await preflight(house, "https://" + "a" * 505, "HEAD"))[0] == 403
    answer = await house.ask("HEAD", "/photos/a.txt", headers={"origin": "https://" + "a" * 505})
    assert "access-control-allow-origin" not in answer.headers
