"""What a refusal in S3's form says of the one change that would make it work."""

from __future__ import annotations

import pytest

from coatcheck import S3Presigner

from ..oss.house import NOW, OWNER, Answer, House
from ..oss.test_hints import a_house
from .asking import send, signed


@pytest.fixture
async def house() -> House:
    house = await a_house()
    await house.put("/photos/k")
    return house


def link(method: str = "GET", key: str = "k", now: float = NOW, **options: object) -> str:
    presigner = S3Presigner(OWNER.access_key_id, OWNER.access_key_secret, endpoint="http://127.0.0.1:8000")
    return presigner.presign(method, "photos", key, now=now, **options).url  # type: ignore[arg-type]


def hint(answer: Answer) -> str:
    assert answer.status in (400, 403)
    assert "x-amz-request-id" in answer.headers
    return answer.text("Hint") or ""


async def test_a_link_says_what_would_make_it_work(house: House) -> None:
    assert hint(await house.follow(link("PUT"))).startswith("It was signed for PUT, not for GET")
    elsewhere = link().replace("127.0.0.1:8000", "127.0.0.1:80")
    local = await house.follow(link().replace("127.0.0.1:8000", "localhost:8000"))
    assert hint(local).startswith("The signer signed the host as 127.0.0.1:8000, and it came with Host localhost:8000.")
    assert hint(await house.follow(elsewhere)) == ""  # another port is nothing that one could guess
    typed = link("PUT", headers={"Content-Type": "image/png"})
    assert hint(await house.follow(typed, "PUT", b"x")).startswith("Signed headers are not sent: content-type.")
    unsigned = await house.follow(link("PUT"), "PUT", b"x", {"x-amz-acl": "public-read"})
    assert hint(unsigned).startswith("Don't send x-amz-acl, or have the signer list it")
    assert hint(await house.follow(link(now=NOW - 7200))) == "The link ended 1 h ago: ask for a new one."
    assert hint(await house.follow(link(now=NOW + 7200))).startswith("The link starts in 2 h: the signer's clock")
    assert hint(await house.follow(link().partition("&X-Amz-Signature")[0])).startswith("The link is not whole")


async def test_a_signers_clock_is_named_in_headers(house: House) -> None:
    request = signed(house, "GET", "/photos/k")
    house.now += 8 * 3600
    answer = await send(house, request)
    assert hint(answer) == (
        "The signer's clock is 8 h behind the server's, or local time was signed where UTC belongs: set it, and sign "
        "again."
    )


async def test_nothing_is_said_of_a_signature_that_fits_nothing(house: House) -> None:
    whole = link()
    forged = whole[:-64] + "0" * 64
    assert hint(await house.follow(forged)) == ""
