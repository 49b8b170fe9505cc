"""Bytes of one HTTP/1.x connection -> what they say: heads, pieces of bodies, ends, and the refusal that ends it all.

No I/O and no clock. httptools (llhttp) reads the grammar and the framing; what it lets pass, and we must not, is
refused or bounded here:

- a head of any size, any number of headers, a target of any length, chunk extensions and trailers without end;
- versions other than 1.0 and 1.1; HTTP/1.1 without a Host, or with two; a target that is not a path;
- transfer codings other than chunked, and any under HTTP/1.0.

A body whose length was announced has no grammar: all of it that comes behind the head's own piece is counted here, and
another parser reads what follows.

Trailers come out of the parser like headers; they are counted and dropped, and refused where they are about the
connection. An offer to upgrade is read as the ordinary request that it also is. Nothing is read behind a request that
is the connection's last, nor behind a refusal.

A target in absolute form ("GET http://host/path") is taken, as RFC 9112 demands of servers, where it names the host
that Host names too; two hosts in one request are refused, so that a proxy in front can't have meant the other one.
"""

from __future__ import annotations

import re
from typing import Final

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserInvalidMethodError,
    HttpParserUpgrade,
    HttpRequestParser,
)

from coatcheck.core.errors import (
    HEAD_TOO_LARGE,
    MALFORMED_HTTP,
    NOT_IMPLEMENTED,
    TARGET_TOO_LONG,
    OssError,
)
from coatcheck.core.limits import (
    FRAMING_MAX_BYTES,
    HEAD_MAX_BYTES,
    HEADERS_MAX,
    PIPELINED_AT_ONCE_MAX,
    REQUEST_TARGET_MAX_BYTES,
)
from coatcheck.core.record import Record

from .http1_head import PATH_BYTES, Head
from .http1_known import KnownHeads

__all__ = ["END", "End", "Event", "Head", "Refusal", "RequestParser"]


class End:
    """The body is complete."""


class Refusal(Record, frozen=True):
    """What was read is no request that we take, or its body breaks the framing. Nothing follows.

    `head` is what was understood of it; None within a body, whose head was told before.
    """

    error: OssError
    head: Head | None


Event = Head | bytes | End | Refusal

END: Final = End()
_CHUNK_LINE_BYTES: Final = 16  # what a chunk's size and line ends may take, leading zeros included
_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]")
_HOST: Final = re.compile(r"[!$%&'()*+\-.0-9:;=A-Z\[\]_a-z~]*")
_ABSOLUTE: Final = re.compile(rb"https?://([^/?#@]+)(/[!-\"$-~]*)?", re.IGNORECASE)
_VERSIONS: Final = ("1.0", "1.1")
_ABOUT_CONNECTIONS: Final = (b"connection", b"proxy-connection")


class _Refused(Exception):
    """Ends the parser's run from within a callback."""

    def __init__(self, error: OssError) -> None:
        self.error = error


class RequestParser:
    """Feed it what arrives, however it is cut; it says what that was.

    Args:
        known: heads that were read by others, too.
    """

    __slots__ = (
        "_chunks",
        "_events",
        "_framing",
        "_head_size",
        "_header_count",
        "_headers",
        "_hosts",
        "_in_body",
        "_in_head",
        "_is_chunked",
        "_is_last",
        "_known",
        "_left",
        "_line_is_open",
        "_muted",
        "_over",
        "_parser",
        "_received",
        "_reframed",
        "_target",
        "_unread",
    )

    def __init__(self, known: KnownHeads | None = None) -> None:
        self._parser: HttpRequestParser | None = HttpRequestParser(self)
        self._known = known or KnownHeads()
        self._events: list[Event] = []
        self._over = False
        self._in_head = self._in_body = self._is_chunked = self._is_last = self._muted = False
        self._line_is_open = False
        self._reframed = b""
        self._unread = self._framing = self._received = self._chunks = 0
        self._left = 0  # bytes to come of a body whose length was announced
        self._begin()

    @property
    def in_head(self) -> bool:
        """A request has begun whose head is not complete."""
        return self._in_head

    def feed(self, data: bytes) -> list[Event]:
        """What these bytes complete. Nothing, once the last request or a refusal was told."""
        events = self._events = []
        if self._over:
            return events
        was_body, size = self._in_body, len(data)
        is_begin = not (was_body or self._in_head)
        if is_begin and (head := self._known.find(data)) is not None:
            self._unread, self._line_is_open = 0, False
            events.append(head)
            return events
        arrived = data
        if not was_body:
            data = self._encode_line(data)
        self._received = self._chunks = 0
        try:
            if self._left:
                data = self._take_body(data)
            if data and not self._over:
                self._parse(data)
            if was_body and self._in_body and self._is_chunked:
                self._bound_framing(size)
            elif not self._in_body:
                self._bound_head(size)
                if is_begin and len(events) == 1 and not (self._in_head or self._over):
                    event = events[0]
                    if type(event) is Head:
                        self._known.keep(arrived, event)
        except _Refused as refused:
            self._refuse(refused.error)
        except HttpParserError as error:
            self._fail(error)
        return events

    def close(self) -> None:
        """No more will come. Lets go of the parser, which holds on to this object."""
        self._over = True
        self._parser = None

    # --- running the parser ---

    def _parse(self, data: bytes) -> None:
        parser = self._parser
        while parser is not None:
            try:
                parser.feed_data(data)
                return
            except HttpParserUpgrade as pause:  # the parser would leave the rest to another protocol
                if self._over:
                    return
                data = data[pause.args[0] :]
                parser = self._parser = HttpRequestParser(self)
                if self._reframed:
                    self._muted = True
                    parser.feed_data(self._reframed)
                    self._muted, self._reframed = False, b""

    def _take_body(self, data: bytes) -> bytes:
        """What follows the body, which the parser would only copy."""
        body, rest = (data, b"") if len(data) <= self._left else (data[: self._left], data[self._left :])
        if body:
            self.on_body(body)
        if not self._left:
            self._parser = HttpRequestParser(self)
            self.on_message_complete()
        return rest

    def _encode_line(self, data: bytes) -> bytes:
        """A request line whose bytes beyond ASCII are percent-encoded: some clients send UTF-8 as it is. Only the first
        line of what arrives; requests sent behind it without waiting must be ASCII."""
        if not self._in_head:
            self._line_is_open, data = True, data.lstrip(b"\r\n")
        if not self._line_is_open:
            return data
        line, end, rest = data.partition(b"\n")
        self._line_is_open = not end
        if line.isascii():
            return data
        return _BEYOND_ASCII.sub(lambda found: b"%%%02X" % found[0][0], line) + end + rest

    def _fail(self, error: HttpParserError) -> None:
        if self._over:
            return  # behind the last request
        if isinstance(error, HttpParserCallbackError) and isinstance(error.__context__, _Refused):
            self._refuse(error.__context__.error)
        elif isinstance(error, HttpParserInvalidMethodError):
            self._refuse(MALFORMED_HTTP("The request does not begin with a method of HTTP."))
        elif self._method() == "PRI":
            self._refuse(_not_spoken("2.0"))
        else:
            self._refuse(MALFORMED_HTTP(f"{MALFORMED_HTTP.message} {error}."))

    def _refuse(self, error: OssError) -> None:
        self._over = True
        head = None
        if not self._in_body:
            method = self._method() if self._target else "-"
            path, _, query = self._target.partition(b"?")
            head = Head(method, path, query, self._headers, False, False, False)
        self._events.append(Refusal(error, head))

    def _method(self) -> str:
        return self._parser.get_method().decode("ascii") if self._parser is not None else "-"

    # --- bounds ---

    def _bound_head(self, size: int) -> None:
        """A head that doesn't come to its end, or line ends that no head follows."""
        self._unread = 0 if self._events else self._unread + size
        if self._unread > HEAD_MAX_BYTES:
            raise _Refused(HEAD_TOO_LARGE())

    def _bound_framing(self, size: int) -> None:
        """What chunks take besides their content and the lines they need."""
        needed = self._received + _CHUNK_LINE_BYTES * (self._chunks + 1)
        self._framing = max(0, self._framing + size - needed)
        if self._framing > FRAMING_MAX_BYTES:
            raise _Refused(MALFORMED_HTTP("The chunk extensions are too long."))

    # --- what the parser calls ---

    def _begin(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}
        self._hosts = self._header_count = self._head_size = 0

    def on_message_begin(self) -> None:
        if self._muted:
            return
        if len(self._events) > PIPELINED_AT_ONCE_MAX and not self._in_body:
            raise _Refused(MALFORMED_HTTP("Too many requests were sent without waiting for replies."))
        self._in_head = True
        self._begin()

    def on_url(self, part: bytes) -> None:
        if self._muted:
            return
        self._target += part
        if len(self._target) > REQUEST_TARGET_MAX_BYTES:
            raise _Refused(TARGET_TOO_LONG())

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._muted:
            return
        self._header_count += 1
        self._head_size += len(name) + len(value)
        if self._header_count > HEADERS_MAX or self._head_size > HEAD_MAX_BYTES:
            raise _Refused(HEAD_TOO_LARGE())
        if self._in_body:
            self._check_trailer(name)
            return
        key = name.decode("latin-1").lower()
        text = value.decode("utf-8", "surrogateescape").strip(" \t")
        headers = self._headers
        if key == "host":
            self._hosts += 1
        headers[key] = f"{headers[key]},{text}" if key in headers else text

    def _check_trailer(self, name: bytes) -> None:
        """The parser obeys "Connection: close" there too: a client behind a proxy would end a connection that the next
        client's request is already on its way on."""
        if name.lower() in _ABOUT_CONNECTIONS:
            raise _Refused(MALFORMED_HTTP("A trailer says nothing of the connection."))

    def on_headers_complete(self) -> None:
        if self._muted or self._parser is None:
            return
        head = self._make_head(self._parser)
        self._in_head = False
        if "upgrade" in head.headers and self._parser.should_upgrade():
            self._reframed = _write_framing(head)
        if head.has_body:
            self._in_body, self._is_last = True, not head.keep_alive
            self._framing = self._header_count = self._head_size = 0
            self._left = 0 if self._is_chunked else int(head.headers["content-length"])
        elif not head.keep_alive:
            self._over = True
        self._events.append(head)

    def on_body(self, piece: bytes) -> None:
        self._received += len(piece)
        if self._left:
            self._left -= len(piece)
        self._events.append(piece)

    def on_chunk_header(self) -> None:
        self._chunks += 1

    def on_message_complete(self) -> None:
        if self._reframed:
            return  # of a request whose body the parser takes for another protocol's
        self._line_is_open = False
        if self._in_body:
            self._in_body = False
            self._events.append(END)
            self._over = self._is_last

    # --- heads ---

    def _make_head(self, parser: HttpRequestParser) -> Head:
        version, method, headers = parser.get_http_version(), self._method(), self._headers
        if version not in _VERSIONS:
            raise _Refused(_not_spoken(version))
        is_old = version == "1.0"
        if self._hosts != 1 and (self._hosts or not is_old):
            raise _Refused(MALFORMED_HTTP("The request must have one Host header."))
        if not _HOST.fullmatch(headers.get("host", "")):
            raise _Refused(MALFORMED_HTTP("The Host header names no host."))
        coding = headers.get("transfer-encoding")
        if coding is not None:
            self._check_coding(coding, is_old=is_old)
        path, _, query = self._read_target(method).partition(b"?")
        has_body = coding is not None or headers.get("content-length", "0").strip("0") != ""
        self._is_chunked = coding is not None
        return Head(method, path, query, headers, parser.should_keep_alive(), has_body, is_old)

    def _check_coding(self, coding: str, *, is_old: bool) -> None:
        if is_old:
            raise _Refused(MALFORMED_HTTP("HTTP/1.0 has no Transfer-Encoding."))
        if coding.lower() != "chunked":
            raise _Refused(NOT_IMPLEMENTED("The only Transfer-Encoding here is chunked.", Header="Transfer-Encoding"))

    def _read_target(self, method: str) -> bytes:
        target = self._target
        if target.startswith(b"/") and not target.translate(None, PATH_BYTES) and method != "CONNECT":
            return target
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is None or method == "CONNECT":
            raise _Refused(MALFORMED_HTTP("The request's target must be a path."))
        if absolute[1].decode("latin-1").lower() != self._headers.get("host", "").lower():
            raise _Refused(MALFORMED_HTTP("The request's target and its Host header name two hosts."))
        return absolute[2] or b"/"


def _not_spoken(version: str) -> OssError:
    return MALFORMED_HTTP(f"HTTP/{version} is not spoken here, HTTP/1.1 is.")


def _write_framing(head: Head) -> bytes:
    """A head that has the body of this one, and nothing else of it; empty if there is no body."""
    if not head.has_body:
        return b""
    if "transfer-encoding" in head.headers:
        field = "Transfer-Encoding: chunked"
    else:
        field = f"Content-Length: {head.headers['content-length']}"
    last = "" if head.keep_alive else "\r\nConnection: close"
    return f"POST / HTTP/1.1\r\n{field}{last}\r\n\r\n".encode("ascii")
