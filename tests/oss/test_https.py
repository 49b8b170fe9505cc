"""A bucket that refuses plain HTTP, or versions of TLS."""

from __future__ import annotations

import pytest

from coatcheck.configurations.https import ONLY
from coatcheck.wire.request import Request

from .house import Answer, House

TLS_13 = "<TLS><Enable>true</Enable><TLSVersion>TLSv1.3</TLSVersion></TLS>"


def a_document(inside: str) -> bytes:
    return f"<HttpsConfiguration>{inside}</HttpsConfiguration>".encode()


async def ask(house: House, *, secure: bool, tls_version: str = "") -> Answer:
    request = Request("GET", b"/photos/a.txt", headers={"host": "localhost"}, secure=secure, tls_version=tls_version)
    return await house.send(request)


async def a_house(document: bytes | None = None) -> House:
    house = await House().with_bucket(acl="public-read")
    await house.put("/photos/a.txt")
    if document is not None:
        assert (await house.ask("PUT", "/photos/?httpsConfig", document)).status == 200
    return house


async def test_off_where_nothing_was_set() -> None:
    assert (await (await a_house()).ask("GET", "/photos/?httpsConfig")).text("TLS/Enable") == "false"


async def test_configuration_comes_back_as_it_was_put() -> None:
    suites = "<CipherSuite><Enable>true</Enable><StrongCipherSuite>false</StrongCipherSuite>"
    suites += "<CustomCipherSuite>ECDHE-ECDSA-AES128-SHA256</CustomCipherSuite></CipherSuite>"
    house = await a_house(a_document(TLS_13 + suites))
    answer = await house.ask("GET", "/photos/?httpsConfig")
    assert (answer.text("TLS/Enable"), answer.texts("TLS/TLSVersion")) == ("true", ["TLSv1.3"])
    assert answer.text("CipherSuite/CustomCipherSuite") == "ECDHE-ECDSA-AES128-SHA256"


async def test_known_version_that_is_not_allowed_is_refused_and_an_unknown_one_is_not() -> None:
    house = await a_house(a_document(TLS_13))
    assert (await ask(house, secure=True, tls_version="TLSv1.2")).refusal == (403, "TlsVersionNotAllowed")
    assert (await ask(house, secure=True, tls_version="TLSv1.3")).status == 200
    assert (await ask(house, secure=True)).status == 200


async def test_bucket_for_https_only_refuses_plain_http_and_says_what_to_do() -> None:
    house = await a_house()
    bucket = await house.catalog.find_bucket("photos")
    assert bucket is not None
    await house.catalog.set_configuration(bucket.bucket_id, "https-only", ONLY)
    refused = await ask(house, secure=False)
    assert refused.refusal == (403, "AccessDenied")
    assert "https://" in (refused.text("Message") or "")
    assert (await ask(house, secure=True)).status == 200


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ("", "MalformedXML"),
        ("<TLS/>", "MalformedXML"),
        ("<TLS><Enable>true</Enable></TLS>", "MalformedXML"),
        ("<TLS><Enable>true</Enable><TLSVersion>SSLv3</TLSVersion></TLS>", "MalformedXML"),
        ("<TLS><Enable>yes</Enable></TLS>", "MalformedXML"),
        (TLS_13 + "<CipherSuite/>", "MalformedXML"),
        (
            TLS_13 + "<CipherSuite><Enable>true</Enable><CustomCipherSuite>a b&#10;</CustomCipherSuite></CipherSuite>",
            "InvalidArgument",
        ),
    ],
)
async def test_document_that_breaks_a_rule_is_refused_and_nothing_is_stored(inside: str, code: str) -> None:
    house = await a_house()
    before = house.contents()
    assert (await house.ask("PUT", "/photos/?httpsConfig", a_document(inside))).refusal == (400, code)
    assert house.contents() == before
