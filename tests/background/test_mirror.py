"""Mirrors: what a bucket doesn't have is fetched from another server, stored, and given, once at a time."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from coatcheck.background import mirror_run
from coatcheck.engines.fetcher import HttpFetcher
from coatcheck.ports.identities import StoredPolicy, User
from coatcheck.ports.keyring import AccessKey, Principal

from ..each import each
from ..origin import LOOPBACK, Origin, an_origin, ok, status
from ..oss.house import OWNER, Answer, House
from ..patience import until
from .test_acting import a_policy

ALICE = "201234567890123456"
LARGE = bytes(range(256)) * 8192  # 2 MiB


def a_rule(url: str, more: str = "", *, prefix: str = "") -> str:
    return (
        "<RoutingRule><RuleNumber>1</RuleNumber><Condition>"
        f"<KeyPrefixEquals>{prefix}</KeyPrefixEquals><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals>"
        f"</Condition><Redirect><RedirectType>Mirror</RedirectType><MirrorURL>{url}</MirrorURL>{more}</Redirect>"
        "</RoutingRule>"
    )


def a_website(*rules: str) -> bytes:
    return f"<WebsiteConfiguration><RoutingRules>{''.join(rules)}</RoutingRules></WebsiteConfiguration>".encode()


async def a_house(url: str, more: str = "", *, prefix: str = "", by: AccessKey = OWNER) -> House:
    house = await House(fetcher=HttpFetcher(LOOPBACK)).with_bucket()
    await put_rule(house, url, more, prefix=prefix, by=by)
    return house


async def put_rule(house: House, url: str, more: str = "", *, prefix: str = "", by: AccessKey = OWNER) -> None:
    answer = await house.ask("PUT", "/photos/?website", a_website(a_rule(url, more, prefix=prefix)), by=by)
    assert answer.status == 200, answer.body


async def test_a_missing_object_is_fetched_once_stored_and_given() -> None:
    async with an_origin(**{"in/a%20b": ok(b"hello", "Content-Type: text/plain", "x-oss-meta-a: 1")}) as origin:
        house = await a_house(origin.url("/in/"))
        for _ in range(2):
            got = await house.ask("GET", "/photos/a%20b")
            assert (got.status, got.body, got.headers["content-type"]) == (200, b"hello", "text/plain")
            assert got.headers["etag"] == '"5D41402ABC4B2A76B9719D911017C592"'
            assert "x-oss-meta-a" not in got.headers
    assert origin.paths == ["/in/a%20b"]
    assert origin.header("user-agent") == "aliyun-oss-mirror"


async def test_a_large_one_is_sent_while_it_is_stored() -> None:
    async with an_origin(large=ok(LARGE, "Content-Type: image/png")) as origin:
        house = await a_house(origin.url("/"))
        first = await house.ask("GET", "/photos/large")
        assert (first.status, first.body, first.headers["content-type"]) == (200, LARGE, "image/png")
        assert "etag" not in first.headers
        second = await house.ask("GET", "/photos/large")
        assert second.body == LARGE
        assert second.headers["etag"] == f'"{hashlib.md5(LARGE).hexdigest().upper()}"'
        part = await house.ask("GET", "/photos/large", headers={"range": "bytes=2-3"})
        assert (part.status, part.body) == (206, b"\x02\x03")
    assert len(origin.heard) == 1


async def test_a_range_of_a_missing_one_has_it_stored_whole() -> None:
    async with an_origin(large=ok(LARGE)) as origin:
        house = await a_house(origin.url("/"))
        part = await house.ask("GET", "/photos/large", headers={"range": "bytes=2-3"})
        assert (part.status, part.body) == (206, b"\x02\x03")
    assert origin.header("range") is None


async def test_who_asks_meanwhile_waits_and_one_who_leaves_changes_nothing() -> None:
    async with an_origin(large=ok(LARGE)) as origin:
        origin.held.add("/large")
        house = await a_house(origin.url("/"))
        first = asyncio.create_task(house.ask("GET", "/photos/large"))
        await until(lambda: origin.heard)
        others = [asyncio.create_task(house.ask("GET", "/photos/large")) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        origin.released.set()
        assert [answer.body == LARGE for answer in await asyncio.gather(*others)] == [True] * 3
    assert len(origin.heard) == 1


async def test_one_who_waits_too_long_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_run, "MIRROR_WAIT_S", 0.01)
    async with an_origin(a=ok(b"hello")) as origin:
        origin.held.add("/a")
        house = await a_house(origin.url("/"))
        first = asyncio.create_task(house.ask("GET", "/photos/a"))
        await until(lambda: origin.heard)
        assert (await house.ask("GET", "/photos/a")).refusal == (503, "ServiceUnavailable")
        origin.released.set()
        assert (await first).body == b"hello"


async def test_so_many_are_mirrored_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_run, "MIRRORS_OF_BUCKET", 1)
    async with an_origin(a=ok(b"hello"), b=ok(b"world")) as origin:
        origin.held.add("/a")
        house = await a_house(origin.url("/"))
        first = asyncio.create_task(house.ask("GET", "/photos/a"))
        await until(lambda: origin.heard)
        assert (await house.ask("GET", "/photos/b")).refusal == (503, "ServiceUnavailable")
        origin.released.set()
        assert (await first).body == b"hello"
        assert (await house.ask("GET", "/photos/b")).body == b"world"


BROKEN = {
    "fault": status(500),
    "forbidden": status(403),
    "part": b"HTTP/1.1 206 Partial\r\nContent-Length: 1\r\n\r\nx",
    "less than announced": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
    "no HTTP": b"nonsense\r\n\r\n",
    "another digest": ok(b"hello", "Content-MD5: " + base64.b64encode(hashlib.md5(b"x").digest()).decode()),
    "a digest that is none": ok(b"hello", "Content-MD5: x"),
    "inside": status(302, "Location: http://[::1]/"),
    "round": status(302, "Location: /a"),
}


@each(BROKEN)
async def test_what_cannot_be_had_is_said_and_nothing_is_stored(case: str) -> None:
    async with an_origin(a=BROKEN[case]) as origin:
        house = await a_house(origin.url("/"), "<MirrorCheckMd5>true</MirrorCheckMd5>")
        before = house.contents()
        assert (await house.ask("GET", "/photos/a")).refusal == (424, "MirrorFailed")
        assert house.contents() == before
        origin.answers["/a"] = ok(b"hello")
        assert (await house.ask("GET", "/photos/a")).body == b"hello"


async def test_a_large_one_that_breaks_off_breaks_off_and_is_not_stored() -> None:
    async with an_origin(large=ok(LARGE)[:-1]) as origin:
        house = await a_house(origin.url("/"))
        before = house.contents()
        with pytest.raises(Exception):  # noqa: B017  how a reply breaks off is the connection's business
            await house.ask("GET", "/photos/large")
        assert house.contents() == before


async def test_what_the_other_server_has_not_either_is_missing() -> None:
    async with an_origin() as origin:
        house = await a_house(origin.url("/"))
        assert (await house.ask("GET", "/photos/a")).refusal == (404, "NoSuchKey")


async def test_a_second_server_is_asked_where_the_first_fails() -> None:
    async with an_origin(a=status(500), b=status(403)) as origin, an_origin(a=ok(b"a"), b=ok(b"b")) as other:
        slave = f"<MirrorURLSlave>{other.url('/')}</MirrorURLSlave>"
        house = await a_house(origin.url("/"), slave)
        assert (await house.ask("GET", "/photos/a")).body == b"a"
        assert (await house.ask("GET", "/photos/b")).refusal == (424, "MirrorFailed")
        await put_rule(house, origin.url("/"), f"{slave}<MirrorSwitchAllErrors>true</MirrorSwitchAllErrors>")
        assert (await house.ask("GET", "/photos/b")).body == b"b"


def alternates(*urls: str) -> str:
    """Numbered backwards, for they may stand in any order."""
    one = "<MirrorMultiAlternate><MirrorMultiAlternateNumber>{}</MirrorMultiAlternateNumber>" + (
        "<MirrorMultiAlternateURL>{}</MirrorMultiAlternateURL></MirrorMultiAlternate>"
    )
    listed = [one.format(number, url) for number, url in enumerate(urls, 1)]
    return f"<MirrorMultiAlternates>{''.join(reversed(listed))}</MirrorMultiAlternates>"


async def test_more_servers_are_asked_in_the_order_of_their_numbers() -> None:
    async with an_origin(a=status(500)) as origin, an_origin(a=ok(b"third")) as third, an_origin(a=ok(b"no")) as last:
        more = f"<MirrorURLSlave>{origin.url('/')}</MirrorURLSlave>{alternates(third.url('/'), last.url('/'))}"
        house = await a_house(origin.url("/"), more)
        assert (await house.ask("GET", "/photos/a")).body == b"third"
        assert (len(origin.paths), len(third.paths), len(last.paths)) == (2, 1, 0)
        shown = (await house.ask("GET", "/photos/?website")).xml.findall(".//MirrorMultiAlternate")
        assert [[child.text for child in each] for each in shown] == [["2", last.url("/")], ["1", third.url("/")]]


async def test_an_answer_that_is_to_be_seen_is_given_as_it_is_and_not_stored() -> None:
    long = b"HTTP/1.1 410 x\r\nContent-Length: 65537\r\n\r\n" + b"x" * 65537
    page = b"HTTP/1.1 404 x\r\nContent-Type: text/html\r\nSet-Cookie: a=b\r\nContent-Length: 4\r\n\r\n<p/>"
    async with an_origin(a=page, b=status(403), c=long) as origin:
        house = await a_house(
            origin.url("/"), "<TransparentMirrorResponseCodes>404, 410</TransparentMirrorResponseCodes>"
        )
        before = house.contents()
        got = await house.ask("GET", "/photos/a")
        assert (got.status, got.body, got.headers["content-type"]) == (404, b"<p/>", "text/html")
        assert got.headers["content-security-policy"] == "sandbox"
        assert "set-cookie" not in got.headers
        for other in "bc":
            assert (await house.ask("GET", f"/photos/{other}")).refusal == (424, "MirrorFailed")
        assert house.contents() == before


REFUSED = {
    "MirrorAuth": "<MirrorAuth><AuthType>S3V4</AuthType></MirrorAuth>",
    "MirrorProxyPass": "<MirrorProxyPass>true</MirrorProxyPass>",
    "MirrorDstRegion": "<MirrorDstRegion>cn-beijing</MirrorDstRegion>",
    "MirrorTaggings": "<MirrorTaggings><Taggings><Key>a</Key></Taggings></MirrorTaggings>",
    "MirrorMultiAlternateVpcId": (
        "<MirrorMultiAlternates><MirrorMultiAlternate><MirrorMultiAlternateVpcId>v</MirrorMultiAlternateVpcId>"
        "</MirrorMultiAlternate></MirrorMultiAlternates>"
    ),
}


@each(REFUSED)
async def test_what_is_not_built_is_refused_with_the_reason(name: str) -> None:
    house = await House().with_bucket()
    answer = await house.ask("PUT", "/photos/?website", a_website(a_rule("http://a.example/", REFUSED[name])))
    assert answer.refusal == (400, "NotImplemented")
    assert (answer.text("Message") or "").startswith(f"{name} is not built. ")
    for nothing in (f"<{name}/>", f"<{name}>false</{name}>"):
        if name != "MirrorMultiAlternateVpcId":
            await put_rule(house, "http://a.example/", nothing)


@pytest.mark.parametrize(
    "element",
    [
        "<TransparentMirrorResponseCodes>200</TransparentMirrorResponseCodes>",
        "<TransparentMirrorResponseCodes>404;500</TransparentMirrorResponseCodes>",
        alternates("http://a.example/").replace(">1<", ">0<"),
        alternates("http://a.example/no-slash"),
        alternates(*["http://a.example/"] * 11),
        alternates("http://a.example/", "http://b.example/").replace(">2<", ">1<"),
    ],
)
async def test_what_a_rule_cannot_mean_is_refused(element: str) -> None:
    house = await House().with_bucket()
    answer = await house.ask("PUT", "/photos/?website", a_website(a_rule("http://a.example/", element)))
    assert answer.refusal == (400, "InvalidArgument")


async def test_a_redirect_that_is_not_followed_is_the_client_s() -> None:
    async with an_origin(a=status(302, "Location: http://files.example.com/a")) as origin:
        house = await a_house(origin.url("/"), "<MirrorFollowRedirect>false</MirrorFollowRedirect>")
        got = await house.ask("GET", "/photos/a")
    assert (got.status, got.headers["location"]) == (302, "http://files.example.com/a")


async def test_only_what_the_rule_means_is_fetched() -> None:
    async with an_origin(**{"new/a": ok(b"hello")}) as origin:
        house = await a_house(origin.url("/"), "<ReplaceKeyPrefixWith>new/</ReplaceKeyPrefixWith>", prefix="old/")
        assert (await house.ask("GET", "/photos/old/a")).body == b"hello"
        assert (await house.ask("GET", "/photos/a")).refusal == (404, "NoSuchKey")
        assert (await house.ask("HEAD", "/photos/old/b")).status == 404
        assert (await house.ask("GET", "/photos/old/b?versionId=null")).refusal == (404, "NoSuchVersion")
        assert (await house.ask("GET", "/photos/old/c", by=None)).refusal == (403, "AccessDenied")
    assert origin.paths == ["/new/a"]


async def test_head_may_fetch_too_and_so_may_anybody_where_the_bucket_is_public() -> None:
    async with an_origin(a=ok(b"hello"), b=ok(b"world")) as origin:
        house = await a_house(origin.url("/"), "<MirrorAllowHeadObject>true</MirrorAllowHeadObject>")
        head = await house.ask("HEAD", "/photos/a")
        assert (head.status, head.announced) == (200, 5)
        assert (await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": "public-read"})).status == 200
        assert (await house.ask("GET", "/photos/b", by=None)).body == b"world"
        assert (await house.ask("GET", "/photos/?acl")).text("AccessControlList/Grant") == "public-read"


async def test_what_is_passed_on_holds_no_credential_of_ours() -> None:
    headers = (
        "<MirrorPassQueryString>true</MirrorPassQueryString><MirrorHeaders><PassAll>true</PassAll>"
        "<Remove>Cookie</Remove><Set><Key>X-From</Key><Value>us</Value></Set></MirrorHeaders>"
    )
    async with an_origin(a=ok(b"hello"), b=ok(b"hello")) as origin:
        house = await a_house(origin.url("/"), headers)
        sent = {"cookie": "a=b", "x-mine": "1", "x-from": "them", "referer": "http://a/"}
        assert (await house.ask("GET", "/photos/a?colour=red", headers=sent)).body == b"hello"
        named = {line.partition(":")[0].lower() for line in origin.heard[0].split("\r\n")[1:] if line}
        assert named == {
            *("host", "accept", "accept-encoding", "user-agent", "connection", "cdn-loop"),
            *("x-mine", "x-from", "referer"),
        }
        assert origin.header("x-from") == "us"
        link = house.link("GET", "b")
        assert (await house.follow(f"{link}&colour=red")).status in (200, 403)
        assert (await house.follow(link)).body == b"hello"
    assert origin.paths[0] == "/a?colour=red"
    assert origin.paths[1:] == ["/b"]


async def test_a_mirror_of_itself_ends() -> None:
    """A server that asks this one, which asks it again: the second time is refused, and doesn't wait for the first."""
    async with an_origin() as origin:
        house = await a_house(origin.url("/"))
        seen: list[Answer] = []
        origin.serve = _leading_back(origin, house, seen)  # type: ignore[method-assign, assignment]
        server = await asyncio.start_server(origin.serve, "127.0.0.1", 0)
        await put_rule(house, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        assert (await house.ask("GET", "/photos/a")).refusal == (424, "MirrorFailed")
        assert [answer.refusal for answer in seen] == [(424, "MirrorFailed")]
        assert "leads back" in (seen[0].text("Message") or "")
        server.close()


def _leading_back(
    origin: Origin, house: House, seen: list[Answer]
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        origin.heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        answer = await house.ask("GET", "/photos/a", headers={"cdn-loop": origin.header("cdn-loop") or ""})
        seen.append(answer)
        writer.write(status(answer.status))
        await writer.drain()
        writer.close()

    return serve


async def test_who_set_it_up_is_decided_on_each_time(caplog: pytest.LogCaptureFixture) -> None:
    async with an_origin(a=ok(b"a"), b=ok(b"b")) as origin:
        house = await a_house("http://files.example.com/")
        identities = house.identities
        await identities.add_user(User(ALICE, OWNER.account, "alice", 1))
        policies = (a_policy("oss:PutBucketWebsite"), a_policy("oss:PutObject"))
        for number, text in enumerate(policies):
            await identities.put_policy(StoredPolicy(OWNER.account, f"p{number}", text, 1), replace=False)
            await identities.attach(OWNER.account, f"p{number}", user="alice")
        alice = AccessKey("AliceKey", "alice-secret", OWNER.account, principal=Principal(ALICE, "alice", policies))
        house.keyring.keys[alice.access_key_id] = alice
        await put_rule(house, origin.url("/"), by=alice)
        assert (await house.ask("GET", "/photos/a")).body == b"a"
        await identities.detach(OWNER.account, "p1", user="alice")
        with caplog.at_level(logging.WARNING, "coatcheck"):
            assert (await house.ask("GET", "/photos/b")).refusal == (424, "MirrorFailed")
        assert "stopped: mirror bucket=photos: AccessDenied: " in caplog.text
    assert origin.paths == ["/a"]


async def test_a_bucket_with_versions_does_not_mirror() -> None:
    house = await a_house("http://files.example.com/")
    enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    assert (await house.ask("PUT", "/photos/?versioning", enabled)).status == 200
    assert (await house.ask("GET", "/photos/a")).refusal == (424, "MirrorFailed")
    refused = await house.ask("PUT", "/photos/?website", a_website(a_rule("http://files.example.com/")))
    assert refused.refusal == (400, "InvalidArgument")


async def test_an_address_inside_is_refused_and_said(caplog: pytest.LogCaptureFixture) -> None:
    house = await a_house("http://10.0.0.1/")
    with caplog.at_level(logging.WARNING, "coatcheck"):
        assert (await house.ask("GET", "/photos/a")).refusal == (424, "MirrorFailed")
    assert "stopped: mirror bucket=photos: the address is private" in caplog.text
