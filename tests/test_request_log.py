from __future__ import annotations

import io
import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from coatcheck.exchange import Exchange
from coatcheck.identity.caller import Caller, UsedLink
from coatcheck.request_log import RequestLog
from coatcheck.wire.query import read_query
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

from .oss.house import OWNER, House

NOW = 1_772_694_489


def logged(*entries: Exchange, everything: bool = True) -> str:
    out = io.StringIO()
    log = RequestLog(out, everything=everything)
    for entry in entries:
        log.note(entry)
    log.close()
    return out.getvalue()


async def never(_: Exchange) -> Reply:
    raise AssertionError("nobody asks")


def an_exchange(request: Request, status: int, request_id: str = "69A92BD9A1B2C3D4E5F60718") -> Exchange:
    """One that has ended, whole."""
    exchange = Exchange(request, request_id, NOW, never)
    exchange.reply, exchange.whole = Reply(status), True
    return exchange


def an_entry(key: str = "a.txt", status: int = 200, **facts: Any) -> Exchange:
    headers = {"host": "oss.test", "user-agent": "curl/8.5.0"}
    exchange = an_exchange(Request("GET", b"/", headers=headers, client="192.0.2.7"), status)
    fields = {"bucket": "photos", "key": key, "access_key_id": "ExampleKey", "operation": "get_object"}
    for name, value in (fields | facts).items():
        setattr(exchange, name, value)
    return exchange


def test_a_line_is_fields_in_a_fixed_order() -> None:
    line = logged(an_entry(status=404, refusal="NoSuchKey", sent_bytes=314))
    fields, _, rest = line.partition(" ms=")
    assert fields == (
        "time=2026-03-05T07:08:09.000Z request_id=69A92BD9A1B2C3D4E5F60718 client=192.0.2.7 method=GET "
        "operation=get_object bucket=photos key=a.txt access_key_id=ExampleKey status=404 refusal=NoSuchKey bytes=314 "
        "end=whole"
    )
    assert rest == "0.0 link=- host=oss.test agent=curl/8.5.0\n"


def test_refusals_are_always_logged_and_the_rest_if_asked_for() -> None:
    entries = [an_entry("fine"), an_entry("refused", status=403)]
    assert [line.split()[6] for line in logged(*entries, everything=False).splitlines()] == ["key=refused"]
    assert [line.split()[6] for line in logged(*entries).splitlines()] == ["key=fine", "key=refused"]


def test_a_reply_that_broke_off_is_always_logged() -> None:
    broken = an_entry(whole=False, sent_bytes=1000)
    assert " status=200 refusal=- bytes=1000 end=broken ms=" in logged(broken, everything=False)


def test_what_is_not_known_is_a_dash() -> None:
    line = logged(an_exchange(Request("GET", b"/"), 400))
    assert "operation=- bucket=- key=- access_key_id=- status=400 refusal=- " in line


@pytest.mark.parametrize(
    "key",
    [
        "a\nstatus=200",
        "a\r\n",
        "a status=200",
        '"',
        "a\u2028b",
        "\x1b[31m",
        "\udcff",
        "a\x00",
        "写 真",
        "a\x85b",
        "'\" ",
    ],
)
def test_a_key_cannot_fake_a_field_or_a_line(key: str) -> None:
    line = logged(an_entry(key))
    assert len(line.splitlines()) == 1
    assert line.isprintable() or line[:-1].isprintable()
    pieces = shlex.split(line.replace("\\'", ""))
    assert len(pieces) == 16
    assert pieces[8] == "status=200"


@given(st.text(), st.text())
def test_every_entry_is_one_line_of_printable_text(key: str, bucket: str) -> None:
    line = logged(an_entry(key, bucket=bucket))
    assert len(line.splitlines()) == 1
    assert line[:-1].isprintable()
    line.encode()


def as_json(*entries: Exchange) -> list[dict[str, Any]]:
    out = io.StringIO()
    log = RequestLog(out, everything=True, as_json=True)
    for entry in entries:
        log.note(entry)
    log.close()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_of_json_has_every_field() -> None:
    caller = Caller("1", "ExampleKey", by_link=True, signature="0a1b")
    link = UsedLink(caller, "photos", "a.txt", None)
    (line,) = as_json(an_entry(status=503, refusal="SlowDown", sent_bytes=314, whole=False, seconds=1.2345, link=link))
    assert line == {
        "time": "2026-03-05T07:08:09.000Z",
        "level": "error",
        "event": "request",
        "request_id": "69A92BD9A1B2C3D4E5F60718",
        "client": "192.0.2.7",
        "method": "GET",
        "host": "oss.test",
        "operation": "GetObject",
        "bucket": "photos",
        "key": "a.txt",
        "access_key_id": "ExampleKey",
        "link": "lk_tdknmf4szsvttakx6mhbjoj5",
        "status": 503,
        "code": "SlowDown",
        "bytes": 314,
        "end": "broken",
        "ms": 1234.5,
        "agent": "curl/8.5.0",
    }


@given(st.text(), st.text(), st.text())
def test_a_line_of_json_is_one_object_of_printable_text(key: str, host: str, agent: str) -> None:
    entry = an_entry(key)
    entry.request = replace(entry.request, headers={"host": host, "user-agent": agent})
    out = io.StringIO()
    log = RequestLog(out, everything=True, as_json=True)
    log.note(entry)
    log.close()
    line = out.getvalue()
    assert line[:-1].isprintable()
    line.encode()
    said = json.loads(line)
    for name, value in (("key", key), ("host", host), ("agent", agent)):
        if not any(mark in value for mark in "=:%"):
            assert said[name] == value


def test_keys_are_readable_in_both_formats() -> None:
    assert " key=写真/été.jpg " in logged(an_entry("写真/été.jpg"))
    assert ' key="写 真\\n\\u202e" ' in logged(an_entry("写 真\n\u202e"))
    assert [line["key"] for line in as_json(an_entry("写 真\n\u202e\x7f"))] == ["写 真\n\u202e\x7f"]


def test_only_errors_are_logged_where_only_errors_are_asked_for() -> None:
    out = io.StringIO()
    log = RequestLog(out, everything=True, errors_only=True)
    for entry in (an_entry("fine"), an_entry("refused", 403), an_entry("broken", whole=False), an_entry("error", 500)):
        log.note(entry)
    log.close()
    assert [line.split()[6] for line in out.getvalue().splitlines()] == ["key=error"]


SECRETS = st.text("ABCDEFGHabcdefgh0123456789/+_-", min_size=12, max_size=64)
PLACES = ("key", "host", "agent", "bucket", "method", "access_key_id", "refusal")
SHAPES = (
    "https://oss.test/photos/a.txt?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-signature={}&x-oss-expires=60",
    "a.txt?OSSAccessKeyId=ExampleKey&Expires=1&Signature={}",
    "a.txt%3FSignature%3D{}",
    "x-oss-signature={} ",
    "x-oss-security-token={}&a=b",
    "OSS4-HMAC-SHA256 Credential=ExampleKey/20260305/cn-hangzhou/oss/aliyun_v4_request,Signature={}",
    "OSS ExampleKey:{}",
    "Authorization: {}",
    "a=b&policy={}&c",
    "SIGNATURE = {}",
)


@given(SECRETS, st.sampled_from(PLACES), st.sampled_from(SHAPES), st.booleans())
def test_a_secret_that_a_client_puts_in_the_wrong_place_is_in_no_line(
    secret: str, place: str, shape: str, in_json: bool
) -> None:
    hostile = shape.format(secret)
    entry = an_entry()
    if place in ("host", "agent"):
        name = "user-agent" if place == "agent" else place
        entry.request = replace(entry.request, headers={**entry.request.headers, name: hostile})
    elif place == "method":
        entry.request = replace(entry.request, method=hostile)
    else:
        setattr(entry, place, hostile)
    assert secret not in (json.dumps(as_json(entry)) if in_json else logged(entry))


async def test_no_line_holds_a_secret_a_signature_or_a_query() -> None:
    house = await House().with_bucket()
    await house.put("/photos/a.txt")
    out = io.StringIO()
    log = RequestLog(out, everything=True)
    link = house.link("GET", "a.txt", query={"x-private": "hush-hush"})
    query = read_query(link.partition("?")[2].encode())
    for wrong in (False, True):
        path = b"/photos/b.txt" if wrong else b"/photos/a.txt"
        request = Request("GET", path, query, {"host": "127.0.0.1", "referer": link})
        exchange = Exchange(request, "id", house.now, house.services.answer, (log.note,))
        await exchange.answer()
        await exchange.end(5, whole=True)
    log.close()
    lines = out.getvalue()
    assert len(lines.splitlines()) == 2
    assert "status=200" in lines
    assert "refusal=SignatureDoesNotMatch" in lines
    for hidden in (query.get("x-oss-signature") or "missing", "hush-hush", OWNER.access_key_secret, "x-oss", "?"):
        assert hidden not in lines


def test_a_log_that_nobody_reads_any_more_stops_nothing() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    log = RequestLog(Closed(), everything=True)
    log.note(an_entry())
    log.note(an_entry())
    log.close()


def test_lines_beyond_what_can_be_written_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coatcheck.request_log.threading.Thread.start", lambda thread: None)
    out = io.StringIO()
    log = RequestLog(out, everything=True)
    entry = an_entry()
    for _ in range(20_003):
        log.note(entry)
    log._write_waiting()
    lines = out.getvalue().splitlines()
    assert (len(lines), lines.count("dropped=3")) == (20_001, 1)
    assert log.dropped == 3
