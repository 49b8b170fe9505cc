"""The service for owners of links: what they may do, what is refused, and what comes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest

from coatcheck import Presigner
from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.ports.keyring import AccessKey, Principal
from coatcheck.ports.refusals import Refusal

from ..oss.house import NOW, OWNER, REGION, STRANGER, House

NONCES = count()
HOME = OWNER.account


def a_policy(*actions: str, resource: str = "*", effect: str = "Allow") -> str:
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "1", "Statement": [statement]})


def a_user(name: str, *policies: str) -> AccessKey:
    uid = f"2{len(name):017}"
    return AccessKey(f"{name.title()}Key", f"{name}-secret", HOME, principal=Principal(uid, name, policies))


CLERK = a_user("clerk", a_policy("coatcheck:*", resource=f"acs:coatcheck:*:{HOME}:link/photos/2026/*"))
READER = a_user("reader", a_policy("oss:*"))


@pytest.fixture
async def house() -> House:
    house = House(keyring=MemoryKeyring(OWNER, STRANGER, CLERK, READER))
    await house.with_bucket()
    await house.put("/photos/2026/cat.jpg")
    return house


async def ask(
    house: House,
    method: str,
    path: str,
    document: Any = None,
    *,
    by: AccessKey | None = OWNER,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    body = b"" if document is None else json.dumps(document).encode()
    given = dict(headers or {})
    if method != "GET":
        given = {
            "x-oss-coatcheck-sha256": hashlib.sha256(body).hexdigest(),
            "x-oss-coatcheck-nonce": f"nonce{next(NONCES):016}",
        } | given
    answer = await house.ask(method, f"/.coatcheck/v1/{path}", body, given, by=by)
    return answer.status, json.loads(answer.body)


def link(by: AccessKey = OWNER, key: str = "2026/cat.jpg", **options: Any) -> str:
    presigner = Presigner(by.access_key_id, by.access_key_secret, region=REGION, endpoint="http://127.0.0.1")
    return str(presigner.presign("GET", "photos", key, **{"now": NOW, "expires": 3600, **options}))


def refused(answer: tuple[int, Any]) -> tuple[int, str]:
    status, document = answer
    return status, document["error"]["ec"]


async def test_a_link_is_registered_and_shown(house: House) -> None:
    limits = {"downloads": 3, "networks": ["192.0.2.0/24"], "starts_at": "2026-03-05T08:00:00Z", "note": "for Ben"}
    status, registered = await ask(house, "POST", "links", {"url": link(), **limits})
    assert status == 200
    assert registered["id"].startswith("lk_")
    assert registered == {
        "id": registered["id"],
        "state": "live",
        "access_key_id": "OwnerKey",
        "bucket": "photos",
        "key": "2026/cat.jpg",
        "note": "for Ben",
        "registered_at": "2026-03-05T07:08:09.000Z",
        "ends_at": "2026-03-05T08:08:09.000Z",
        "cancelled_at": None,
        "downloads": 3,
        "networks": ["192.0.2.0/24"],
        "starts_at": "2026-03-05T08:00:00.000Z",
        "rate_bits_per_s": None,
        "uses": 0,
        "bytes": 0,
        "broken": 0,
        "refused": 0,
        "last_use_at": None,
    }
    shown = await ask(house, "GET", f"links/{registered['id']}")
    assert shown == (200, registered | {"downloads_taken": 0, "running": 0})


async def test_registering_again_changes_the_limits(house: House) -> None:
    await ask(house, "POST", "links", {"url": link(), "downloads": 3})
    status, registered = await ask(house, "POST", "links", {"url": link(), "note": "any number"})
    assert (status, registered["downloads"], registered["note"]) == (200, None, "any number")


async def test_a_cancelled_link_stays_so(house: House) -> None:
    _, cancelled = await ask(house, "POST", "cancellations", {"url": link()})
    assert (cancelled["state"], cancelled["cancelled_at"]) == ("cancelled", "2026-03-05T07:08:09.000Z")
    _, registered = await ask(house, "POST", "links", {"url": link()})
    assert registered["state"] == "cancelled"
    house.now += 60
    assert (await ask(house, "DELETE", f"links/{cancelled['id']}"))[1] == cancelled


async def test_a_link_that_ended_can_be_cancelled(house: House) -> None:
    url = link()
    house.now += 7200
    status, cancelled = await ask(house, "POST", "cancellations", {"url": url})
    assert (status, cancelled["state"]) == (200, "cancelled")


async def test_an_id_is_enough_for_the_accounts_own_key(house: House) -> None:
    unseen = "lk_" + "a" * 24
    status, cancelled = await ask(house, "DELETE", f"links/{unseen}")
    assert (status, cancelled["state"], cancelled["bucket"]) == (200, "cancelled", "")
    assert refused(await ask(house, "DELETE", f"links/lk_{'b' * 24}", by=CLERK)) == (403, "9000-00000007")
    assert refused(await ask(house, "DELETE", f"links/{unseen}", by=STRANGER)) == (403, "9000-00000011")
    status, document = await ask(house, "DELETE", "links/lk_B")
    assert (status, document["error"]["code"]) == (400, "InvalidArgument")


async def test_an_unseen_link_gets_its_row_when_its_url_is_shown(house: House) -> None:
    _, registered = await ask(house, "POST", "links", {"url": link()})
    other = link(expires=1800)
    _, shown = await ask(house, "POST", "cancellations", {"url": other})
    assert shown["id"] != registered["id"]
    assert (shown["bucket"], shown["access_key_id"]) == ("photos", "OwnerKey")


async def test_links_are_listed_in_pages(house: House) -> None:
    ids = []
    for number in range(3):
        _, registered = await ask(house, "POST", "links", {"url": link(expires=60 + number)})
        ids.append(registered["id"])
    status, page = await ask(house, "GET", "links?limit=2")
    assert (status, [each["id"] for each in page["links"]], page["next"]) == (200, sorted(ids)[:2], sorted(ids)[1])
    _, rest = await ask(house, "GET", f"links?limit=2&after={page['next']}")
    assert ([each["id"] for each in rest["links"]], rest["next"]) == (sorted(ids)[2:], None)
    assert (await ask(house, "GET", "links?bucket=letters"))[1] == {"links": [], "next": None}


async def test_a_list_says_which_links_are_used_up(house: House) -> None:
    url = link()
    await ask(house, "POST", "links", {"url": url, "downloads": 1})
    await house.follow(url)
    _, page = await ask(house, "GET", "links")
    assert [(each["state"], each["downloads_taken"]) for each in page["links"]] == [("used up", 1)]


async def test_nobody_sees_the_links_of_others(house: House) -> None:
    _, registered = await ask(house, "POST", "links", {"url": link()})
    assert (await ask(house, "GET", "links", by=STRANGER))[1] == {"links": [], "next": None}
    assert refused(await ask(house, "GET", f"links/{registered['id']}", by=STRANGER)) == (404, "9000-00000008")
    assert refused(await ask(house, "GET", "links", by=READER)) == (403, "9000-00000007")


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("POST", "links", {"url": "LINK"}),
        ("POST", "cancellations", {"url": "LINK"}),
        ("POST", "rules", {"bucket": "photos", "prefix": "2026/"}),
        ("POST", "rules", {"bucket": "photos", "prefix": "2026/", "registered_only": True}),
    ],
)
async def test_having_a_link_is_not_enough(house: House, method: str, path: str, document: dict[str, Any]) -> None:
    named = {name: link() if value == "LINK" else value for name, value in document.items()}
    for by in (STRANGER, READER):
        assert refused(await ask(house, method, path, named, by=by)) == (403, "9000-00000007")
    assert (await ask(house, method, path, named, by=CLERK))[0] == 200
    assert house.links._links.keys() | house.links._rules.keys()


async def test_a_right_ends_where_its_prefix_ends(house: House) -> None:
    await house.put("/photos/2025/cat.jpg")
    elsewhere = link(key="2025/cat.jpg")
    assert refused(await ask(house, "POST", "links", {"url": elsewhere}, by=CLERK)) == (403, "9000-00000007")
    assert refused(await ask(house, "POST", "rules", {"bucket": "photos"}, by=CLERK)) == (403, "9000-00000007")


async def test_who_signed_a_link_may_cancel_it(house: House) -> None:
    status, _ = await ask(house, "POST", "cancellations", {"url": link(READER)}, by=READER)
    assert status == 200
    for path, document in (("cancellations", {"url": link(OWNER)}), ("rules", {"access_key_id": "OwnerKey"})):
        assert refused(await ask(house, "POST", path, document, by=READER)) == (403, "9000-00000007")
    assert (await ask(house, "POST", "rules", {"access_key_id": "ReaderKey"}, by=READER))[0] == 200


async def test_a_rule_has_the_later_of_both_times(house: House) -> None:
    scope = {"bucket": "photos", "prefix": "2026/"}
    _, rule = await ask(house, "POST", "rules", scope)
    assert rule == {
        "access_key_id": None,
        "bucket": "photos",
        "prefix": "2026/",
        "key": None,
        "cancelled_before": "2026-03-05T07:08:10.000Z",
        "registered_only": False,
        "made_at": "2026-03-05T07:08:09.000Z",
    }
    _, earlier = await ask(house, "POST", "rules", scope | {"signed_before": "2026-03-01T00:00:00+08:00"})
    assert earlier["cancelled_before"] == "2026-03-05T07:08:10.000Z"
    status, document = await ask(house, "POST", "rules", scope | {"signed_before": "2026-03-06T00:00:00Z"})
    assert (status, document["error"]["ArgumentName"]) == (400, "signed_before")


async def test_rules_are_listed_and_removed(house: House) -> None:
    for prefix in ("b", "a", ""):
        await ask(house, "POST", "rules", {"bucket": "photos", "prefix": prefix, "registered_only": True})
    _, page = await ask(house, "GET", "rules?limit=2")
    assert [rule["prefix"] for rule in page["rules"]] == [None, "a"]
    after = page["next"].replace("\n", "%0A")
    _, rest = await ask(house, "GET", f"rules?after={after}")
    assert ([rule["prefix"] for rule in rest["rules"]], rest["next"]) == (["b"], None)
    assert await ask(house, "DELETE", "rules", {"bucket": "photos", "prefix": "a"}) == (200, {})
    assert refused(await ask(house, "DELETE", "rules", {"bucket": "photos", "prefix": "a"})) == (404, "9000-00000009")


# --- hostile --------------------------------------------------------------------------------------------------------


async def test_a_request_that_was_sent_before_is_refused(house: House) -> None:
    nonce = {"x-oss-coatcheck-nonce": "0123456789abcdef"}
    assert (await ask(house, "POST", "links", {"url": link()}, headers=nonce))[0] == 200
    assert refused(await ask(house, "POST", "links", {"url": link()}, headers=nonce)) == (403, "9000-00000015")


@pytest.mark.parametrize("nonce", ["", "short", "0123456789abcde!", "a" * 65])
async def test_a_change_needs_a_nonce(house: House, nonce: str) -> None:
    headers = {"x-oss-coatcheck-nonce": nonce}
    assert refused(await ask(house, "POST", "links", {"url": link()}, headers=headers)) == (400, "9000-00000014")


@pytest.mark.parametrize("digest", ["", "0" * 64, "猫"])
async def test_a_change_signs_its_body(house: House, digest: str) -> None:
    headers = {"x-oss-coatcheck-sha256": digest}
    assert refused(await ask(house, "POST", "links", {"url": link()}, headers=headers)) == (400, "9000-00000013")


async def test_pages_and_links_have_no_way_in(house: House) -> None:
    headers = {"origin": "http://127.0.0.1"}
    assert refused(await ask(house, "GET", "links", headers=headers)) == (403, "9000-00000016")
    assert refused(await ask(house, "GET", "links", by=None)) == (403, "0003-00001201")
    assert (await house.follow(link().replace("/photos/2026/cat.jpg", "/.coatcheck/v1/links"))).status == 403


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://127.0.0.1/photos/cat.jpg",
        "http://127.0.0.1/photos/2026/cat.jpg",
        "http://127.0.0.1/photos/猫.jpg?x-oss-signature=1",
        "http:///photos/2026/cat.jpg?x-oss-signature=1",
        "http://[::1/photos",
        "javascript:alert(1)",
        "http://127.0.0.1/?x-oss-signature-version=OSS4-HMAC-SHA256",
        "http://example.com/photos/cat.jpg?Expires=1&OSSAccessKeyId=a&Signature=b",
        "http://127.0.0.1/" + "a" * 20_000,
    ],
)
async def test_what_is_no_link_is_refused(house: House, url: str) -> None:
    for path in ("links", "cancellations"):
        status, document = await ask(house, "POST", path, {"url": url})
        assert status in (400, 403), document
    assert house.links._links == {}


async def test_a_link_whose_signature_is_wrong_is_refused(house: House) -> None:
    url = link()
    wrong = url[:-4] + ("beef" if url[-4:] != "beef" else "f00d")
    status, document = await ask(house, "POST", "cancellations", {"url": wrong})
    assert (status, document["error"]["code"]) == (403, "SignatureDoesNotMatch")
    assert house.links._links == {}


@pytest.mark.parametrize(
    "document",
    [
        {"downloads": 0},
        {"downloads": True},
        {"downloads": 1.5},
        {"downloads": "3"},
        {"downloads": 10**9},
        {"networks": "192.0.2.0/24"},
        {"networks": ["192.0.2.1/24"]},
        {"networks": [7]},
        {"networks": ["192.0.2.0/24"] * 65},
        {"starts_at": "2026-03-05"},
        {"starts_at": "2026-03-05T08:00:00"},
        {"starts_at": 5},
        {"rate_bits_per_s": 1},
        {"note": "x" * 501},
        {"note": "\ud800"},
        {"method": "TRACE"},
        {"headers": ["a"]},
        {"headers": {"a": 1}},
        {"more": 1},
    ],
)
async def test_members_have_bounds(house: House, document: dict[str, Any]) -> None:
    status, answered = await ask(house, "POST", "links", {"url": link(), **document})
    assert (status, answered["error"]["code"]) == (400, "InvalidArgument"), answered
    assert house.links._links == {}


@pytest.mark.parametrize("body", [b"[", b"[]", b"7", b'{"url": NaN}', b'{"a": 1, "a": 2}', b"\xff", b"[" * 50_000])
async def test_what_is_no_document_is_refused(house: House, body: bytes) -> None:
    headers = {
        "x-oss-coatcheck-sha256": hashlib.sha256(body).hexdigest(),
        "x-oss-coatcheck-nonce": f"nonce{next(NONCES):016}",
    }
    answer = await house.ask("POST", "/.coatcheck/v1/links", body, headers)
    assert answer.status == 400


async def test_long_bodies_are_not_read_to_their_end(house: House) -> None:
    answer = await house.ask("POST", "/.coatcheck/v1/links", b"x" * (64 * 1024 + 1))
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (400, "EntityTooLarge")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "nothing", 404), ("GET", "links/a/b", 404), ("PUT", "links", 405), ("GET", "links/", 404)],
)
async def test_other_addresses_are_refused(house: House, method: str, path: str, status: int) -> None:
    answered, document = await ask(house, method, path)
    assert answered == status
    assert document["error"]["request_id"]


# --- refusals -------------------------------------------------------------------------------------------------------


class Kept:
    """Refusals that were kept."""

    async def find(self, request_id: str) -> Refusal | None:
        who = {"1" * 24: "OwnerKey", "2" * 24: "StrangerKey", "3" * 24: "ReaderKey", "4" * 24: "", "5" * 24: "NoKey"}
        if request_id not in who:
            return None
        reason = "You have no right to access this object."
        return Refusal(
            request_id, NOW, "GET", "", "photos", who[request_id], False, 403, "AccessDenied", "0003-01", reason, "Do."
        )


@pytest.fixture
async def telling() -> House:
    house = House(keyring=MemoryKeyring(OWNER, STRANGER, READER), refusals=Kept())
    return await house.with_bucket()


async def test_the_owner_of_a_key_learns_why_a_request_was_refused(telling: House) -> None:
    assert await ask(telling, "GET", f"refusals/{'1' * 24}") == (
        200,
        {
            "request_id": "111111111111111111111111",
            "time": "2026-03-05T07:08:09.000Z",
            "method": "GET",
            "operation": None,
            "bucket": "photos",
            "access_key_id": "OwnerKey",
            "signature_held": False,
            "status": 403,
            "code": "AccessDenied",
            "ec": "0003-01",
            "reason": "You have no right to access this object.",
            "hint": "Do.",
        },
    )
    assert (await ask(telling, "GET", f"refusals/{'3' * 24}"))[0] == 200
    assert (await ask(telling, "GET", f"refusals/{'3' * 24}", by=READER))[0] == 200


@pytest.mark.parametrize(
    ("number", "by"),
    [("2", OWNER), ("1", STRANGER), ("1", READER), ("4", OWNER), ("5", OWNER), ("6", OWNER)],
)
async def test_of_others_requests_nobody_learns_that_they_were(telling: House, number: str, by: AccessKey) -> None:
    assert refused(await ask(telling, "GET", f"refusals/{number * 24}", by=by)) == (404, "9000-00000040")
