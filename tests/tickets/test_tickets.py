"""Links that the server makes: what they give, to whom, for how long, and what they never give."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.ports.keyring import AccessKey, Principal
from coatcheck.request_log import RequestLog

from ..oss.house import NOW, OWNER, STRANGER, House
from .desk import a_house, call, make, refusal, use, with_password

HOME = OWNER.account
READER_POLICY = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": ["oss:GetObject"], "Resource": "acs:oss:*:*:photos/2026/*"},
            {"Effect": "Allow", "Action": "coatcheck:*", "Resource": "*"},
        ],
    }
)
READER = AccessKey(
    "ReaderKey", "reader-secret", HOME, principal=Principal("200000000000000001", "reader", (READER_POLICY,))
)


@pytest.fixture
async def house() -> House:
    return await a_house(House(keyring=MemoryKeyring(OWNER, STRANGER, READER)))


# --- one object -----------------------------------------------------------------------------------------------------


async def test_whoever_has_it_gets_the_object_as_oss_would_give_it(house: House) -> None:
    ticket = await make(house, note="for Ben")
    assert ticket["url"].startswith("http://127.0.0.1:8000/t/")
    answer = await use(house, ticket["url"])
    assert (answer.status, answer.body) == (200, b"0123456789")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["etag"] == '"781E5E245D69B566979B86E28D23F2C7"'
    assert answer.headers["content-disposition"] == 'attachment; filename="cat.jpg"'


async def test_replies_are_nobodys_but_the_receivers(house: House) -> None:
    answer = await use(house, (await make(house))["url"])
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers["vary"] == "accept, accept-language, sec-fetch-mode"


async def test_ranges_heads_and_conditions_work(house: House) -> None:
    url = (await make(house))["url"]
    part = await use(house, url, headers={"range": "bytes=2-4"})
    assert (part.status, part.body, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    head = await use(house, url, method="HEAD")
    assert (head.status, head.announced) == (200, 10)
    unmodified = await use(house, url, headers={"if-none-match": '"781E5E245D69B566979B86E28D23F2C7"'})
    assert unmodified.status == 304


async def test_its_name_may_follow_and_no_other(house: House) -> None:
    url = (await make(house, file_name="Katze 猫.jpg"))["url"]
    answer = await use(house, url, "/Katze%20%E7%8C%AB.jpg")
    assert answer.status == 200
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Katze _.jpg\"; filename*=UTF-8''Katze%20%E7%8C%AB.jpg"
    )
    assert refusal(await use(house, url, "/cat.jpg")) == (404, "9000-00000030")


async def test_a_browser_shows_it_if_its_maker_says_so(house: House) -> None:
    url = (await make(house, inline=True))["url"]
    assert (await use(house, url)).headers["content-disposition"] == 'inline; filename="cat.jpg"'
    assert (await use(house, url, "?download")).headers["content-disposition"] == 'attachment; filename="cat.jpg"'


async def test_it_lives_a_week_or_as_long_as_is_said(house: House) -> None:
    week = await make(house)
    assert week["ends_at"] == "2026-03-12T07:08:09.000Z"
    forever = await make(house, forever=True)
    assert forever["ends_at"] is None
    hour = await make(house, ends_at="2026-03-05T08:08:09Z")
    house.now = NOW + 3601
    assert refusal(await use(house, hour["url"])) == (410, "9000-00000021")
    house.now = NOW + 7 * 86_400 + 1
    assert (await use(house, week["url"])).status == 410
    house.now = NOW + 50 * 365 * 86_400
    assert (await use(house, forever["url"])).status == 200


async def test_nothing_else_of_a_request_counts(house: House) -> None:
    """Whoever has a ticket chooses no version, no process, no header of the reply."""
    url = (await make(house))["url"]
    answer = await use(house, url, "?response-content-type=text/html&versionId=x&x-oss-process=image/info&acl")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"0123456789", "image/jpeg")
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert (await use(house, url, method=method)).refusal == (405, "MethodNotAllowed")


async def test_one_use_is_one_use(house: House) -> None:
    ticket = await make(house, downloads=1)
    assert (await use(house, ticket["url"], method="HEAD")).status == 200
    assert (await use(house, ticket["url"])).status == 200
    assert refusal(await use(house, ticket["url"])) == (410, "9000-00000023")
    status, shown = await call(house, "GET", f"tickets/{ticket['id']}")
    assert (status, shown["state"], shown["downloads_taken"]) == (200, "used up", 1)


async def test_robots_that_preview_use_nothing_up(house: House) -> None:
    url = (await make(house, downloads=1))["url"]
    robot = {"user-agent": "Slackbot-LinkExpanding 1.0", "accept": "*/*", "range": "bytes=0-32768"}
    shown = await use(house, url, headers=robot)
    assert (shown.status, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"0123456789" not in shown.body
    assert (await use(house, url)).status == 200


async def test_start_and_networks_hold(house: House) -> None:
    url = (await make(house, starts_at="2026-03-05T08:00:00Z", networks=["192.0.2.0/28"]))["url"]
    assert refusal(await use(house, url)) == (403, "9000-00000003")
    house.now = NOW + 3600
    assert (await use(house, url)).status == 200
    assert refusal(await use(house, url, client="192.0.2.16")) == (403, "9000-00000004")


async def test_it_is_cancelled_like_any_link(house: House) -> None:
    ticket = await make(house)
    assert (await call(house, "DELETE", f"links/{ticket['id']}"))[1]["state"] == "cancelled"
    assert refusal(await use(house, ticket["url"])) == (410, "9000-00000022")


async def test_a_rule_cancels_those_that_were_made_before(house: House) -> None:
    old = await make(house)
    house.now = NOW + 10
    assert (await call(house, "POST", "rules", {"bucket": "photos", "prefix": "2026/"}))[0] == 200
    house.now = NOW + 20
    assert refusal(await use(house, old["url"])) == (410, "9000-00000022")
    assert (await use(house, (await make(house))["url"])).status == 200


async def test_links_that_the_server_made_are_registered(house: House) -> None:
    url = (await make(house))["url"]
    assert (await call(house, "POST", "rules", {"bucket": "photos", "registered_only": True}))[0] == 200
    assert (await use(house, url)).status == 200


# --- its maker's rights ---------------------------------------------------------------------------------------------


async def test_it_does_what_its_maker_may_at_that_moment(house: House) -> None:
    url = (await make(house, by=READER))["url"]
    assert (await use(house, url)).status == 200
    house.keyring.keys["ReaderKey"] = AccessKey(
        "ReaderKey", "reader-secret", HOME, principal=Principal("200000000000000001", "reader", ())
    )
    assert (await use(house, url)).refusal == (403, "AccessDenied")


@pytest.mark.parametrize("enabled", [False, None])
async def test_it_ends_with_the_key_that_made_it(house: House, enabled: bool | None) -> None:
    url = (await make(house, by=READER))["url"]
    if enabled is None:
        del house.keyring.keys["ReaderKey"]
    else:
        house.keyring.keys["ReaderKey"] = AccessKey("ReaderKey", "reader-secret", HOME, enabled=False)
    assert refusal(await use(house, url)) == (403, "9000-00000024")


async def test_nobody_shares_what_they_may_not_read(house: House) -> None:
    wanted = {"bucket": "photos", "key": "2027/none.txt"}
    assert (await call(house, "POST", "tickets", wanted, by=READER))[0] == 403
    assert (await call(house, "POST", "tickets", wanted, by=STRANGER))[0] == 403
    assert (await call(house, "POST", "tickets", {"bucket": "photos", "key": "nothing"}))[1]["error"]["code"] == (
        "NoSuchKey"
    )


async def test_a_policy_of_the_bucket_is_judged_on_the_receivers_request(house: House) -> None:
    policy = {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Deny",
                "Action": "oss:GetObject",
                "Principal": "*",
                "Resource": "acs:oss:*:*:photos/*",
                "Condition": {"IpAddress": {"acs:SourceIp": "198.51.100.0/24"}},
            }
        ],
    }
    url = (await make(house))["url"]
    assert (await house.ask("PUT", "/photos/?policy", json.dumps(policy).encode())).status == 200
    assert (await use(house, url)).status == 200
    assert (await use(house, url, client="198.51.100.1")).refusal == (403, "AccessDenied")


async def test_another_account_sees_nothing_of_it(house: House) -> None:
    ticket = await make(house)
    assert (await call(house, "GET", f"tickets/{ticket['id']}", by=STRANGER))[0] == 403
    assert (await call(house, "POST", f"tickets/{ticket['id']}", {"note": "mine"}, by=STRANGER))[0] == 403
    assert (await call(house, "GET", "links", by=STRANGER))[1]["links"] == []


# --- folders and lists ----------------------------------------------------------------------------------------------


async def test_a_folder_is_listed_and_its_files_are_got(house: House) -> None:
    url = (await make(house, prefix="2026"))["url"]
    listed = json.loads((await use(house, url, "/?list")).body)
    assert [(file["path"], file["size"]) for file in listed["files"]] == [
        ("b/bird.txt", 5),
        ("cat.jpg", 10),
        ("dog.txt", 4),
    ]
    assert listed["next"] is None
    assert (await use(house, url, "/b/bird.txt")).body == b"tweet"
    assert (await use(house, url, "/nothing")).refusal == (404, "NoSuchKey")


async def test_pages_of_a_folder_follow_each_other(house: House) -> None:
    url = (await make(house, prefix="2026/"))["url"]
    first = json.loads((await use(house, url, "/?list&limit=2")).body)
    rest = json.loads((await use(house, url, "/?" + urlencode({"list": "", "after": first["next"]}))).body)
    assert [file["path"] for file in first["files"] + rest["files"]] == ["b/bird.txt", "cat.jpg", "dog.txt"]


@pytest.mark.parametrize(
    "path",
    ["/../2027/none.txt", "/%2e%2e/2027/none.txt", "/..%2f2027/none.txt", "//2027/none.txt", "6.txt", "/6.txt"],
)
async def test_a_folder_gives_nothing_outside_of_it(house: House, path: str) -> None:
    """A path is a key behind the prefix, letter by letter; "2026" is the folder, not what begins so."""
    url = (await make(house, prefix="2026"))["url"]
    assert (await use(house, url, path)).status == 404


async def test_a_list_gives_what_it_names(house: House) -> None:
    url = (await make(house, keys=["2026/dog.txt", "2027/none.txt"]))["url"]
    listed = json.loads((await use(house, url, "/?list")).body)
    assert [file["path"] for file in listed["files"]] == ["2026/dog.txt", "2027/none.txt"]
    assert (await use(house, url, "/2027/none.txt")).body == b"not yet"
    assert refusal(await use(house, url, "/2026/cat.jpg")) == (404, "9000-00000030")


async def test_each_object_of_a_folder_has_uses_of_its_own(house: House) -> None:
    url = (await make(house, prefix="2026/", downloads=1))["url"]
    assert (await use(house, url, "/dog.txt")).status == 200
    assert (await use(house, url, "/cat.jpg")).status == 200
    assert refusal(await use(house, url, "/dog.txt")) == (410, "9000-00000023")


async def test_a_folder_whose_maker_may_not_list_shows_nothing(house: House) -> None:
    assert (await call(house, "POST", "tickets", {"bucket": "photos", "prefix": "2026/"}, by=READER))[0] == 403


# --- passwords ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "more", "method"),
    [
        ({}, "", "GET"),
        ({}, "", "HEAD"),
        ({}, "?download", "GET"),
        ({}, "/cat.jpg", "GET"),
        ({"prefix": "2026/"}, "/", "GET"),
        ({"prefix": "2026/"}, "/?list", "GET"),
        ({"prefix": "2026/"}, "/dog.txt", "GET"),
        ({"keys": ["2026/dog.txt"]}, "/2026/dog.txt", "GET"),
    ],
)
async def test_every_way_in_asks_for_the_password(house: House, wanted: dict[str, Any], more: str, method: str) -> None:
    url = (await make(house, password="Fünf Esel", **wanted))["url"]
    for headers in ({}, {"range": "bytes=0-1"}, {"if-none-match": "*"}):
        answer = await use(house, url, more, method, headers=headers)
        assert answer.status == 401, headers
        assert answer.headers["www-authenticate"] == 'Basic realm="coatcheck link", charset="UTF-8"'
        assert "etag" not in answer.headers
    assert (await use(house, url, more, method, headers=with_password("Fünf Esel"))).status == 200


async def test_a_browser_sends_it_once(house: House) -> None:
    url = (await make(house, password="swordfish"))["url"]
    form = {"content-type": "application/x-www-form-urlencoded"}
    wrong = await use(house, url, method="POST", headers=form, body=b"password=herring")
    assert refusal(wrong) == (401, "9000-00000026")
    right = await use(house, url, method="POST", headers=form, body=b"password=swordfish")
    path = "/t/" + url.rpartition("/")[2]
    assert (right.status, right.headers["location"]) == (303, path)
    cookie, *flags = right.headers["set-cookie"].split("; ")
    assert flags == [f"Path={path}", "Max-Age=3600", "HttpOnly", "SameSite=Strict"]
    assert (await use(house, url, headers={"cookie": cookie})).status == 200
    assert (
        await use(house, (await make(house, password="swordfish"))["url"], headers={"cookie": cookie})
    ).status == 401
    house.now += 3601
    assert (await use(house, url, headers={"cookie": cookie})).status == 401


async def test_another_password_locks_out_who_had_the_old_one(house: House) -> None:
    ticket = await make(house, password="old")
    form = {"content-type": "application/x-www-form-urlencoded"}
    right = await use(house, ticket["url"], method="POST", headers=form, body=b"password=old")
    cookie = {"cookie": right.headers["set-cookie"].partition(";")[0]}
    assert (await call(house, "POST", f"tickets/{ticket['id']}", {"password": "new"}))[1]["has_password"]
    assert (await use(house, ticket["url"], headers=cookie)).status == 401
    assert (await use(house, ticket["url"], headers=with_password("old"))).status == 401
    assert (await use(house, ticket["url"], headers=with_password("new"))).status == 200
    await call(house, "POST", f"tickets/{ticket['id']}", {"password": ""})
    assert (await use(house, ticket["url"])).status == 200


async def test_so_many_passwords_and_no_more(house: House) -> None:
    url = (await make(house, password="swordfish"))["url"]
    answers = [refusal(await use(house, url, headers=with_password(str(number)))) for number in range(21)]
    assert answers == [(401, "9000-00000026")] * 20 + [(429, "9000-00000027")]
    assert (await use(house, url, headers=with_password("swordfish"))).status == 429
    assert (await use(house, url, headers=with_password("swordfish"), client="192.0.2.8")).status == 200
    house.now += 15 * 60
    assert (await use(house, url, headers=with_password("swordfish"))).status == 200


# --- strangers ------------------------------------------------------------------------------------------------------


async def test_codes_cannot_be_guessed_at_will(house: House) -> None:
    url = (await make(house))["url"]
    for number in range(60):
        assert refusal(await use(house, "http://127.0.0.1:8000/t/", f"{number:022}".replace("0", "z")))[0] == 404
    assert refusal(await use(house, url)) == (429, "9000-00000029")
    assert (await use(house, url, client="192.0.2.8")).status == 200
    house.now += 60
    assert (await use(house, url)).status == 200


@pytest.mark.parametrize("path", ["", "x", "x" * 21, "x" * 23, "%78" * 22, "\u00e9" * 22, "../" * 8])
async def test_what_is_no_code_is_no_ticket(house: House, path: str) -> None:
    assert refusal(await use(house, f"http://127.0.0.1:8000/t/{path}"))[0] == 404


async def test_no_code_is_in_what_is_logged(house: House) -> None:
    url = (await make(house, password="swordfish"))["url"]
    code = url.rpartition("/")[2]
    for answer in (
        await use(house, url),
        await use(house, url, headers=with_password("swordfish")),
        await use(house, "http://127.0.0.1:8000/t/" + "z" * 22),
    ):
        exchange = answer.trace
        assert code.encode() not in exchange.request.raw_path
        assert "swordfish" not in str(exchange.request.headers) or exchange.refusal
        assert code not in repr(exchange.link)
        assert code.encode() not in answer.body


async def test_under_the_name_of_a_bucket_it_is_an_object(house: House) -> None:
    code = (await make(house))["url"].rpartition("/")[2]
    await house.put(f"/photos/t/{code}", b"mine")
    host = "photos.oss-cn-hangzhou.localhost"
    assert (await house.ask("GET", f"/t/{code}", host=host)).refusal[0] in (403, 404)
    assert (await use(house, f"http://{host}/t/{code}")).refusal == (403, "AccessDenied")


async def test_pages_can_have_a_host_of_their_own() -> None:
    house = await a_house(House(options={"pages_host": "links.example.com"}))
    url = (await make(house))["url"]
    assert url.startswith("http://links.example.com/t/")
    assert (await use(house, url)).status == 200
    assert (await use(house, url.replace("links.example.com", "127.0.0.1"))).refusal == (400, "InvalidBucketName")
    assert (await house.ask("GET", "/photos/2026/cat.jpg", host="links.example.com")).refusal == (404, "NoSuchRoute")


RUN = ["text/html", "text/html; charset=utf-8", "image/svg+xml", "APPLICATION/PDF", "application/xhtml+xml", "text/xml"]


@pytest.mark.parametrize("content_type", RUN)
async def test_what_browsers_run_is_confined_where_pages_are(house: House, content_type: str) -> None:
    """http://HOST/photos/x.html has the origin of http://HOST/t/CODE: it may neither run there nor read from there."""
    await house.put("/photos/x", b"<script>", {"content-type": content_type})
    assert (await house.ask("GET", "/photos/x")).headers["content-security-policy"] == "sandbox"
    elsewhere = await house.ask("GET", "/x", host="photos.oss-cn-hangzhou.localhost")
    assert "content-security-policy" not in elsewhere.headers
    apart = await a_house(House(options={"pages_host": "links.example.com"}))
    await apart.put("/photos/x", b"<script>", {"content-type": content_type})
    assert "content-security-policy" not in (await apart.ask("GET", "/photos/x")).headers


async def test_pictures_and_texts_are_not_confined(house: House) -> None:
    assert "content-security-policy" not in (await house.ask("GET", "/photos/2026/cat.jpg")).headers


async def test_a_log_names_a_ticket_by_its_own_id(house: House) -> None:
    """Not by what an ordinary link of that key and that code would be called."""
    ticket = await make(house)
    out = io.StringIO()
    log = RequestLog(out, everything=True)
    log.note((await use(house, ticket["url"])).trace)
    log.close()
    assert f" link={ticket['id']} " in out.getvalue()
