"""Bytes -> heads, bodies, refusals: what is taken, what is refused and bounded, and the same verdicts as h11's.

h11 is the other parser of HTTP/1.1 in Python, written from the specification. Where both take a request they must read
it alike, byte for byte; where only one takes it, a row of `STRICTER` or `LOOSER` says why that is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck.core.limits import FRAMING_MAX_BYTES, HEAD_MAX_BYTES, HEADERS_MAX, PIPELINED_AT_ONCE_MAX
from coatcheck.wire.http1_parsing import END, Event, Head, Refusal, RequestParser

from ..soak import count

EXAMPLES: Final = count(3000)
HOST: Final = b"Host: a\r\n"


class Read(NamedTuple):
    """One request as a parser read it."""

    method: str
    target: bytes
    headers: dict[str, str]
    body: bytes
    is_whole: bool


class Verdict(NamedTuple):
    """The requests, and how it ended: "" with everything read, else why nothing more is."""

    requests: list[Read]
    refusal: str = ""


def feed(pieces: Iterable[bytes]) -> list[Event]:
    parser = RequestParser()
    return [event for piece in pieces for event in parser.feed(piece)]


def read(*pieces: bytes) -> Verdict:
    """What our parser makes of it."""
    requests: list[Read] = []
    for event in feed(pieces):
        if isinstance(event, Head):
            target = event.path + b"?" + event.query if event.query else event.path
            requests.append(Read(event.method, target, event.headers, b"", not event.has_body))
        elif isinstance(event, bytes):
            requests[-1] = requests[-1]._replace(body=requests[-1].body + event)
        elif event is END:
            requests[-1] = requests[-1]._replace(is_whole=True)
        else:
            assert isinstance(event, Refusal)
            return Verdict(requests, f"{event.error.status} {event.error.message}")
    return Verdict(requests)


def read_by_h11(data: bytes) -> Verdict:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1_000_000)
    requests: list[Read] = []
    try:
        connection.receive_data(data)
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                requests.append(_from_h11(event))
            elif isinstance(event, h11.Data):
                requests[-1] = requests[-1]._replace(body=requests[-1].body + bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                requests[-1] = requests[-1]._replace(is_whole=True)
                if requests[-1].method == "CONNECT" or not _answer(connection):
                    return Verdict(requests)
            else:
                return Verdict(requests)
    except h11.RemoteProtocolError as error:
        return Verdict(requests, f"{error.error_status_hint} {error}")


def _answer(connection: h11.Connection) -> bool:
    """Whether the connection goes on behind a reply."""
    connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
    connection.send(h11.EndOfMessage())
    if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
        return False
    connection.start_next_cycle()
    return True


def _from_h11(event: h11.Request) -> Read:
    headers: dict[str, str] = {}
    for name, value in event.headers:
        key, text = name.decode("ascii"), value.decode("utf-8", "surrogateescape").strip(" \t")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return Read(event.method.decode("ascii"), event.target, headers, b"", False)


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

# Requests that h11 takes and we refuse: the refusal's words, and why.
STRICTER: Final[dict[str, str]] = {
    "does not begin with a method of HTTP": "any token is a method to h11; here only those that a route could have",
    "target must be a path": "asterisks and authorities name nothing that is stored; fragments are never sent",
    "Invalid char": "h11 looks at no character of a target",
    "Invalid characters in url": "as above",
    "Unexpected start char in url": "as above",
    "Invalid characters in url (strict mode)": "as above",
    "names no host": "h11 looks at no character of a host either",
    "name two hosts": "a proxy in front could have meant the other one",
    "is not spoken here": "h11 leaves the version to its user",
    "Invalid HTTP version": "as above",
    "must have one Host header": "h11 counts them for HTTP/1.1 alone",
    "HTTP/1.0 has no Transfer-Encoding": "a proxy in front may not know it either, and take the body for a request",
    "HTTP/1.1. Expected": "bare line feeds end lines for h11; other parsers go on reading",
    "Missing expected CR": "as above",
    "Missing expected LF": "as above",
    "Invalid header value char": "as above",
    "Unexpected whitespace after header value": "folded lines are joined by h11; other parsers see a new header",
    "Content-Length": "h11 takes a length that is repeated, if it is the same",
    "Invalid header token": "a bare carriage return or line feed around a header's name",
    "Transfer-Encoding": "h11 has another opinion on empty ones",
    "Pause on": "the preface of HTTP/2",
    "chunk": "h11 takes spaces, and any character but a line feed, behind a chunk's size",
    "Too many": "h11 has no bound",
    "Unexpected": "a stray byte where a line should end",
    "Invalid": "as above",
}
# Requests that we take and h11 refuses: how they look, and why that is harmless.
LOOSER: Final[dict[str, tuple[re.Pattern[bytes], str]]] = {
    "spaces": (re.compile(rb"^[A-Z-]+ {2,}", re.M), "more spaces behind the method: the target is the same"),
    "protocol": (re.compile(rb" (?:RTSP|ICE)/1\.[01]\r\n"), "read as HTTP of that version; nobody forwards it"),
    "raw": (re.compile(rb"[\x7f-\xff]"), "UTF-8 in the target, which some clients send: read percent-encoded"),
    "empty lines": (re.compile(rb"(?:^|\n)[\r\n]+[A-Z]"), "line ends before a request, whole or halves: skipped"),
    "value": (re.compile(rb"[\x80-\xff\t]"), "obs-text in a value, which is allowed"),
}


def compare(data: bytes) -> None:
    """One reading: what both take is the same; what one takes alone is argued."""
    ours, theirs = read(data), read_by_h11(data)
    for each in ours.requests:
        if "transfer-encoding" in each.headers:  # h11 gives it back in lower case
            each.headers["transfer-encoding"] = each.headers["transfer-encoding"].lower()
    for mine, other in zip(ours.requests, theirs.requests, strict=False):
        if mine.target.startswith(b"/") and other.target[:4].lower() == b"http":
            other = other._replace(target=b"/" + other.target.partition(b"://")[2].partition(b"/")[2])
        if not data.isascii():
            other = other._replace(target=re.sub(rb"[\x80-\xff]", lambda found: b"%%%02X" % found[0][0], other.target))
        if mine.is_whole and other.is_whole:
            assert mine == other, data
        else:
            assert mine[:3] == other[:3], data
            assert mine.body.startswith(other.body) or other.body.startswith(mine.body), data
    mine_whole = sum(each.is_whole for each in ours.requests)
    theirs_whole = sum(each.is_whole for each in theirs.requests)
    if mine_whole < theirs_whole:
        assert any(words in ours.refusal for words in STRICTER), (data, ours, theirs)
    elif mine_whole > theirs_whole:
        assert any(look.search(data) for look, _ in LOOSER.values()), (data, ours, theirs)


METHODS = st.sampled_from([b"GET", b"PUT", b"HEAD", b"DELETE", b"POST", b"OPTIONS", b"BREW", b"get", b"CONNECT", b""])
TARGETS = st.sampled_from(
    [b"/", b"/a?b", b"*", b"http://a/", b"http://b/c", b"a:1", b"/a b", b"/\xc3\xbc", b"/%00", b"//a"]
)
VERSIONS = st.sampled_from(
    [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.2", b"http/1.1", b"RTSP/1.0", b""]
)
LINE_ENDS = st.sampled_from([b"\r\n"] * 8 + [b"\n", b"\r", b"\r\r\n", b" \r\n"])
FIELDS = st.sampled_from(
    [
        *(
            b"Host: a",
            b"Host: b",
            b"host:a",
            b"Host : a",
            b"Host:",
            b" Host: a",
            b"X: y",
            b"X:",
            b"X",
            b": y",
            b"X: \x00",
        ),
        *(
            b"Content-Length: 3",
            b"Content-Length: 0",
            b"Content-Length: 03",
            b"Content-Length: 3, 3",
            b"Content-Length: -1",
        ),
        *(
            b"Content-Length: +3",
            b"Content-Length: 0x3",
            b"Content-Length: ",
            b"Content-Length: 3 4",
            b"content-length:\t5 ",
        ),
        *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: Chunked", b"Transfer-Encoding: gzip, chunked"),
        *(b"Transfer-Encoding: xchunked", b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding: chunked, identity"),
        *(b"Transfer-Encoding : chunked", b"Transfer-Encoding: ", b"Transfer_Encoding: chunked", b"TE: trailers"),
        *(b"Connection: close", b"Connection: keep-alive", b"Connection: content-length", b"Expect: 100-continue"),
        *(b"Connection: upgrade", b"Upgrade: h2c", b"X: \xff\xfe", b"X: a\r\n b"),
    ]
)
BODIES = st.sampled_from(
    [
        *(
            b"",
            b"abc",
            b"abcde",
            b"0\r\n\r\n",
            b"3\r\nabc\r\n0\r\n\r\n",
            b"3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n",
            b"3\nabc\n0\n\n",
        ),
        *(
            b"03\r\nabc\r\n00\r\n\r\n",
            b"3 \r\nabc\r\n0\r\n\r\n",
            b"3\r\nabcd\r\n0\r\n\r\n",
            b"3\r\nabc0\r\n\r\n",
            b"g\r\n",
        ),
        *(b"fffffffffffffffff\r\n", b"-3\r\nabc\r\n0\r\n\r\n", b"3\r\nabc\r\n0\r\nX", b"3\r\nabc\r\n0\r\n: \r\n\r\n"),
    ]
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request that is nearly right."""
    usual = draw(st.booleans())
    method = draw(st.sampled_from([b"PUT", b"GET"]) if usual else METHODS)
    target, version = (b"/", b"HTTP/1.1") if usual else (draw(TARGETS), draw(VERSIONS))
    lines = [method + b" " + target + b" " + version, *([b"Host: a"] if usual else [])]
    lines += draw(st.lists(FIELDS, max_size=4))
    head = b"".join(line + (b"\r\n" if usual else draw(LINE_ENDS)) for line in lines)
    return head + draw(LINE_ENDS) + draw(BODIES)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Requests one behind the other, some bytes of which are others."""
    data = bytearray(b"".join(draw(st.lists(requests(), min_size=1, max_size=3))))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        what = draw(
            st.sampled_from([b"", b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b"\x00", b"0", b"\xff", b",", b";"])
        )
        data[at : at + draw(st.integers(0, 2))] = what
    return bytes(data)


@pytest.mark.soak(EXAMPLES)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(streams())
def test_same_verdict_as_h11(data: bytes) -> None:
    compare(data)


@pytest.mark.soak(EXAMPLES)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(streams(), st.lists(st.integers(0, 400), max_size=6))
def test_same_verdict_however_it_is_cut(data: bytes, cuts: Sequence[int]) -> None:
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:stop] for start, stop in pairwise(places)]
    whole, cut = read(data), read(*pieces)
    if data.isascii():
        assert cut == whole
    else:  # a request that was sent without waiting must be ASCII; cut before it, it needn't
        assert cut.requests[: len(whole.requests)] == whole.requests


@pytest.mark.soak(EXAMPLES)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(st.lists(st.one_of(st.binary(max_size=40), requests()), max_size=6))
def test_no_bytes_break_the_parser(pieces: list[bytes]) -> None:
    """Whatever comes, it says heads, pieces and ends in that order, and nothing behind a refusal."""
    in_body = False
    events = feed(pieces)
    for number, event in enumerate(events):
        if isinstance(event, Head):
            assert not in_body
            in_body = event.has_body
        elif isinstance(event, bytes):
            assert in_body
        elif event is END:
            assert in_body
            in_body = False
        else:
            assert isinstance(event, Refusal)
            assert (event.head is None) is in_body
            assert number == len(events) - 1
