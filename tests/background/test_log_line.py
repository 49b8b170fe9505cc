"""A line of an access log: OSS's fields in OSS's order, nothing in it that a stranger could act with or fake."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.background.log_line import LogEntry, entry_of, write_line
from coatcheck.configurations.log_fields import LogFields, to_json
from coatcheck.exchange import Logged, LogPlace
from coatcheck.wire.query import NO_QUERY, Parameter, Query, make_query, read_query

from ..oss.house import ANYBODY, OWNER, House
from ..oss.test_bucket_logging import FIELDS, enabled

AGENT = {"user-agent": "curl/8", "referer": "http://a.example/page"}
CHOSEN = (
    b"<UserDefinedLogFieldsConfiguration><HeaderSet><header>X-Trace</header></HeaderSet>"
    b"<ParamSet><parameter>tenant</parameter></ParamSet></UserDefinedLogFieldsConfiguration>"
)


async def a_house() -> House:
    house = await (await House().with_bucket()).with_bucket("logs")
    assert (await house.ask("PUT", "/photos/?logging", enabled("logs"))).status == 200
    return house


def line_of(answer: Any) -> str:
    answer.trace.seconds = 0.0204
    if answer.trace.logged is not None:
        answer.trace.logged.cost_s = 0.0186
    entry = entry_of(answer.trace)
    assert entry is not None
    return write_line(entry).decode("ascii")


def an_entry(fields: str = "", **more: Any) -> LogEntry:
    logged = Logged(LogPlace("{}", fields, "1"))
    nothing: dict[str, Any] = {"bucket": "photos", "logged": logged, "client": "192.0.2.1", "ended_at": 0}
    nothing |= {"method": "GET", "path": b"/a", "version": "1.1", "headers": {}, "status": 200}
    nothing |= {"sent_bytes": 0, "seconds": 0, "request_id": "R", "operation": ""}
    nothing |= {"key": "a", "refusal": "", "access_key_id": ""}
    given: Query = more.pop("query", NO_QUERY)
    plain = given.canonical is None
    nothing |= {"parameters": given.parameters if plain else (), "link": b"" if plain else given.raw}
    return LogEntry(**(nothing | {"query": given.first} | more))


async def test_the_fields_of_a_download_in_their_order() -> None:
    house = await a_house()
    await house.put("/photos/a%20b.txt", b"hello")
    answer = await house.ask("GET", "/photos/a%20b.txt", headers=AGENT)
    assert line_of(answer) == (
        '- - - [05/Mar/2026:07:08:09 +0000] "GET /photos/a%20b.txt HTTP/1.1" 200 5 20 "http://a.example/page" "curl/8"'
        ' "127.0.0.1:8000" "69A92BD9A1B2C3D4E5F60718" "true" "1000000000000001" "GetObject" "photos" "a%20b.txt" 5 19'
        ' "-" 0 "1000000000000001" - "-" "standard" "-" "-" "OwnerKey"\n'
    )


async def test_an_upload_and_a_refusal() -> None:
    house = await a_house()
    put = line_of(await house.ask("PUT", "/photos/a", b"hello"))
    assert '"PutObject" "photos" "a" 5 19 "-" 5 "1000000000000001" - "-" "-" "-" "-" "OwnerKey"' in put
    refused = line_of(await house.ask("GET", "/photos/a", by=ANYBODY))
    assert '" 403 ' in refused
    assert '"true" "-" "GetObject" "photos" "a" 5 19 "AccessDenied" 0' in refused
    forged = line_of(await house.ask("GET", "/photos/a", by=OWNER.__class__("OwnerKey", "guessed", OWNER.account)))
    assert '"SignatureDoesNotMatch"' in forged


async def test_a_bucket_without_a_log_leaves_nothing() -> None:
    house = await a_house()
    assert entry_of((await house.ask("GET", "/logs/a")).trace) is None
    await house.ask("PUT", "/photos/?logging", b"<BucketLoggingStatus></BucketLoggingStatus>")
    assert entry_of((await house.ask("GET", "/photos/a")).trace) is None


async def test_a_link_can_not_be_made_from_the_log() -> None:
    house = await a_house()
    link = house.link("GET", "a")
    line = line_of(await house.follow(link))
    assert "x-oss-signature=- " in line.replace("&", " ").replace(" HTTP", " ")
    assert "x-oss-credential=OwnerKey" in line
    secret = re.search("x-oss-signature=([0-9a-f]{64})", link)
    assert secret is not None
    assert secret[1] not in line
    referring = line_of(await house.ask("GET", "/photos/a", headers={"referer": link}))
    assert secret[1] not in referring
    assert "x-oss-expires" in referring


SECRET_PARAMETERS = ("Signature", "x-oss-signature", "security-token", "x-oss-security-token", "policy", "SIGNATURE")


@pytest.mark.parametrize("name", SECRET_PARAMETERS)
def test_what_gives_a_right_is_not_written(name: str) -> None:
    query = read_query(f"{name}=s3cret&b=c%20d".encode())
    line = write_line(an_entry(query=query, headers={"referer": f"http://a/?{name}=s3cret#x"})).decode()
    assert f'"GET /a?{name}=-&b=c%20d HTTP/1.1"' in line
    assert "s3cret" not in line


LINK = b"x-oss-credential=a%2Fb&x-oss-date=20260305T070809Z&x-oss-expires=60"


@pytest.mark.parametrize(
    ("query", "written"),
    [
        (LINK + b"&x-oss-signature=0a1b", LINK + b"&x-oss-signature=-"),
        (
            b"x-oss-signature=0a1b&" + LINK + b"&x-oss-security-token=s3",
            b"x-oss-signature=-&" + LINK + b"&x-oss-security-token=-",
        ),
        (LINK + b"&x-oss-signature=0a1b&" + b"n" * 65 + b"=s3", LINK + b"&x-oss-signature=-&" + b"n" * 65 + b"=-"),
        (LINK + b"&x-oss-signature=0a1b&b=c+d", LINK + b"&x-oss-signature=-&b=c%20d"),
    ],
)
def test_a_link_is_written_as_it_came_but_for_its_secrets(query: bytes, written: bytes) -> None:
    assert f'"GET /a?{written.decode()} HTTP/1.1"' in write_line(an_entry(query=read_query(query))).decode()


def test_a_sub_resource_of_that_name_stays() -> None:
    assert '"GET /a?policy HTTP/1.1"' in write_line(an_entry(query=read_query(b"policy"))).decode()


async def test_chosen_fields_stand_at_the_end() -> None:
    house = await a_house()
    assert (await house.ask("PUT", FIELDS, CHOSEN)).status == 200
    line = line_of(await house.ask("GET", "/photos/a?tenant=blue", headers={"x-trace": "17"}))
    chosen = json.loads(b64decode(line.split()[-1].strip('"')))
    assert chosen == {"truncated": False, "headers": {"X-Trace": "17"}, "querys": {"tenant": "blue"}}


def test_chosen_fields_are_cut() -> None:
    fields = to_json(LogFields(("x-long", "x-more"), ("p",)))
    entry = an_entry(fields=fields, headers={"x-long": "é" * 2000, "x-more": "m"}, query=read_query(b"p=q"))
    chosen = json.loads(b64decode(write_line(entry).split()[-1].strip(b'"')))
    assert chosen["truncated"]
    assert chosen["headers"]["x-long"] == "é" * 509  # 6 bytes of the 1024 are the name
    assert chosen["headers"]["x-more"] == ""


def test_a_secret_that_was_chosen_before_it_was_refused_is_not_written() -> None:
    entry = an_entry(fields=to_json(LogFields(("Authorization",), ("Signature",))), headers={"authorization": "s3cret"})
    assert json.loads(b64decode(write_line(entry).split()[-1].strip(b'"')))["headers"] == {}


@pytest.mark.parametrize(
    ("kind", "child", "name"),
    [
        *[("HeaderSet", "header", name) for name in ("Authorization", "COOKIE", "x-oss-security-token")],
        *[("ParamSet", "parameter", name) for name in ("Signature", "x-oss-signature", "security-token", "policy")],
    ],
)
async def test_what_gives_a_right_cannot_be_chosen(kind: str, child: str, name: str) -> None:
    house = await a_house()
    inner = f"<{kind}><{child}>{name}</{child}></{kind}>"
    document = f"<UserDefinedLogFieldsConfiguration>{inner}</UserDefinedLogFieldsConfiguration>".encode()
    answer = await house.ask("PUT", FIELDS, document)
    assert answer.refusal == (400, "InvalidArgument")
    assert "could act as its sender" in (answer.text("Message") or "")


async def test_no_more_than_six_fields_are_chosen() -> None:
    house = await a_house()
    headers = "".join(f"<header>x-{number}</header>" for number in range(7))
    inner = f"<HeaderSet>{headers}</HeaderSet>"
    document = f"<UserDefinedLogFieldsConfiguration>{inner}</UserDefinedLogFieldsConfiguration>".encode()
    assert (await house.ask("PUT", FIELDS, document)).refusal == (400, "InvalidArgument")


FIELD = re.compile(r'\[[^]]*\]|"(?:[^"\\]|\\x[0-9A-F]{2})*"|[^" \[]+')
ANY = st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


@given(agent=ANY, referer=ANY, host=ANY, key=ANY, name=ANY, value=ANY, path=st.binary(max_size=20))
def test_no_stranger_fakes_a_line_or_a_field(
    agent: str, referer: str, host: str, key: str, name: str, value: str, path: bytes
) -> None:
    headers = {"user-agent": agent, "referer": referer, "host": host}
    query = make_query((Parameter(name, value),)) if name else NO_QUERY
    line = write_line(an_entry(headers=headers, key=key, query=query, path=b"/" + path)).decode("ascii")
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    fields = FIELD.findall(line[:-1])
    assert " ".join(fields) == line[:-1]
    assert len(fields) == 28


def test_quotes_and_line_feeds_are_written_as_codes() -> None:
    line = write_line(an_entry(headers={"user-agent": 'a"b\\c\nd\x7fé\udcff'})).decode()
    assert '"a\\x22b\\x5Cc\\x0Ad\\x7F\\xC3\\xA9\\xFF"' in line
