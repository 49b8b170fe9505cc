"""Header lines that were read before: a head that is found by them is the one that the parser would have read."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck.wire.headers import Headers
from coatcheck.wire.http1_known import KnownHeads
from coatcheck.wire.http1_parsing import Event, Head, Refusal, RequestParser

from ..soak import count

LINES = b"\r\nHost: a:80\r\nUser-Agent: x\r\nX-Oss-Meta-A: \xe5\x86\x99\r\n\r\n"
HEADERS = {"host": "a:80", "user-agent": "x", "x-oss-meta-a": "写"}


def head(data: bytes) -> Head:
    (event,) = RequestParser().feed(data)
    assert isinstance(event, Head)
    return event


def known(*heads: bytes) -> KnownHeads:
    """As after these requests."""
    found = KnownHeads(Random(1))
    for data in heads:
        found.keep(data, head(data))
    return found


def test_only_the_target_is_read_of_a_head_with_the_same_lines() -> None:
    heads = known(b"GET /a HTTP/1.1" + LINES)
    found = heads.find(b"HEAD /b%20c?x-oss-process=a&b= HTTP/1.1" + LINES)
    assert found == Head("HEAD", b"/b%20c", b"x-oss-process=a&b=", HEADERS, True, False, False)
    again = heads.find(b"GET /d HTTP/1.1" + LINES)
    assert found is not None
    assert again is not None
    assert again.headers is found.headers


@pytest.mark.parametrize(
    "line",
    [
        b"PUT /a HTTP/1.1",
        b"GET /a HTTP/1.0",
        b"GET /a HTTP/1.1 ",
        b"GET  /a HTTP/1.1",
        b" GET /a HTTP/1.1",
        b"GET /a  HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"GET http://a:80/a HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET a HTTP/1.1",
        b"GET /a#b HTTP/1.1",
        b"GET /\xc3\xbc HTTP/1.1",
        b"GET /\n HTTP/1.1",
        b"GET /\x00 HTTP/1.1",
        b"GET  HTTP/1.1",
        b"GET HTTP/1.1",
        b" HTTP/1.1",
        b"",
        b"GET /" + b"a" * 16_384 + b" HTTP/1.1",
        b"\r\nGET /a HTTP/1.1",
    ],
)
def test_any_other_request_line_is_left_to_the_parser(line: bytes) -> None:
    assert known(b"GET /a HTTP/1.1" + LINES).find(line + LINES) is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 2048 + b"\r\n\r\n",
    ],
)
def test_lines_that_say_more_than_headers_are_not_kept(data: bytes) -> None:
    found = KnownHeads()
    found.keep(data, RequestParser().feed(data)[0])  # type: ignore[arg-type]
    assert found.find(b"GET /b HTTP/1.1" + data[data.index(b"\r\n") :]) is None


def test_a_part_of_a_head_or_more_than_one_is_left_to_the_parser() -> None:
    heads = known(b"GET /a HTTP/1.1" + LINES)
    data = b"GET /a HTTP/1.1" + LINES
    for cut in range(len(data)):
        parser = RequestParser(heads)
        assert parser.feed(data[:cut]) == []
        assert parser.feed(data[cut:]) == [Head("GET", b"/a", b"", HEADERS, True, False, False)]
    parser = RequestParser(heads)
    assert [type(event) for event in parser.feed(data + data)] == [Head, Head]
    assert [type(event) for event in parser.feed(data)] == [Head]


def test_memory_is_bounded_and_what_strangers_send_replaces_it_slowly() -> None:
    heads = known(b"GET /a HTTP/1.1" + LINES)
    for number in range(600):
        data = b"GET / HTTP/1.1\r\nHost: a\r\nX: %d\r\n\r\n" % number
        heads.keep(data, head(data))
    assert len(heads._headers) == 256


def test_headers_that_are_shared_cannot_be_changed() -> None:
    headers: Any = Headers({"host": "a"})
    for change in (
        lambda: headers.update(host="b"),
        lambda: headers.pop("host"),
        lambda: headers.setdefault("x", "y"),
        lambda: headers.__setitem__("host", "b"),
        lambda: headers.__delitem__("host"),
        lambda: headers.clear(),
        lambda: headers.popitem(),
        lambda: headers.__ior__({"x": "y"}),
    ):
        with pytest.raises(TypeError, match="share"):
            change()  # type: ignore[no-untyped-call]
    assert headers == {"host": "a"}
    assert {**headers, "host": "b"} == {"host": "b"}


def verdict(parser: RequestParser, pieces: list[bytes]) -> list[Event | str]:
    told: list[Event | str] = []
    for piece in pieces:
        for event in parser.feed(piece):
            told.append(event.error.message if isinstance(event, Refusal) else event)
    return told


PARTS = st.sampled_from(
    [
        *(b"GET /a?b=c HTTP/1.1", b"HEAD /a HTTP/1.1", b"PUT /a HTTP/1.1", b"GET /\xff HTTP/1.1", b"GET /a HTTP/1.0"),
        *(b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\r\nHost: a", b"\r\nHost: b", b"\r\nX: y", b"\r\n Host: a"),
        *(b"\r\nContent-Length: 0", b"\r\nContent-Length: 3", b"\r\nTransfer-Encoding: chunked", b"abc", b"0\r\n\r\n"),
        *(b"\r\nConnection: close", b"\r\nUpgrade: x", b"\r\nExpect: 100-continue", b" ", b"\x00"),
    ]
)
WHOLE = st.sampled_from(
    [
        b"GET /a?b=c HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n",
        b"GET /other HTTP/1.1\r\nHost: b\r\n\r\n",
        b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    ]
)
PIECES = st.lists(st.one_of(WHOLE, st.lists(PARTS, max_size=6).map(b"".join)), max_size=6)


@pytest.mark.soak(count(3000))
@settings(max_examples=count(3000), deadline=None)
@given(PIECES, PIECES)
def test_whatever_was_known_before_the_same_is_read(first: list[bytes], second: list[bytes]) -> None:
    heads = KnownHeads()
    for pieces in (first, second, first, second):
        assert verdict(RequestParser(heads), pieces) == verdict(RequestParser(), pieces)
