"""A link that is nothing but a link is answered from what was made for all; and as any other request would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from coatcheck import Presigner
from coatcheck.ports.keyring import AccessKey
from coatcheck.ports.object import ObjectRecord
from coatcheck.wire.http1_writing import write_head
from coatcheck.wire.reply import Reply, WrittenHeaders

from .house import NOW, OWNER, STRANGER, Answer, House

MARK = {"x-unknown": "1"}  # a header that nobody knows makes a request one like all others
POLICY = (
    b'{"Version":"1","Statement":[{"Effect":"%s","Action":"oss:GetObject","Principal":["%s"],'
    b'"Resource":"acs:oss:*:*:photos/*"%s}]}'
)


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    await house.put("/photos/a.txt", b"hello", {"x-oss-meta-a": "b"})
    return house


def is_bare(answer: Answer) -> bool:
    """Whether it was answered with what was made for all."""
    return answer.trace.reply is not None and isinstance(answer.trace.reply.headers, WrittenHeaders)


def seen(answer: Answer) -> tuple[object, ...]:
    trace = answer.trace
    noted = (trace.operation, trace.bucket, trace.key, trace.access_key_id, trace.refusal, trace.logged)
    return answer.status, list(answer.headers.items()), answer.body, noted, trace.decided is not None


async def both_ways(house: House, url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """What a link gets the first time, and when it is known; and each time what it gets the other way."""
    for _ in range(3):
        bare = await house.follow(url, headers=headers)
        assert seen(bare) == seen(await house.follow(url, headers={**(headers or {}), **MARK}))
    return bare


async def test_reply_is_made_once_for_all_who_ask(house: House) -> None:
    answer = await both_ways(house, house.link("GET", "a.txt"))
    assert (answer.status, answer.body, answer.headers["x-oss-meta-a"]) == (200, b"hello", "b")
    other = await house.follow(
        house.link("GET", "a.txt", expires=60), headers={"User-Agent": "x", "Sec-Fetch-Mode": "cors"}
    )
    assert is_bare(answer)
    assert other.trace.reply is answer.trace.reply


@pytest.mark.parametrize(
    "headers",
    [
        {"range": "bytes=1-2"},
        {"if-none-match": '"5D41402ABC4B2A76B9719D911017C592"'},
        {"if-modified-since": "Thu, 01 Jan 2099 00:00:00 GMT"},
        {"origin": "http://a"},
        {"x-oss-traffic-limit": "819200"},
        {"content-type": "a/b"},
        {"x-oss-process": "image/info"},
    ],
)
async def test_any_header_that_may_have_a_say_goes_the_long_way(house: House, headers: dict[str, str]) -> None:
    assert not is_bare(await house.follow(house.link("GET", "a.txt"), headers=headers))


@pytest.mark.parametrize(
    "query", [{"response-content-type": "a/b"}, {"versionId": "null"}, {"x-oss-process": "image/info"}, {"x": "y"}]
)
async def test_any_parameter_of_its_own_goes_the_long_way(house: House, query: dict[str, str]) -> None:
    url = house.link("GET", "a.txt", query=query)
    for _ in range(3):
        assert not is_bare(await house.follow(url))


async def test_objects_of_all_kinds_are_answered_as_they_are_otherwise(house: House) -> None:
    await house.put("/photos/page.html", b"<p>", {"content-type": "text/html"})
    await house.put("/photos/text.txt", b"x" * 2000, {"content-type": "text/plain"})
    await house.put("/photos/old.txt", b"old", {"x-oss-storage-class": "IA", "content-disposition": "inline"})
    await house.put("/photos/cold.txt", b"cold", {"x-oss-storage-class": "Archive"})
    await house.put("/photos/kept.txt", b"kept", {"x-oss-server-side-encryption": "AES256"})
    await house.put("/photos/tagged.txt", b"tagged", {"x-oss-tagging": "a=b"})
    await house.put("/photos/large.bin", b"x" * 100_000)
    await house.ask("POST", "/photos/log?append&position=0", b"log")
    await house.ask("PUT", "/photos/way?symlink", headers={"x-oss-symlink-target": "a.txt"})
    statuses = {}
    for key in ("page.html", "text.txt", "old.txt", "cold.txt", "kept.txt", "tagged.txt", "large.bin", "log", "way"):
        for headers in ({}, {"accept-encoding": "gzip"}):
            statuses[key] = (await both_ways(house, house.link("GET", key), headers)).status
    assert [key for key, status in statuses.items() if status != 200] == ["cold.txt"]
    assert (await both_ways(house, house.link("GET", "none.txt"))).status == 404


async def test_settings_have_their_say() -> None:
    for options in ({"force_download": True}, {"gzip": False}, {"pages_host": "pages.example.com"}):
        house = await House(options=options).with_bucket()
        await house.put("/photos/page.html", b"<p>" * 1000, {"content-type": "text/html"})
        await house.put("/photos/a.txt", b"a" * 2000, {"content-type": "text/plain"})
        for key in ("page.html", "a.txt"):
            await both_ways(house, house.link("GET", key), {"accept-encoding": "gzip"})


async def test_documents_and_versions_of_the_bucket_have_their_say(house: House) -> None:
    url = house.link("GET", "a.txt")
    cors = b"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>%s"
    documents = {
        "referer": b"<RefererConfiguration><AllowEmptyReferer>false</AllowEmptyReferer><RefererList><Referer>http://a</Referer>"
        b"</RefererList></RefererConfiguration>",
        "cors": cors % b"</CORSRule></CORSConfiguration>",
        "versioning": b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    }
    for name, document in documents.items():
        assert (await house.ask("PUT", f"/photos/?{name}", document)).status == 200, name
        assert not is_bare(await both_ways(house, url))
    assert (await house.follow(url)).refusal == (403, "AccessDenied")  # no referer


async def test_permission_is_decided_each_time(house: House) -> None:
    stranger = Presigner(
        STRANGER.access_key_id, STRANGER.access_key_secret, region="cn-hangzhou", endpoint="http://127.0.0.1"
    )
    url = stranger.presign("GET", "photos", "a.txt", now=NOW).url
    assert (await both_ways(house, url)).refusal == (403, "AccessDenied")
    allow = POLICY % (b"Allow", STRANGER.account.encode(), b"")
    assert (await house.ask("PUT", "/photos/?policy", allow)).status == 200
    answer = await both_ways(house, url)
    assert (answer.body, is_bare(answer)) == (b"hello", True)
    only_there = POLICY % (
        b"Allow",
        STRANGER.account.encode(),
        b',"Condition":{"IpAddress":{"acs:SourceIp":"10.0.0.1"}}',
    )
    assert (await house.ask("PUT", "/photos/?policy", only_there)).status == 200
    assert (await both_ways(house, url)).refusal == (403, "AccessDenied")
    deny = POLICY % (b"Deny", OWNER.account.encode(), b"")
    assert (await house.ask("PUT", "/photos/?policy", deny)).status == 200
    assert (await both_ways(house, house.link("GET", "a.txt"))).refusal == (403, "AccessDenied")


async def test_a_region_or_key_that_is_another_goes_the_long_way(house: House) -> None:
    other = Presigner(
        OWNER.access_key_id, OWNER.access_key_secret, region="cn-hangzhou", endpoint="http://oss-cn-hangzhou.localhost"
    )
    assert (await both_ways(house, other.presign("GET", "photos", "a.txt", now=NOW).url)).body == b"hello"
    await house.keyring.add_key(AccessKey("Second", "secret", OWNER.account))
    second = Presigner("Second", "secret", region="cn-hangzhou", endpoint="http://127.0.0.1")
    assert (await both_ways(house, second.presign("GET", "photos", "a.txt", now=NOW).url)).body == b"hello"


async def test_another_object_is_another_reply(house: House) -> None:
    url = house.link("GET", "a.txt")
    await both_ways(house, url)
    await house.put("/photos/a.txt", b"new", {"x-oss-meta-a": "c"})
    answer = await both_ways(house, url)
    assert (answer.body, answer.headers["x-oss-meta-a"]) == (b"new", "c")


def test_of_a_record_made_from_another_nothing_is_known() -> None:
    record = ObjectRecord("a", "null", "Normal", 1, "", 0, 0, "default", "Standard", (), body=b"a")
    object.__setattr__(record, "made", "something")
    assert replace(record, body=b"b").made is None
    assert record == replace(record, size=1)


async def test_head_that_goes_out_is_the_one_of_the_same_headers(house: House) -> None:
    reply = (await house.follow(house.link("GET", "a.txt"))).trace.reply
    assert reply is not None
    assert type(reply.headers) is WrittenHeaders
    same = Reply(reply.status, tuple(reply.headers), reply.body)
    assert type(same.headers) is tuple
    one, two = (write_head(each, "5" * 24, NOW, 3, connection="close") for each in (reply, same))
    assert one == two
