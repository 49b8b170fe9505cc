"""Ordinary links of any signer, cancelled, limited and counted by the server."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest
from msgspec.structs import replace

from coatcheck import Presigner
from coatcheck.identity.caller import Caller
from coatcheck.links.uses_text import read_uses
from coatcheck.ports.links import Limits, Link, Rule, Scope

from .house import NOW, OWNER, REGION, House
from .test_post_object import a_form, post

ROBOT = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    await house.put("/photos/2026/cat.jpg", b"0123456789")
    return house


def presigner(version: str = "v4") -> Presigner:
    return Presigner(
        OWNER.access_key_id,
        OWNER.access_key_secret,
        region=REGION,
        endpoint="http://127.0.0.1",
        signature_version=version,  # type: ignore[arg-type]
    )


def link(version: str = "v4", method: str = "GET", key: str = "2026/cat.jpg", **options: Any) -> str:
    return presigner(version).presign(method, "photos", key, **{"now": NOW, **options}).url


def id_of(url: str) -> str:
    """As whoever has a link can compute it."""
    query = dict(parse_qsl(url.partition("?")[2]))
    signature = query.get("x-oss-signature") or query["Signature"]
    return Caller(OWNER.account, OWNER.access_key_id, True, signature=signature).link


async def register(house: House, url: str, **limits: Any) -> str:
    link_id = id_of(url)
    row = Link(link_id, OWNER.account, OWNER.access_key_id, "photos", "2026/cat.jpg", NOW, limits=Limits(**limits))
    await house.links.change_link(link_id, lambda _: row)
    return link_id


async def cancel(house: House, link_id: str) -> None:
    row = await house.links.find_link(link_id)
    assert row is not None
    cancelled = replace(row, cancelled_at=NOW)
    await house.links.change_link(link_id, lambda _: cancelled)


async def ec_of(house: House, url: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    answer = await house.follow(url, method, headers=headers)
    return answer.status, "" if answer.status < 400 else answer.text("EC") or ""


@pytest.mark.parametrize("version", ["v4", "v1"])
async def test_a_cancelled_link_is_refused_from_the_next_request_on(house: House, version: str) -> None:
    url = link(version)
    link_id = await register(house, url)
    assert (await house.follow(url)).body == b"0123456789"
    await cancel(house, link_id)
    assert await ec_of(house, url) == (403, "9000-00000001")
    assert (await house.follow(link(version, expires=1800))).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_a_cancelled_link_is_refused_for_every_method(house: House, method: str) -> None:
    url = link(method=method)
    await cancel(house, await register(house, url))
    before = house.contents()
    assert (await house.follow(url, method)).status == 403
    assert house.contents() == before


@pytest.mark.parametrize("version", ["v4", "v1"])
@pytest.mark.parametrize(
    ("scope", "cancelled"),
    [
        (Scope(OWNER.access_key_id), True),
        (Scope("", "photos"), True),
        (Scope("", "photos", "2026/"), True),
        (Scope("", "photos", "2026/cat.jpg", True), True),
        (Scope("", "photos", "2026/cat", True), False),
        (Scope("", "photos", "2025/"), False),
        (Scope("StrangerKey"), False),
    ],
)
async def test_a_rule_cancels_links_that_nobody_has_seen(
    house: House, version: str, scope: Scope, cancelled: bool
) -> None:
    await house.links.put_rule(Rule(scope, OWNER.account, cancelled_before=NOW + 1))
    assert (await ec_of(house, link(version)))[0] == (403 if cancelled else 200)


async def test_links_signed_after_a_rule_work(house: House) -> None:
    await house.links.put_rule(Rule(Scope("", "photos"), OWNER.account, cancelled_before=NOW + 1))
    house.now += 60
    assert (await ec_of(house, link(now=NOW + 60)))[0] == 200


async def test_only_registered_links_work_where_a_rule_says_so(house: House) -> None:
    await house.links.put_rule(Rule(Scope("", "photos", "2026/"), OWNER.account, registered_only=True))
    url = link()
    assert await ec_of(house, url) == (403, "9000-00000005")
    await register(house, url)
    assert (await ec_of(house, url))[0] == 200
    assert (await house.ask("GET", "/photos/2026/cat.jpg")).status == 200


async def test_a_rule_is_not_for_who_signs_in_headers(house: House) -> None:
    await house.links.put_rule(Rule(Scope(OWNER.access_key_id), OWNER.account, cancelled_before=NOW + 1))
    assert (await house.ask("GET", "/photos/2026/cat.jpg")).status == 200


@pytest.mark.parametrize("version", ["v4", "v1"])
async def test_a_one_time_link_works_once(house: House, version: str) -> None:
    url = link(version)
    link_id = await register(house, url, downloads=1)
    first = await house.follow(url)
    assert (first.status, first.body) == (200, b"0123456789")
    assert first.headers["cache-control"] == "private, no-store"
    assert await ec_of(house, url) == (403, "9000-00000002")
    assert read_uses(await house.links.find_uses(link_id)).taken == 1


async def test_what_delivers_nothing_takes_no_use(house: House) -> None:
    url = link()
    link_id = await register(house, url, downloads=1)
    etag = (await house.ask("HEAD", "/photos/2026/cat.jpg")).headers["etag"]
    for headers, status in (
        ({"if-none-match": etag}, 304),
        ({"range": "bytes=90-99", "x-oss-range-behavior": "standard"}, 416),
        ({"if-match": '"other"'}, 412),
    ):
        assert (await house.follow(url, headers=headers)).status in (status, 403)
    assert await house.follow(url, "OPTIONS", headers={"origin": "http://a", "access-control-request-method": "GET"})
    assert read_uses(await house.links.find_uses(link_id)).taken == 0


async def test_ranges_of_one_receiver_are_one_use(house: House) -> None:
    url = link()
    await register(house, url, downloads=1)
    parts = [(await house.follow(url, headers={"range": f"bytes={at}-{at + 4}"})).body for at in (0, 5)]
    assert b"".join(parts) == b"0123456789"
    assert await ec_of(house, url) == (403, "9000-00000002")
    agent = {"user-agent": "another"}
    assert (await house.follow(url, headers={"range": "bytes=0-0", **agent})).status == 403


async def test_robots_take_no_use(house: House) -> None:
    url = link()
    await register(house, url, downloads=1)
    refused = await house.follow(url, headers={"user-agent": ROBOT})
    assert (refused.status, refused.text("EC")) == (403, "9000-00000006")
    assert (await house.follow(url)).status == 200


async def test_robots_may_have_what_is_not_counted(house: House) -> None:
    assert (await house.follow(link(), headers={"user-agent": ROBOT})).status == 200


async def test_a_limited_link_is_not_gzipped(house: House) -> None:
    await house.put("/photos/2026/cat.jpg", b"a" * 5000, {"content-type": "text/plain"})
    url = link()
    asked = {"accept-encoding": "gzip"}
    assert "content-encoding" in (await house.follow(url, headers=asked)).headers
    await register(house, url, downloads=1)
    answer = await house.follow(url, headers=asked)
    assert ("content-encoding" in answer.headers, len(answer.body)) == (False, 5000)


async def test_a_link_that_has_not_started_or_is_elsewhere_is_refused(house: House) -> None:
    url = link()
    await register(house, url, starts_at=NOW + 60)
    assert await ec_of(house, url) == (403, "9000-00000003")
    await register(house, url, networks=("192.0.2.0/24",))
    assert await ec_of(house, url) == (403, "9000-00000004")


async def test_an_object_of_nothing_is_counted_too(house: House) -> None:
    await house.put("/photos/2026/cat.jpg", b"")
    url = link()
    await register(house, url, downloads=1)
    assert (await house.follow(url)).status == 200
    assert await ec_of(house, url) == (403, "9000-00000002")


async def test_a_form_can_be_cancelled(house: House) -> None:
    form = presigner().post_form("photos", "2026/new.jpg", now=NOW)
    await house.links.put_rule(Rule(Scope("", "photos", "2026/"), OWNER.account, cancelled_before=NOW + 1))
    before = house.contents()
    answer = await post(house, a_form(form.fields))
    assert (answer.status, answer.text("EC")) == (403, "9000-00000001")
    assert house.contents() == before
