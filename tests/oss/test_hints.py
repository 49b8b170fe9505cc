"""What `<Hint>` says of refused requests, to whom, how often, and what it costs."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

import coatcheck.signing.hints as search
from coatcheck import Credentials, Presigner, sign_request
from coatcheck.exchange import Exchange
from coatcheck.identity.session import new_session, write_session
from coatcheck.oss.hints import Allowance, Hints
from coatcheck.ports.links import Limits, Link
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request

from ..advisories.crafting import a_house as a_house_of
from ..each import each
from ..soak import count
from ..test_sts import READER
from .house import NOW, OWNER, REGION, Answer, House
from .test_limited_links import id_of

KEY = "2026/a+b c.txt"


class Seconds:
    """A clock that goes on by a second each time it is asked: nobody asks too often."""

    def __init__(self, step: float = 1.0) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def give_hints(house: House, monotonic: Callable[[], float], cpu: Callable[[], float] = lambda: 0.0) -> None:
    """Without `cpu` a search takes none: on a busy machine each costs more."""
    pipeline = house.pipeline
    pipeline.hints = Hints(house.regions, pipeline._reads, house.keyring, Allowance(monotonic), cpu)


async def a_house(**options: Any) -> House:
    house = await House(**options).with_bucket()
    if house.pipeline.hints is not None:
        give_hints(house, Seconds())
    await house.put("/photos/2026/a%2Bb%20c.txt")
    return house


def presigner(version: str = "v4", **more: Any) -> Presigner:
    return Presigner(
        OWNER.access_key_id,
        OWNER.access_key_secret,
        region=REGION,
        endpoint="http://127.0.0.1",
        signature_version=version,  # type: ignore[arg-type]
        **more,
    )


def link(method: str = "GET", key: str = KEY, version: str = "v4", **options: Any) -> str:
    return presigner(version).presign(method, "photos", key, **{"now": NOW, **options}).url


def hint(answer: Answer) -> str | None:
    assert answer.status in (400, 403)
    return answer.text("Hint")


TYPED: dict[str, Any] = {"headers": {"Content-Type": "image/png"}}

MISTAKES: dict[str, tuple[str, dict[str, Any], str]] = {  # the link, how it is used, what is said
    "type sent, not signed": (
        link("PUT"),
        {"method": "PUT", "headers": {"Content-Type": "text/plain"}},
        "Content-Type is sent but was not signed: don't send it, or sign the link with it.",
    ),
    "type signed, not sent": (
        link("PUT", **TYPED),
        {"method": "PUT"},
        "It was signed with Content-Type image/png, but none is sent: send exactly that Content-Type.",
    ),
    "type of V1": (
        link("PUT", version="v1", **TYPED),
        {"method": "PUT", "headers": {"Content-Type": "image/x-png"}},
        "It was signed with Content-Type image/png, not 'image/x-png': send exactly that Content-Type.",
    ),
    "plus as a space": (
        link(key="2026/a+b.txt").replace("a%2Bb", "a%20b"),
        {},
        "A plus of the key arrived as a space: write it as %2B.",
    ),
    "space as a plus": (
        link(process="image/info,a b").replace("a%20b", "a%2Bb"),
        {},
        "A space in the query was turned into a plus: write it as %20.",
    ),
    "encoded twice": (
        link().replace("a%2Bb%20c", "a%252Bb%2520c"),
        {},
        "The link was percent-encoded twice (%25 where there was %): use it as the signer gave it.",
    ),
    "all encoded twice": (
        link().replace("%", "%25"),
        {},
        "The link was percent-encoded twice (%25 where there was %): use it as the signer gave it.",
    ),
    "method": (link("PUT"), {}, "It was signed for PUT, not for GET: use PUT, or sign it again."),
    "added": (
        link() + "&utm_source=x",
        {},
        "Added to the link after it was signed: utm_source. Take it away; every parameter is signed.",
    ),
    "cut off": (
        link()[:-10],
        {},
        "The link was cut off: its signature has 54 of 64 characters. Copy all of it.",
    ),
    "cut off at &": (
        link().partition("&x-oss-date")[0],
        {},
        "The link is not whole: copy all of it, and quote it in a shell, where '&' ends a command.",
    ),
    "V1 cut off at &": (
        link(version="v1").partition("&Signature")[0],
        {},
        "The link is not whole: copy all of it, and quote it in a shell, where '&' ends a command.",
    ),
    "out of HTML": (
        link().replace("&", "&amp;"),
        {},
        "The link was copied out of HTML: '&amp;' stands where '&' belongs. Replace it.",
    ),
    "ended": (link(now=NOW - 3780), {}, "The link ended 3 min ago: ask for a new one."),
    "not begun": (
        link(now=NOW + 8 * 3600),
        {},
        "The link starts in 8 h: the signer's clock is ahead, or the signer wrote local time where UTC belongs.",
    ),
    "host": (
        link(headers={"Host": "127.0.0.1"}, additional_headers=["host"]).replace("127.0.0.1", "127.0.0.1:8000"),
        {},
        "The signer signed the host as 127.0.0.1, and it came with Host 127.0.0.1:8000: use it under that name, or "
        "sign it without the host.",
    ),
    "another region": (
        link(region="cn-beijing"),
        {},
        "It is signed for region cn-beijing, which isn't the one here: sign it for the bucket's region.",
    ),
}


@each(MISTAKES)
async def test_the_refusal_says_what_would_make_it_work(name: str) -> None:
    url, use, said = MISTAKES[name]
    assert hint(await (await a_house()).follow(url, **use)) == said


async def test_a_key_derived_for_another_region_of_this_server_is_named() -> None:
    house = await a_house(regions=("cn-hangzhou", "cn-beijing"))
    mixed = link(region="cn-beijing").replace("cn-beijing", "cn-hangzhou")
    assert hint(await house.follow(mixed)) == (
        "The region of the credential was cn-beijing when it was signed; now it is cn-hangzhou. Sign it again."
    )
    cloud = link(region="cn-shanghai").replace("cn-shanghai", "cn-hangzhou")
    assert hint(await house.follow(cloud)) is None


async def test_a_signers_clock_is_named() -> None:
    house = await a_house()
    house.now = NOW + 8 * 3600
    headers = sign_request(
        "GET",
        "photos",
        KEY,
        headers={},
        credentials=Credentials(OWNER.access_key_id, OWNER.access_key_secret),
        region=REGION,
        now=NOW,
    )
    answer = await house.ask("GET", "/photos/2026/a%2Bb%20c.txt", headers=headers, by=None)
    assert answer.refusal == (403, "RequestTimeTooSkewed")
    assert hint(answer) == (
        "The signer's clock is 8 h behind the server's, or local time was signed where UTC belongs: set it, and sign "
        "again."
    )


async def test_a_token_that_died_before_its_link_is_named() -> None:
    house = await a_house_of(roles=(READER,))
    give_hints(house, Seconds())
    session = new_session(READER, "tuesday", None, NOW - 1)
    signer = Presigner(
        session.access_key_id,
        session.access_key_secret,
        region=REGION,
        endpoint="http://127.0.0.1",
        security_token=house.keyring.seal_token(write_session(session)),
    )
    answer = await house.follow(signer.presign("GET", "photos", "secret.txt", now=NOW - 60).url)
    assert answer.refusal == (403, "SecurityTokenExpired")
    assert (hint(answer) or "").startswith("The security token that it was signed with has ended, before the link")


async def test_a_cancelled_and_a_used_up_link_are_named() -> None:
    house = await a_house()
    url = link()
    row = Link(id_of(url), OWNER.account, OWNER.access_key_id, "photos", KEY, NOW, limits=Limits(downloads=1))
    await house.links.change_link(row.id, lambda _: row)
    assert (await house.follow(url)).status == 200
    used = await house.follow(url)
    assert used.text("EC") == "9000-00000002"
    assert hint(used) == (
        "Nothing in the request would make it work: all downloads that the link allows have been taken."
    )
    await house.links.change_link(row.id, lambda known: replace(known or row, cancelled_at=NOW))
    assert hint(await house.follow(url)) == (
        "Nothing in the request would make it work: whoever owns the link has cancelled it."
    )


@each(MISTAKES)
async def test_all_else_of_the_refusal_is_as_it_is_without(name: str) -> None:
    url, use, said = MISTAKES[name]
    with_hint = await (await a_house()).follow(url, **use)
    without = await (await a_house(options={"hints": False})).follow(url, **use)
    said = said.replace("&", "&amp;")
    assert with_hint.body.replace(f"  <Hint>{said}</Hint>\n".encode(), b"") == without.body
    assert (with_hint.status, b"Hint" in without.body) == (without.status, False)
    assert {**with_hint.headers} == without.headers


async def test_head_has_no_hint() -> None:
    answer = await (await a_house()).follow(link("PUT"), "HEAD")
    assert b"Hint" not in base64.b64decode(answer.headers["x-oss-err"])
    assert answer.trace.hint == "It was signed for PUT, not for HEAD: use PUT, or sign it again."


async def test_a_stranger_is_told_nothing_of_a_signature_that_fits_nothing() -> None:
    house = await a_house()
    forged = Presigner(OWNER.access_key_id, "wrong", region=REGION, endpoint="http://127.0.0.1")
    url = forged.presign("GET", "photos", KEY, now=NOW).url
    assert hint(await house.follow(url)) is None
    assert hint(await house.follow(url, headers={"Content-Type": "text/plain"})) is None
    assert hint(await house.follow(url.replace("OwnerKey", "NoKey"))) is None


@each(["v4", "v1"])
async def test_of_part_of_a_signature_only_its_length_is_said(version: str) -> None:
    """Every prefix of a right and of a wrong signature gets the same answer."""
    house = await a_house()
    right = link(version=version)
    wrong = Presigner(
        OWNER.access_key_id,
        "wrong",
        region=REGION,
        endpoint="http://127.0.0.1",
        signature_version=version,  # type: ignore[arg-type]
    )
    other = wrong.presign("GET", "photos", KEY, now=NOW).url
    name = "x-oss-signature=" if version == "v4" else "Signature="
    whole = 64 if version == "v4" else 28
    for length in range(1, whole):
        answers = []
        for url in (right, other):
            start, _, signature = url.partition(name)
            plain, _, rest = signature.partition("&")
            plain = plain.replace("%2F", "/").replace("%2B", "+").replace("%3D", "=")[:length]
            sent = plain.replace("/", "%2F").replace("+", "%2B").replace("=", "%3D")
            answer = await house.follow(f"{start}{name}{sent}{'&' + rest if rest else ''}")
            assert answer.refusal == (403, "SignatureDoesNotMatch")
            answers.append(answer.body.replace(f"<SignatureProvided>{plain}<".encode(), b""))
        assert answers[0] == answers[1]
        said = f"The link was cut off: its signature has {length} of {whole} characters. Copy all of it."
        assert f"<Hint>{said}</Hint>".encode() in answers[0]


async def test_no_signature_is_compared_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def watched(ours: str, theirs: str) -> bool:
        compared.append((len(ours), len(theirs)))
        return compare(ours, theirs)

    house = await a_house()
    monkeypatch.setattr(hmac, "compare_digest", watched)
    await house.follow(link() + "0" * 64)
    await house.follow(link()[:-1])
    assert compared == [(64, 128), (64, 63)]  # each once, as it was sent: by the verification, by no search


# --- bounds ---------------------------------------------------------------------------------------------------------


def test_hints_are_one_a_second_for_an_address() -> None:
    clock = Seconds(0)
    allowance = Allowance(clock)
    assert [allowance.take("192.0.2.7") for _ in range(3)] == [True, False, False]
    assert allowance.take("192.0.2.8")
    assert [allowance.take(f"2001:db8:0:1::{end}") for end in (1, 2)] == [True, False]
    assert allowance.take("2001:db8:0:2::1")
    clock.now += 0.999
    assert not allowance.take("192.0.2.7")
    clock.now += 0.001
    assert allowance.take("192.0.2.7")


def test_hints_are_twenty_a_second_for_a_worker() -> None:
    clock = Seconds(0)
    allowance = Allowance(clock)
    assert [allowance.take(f"192.0.2.{end}") for end in range(21)] == [True] * 20 + [False]
    clock.now += 1
    assert allowance.take("192.0.2.200")


async def test_long_requests_are_not_searched() -> None:
    house = await a_house()
    long = link("PUT", key="a" * 1000, query={"x": "y" * 4000})
    assert hint(await house.follow(long)) is None
    many = link("PUT", query={f"p{number}": "" for number in range(28)})
    assert many.count("&") == 32
    assert hint(await house.follow(many)) is None
    fewer = link("PUT", query={f"p{number}": "" for number in range(27)})
    assert hint(await house.follow(fewer)) == "It was signed for PUT, not for GET: use PUT, or sign it again."
    headers = {f"x-oss-meta-{number}": "z" * 500 for number in range(9)}
    assert hint(await house.follow(link("PUT"), headers=headers)) is None


async def test_a_search_ends_after_forty_attempts_and_its_share_of_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = 0

    def try_one(*_: object) -> bool:
        nonlocal tried
        tried += 1
        return False

    monkeypatch.setattr(search, "is_signed_by", try_one)
    house = await a_house()
    await house.follow(worst())
    assert tried == 40
    tried = 0
    give_hints(house, Seconds(), Seconds(0.0004))
    await house.follow(worst())
    assert tried == 4  # 1.5 ms are over at the fourth


def worst() -> str:
    """As long, as many, and as far from any hint as a searched request may be."""
    forged = Presigner(OWNER.access_key_id, "wrong", region=REGION, endpoint="http://127.0.0.1:8000")
    query = {f"p+ {number}": "ü %2B+" * 5 for number in range(25)}
    url = forged.presign(
        "GET",
        "photos",
        "a b%20" * 110,
        now=NOW,
        query=query,
        headers={"Host": "127.0.0.1:8000"},
        additional_headers=["host"],
    ).url
    assert 3500 < len(url) < 4096
    return url


REFUSALS = count(10_000)


@pytest.mark.soak(REFUSALS)
async def test_ten_thousand_refusals_cost_little_more_with_hints() -> None:
    """Their clock is the CPU's: on a busy machine a second has less of it, and not fewer hints."""
    with_hints, without = await a_house(), await a_house(options={"hints": False})
    give_hints(with_hints, time.process_time, time.thread_time)
    spent = {True: 0.0, False: 0.0}
    url = worst()
    host, _, rest = url.partition("://")[2].partition("/")
    path, _, query = rest.partition("?")
    each = ((True, with_hints), (False, without))
    for batch in range(REFUSALS // 20):  # by turns, so that what else the machine does falls on both
        for hinted, house in each if batch % 2 else reversed(each):
            began = time.process_time()
            for number in range(20):
                client = f"10.{batch // 250}.{batch % 250}.{number}"
                request = Request(
                    "GET", b"/" + path.encode(), read_query(query.encode()), {"host": host}, client=client
                )
                reply = await house.services.answer(house_exchange(house, request))
                assert reply.status == 403
            spent[hinted] += time.process_time() - began
    assert spent[True] <= 1.2 * spent[False], spent


def house_exchange(house: House, request: Request) -> Any:
    return Exchange(request, "69A92BD9A1B2C3D4E5F60718", house.now, house.services.answer)
