"""What two parsers of HTTP/1.1 make of the same bytes: ours, and h11, written from the specification by others.

Where both take a request they must read it alike, byte for byte; where only one takes it, a row of `STRICTER` or
`LOOSER` says why that is right. For the tests of tests/wire, and for what runs longer (tests/fuzz/http1.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final, NamedTuple

import h11
from hypothesis import strategies as st

from coatcheck.wire.http1_parsing import END, Event, Head, Refusal, RequestParser

# Requests that h11 takes and we refuse: what our refusal says, whole, and why that is right.
STRICTER: Final[dict[str, str]] = {
    "The request does not begin with a method of HTTP.": "any token is a method to h11; here those of HTTP's registry",
    "The request's target must be a path.": "asterisks and authorities name nothing stored; fragments aren't sent",
    "The request's target and its Host header name two hosts.": "a proxy in front could have meant the other one",
    "The request must have one Host header.": "h11 counts them for HTTP/1.1 alone",
    "The Host header names no host.": "h11 looks at no character of a host",
    "HTTP/1.0 has no Transfer-Encoding.": "a proxy in front may not know it either, and take the body for a request",
    "HTTP/N.N is not spoken here, HTTP/1.1 is.": "h11 leaves the version to its user",
    "Invalid HTTP version.": "as above",
    "Invalid major version.": "as above",
    "Invalid minor version.": "as above",
    "Expected HTTP/, RTSP/ or ICE/.": "h11 takes the version in lower case",
    "Unexpected char in url schema.": "h11 looks at no character of a target",
    "Unexpected start char in url.": "as above",
    "Unexpected char in url host.": "as above",
    "Unexpected char in url fragment start.": "as above",
    "Invalid characters in url.": "as above",
    "Invalid char in url path.": "as above",
    "Invalid char in url query.": "as above",
    "Invalid char in url fragment start.": "as above",
    "Expected CRLF after version.": "bare line feeds end lines for h11; other parsers read on",
    "Missing expected CR after header value.": "as above",
    "Missing expected LF after header value.": "as above",
    "Missing expected CR after response line.": "as above",
    "Missing expected CR after chunk data.": "as above",
    "Missing expected LF after chunk size.": "as above",
    "Invalid header field char.": "as above, where the line that ends is the head's last",
    "Invalid header value char.": "folded lines are joined by h11; for other parsers each is a header of its own",
    "Unexpected whitespace after header value.": "as above",
    "Unexpected space after start line.": "as above",
    "A trailer says nothing of the connection.": "h11 drops it; the parser under ours would obey it",
    "Invalid `Transfer-Encoding` header value.": "a trailer about the framing, which h11 drops",
    "Content-Length can't be present with Transfer-Encoding.": "as above",
    "Transfer-Encoding can't be present with Content-Length.": "as above",
    "Invalid character in Content-Length.": "a list of equal lengths is one length to h11",
    "Duplicate Content-Length.": "as above, in two headers",
    "Invalid character in chunk size.": "h11 takes spaces, and any character but a line feed, behind a chunk's size",
    "Invalid character in chunk extensions.": "as above",
    "Invalid character in chunk extensions quoted value.": "as above",
}
# Requests that we take and h11 refuses: what its refusal looks like, and why to take them is harmless.
_LINE: Final = r"illegal request line: bytearray\(b(['\"])"
LOOSER: Final[dict[str, str]] = {
    r"no request line received": "a line feed before a request is skipped",
    _LINE + r"(\\r)+": "as above, a carriage return",
    _LINE + r"[A-Z]+ {2,}\S+ ": "more spaces behind the method: the target is the same",
    _LINE + r"[A-Z]+ \S+ {2,}HTTP": "more spaces before the version: as above",
    _LINE + r"[A-Z]+ \S+ (RTSP|ICE)/1\.[01]\1\)$": "read as HTTP of that version; no proxy forwards it",
    _LINE + r"[A-Z]+ \S*\\x[89a-f]": "UTF-8 in the target, which some clients send: read percent-encoded",
}


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


def compare(data: bytes) -> None:
    """One reading: what both take is the same; what one takes alone is argued. Raises: AssertionError."""
    ours, theirs = read(data), read_by_h11(data)
    for mine, other in zip(ours.requests, theirs.requests, strict=False):
        _compare_request(mine, other, data)
    mine_whole = sum(each.is_whole for each in ours.requests)
    theirs_whole = sum(each.is_whole for each in theirs.requests)
    if mine_whole < theirs_whole:
        reason = re.sub(r"^\d+ (The request is not well-formed HTTP/1\.1\. )?", "", ours.refusal)
        reason = re.sub(r"^HTTP/\d\.\d is", "HTTP/N.N is", reason)
        assert reason in STRICTER, (data, ours, theirs)
    elif mine_whole > theirs_whole:
        assert any(re.match(r"\d+ " + look, theirs.refusal) for look in LOOSER), (data, ours, theirs)


def _compare_request(mine: Read, other: Read, data: bytes) -> None:
    if "transfer-encoding" in mine.headers:  # h11 gives it back in lower case
        mine.headers["transfer-encoding"] = mine.headers["transfer-encoding"].lower()
    if mine.target.startswith(b"/") and other.target[:4].lower() == b"http":
        other = other._replace(target=b"/" + other.target.partition(b"://")[2].partition(b"/")[2])
    other = other._replace(target=other.target.removesuffix(b"?"))  # an empty query is none to us
    if not data.isascii():
        other = other._replace(target=re.sub(rb"[\x80-\xff]", lambda found: b"%%%02X" % found[0][0], other.target))
    if mine.is_whole and other.is_whole:
        assert mine == other, data
    else:
        assert mine[:3] == other[:3], data
        assert mine.body.startswith(other.body) or other.body.startswith(mine.body), data


def compare_cut(data: bytes, cuts: Iterable[int]) -> None:
    """The same verdict however what arrives is cut. Raises: AssertionError."""
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    whole, cut = read(data), read(*(data[start:stop] for start, stop in pairwise(places)))
    if data.isascii():
        assert cut == whole, data
    else:  # a request that was sent without waiting must be ASCII; cut before it, it needn't
        assert cut.requests[: len(whole.requests)] == whole.requests, data


def check_order(events: list[Event]) -> None:
    """Heads, pieces and ends in that order, and nothing behind a refusal. Raises: AssertionError."""
    in_body = False
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


# --- requests that are nearly right ---

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
