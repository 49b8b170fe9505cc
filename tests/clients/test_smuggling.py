"""Requests that two parsers could read in two ways. Each is refused, once, and the connection ends: nothing behind it
is ever taken for a request."""

from __future__ import annotations

import re
from typing import Final

import pytest

from ..server_process import ServerProcess
from .raw import exchange

SMUGGLED: Final = b"GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Tail: "
CHUNKS: Final = b"0\r\n\r\n"

# Values of Transfer-Encoding that some parser takes for "chunked", or for nothing.
CODINGS: Final = [
    *(
        b"xchunked",
        b"chunkedx",
        b"chunk",
        b"chunked,",
        b",chunked",
        b"chunked, chunked",
        b"chunked;q=1",
        b"chunked ;x=y",
    ),
    *(
        b'"chunked"',
        b"'chunked'",
        b"[chunked]",
        b"chunked\x00",
        b"\x00chunked",
        b"chunked\x0b",
        b"\x0bchunked",
        b"\x0cchunked",
    ),
    *(
        b"chunked\x85",
        b"\xa0chunked",
        b"chunked\xa0",
        b"chun\tked",
        b"chun ked",
        b"chunked\x1f",
        b"\x08chunked",
        b"chunked\x7f",
    ),
    *(b"gzip, chunked", b"chunked, gzip", b"identity, chunked", b"chunked, identity", b"identity", b"chunked identity"),
    *(
        b"cow, chunked",
        b"chunked, cow",
        b"",
        b" ",
        b"\t",
        b"null",
        b"deflate",
        b"trailers",
        b"chunked\r\n ",
        b"\r\n chunked",
    ),
    *(b"chunked\r", b"\nchunked", b"chunked\r\rX: y", b"chunked\nX: y", "chunked\u2028".encode(), "ｃhunked".encode()),
]
# Ways to write the field's name and colon.
FIELDS: Final = [
    *(b"Transfer-Encoding : chunked", b"Transfer-Encoding\t: chunked", b" Transfer-Encoding: chunked"),
    *(b"\tTransfer-Encoding: chunked", b"Transfer-Encoding\x0b: chunked", b"Transfer-Encoding\x00: chunked"),
    *(b"Transfer-Encoding\r: chunked", b"Transfer-Encoding\n: chunked", b"Transfer-Encoding\r\n: chunked"),
    *(
        b"Transfer-Encoding chunked",
        b"Transfer-Encoding",
        b"Transfer Encoding: chunked",
        b":Transfer-Encoding: chunked",
    ),
    *(b"X: y\rTransfer-Encoding: chunked", b"X: y\nTransfer-Encoding: chunked", b"X: y\r\n Transfer-Encoding: chunked"),
    *("Transfer-Ençoding: chunked".encode(), b"Transfer-Encoding\xa0: chunked", b"\xffTransfer-Encoding: chunked"),
    *(b"(Transfer-Encoding): chunked", b"Transfer-Encoding; chunked", b"Transfer-Encoding= chunked"),
]
LENGTHS: Final = [
    *(
        b"+5",
        b"-5",
        b"-0",
        b"+0",
        b"0x5",
        b"5.0",
        b"5e0",
        b"5,5",
        b"5, 5",
        b"5,0",
        b"5 5",
        b"5;",
        b'"5"',
        b"",
        b" ",
        b"\t",
    ),
    *(
        b"5\x00",
        b"\x0b5",
        b"5\x0b",
        b"5\x0c",
        b"5_0",
        b"05x",
        b"x5",
        b"5\r\nContent-Length: 5",
        b"5\r\nContent-Length: 0",
    ),
    *(b"0\r\nContent-Length: 5", b"5\r\ncontent-length: 6", b"5\r\n ", b"\r\n 5", b"5\r", b"18446744073709551616"),
    *(
        b"99999999999999999999999999",
        b"5\nX: y",
        "５".encode(),
        "٥".encode(),
        b"5\xa0",
        b"NaN",
        b"null",
        b"5\r\nContent-Length:",
    ),
]
HOSTS: Final = [
    *(b"", b"Host: a\r\nHost: b\r\n", b"Host: a\r\nhost: a\r\n", b"Host: a, b\r\n", b"Host: a b\r\n", b"Host: a/b\r\n"),
    *(b"Host : a\r\n", b" Host: a\r\n", b"Host: a\r\n b\r\n", b"Host: a@b\r\n", b"Host: a?b\r\n", b"Host: a#b\r\n"),
    *(
        b"Host: a\x00b\r\n",
        b"Host: a\rb\r\n",
        b"Host: a\tb\r\n",
        b"Host: http://a\r\n",
        b"Host: a\\b\r\n",
        b"Host: \xff\r\n",
    ),
]
LINES: Final = [
    *(
        b"GET /",
        b"GET",
        b"GET / ",
        b"GET / HTTP/1.1 ",
        b"GET / HTTP/1.1 x",
        b"GET / HTTP/1.2",
        b"GET / HTTP/2.0",
        b"GET / HTTP/0.9",
    ),
    *(
        b"GET / HTTP/11",
        b"GET / HTTP/1",
        b"GET / HTTP/1.",
        b"GET / HTTP/1.10",
        b"GET / http/1.1",
        b"GET / HTTP /1.1",
        b"GET /\tHTTP/1.1",
    ),
    *(
        b"GET\t/ HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"GET /\x00 HTTP/1.1",
        b"GET a HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET // HTTP/1.1 HTTP/1.1",
    ),
    *(
        b"GET http://b/ HTTP/1.1",
        b"GET ///b/ HTTP/1.1\nX: y",
        b"CONNECT a:1 HTTP/1.1",
        b" GET / HTTP/1.1",
        b"\x00GET / HTTP/1.1",
    ),
    *(
        b"GET /#x HTTP/1.1",
        b"GET http:///x HTTP/1.1",
        b"GET http://127.0.0.1@b/ HTTP/1.1",
        b"get / HTTP/1.1",
        b"G\xcbT / HTTP/1.1",
    ),
    *(b"PRI * HTTP/2.0", b"GET / HTTP/1.1\r", b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\rX: y", b"GET / \x0bHTTP/1.1"),
]
BROKEN_CHUNKS: Final = [
    *(
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\rhello\r\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhelloxx0\r\n\r\n",
    ),
    *(
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
    ),
    *(
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"5\x00\r\nhello\r\n0\r\n\r\n",
        b"5;\nhello\r\n0\r\n\r\n",
        b"5;x\ny\r\nhello\r\n0\r\n\r\n",
        b"\r\n0\r\n\r\n",
    ),
    *(
        b"10000000000000005\r\nhello\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\n",
        b";x\r\nhello\r\n0\r\n\r\n",
        b"g\r\n",
        b"5.\r\nhello\r\n0\r\n\r\n",
    ),
    *(
        b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n",
        b"5\r\nhello\r\n0\r\nTransfer-Encoding: x\r\n\r\n",
        b"5\r\nhello\r\n0\n\n",
    ),
    *(
        b"5\r\nhello\r\n0\r\nX: y\n\n",
        b"5\r\nhello\r\n0\r\nX : y\r\n\r\n",
        b"5\r\nhello\r\n0\r\n X: y\r\n\r\n",
        b"5\r\nhello\r\n\r\n0\r\n\r\n",
    ),
]


def corpus() -> dict[str, bytes]:
    """By a name for each, what goes over the wire before the smuggled request."""
    put = b"PUT /a/b HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    found: dict[str, bytes] = {}
    for number, coding in enumerate(CODINGS):
        found[f"coding {number}"] = put + b"Transfer-Encoding: " + coding + b"\r\n\r\n" + CHUNKS
        found[f"length and coding {number}"] = (
            put + b"Content-Length: 5\r\nTransfer-Encoding: " + coding + b"\r\n\r\n" + CHUNKS
        )
    for number, field in enumerate(FIELDS):
        found[f"field {number}"] = put + field + b"\r\nContent-Length: 5\r\n\r\n" + CHUNKS
        found[f"field behind {number}"] = put + b"Content-Length: 5\r\n" + field + b"\r\n\r\n" + CHUNKS
    for number, length in enumerate(LENGTHS):
        found[f"length {number}"] = put + b"Content-Length: " + length + b"\r\n\r\nhello"
        found[f"length {number} and chunks"] = (
            put + b"Content-Length: " + length + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS
        )
    for number, host in enumerate(HOSTS):
        found[f"host {number}"] = b"GET /a/b HTTP/1.1\r\n" + host + b"\r\n"
    for number, line in enumerate(LINES):
        found[f"line {number}"] = line + b"\r\nHost: 127.0.0.1\r\n\r\n"
    for number, chunks in enumerate(BROKEN_CHUNKS):
        found[f"chunks {number}"] = put + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
    found["chunks of an old client"] = b"PUT /a/b HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS
    return found


CORPUS: Final = corpus()


def replies(answer: bytes) -> int:
    return len(re.findall(rb"HTTP/1\.1 \d\d\d ", answer))


def test_corpus_is_large() -> None:
    assert len(CORPUS) > 250


def test_ambiguous_requests_are_refused_and_nothing_behind_them_is_read(live_server: ServerProcess) -> None:
    wrong = {}
    for name, request in CORPUS.items():
        answer = exchange(live_server, request + SMUGGLED + b"\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        refused = head.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")) and b"connection: close" in head
        if not refused or replies(answer) != 1 or not body.rstrip().endswith(b"</Error>"):
            wrong[name] = (request, answer[:200])
    assert wrong == {}


def test_request_behind_a_refused_one_is_read_where_nothing_is_ambiguous(live_server: ServerProcess) -> None:
    """So the test above can fail."""
    request = b"PUT /a/b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello"
    answer = exchange(live_server, request + SMUGGLED + b"\r\nConnection: close\r\n\r\n")
    assert replies(answer) == 2


@pytest.mark.parametrize(
    "name", [b"Transfer_Encoding", b"X-Transfer-Encoding", b"Transfer-Encoding-X", b"TE", b"Content_Length"]
)
def test_header_of_another_name_frames_nothing(live_server: ServerProcess, name: bytes) -> None:
    request = b"PUT /a/b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n" + name + b": chunked\r\n\r\n" + CHUNKS
    answer = exchange(live_server, request + SMUGGLED + b"\r\nConnection: close\r\n\r\n")
    assert replies(answer) == 2
