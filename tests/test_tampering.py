"""A link opens what it was signed for, or nothing: whatever one does to its text, method, headers or moment."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from .oss.house import NOW, OWNER, House
from .soak import count

BODY = b"in the cloakroom"
KEY = "a b/ü+1.txt"
OPTIONS: dict[str, Any] = {
    "query": {"versionId": "null"},
    "download_as": "Bericht ü.pdf",
    "response_cache_control": "no-cache",
    "traffic_limit": 819_200_0,
}
SIGNED = {"x-oss-range-behavior": "standard", "User-Agent": "courier"}


async def a_house() -> House:
    """A private object."""
    house = await House().with_bucket()
    await house.put("/photos/a%20b/%C3%BC%2B1.txt", BODY)
    return house


HOUSE = asyncio.run(a_house())


def a_link(**options: Any) -> str:
    return HOUSE.link("GET", KEY, headers=SIGNED, additional_headers=["user-agent"], **{**OPTIONS, **options})


LINK = a_link()
START = LINK.index("/photos/")


def follow(link: str, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    answer = asyncio.run(HOUSE.follow(link, method, headers=SIGNED if headers is None else headers))
    return answer.status, answer.body


def meaning(link: str) -> tuple[object, ...]:
    """What a link says, in whatever spelling: the key, and the parameters in any order."""
    path, _, query = link[START:].partition("?")
    pairs = (piece.partition("=") for piece in query.split("&") if piece)
    said = sorted(
        (unquote_plus(name, errors="surrogateescape"), unquote_plus(value, errors="surrogateescape"))
        for name, _, value in pairs
    )
    return unquote_plus(path, errors="surrogateescape"), tuple(said)


def assert_refused(status: int, body: bytes) -> None:
    assert status in (400, 403) or (status == 404 and b"<Code>NoSuchBucket</Code>" in body), status
    assert BODY not in body


def test_the_link_itself_works() -> None:
    assert follow(LINK) == (200, BODY)


@pytest.mark.soak(count(6000))
@settings(max_examples=count(6000))
@given(
    st.integers(START + 1, len(LINK) - 1),
    st.sampled_from(["put in", "replace", "leave out"]),
    st.sampled_from("%&=?+/;.~-_ 0159aAfFzZü#"),
)
@example(START, "put in", "/")
def test_any_change_of_its_text_is_refused_unless_it_says_the_same(place: int, what: str, letter: str) -> None:
    kept = LINK[place + 1 :] if what != "put in" else LINK[place:]
    changed = LINK[:place] + ("" if what == "leave out" else letter) + kept
    try:
        same = meaning(LINK) in (meaning(changed), meaning(changed.replace("+", "%2B")))
    except (UnicodeError, ValueError):
        same = False
    status, body = follow(changed)
    if same:
        assert (status, body) == (200, BODY)
    else:
        assert_refused(status, body)


@pytest.mark.soak(count(2000))
@settings(max_examples=count(2000))
@given(st.data())
def test_two_links_cannot_be_mixed(data: st.DataObject) -> None:
    """Any parameters of one link with the rest of another, of another key, region, start or end."""
    other = a_link(**data.draw(st.sampled_from([{"expires": 7200}, {"now": NOW - 60}, {"traffic_limit": 8_388_608_0}])))
    ours, theirs = (
        dict(piece.partition("=")[::2] for piece in link.partition("?")[2].split("&")) for link in (LINK, other)
    )
    taken = data.draw(st.sets(st.sampled_from(sorted(ours))))
    mixed = {name: theirs[name] if name in taken else ours[name] for name in ours}
    status, body = follow(f"{LINK.partition('?')[0]}?" + "&".join(f"{name}={value}" for name, value in mixed.items()))
    if mixed in (ours, theirs):
        assert (status, body) == (200, BODY)
    else:
        assert_refused(status, body)


@pytest.mark.parametrize("method", ["HEAD", "PUT", "POST", "DELETE", "get", "PATCH", "GETT"])
def test_another_method_is_refused(method: str) -> None:
    assert follow(LINK, method)[0] in (400, 403, 405)
    assert follow(LINK) == (200, BODY)


NAMES = st.sampled_from(
    ["x-oss-meta-a", "x-oss-range-behavior", "Content-Type", "Content-MD5", "user-agent", "X-OSS-Acl"]
)


@pytest.mark.soak(count(2000))
@settings(max_examples=count(2000))
@given(NAMES, st.text("abc standrcourie19=/;", max_size=12))
def test_signed_headers_must_come_as_signed_and_others_not_at_all(name: str, value: str) -> None:
    sent = {signed.lower(): text for signed, text in SIGNED.items()}
    changed = {**sent, name.lower(): value}
    status, body = follow(LINK, headers=changed)
    if {header: text.strip(" ") for header, text in changed.items()} == sent:
        assert (status, body) == (200, BODY)
    else:
        assert_refused(status, body)


@pytest.mark.parametrize("missing", list(SIGNED))
def test_a_signed_header_must_not_be_missing(missing: str) -> None:
    status, body = follow(LINK, headers={name: value for name, value in SIGNED.items() if name != missing})
    assert_refused(status, body)


@pytest.mark.soak(count(2000))
@settings(max_examples=count(2000))
@given(st.integers(-10_000, 10_000))
def test_it_works_within_its_time_only(offset_s: int) -> None:
    house = House(catalog=HOUSE.catalog, store=HOUSE.store, keyring=HOUSE.keyring, now=NOW + offset_s)
    answer = asyncio.run(house.follow(LINK, headers=SIGNED))
    if -900 <= offset_s <= 3600:
        assert answer.status == 200
    else:
        assert (answer.status, answer.text("Code")) == (403, "AccessDenied")


def test_another_secret_signs_nothing() -> None:
    wrong = HOUSE.link("GET", KEY).replace(OWNER.access_key_id, "StrangerKey")
    assert asyncio.run(HOUSE.follow(wrong)).refusal == (403, "SignatureDoesNotMatch")
