"""Reply -> the bytes of an HTTP/1.1 status line and headers. Pure; the clock is an argument."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from coatcheck.core.body import UNKNOWN_SIZE
from coatcheck.core.times import write_http_date

from .headers import RawHeader, WrittenHeaders
from .reply import Reply, Stream

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_NO_LENGTH: Final = frozenset({204, 304})
_LF: Final = 10  # as numbers: to look for b"\n" in bytes takes a TypeError on the way, and fifty times as long
_CR: Final = 13


class UnsafeHeader(ValueError):
    """A header that would end before its end: a line break in a name or a value."""


def write_head(reply: Reply, request_id: str, now: float, took_ms: int, *, connection: str) -> bytes:
    """Everything up to the body.

    Args:
        now: Unix seconds, when the request arrived.
        took_ms: since then.
        connection: "close" or "keep-alive" where that has to be said, else "".
    Raises: UnsafeHeader.
    """
    headers = reply.headers
    written = headers.lines if isinstance(headers, WrittenHeaders) else _write_lines(headers)
    lines = [_opening(reply.status, int(now))]
    if not reply.has_ids:
        lines.append(b"x-oss-request-id: " + request_id.encode("ascii"))
        lines.append(b"x-oss-server-time: %d" % took_ms)
    if reply.status not in _NO_LENGTH:
        size = content_length(reply)
        lines.append(b"transfer-encoding: chunked" if size == UNKNOWN_SIZE else b"content-length: %d" % size)
    if written:
        lines.append(written)
    if connection:
        lines.append(b"connection: " + connection.encode("ascii"))
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def make_written(headers: Sequence[RawHeader]) -> WrittenHeaders:
    """The same, written once for all replies that have them. Raises: UnsafeHeader."""
    written = WrittenHeaders(headers)
    written.lines = _write_lines(headers)
    return written


def _write_lines(headers: Sequence[RawHeader]) -> bytes:
    fields = [b": ".join(header) for header in headers]
    bare = b"".join(fields)
    if _LF in bare or _CR in bare:
        raise UnsafeHeader
    return b"\r\n".join(fields)


def content_length(reply: Reply) -> int:
    """What the reply announces, bytes; UNKNOWN_SIZE for nothing."""
    if reply.content_length is not None:
        return reply.content_length
    return reply.body.size if isinstance(reply.body, Stream) else len(reply.body)


@lru_cache(maxsize=64)
def _opening(status: int, now_s: int) -> bytes:
    """What all replies of this status have in this second."""
    first = f"HTTP/1.1 {status} {_reason(status)}\r\nserver: AliyunOSS\r\n"
    return f"{first}date: {write_http_date(now_s)}".encode("ascii")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
