"""Bytes -> heads, bodies, refusals: what is taken, what is refused and bounded, and the same verdicts as h11's.

h11 is the other parser of HTTP/1.1 in Python, written from the specification. Where both take a request they must read
it alike, byte for byte; where only one takes it, a row of a table in readings.py says why that is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck.core.limits import FRAMING_MAX_BYTES, HEAD_MAX_BYTES, HEADERS_MAX, PIPELINED_AT_ONCE_MAX
from coatcheck.wire.http1_parsing import END, Head, Refusal, RequestParser

from ..soak import count
from .readings import check_order, compare, compare_cut, feed, read, requests, streams

EXAMPLES: Final = count(8000)
HOST: Final = b"Host: a\r\n"


# --- what is taken ---


def test_request_is_read_as_it_stands() -> None:
    (head,) = feed(
        [b"GET /a%2Fb/%E5%86%99?x=%20&acl HTTP/1.1\r\nHost: a:80\r\nX-Oss-Meta-A: \t1 \r\nx-oss-meta-a: 2\r\n\r\n"]
    )
    headers = {"host": "a:80", "x-oss-meta-a": "1,2"}
    assert head == Head("GET", b"/a%2Fb/%E5%86%99", b"x=%20&acl", headers, True, False, False)


def test_bytes_of_headers_that_are_not_utf8_come_back_as_they_were() -> None:
    (head,) = feed([b"GET / HTTP/1.1\r\nHost: a\r\nX: \xff\xc3\xa9\r\n\r\n"])
    assert isinstance(head, Head)
    assert head.headers["x"] == "\udcffé"


def test_path_in_raw_utf8_is_read_percent_encoded_however_it_is_cut() -> None:
    request = "\r\nGET /ü/文?x=é HTTP/1.1\r\nHost: a\r\nX: ü\r\n\r\n".encode()
    for cut in range(len(request)):
        (head,) = feed([request[:cut], request[cut:]])
        expected = Head("GET", b"/%C3%BC/%E6%96%87", b"x=%C3%A9", {"host": "a", "x": "ü"}, True, False, False)
        assert head == expected, cut


@pytest.mark.parametrize(
    ("fields", "sent", "body"),
    [
        (b"Content-Length: 5\r\n", b"hello", b"hello"),
        (b"Content-Length: 005\r\n", b"hello", b"hello"),
        (b"Transfer-Encoding: chunked\r\n", b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", b"hello"),
        (b"Transfer-Encoding: CHUNKED\r\n", b'5;a="b"\r\nhello\r\n000\r\n\r\n', b"hello"),
        (b"Content-Length: 0\r\n", b"", b""),
        (b"", b"", b""),
    ],
)
def test_body_has_its_length_and_the_next_request_begins_behind_it(fields: bytes, sent: bytes, body: bytes) -> None:
    verdict = read(b"PUT /1 HTTP/1.1\r\n" + HOST + fields + b"\r\n" + sent + b"GET /2 HTTP/1.1\r\nHost: b\r\n\r\n")
    assert [(each.target, each.body, each.is_whole) for each in verdict.requests] == [
        (b"/1", body, True),
        (b"/2", b"", True),
    ]
    assert verdict.refusal == ""


def test_trailers_are_dropped_and_are_not_the_next_requests_headers() -> None:
    trailers = b"0\r\nX-Oss-Meta-A: 1\r\nHost: evil\r\nTE: x\r\n\r\n"
    first = b"PUT /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n" + trailers
    request = first + b"GET /2 HTTP/1.1\r\nHost: b\r\n\r\n"
    for cut in range(len(request)):
        verdict = read(request[:cut], request[cut:])
        assert [each.headers for each in verdict.requests] == [
            {"host": "a", "transfer-encoding": "chunked"},
            {"host": "b"},
        ]
        assert verdict.requests[0].body == b"x"


@pytest.mark.parametrize("fields", [b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b""])
def test_offer_to_upgrade_is_an_ordinary_request_with_its_body(fields: bytes) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    sent = {b"C": b"abc", b"T": b"3\r\nabc\r\n0\r\nX: y\r\n\r\n"}.get(fields[:1], b"")
    request = (
        b"PUT /1 HTTP/1.1\r\nHost: a\r\n" + upgrade + fields + b"\r\n" + sent + b"GET /2 HTTP/1.1\r\nHost: b\r\n\r\n"
    )
    for cut in range(len(request)):
        verdict = read(request[:cut], request[cut:])
        assert [(each.target, each.body) for each in verdict.requests] == [
            (b"/1", b"abc" if sent else b""),
            (b"/2", b""),
        ]
        assert verdict.requests[1].headers == {"host": "b"}
        assert verdict.refusal == ""


def test_target_in_absolute_form_is_its_path_if_it_names_the_host() -> None:
    assert read(b"GET http://A:80/b?c HTTP/1.1\r\nHost: a:80\r\n\r\n").requests[0].target == b"/b?c"
    assert read(b"GET HTTPS://a HTTP/1.1\r\nHost: a\r\n\r\n").requests[0].target == b"/"


@pytest.mark.parametrize("last", [b"GET / HTTP/1.0\r\n", b"GET / HTTP/1.1\r\nConnection: close\r\n"])
def test_nothing_is_read_behind_the_last_request(last: bytes) -> None:
    verdict = read(last + HOST + b"\r\n" + b"GET /2 HTTP/1.1\r\nHost: b\r\n\r\n", b"GET /3 HTTP/1.1\r\nHost: c\r\n\r\n")
    assert ([each.target for each in verdict.requests], verdict.refusal) == ([b"/"], "")


def test_old_client_that_asks_for_it_keeps_its_connection() -> None:
    once = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    assert [head.is_old and head.keep_alive for head in feed([once, once]) if isinstance(head, Head)] == [True, True]


# --- what is refused ---

REFUSED: Final[dict[str, tuple[bytes, int]]] = {
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    "two hosts of an old client": (b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "no version": (b"GET /\r\n\r\n", 400),
    "version 0.9": (b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 400),
    "version 2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400),
    "version 1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a hello of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "an unknown method": (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a method in lower case": (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "CONNECT": (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 400),
    "CONNECT of a path": (b"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "an asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a fragment": (b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "another host in the target": (b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "another scheme": (b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a user in the target": (b"GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    "a tab in the target": (b"GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a space before the colon": (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "a folded header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400),
    "a bare line feed": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "a bare carriage return": (b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400),
    "a null": (b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 400),
    "two equal lengths": (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    "a list of lengths": (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
    "a length with a sign": (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400),
    "a length beyond 64 bits": (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n", 400),
    "a length and chunks": (
        b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunks and a length": (
        b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunks of an old client": (b"PUT / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks twice": (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    "compressed chunks": (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "identity": (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 400),
    "a target that is too long": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a header that is too long": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "too many headers": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: b\r\n" * HEADERS_MAX + b"\r\n", 431),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_and_nothing_is_read_behind_it(what: str) -> None:
    request, status = REFUSED[what]
    verdict = read(request + b"GET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n", b"GET /too HTTP/1.1\r\nHost: b\r\n\r\n")
    assert (verdict.requests, verdict.refusal.split()[0]) == ([], str(status)), verdict


def test_refusal_says_what_was_understood() -> None:
    (refusal,) = feed([b"HEAD /a?b HTTP/1.1\r\nX: y\r\n\r\n"])
    assert isinstance(refusal, Refusal)
    assert refusal.head == Head("HEAD", b"/a", b"b", {"x": "y"}, False, False, False)


def test_preface_of_http2_is_refused_as_such_however_it_is_cut() -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"
    for cut in range(len(preface)):
        assert read(preface[:cut], preface[cut:]).refusal == "400 HTTP/2.0 is not spoken here, HTTP/1.1 is."


@pytest.mark.parametrize(
    "chunks",
    [
        b"0\r\nContent-Length: 3\r\n\r\n",
        b"zz\r\n",
        b"-1\r\n",
        b"0x5\r\nhello\r\n",
        b" 5\r\nhello\r\n",
        b"5\nhello\r\n",
        b"5\r\nhello!\r\n",
        b"f" * 17 + b"\r\n",
    ],
)
def test_broken_chunks_end_the_body_and_the_connection(chunks: bytes) -> None:
    head = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
    verdict = read(head + chunks + b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    assert [(each.body[:2], each.is_whole) for each in verdict.requests] == [(b"ok", False)]
    assert verdict.refusal.startswith("400 ")


# --- what is bounded, whoever sends it in however many pieces ---


def fed_until_refused(begin: bytes, piece: bytes, most: int) -> int:
    """How many bytes are taken before the refusal."""
    parser, fed = RequestParser(), 0
    parser.feed(begin)
    while fed <= most:
        if any(isinstance(event, Refusal) for event in parser.feed(piece)):
            return fed
        fed += len(piece)
    raise AssertionError("endless")


@pytest.mark.parametrize(
    ("begin", "piece", "bound"),
    [
        (b"", b"\r\n" * 512, HEAD_MAX_BYTES),
        (b"GET /", b"a" * 1000, HEAD_MAX_BYTES),
        (b"GET / HTTP/1.1\r\nX: ", b"a" * 1000, HEAD_MAX_BYTES),
        (b"GET / HTTP/1.1\r\nX: ", b" " * 1000, HEAD_MAX_BYTES),
        (b"GET / HTTP/1.1\r\n", b"X: y\r\n", HEAD_MAX_BYTES),
        (b"GET / HTTP/1.1\r\n", b"X" * 1000, HEAD_MAX_BYTES),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"a" * 1000, FRAMING_MAX_BYTES),
        (
            b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1;" + b"a" * 500 + b"\r\nx\r\n",
            FRAMING_MAX_BYTES,
        ),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n", HEAD_MAX_BYTES),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"y" * 1000, HEAD_MAX_BYTES),
    ],
)
def test_endless_heads_extensions_and_trailers_end(begin: bytes, piece: bytes, bound: int) -> None:
    assert fed_until_refused(begin, piece, 4 * bound) <= 1.1 * bound + len(piece)


def test_small_chunks_are_no_fault() -> None:
    parser = RequestParser()
    parser.feed(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(20_000):
        assert parser.feed(b"1\r\nx\r\n") == [b"x"]
    assert parser.feed(b"0\r\n\r\n") == [END]


def test_a_flood_of_requests_in_one_piece_is_refused() -> None:
    events = feed([b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * (PIPELINED_AT_ONCE_MAX * 4)])
    assert len(events) <= PIPELINED_AT_ONCE_MAX + 2
    assert isinstance(events[-1], Refusal)


# --- the same verdicts as h11's ---


@pytest.mark.soak(EXAMPLES)
@settings(max_examples=EXAMPLES)
@given(streams())
def test_same_verdict_as_h11(data: bytes) -> None:
    compare(data)


@pytest.mark.soak(EXAMPLES)
@settings(max_examples=EXAMPLES)
@given(streams(), st.lists(st.integers(0, 400), max_size=6))
def test_same_verdict_however_it_is_cut(data: bytes, cuts: Sequence[int]) -> None:
    compare_cut(data, cuts)


@pytest.mark.soak(EXAMPLES)
@settings(max_examples=EXAMPLES)
@given(st.lists(st.one_of(st.binary(max_size=40), requests()), max_size=6))
def test_no_bytes_break_the_parser(pieces: list[bytes]) -> None:
    check_order(feed(pieces))
