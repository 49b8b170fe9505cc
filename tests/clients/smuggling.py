"""Requests that two parsers could read in two ways, by a name for each: what goes over the wire, in a table of kinds.

`REFUSED` are refused by this server, once, and nothing behind them is read. `TAKEN` have one reading, and a proxy in
front may have another opinion of what they mean. In each, MMMM stands for a number of its own, four digits, so that a
log says which request was read: /marks/MMMMa is the request itself, MMMMh is one that lies hidden in a body, MMMMs is
sent behind it (`with_mark`).
"""

from __future__ import annotations

from typing import Final

HOST: Final = b"Host: 127.0.0.1\r\n"
TARGET: Final = b"/marks/MMMMa"
PUT: Final = b"PUT " + TARGET + b" HTTP/1.1\r\n" + HOST
GET: Final = b"GET " + TARGET + b" HTTP/1.1\r\n" + HOST
HIDDEN: Final = b"GET /marks/MMMMh HTTP/1.1\r\n" + HOST + b"\r\n"
BEHIND: Final = b"GET /marks/MMMMs HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
CHUNKS: Final = b"0\r\n\r\n"
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"


def with_mark(request: bytes, number: int) -> bytes:
    """What goes over the wire for the request of that number."""
    return request.replace(b"MMMM", b"%04d" % number)


# --- refused: how a coding, a length, a host, a request line, chunks can be written ---

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
        b"GET /marks/MMMMa",
        b"GET",
        b"GET /marks/MMMMa ",
        b"GET /marks/MMMMa HTTP/1.1 ",
        b"GET /marks/MMMMa HTTP/1.1 x",
        b"GET /marks/MMMMa HTTP/1.2",
        b"GET /marks/MMMMa HTTP/2.0",
        b"GET /marks/MMMMa HTTP/0.9",
    ),
    *(
        b"GET /marks/MMMMa HTTP/11",
        b"GET /marks/MMMMa HTTP/1",
        b"GET /marks/MMMMa HTTP/1.",
        b"GET /marks/MMMMa HTTP/1.10",
        b"GET /marks/MMMMa http/1.1",
        b"GET /marks/MMMMa HTTP /1.1",
        b"GET /marks/MMMMa\tHTTP/1.1",
    ),
    *(
        b"GET\t/marks/MMMMa HTTP/1.1",
        b"GET /marks/MMMMa b HTTP/1.1",
        b"GET /marks/MMMMa\x00 HTTP/1.1",
        b"GET marks/MMMMa HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET //marks/MMMMa HTTP/1.1 HTTP/1.1",
    ),
    *(
        b"GET http://b/marks/MMMMa HTTP/1.1",
        b"GET ///b/marks/MMMMa HTTP/1.1\nX: y",
        b"CONNECT a:1 HTTP/1.1",
        b" GET /marks/MMMMa HTTP/1.1",
        b"\x00GET /marks/MMMMa HTTP/1.1",
    ),
    *(
        b"GET /marks/MMMMa#x HTTP/1.1",
        b"GET http:///marks/MMMMa HTTP/1.1",
        b"GET http://127.0.0.1@b/marks/MMMMa HTTP/1.1",
        b"get /marks/MMMMa HTTP/1.1",
        b"G\xcbT /marks/MMMMa HTTP/1.1",
    ),
    *(
        b"PRI * HTTP/2.0",
        b"GET /marks/MMMMa HTTP/1.1\r",
        b"GET /marks/MMMMa HTTP/1.1\n",
        b"GET /marks/MMMMa HTTP/1.1\rX: y",
        b"GET /marks/MMMMa \x0bHTTP/1.1",
    ),
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
        b"5\r\nhello\r\n0\r\nX: y\r\nConnection: close\r\n\r\n",
        b"5\r\nhello\r\n0\r\nproxy-connection: close\r\n\r\n",
        b"5\r\nhello\r\n0\n\n",
    ),
    *(
        b"5\r\nhello\r\n0\r\nX: y\n\n",
        b"5\r\nhello\r\n0\r\nX : y\r\n\r\n",
        b"5\r\nhello\r\n0\r\n X: y\r\n\r\n",
        b"5\r\nhello\r\n\r\n0\r\n\r\n",
    ),
]


def _refused() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for number, coding in enumerate(CODINGS):
        found[f"coding {number}"] = PUT + b"Transfer-Encoding: " + coding + b"\r\n\r\n" + CHUNKS
        found[f"length and coding {number}"] = (
            PUT + b"Content-Length: 5\r\nTransfer-Encoding: " + coding + b"\r\n\r\n" + CHUNKS
        )
    for number, field in enumerate(FIELDS):
        found[f"field {number}"] = PUT + field + b"\r\nContent-Length: 5\r\n\r\n" + CHUNKS
        found[f"field behind {number}"] = PUT + b"Content-Length: 5\r\n" + field + b"\r\n\r\n" + CHUNKS
    for number, length in enumerate(LENGTHS):
        found[f"length {number}"] = PUT + b"Content-Length: " + length + b"\r\n\r\nhello"
        found[f"length {number} and chunks"] = (
            PUT + b"Content-Length: " + length + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS
        )
    for number, host in enumerate(HOSTS):
        found[f"host {number}"] = b"GET " + TARGET + b" HTTP/1.1\r\n" + host + b"\r\n"
    for number, line in enumerate(LINES):
        found[f"line {number}"] = line + b"\r\n" + HOST + b"\r\n"
    for number, chunks in enumerate(BROKEN_CHUNKS):
        found[f"chunks {number}"] = PUT + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
    found["chunks of an old client"] = b"PUT " + TARGET + b" HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n" + CHUNKS
    return found


REFUSED: Final = _refused()

# --- taken: one reading, of which a proxy may have another opinion ---

# Targets, and Host where it isn't the usual one.
_TARGETS: Final = [
    *(
        b"/marks/MMMMa/../x",
        b"/marks/MMMMa/./x",
        b"/marks//MMMMa",
        b"//marks/MMMMa",
        b"/marks/MMMMa/",
        b"/./marks/MMMMa",
    ),
    *(b"/x/../marks/MMMMa", b"/marks/%2e%2e/MMMMa", b"/marks/MMMMa%2Fx", b"/marks%2FMMMMa", b"/marks/MMMMa%252Fx"),
    *(
        b"/marks/MMMMa%00x",
        b"/marks/MMMMa%0d%0aX:%20y",
        b"/marks/MMMMa%0d%0a%0d%0aGET%20/x",
        b"/marks/MMMMa%20HTTP/1.1",
    ),
    *(b"/marks/MMMMa%23x", b"/marks/MMMMa%3Fx", b"/marks/MMMMa%5Cx", b"/marks/MMMMa;x=y", b"/marks/MMMMa;/../x"),
    *(b"/marks/MMMMa?x#", b"/marks/MMMMa?x?y", b"/marks/MMMMa?", b"/marks/MMMMa??", b"/marks/MMMMa?http://x/"),
    *(b"/marks/MMMMa%c0%afx", b"/marks/MMMMa%ff", b"/marks/MMMMa%E5%86%99", b"/marks/MMMMa%zz", b"/marks/MMMMa%"),
    *(
        b"/marks/MMMMa+x",
        b"/marks/MMMMa\\x",
        b"/marks/MMMMa|x",
        b'/marks/MMMMa"x',
        b"/marks/MMMMa{x}",
        b"/marks/MMMMa^x",
    ),
    *(b"/marks/MMMMa@x", b"/marks/MMMMa:80", b"/marks/MMMMa<x>", b"/marks/MMMMa`x", b"/marks/MMMMa*", b"/MARKS/MMMMa"),
    *(b"http://127.0.0.1/marks/MMMMa", b"HTTP://127.0.0.1/marks/MMMMa", b"https://127.0.0.1/marks/MMMMa"),
    *(b"http://127.0.0.1:80/marks/MMMMa", b"http://127.0.0.1/marks/MMMMa?x", b"http://127.0.0.1/marks//MMMMa/../x"),
    *(b"/http://127.0.0.1/marks/MMMMa", b"/marks/MMMMa" + b"x" * 3000, b"/marks/MMMMa?" + b"x" * 6000),
    *("/marks/MMMMa写".encode(), b"/marks/MMMMa\xff", b"/marks/MMMMa\x80?\xff"),
]
# Lines of a head whose body lies behind: what some parser would read as no body, or as another one.
_WITH_LENGTH: Final = [
    *(b"", b"Expect: 100-continue\r\n", b"Expect: 100-Continue\r\n", b"Expect: x\r\n", b"Expect: 100-continue, x\r\n"),
    *(b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n", b"Upgrade: h2c\r\n"),
    *(b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n",),
    *(b"Connection: Upgrade\r\n", b"Upgrade: TLS/1.0\r\nConnection: upgrade\r\n", b"Upgrade: HTTP/2.0, x\r\n"),
    *(b"Connection: content-length\r\n", b"Connection: transfer-encoding\r\n", b"Connection: host\r\n"),
    *(
        b"Connection: close, content-length\r\n",
        b"Connection: keep-alive, x\r\n",
        b"Connection: \r\n",
        b"Connection: ,\r\n",
    ),
    *(
        b"Proxy-Connection: keep-alive\r\n",
        b"Keep-Alive: timeout=1\r\n",
        b"TE: trailers, chunked\r\n",
        b"TE: chunked\r\n",
    ),
    *(
        b"Trailer: Content-Length\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: chunked\r\n",
        b"Range: bytes=0-1\r\n",
    ),
    *(b"X-HTTP-Method-Override: GET\r\n", b"X-HTTP-Method: HEAD\r\n", b"X-Method-Override: DELETE\r\n"),
    *(b"X-Original-URL: /marks/MMMMo\r\n", b"X-Rewrite-URL: /marks/MMMMo\r\n", b"X-Forwarded-Path: /marks/MMMMo\r\n"),
    *(b"X-Forwarded-Host: evil\r\n", b"Forwarded: host=evil\r\n", b"X-Forwarded-For: 1.2.3.4\r\n", b"Via: 1.1 x\r\n"),
    *(b"Transfer_Encoding: chunked\r\n", b"X-Transfer-Encoding: chunked\r\n", b"Content_Length: 0\r\n"),
    *(
        b"Content-Length-X: 0\r\n",
        b"X-Content-Length: 0\r\n",
        b"X: Transfer-Encoding: chunked\r\n",
        b"X:\r\n",
        b"X:y\r\n",
    ),
    *(
        b"X: \xff\xfe\r\n",
        b"X: \ty\t\r\n",
        b"X: " + b"y" * 6000 + b"\r\n",
        b"".join(b"X-%d: y\r\n" % n for n in range(60)),
    ),
    *(
        b"Cookie: a=b\r\nCookie: c=d\r\n",
        b"Max-Forwards: 0\r\n",
        b"Authorization: x\r\n",
        b"Date: x\r\n",
        b"Age: -1\r\n",
    ),
]
# Chunks that say HIDDEN, whole and in order, in another way each.
_SIZE: Final = b"%x" % len(HIDDEN)
_CHUNKS: Final = [
    *(_SIZE + b"\r\n" + HIDDEN + b"\r\n0\r\n\r\n", _SIZE.upper() + b"\r\n" + HIDDEN + b"\r\n00\r\n\r\n"),
    *(
        b"0" * 8 + _SIZE + b"\r\n" + HIDDEN + b"\r\n0\r\n\r\n",
        b"".join(b"1\r\n%c\r\n" % byte for byte in HIDDEN) + CHUNKS,
    ),
    *(_SIZE + b";x\r\n" + HIDDEN + b"\r\n0;y\r\n\r\n", _SIZE + b";x=y;z=1\r\n" + HIDDEN + b"\r\n0\r\n\r\n"),
    *(_SIZE + b';x="y;z"\r\n' + HIDDEN + b"\r\n0\r\n\r\n", _SIZE + b';x="\\""\r\n' + HIDDEN + b"\r\n0\r\n\r\n"),
    *(
        _SIZE + b";" + b"x" * 900 + b"\r\n" + HIDDEN + b"\r\n0\r\n\r\n",
        _SIZE + b";x= y\r\n" + HIDDEN + b"\r\n0\r\n\r\n",
    ),
    *(_SIZE + b"\r\n" + HIDDEN + b"\r\n0\r\nX: y\r\n\r\n", _SIZE + b"\r\n" + HIDDEN + b"\r\n0\r\nHost: b\r\n\r\n"),
    *(_SIZE + b"\r\n" + HIDDEN + b"\r\n0\r\nX:\r\n\r\n",),
    *(_SIZE + b"\r\n" + HIDDEN + b"\r\n0\r\nGET: /marks/MMMMo HTTP/1.1\r\n\r\n", CHUNKS),
    _SIZE + b"\r\n" + HIDDEN + b"\r\n0\r\nAuthorization: x\r\nX-Oss-Meta-A: b\r\n\r\n",
]
# Whole requests, alone or several at once.
_OTHERS: Final = [
    *(
        b"\r\n" + GET + b"\r\n",
        b"\r\n\r\n" + GET + b"\r\n",
        GET + b"Content-Length: 0\r\n\r\n",
        GET + b"\r\n" + GET + b"\r\n",
    ),
    *(
        GET + b"\r\n" + PUT + b"Content-Length: 5\r\n\r\nhello" + GET + b"\r\n",
        GET.replace(b"GET ", b"HEAD ") + b"\r\n",
    ),
    *(GET.replace(b"1.1", b"1.0", 1) + b"\r\n", GET.replace(b"1.1", b"1.0", 1) + b"Connection: keep-alive\r\n\r\n"),
    *(PUT.replace(b"1.1", b"1.0", 1) + b"Connection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",),
    *(PUT.replace(b"1.1", b"1.0", 1) + b"\r\n" + HIDDEN, b"GET " + TARGET + b" HTTP/1.0\r\n\r\n"),
    *(PUT + b"\r\n", PUT.replace(b"PUT ", b"POST ") + b"\r\n", PUT + b"Content-Length: 00005\r\n\r\nhello"),
    *(
        PUT + b"Content-Length:5\r\n\r\nhello",
        PUT + b"content-length: \t5\t \r\n\r\nhello",
        PUT + b"Content-Length: 5\r\n\r\nhe",
    ),
    *(
        PUT + b"Content-Length: 9999999999\r\n\r\n" + HIDDEN,
        PUT + b"Content-Length: 9223372036854775807\r\n\r\n" + HIDDEN,
    ),
    *(
        PUT + b"Content-Length: 9223372036854775808\r\n\r\n" + HIDDEN,
        PUT + CHUNKED + b"\r\n7fffffffffffffff\r\n" + HIDDEN,
    ),
    *(
        PUT + CHUNKED + b"\r\n3\r\nabc\r\n",
        PUT + CHUNKED + b"\r\n5",
        PUT + CHUNKED + b"\r\n0\r\nX: ",
        PUT + b"Content-Length: 5\r\n",
    ),
    *(GET + b"X: y", b"GET " + TARGET, b"GET " + TARGET + b" HTTP/1.1\r\nHost: 127.0.0.1"),
]
_BODY_METHODS: Final = (
    b"GET",
    b"HEAD",
    b"DELETE",
    b"OPTIONS",
    b"POST",
    b"PATCH",
    b"TRACE",
    b"PROPFIND",
    b"LOCK",
    b"SEARCH",
)
_LATER_HOSTS: Final = (
    b"127.0.0.1:80",
    b"127.0.0.1:443",
    b"127.0.0.1.",
    b"LOCALHOST",
    b"localhost",
    b"[::1]",
    b"a_b",
    b"a..b",
)


def _taken() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    length = b"Content-Length: %d\r\n" % len(HIDDEN)
    for number, target in enumerate(_TARGETS):
        found[f"target {number}"] = b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    for number, fields in enumerate(_WITH_LENGTH):
        found[f"with a length {number}"] = PUT + fields + length + b"\r\n" + HIDDEN
        found[f"with chunks {number}"] = PUT + CHUNKED + fields + b"\r\n" + _CHUNKS[0]
    for number, chunks in enumerate(_CHUNKS[1:]):
        found[f"chunks {number}"] = PUT + CHUNKED + b"\r\n" + chunks
    for number, request in enumerate(_OTHERS):
        found[f"other {number}"] = request
    for method in _BODY_METHODS:
        head = PUT.replace(b"PUT", method)
        found[f"{method.decode()} with a length"] = head + length + b"\r\n" + HIDDEN
        found[f"{method.decode()} with chunks"] = head + CHUNKED + b"\r\n" + _CHUNKS[0]
        found[f"{method.decode()} that waits"] = head + b"Expect: 100-continue\r\n" + length + b"\r\n" + HIDDEN
    for number, host in enumerate(_LATER_HOSTS):
        found[f"host {number}"] = b"GET " + TARGET + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"
    return found


TAKEN: Final = _taken()
