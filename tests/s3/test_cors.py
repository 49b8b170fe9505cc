"""CORS rules in S3's grammar, which are OSS's with names, and more of them."""

from __future__ import annotations

import pytest

from ..oss.house import House
from .asking import ask


@pytest.fixture
async def house() -> House:
    return await House().with_bucket()


def rule(more: str = "", origin: str = "https://page.example") -> str:
    return f"<CORSRule>{more}<AllowedOrigin>{origin}</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>"


def rules(*each: str) -> bytes:
    return f"<CORSConfiguration>{''.join(each)}</CORSConfiguration>".encode()


async def test_a_rule_keeps_its_name_and_decides_for_both(house: House) -> None:
    assert (await ask(house, "GET", "/photos?cors")).refusal == (404, "NoSuchCORSConfiguration")
    assert (await ask(house, "PUT", "/photos?cors", rules(rule("<ID>the page</ID>"), rule()))).status == 200
    shown = await ask(house, "GET", "/photos?cors")
    assert shown.texts(".//{*}ID") == ["the page"]
    assert [child.tag.rpartition("}")[2] for child in shown.xml] == ["CORSRule", "CORSRule"]
    in_oss = await house.ask("GET", "/photos?cors")
    assert (in_oss.texts(".//ID"), in_oss.text("ResponseVary")) == ([], "false")
    await house.put("/photos/k", b"hello")
    for answer in (
        await ask(house, "GET", "/photos/k", headers={"origin": "https://page.example"}),
        await house.ask("GET", "/photos/k", headers={"origin": "https://page.example"}),
    ):
        assert answer.headers["access-control-allow-origin"] == "https://page.example"


async def test_there_may_be_a_hundred_rules_which_oss_shows_too(house: House) -> None:
    most = [rule(origin=f"https://page{number}.example") for number in range(100)]
    assert (await ask(house, "PUT", "/photos?cors", rules(*most))).status == 200
    assert len((await house.ask("GET", "/photos?cors")).texts("CORSRule/AllowedOrigin")) == 100
    assert (await ask(house, "PUT", "/photos?cors", rules(*most, rule()))).refusal == (400, "CORSRuleBeyondLimit")


@pytest.mark.parametrize(
    "document",
    [
        rules(rule("<ID>a</ID><ID>b</ID>")),
        rules(rule("<Name>a</Name>")),
        rules(rule(), "<ResponseVary>true</ResponseVary>"),
        rules(),
    ],
)
async def test_what_s3_has_not_is_refused(house: House, document: bytes) -> None:
    assert (await ask(house, "PUT", "/photos?cors", document)).refusal == (400, "MalformedXML")
    assert (await ask(house, "GET", "/photos?cors")).status == 404
