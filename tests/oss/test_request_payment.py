"""Who pays for requests, and who may ask nothing of a bucket whose requesters pay."""

from __future__ import annotations

import pytest

from coatcheck.ports.keyring import AccessKey

from .house import ANYBODY, OWNER, STRANGER, House

PAYS = {"x-oss-request-payer": "requester"}


def a_document(payer: str) -> bytes:
    return f"<RequestPaymentConfiguration><Payer>{payer}</Payer></RequestPaymentConfiguration>".encode()


async def a_house(payer: str) -> House:
    house = await House().with_bucket(acl="public-read")
    await house.put("/photos/a.txt", b"hello")
    assert (await house.ask("PUT", "/photos/?requestPayment", a_document(payer))).status == 200
    return house


async def test_the_bucket_owner_pays_where_nothing_was_said() -> None:
    answer = await (await House().with_bucket()).ask("GET", "/photos/?requestPayment")
    assert (answer.status, answer.xml.tag) == (200, "RequestPaymentConfiguration")
    assert answer.text("Payer") == "BucketOwner"


async def test_what_was_put_comes_back() -> None:
    house = await a_house("Requester")
    assert (await house.ask("GET", "/photos/?requestPayment")).text("Payer") == "Requester"
    assert (await house.ask("PUT", "/photos/?requestPayment", a_document("BucketOwner"))).status == 200
    assert (await house.ask("GET", "/photos/?requestPayment")).text("Payer") == "BucketOwner"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (a_document("Nobody"), "InvalidArgument"),
        (a_document(""), "MalformedXML"),
        (b"<RequestPaymentConfiguration/>", "MalformedXML"),
        (b"<Payer>Requester</Payer>", "MalformedXML"),
    ],
)
async def test_no_other_payer_is_taken(document: bytes, code: str) -> None:
    house = await House().with_bucket()
    assert (await house.ask("PUT", "/photos/?requestPayment", document)).refusal == (400, code)
    assert (await house.ask("GET", "/photos/?requestPayment")).text("Payer") == "BucketOwner"


@pytest.mark.parametrize(
    ("by", "headers", "query", "status"),
    [
        (OWNER, {}, "", 200),
        (STRANGER, {}, "", 403),
        (STRANGER, PAYS, "", 200),
        (STRANGER, {"x-oss-request-payer": "bucketowner"}, "", 403),
        (STRANGER, {}, "?x-oss-request-payer=requester", 200),
        (ANYBODY, {}, "", 403),
        (ANYBODY, PAYS, "", 403),
    ],
)
async def test_others_ask_only_if_they_pay(
    by: AccessKey | None, headers: dict[str, str], query: str, status: int
) -> None:
    house = await a_house("Requester")
    for method, address in (("GET", "/photos/a.txt"), ("HEAD", "/photos/a.txt"), ("GET", "/photos/")):
        answer = await house.ask(method, address + query, headers=headers, by=by)
        assert answer.status == status, (method, address)
    if status == 403:
        assert answer.text("Message") == "Access denied for requester pay bucket"
        assert answer.text("EC") == "0003-00000703"


async def test_to_pay_gives_no_right() -> None:
    house = await a_house("Requester")
    assert (await house.ask("PUT", "/photos/b.txt", b"x", PAYS, by=STRANGER)).refusal == (403, "AccessDenied")
    assert (await house.ask("GET", "/photos/?requestPayment", headers=PAYS, by=STRANGER)).status == 403


async def test_everybody_asks_as_ever_where_the_owner_pays() -> None:
    house = await a_house("BucketOwner")
    assert (await house.ask("GET", "/photos/a.txt", by=ANYBODY)).body == b"hello"
