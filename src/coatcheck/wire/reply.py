"""What goes back, as one frozen value: status, headers, and a body that is bytes, file slices or a stream."""

from __future__ import annotations

from typing import NamedTuple

from coatcheck.core.body import Stream

__all__ = ["RawHeader", "Reply", "Stream"]

RawHeader = tuple[bytes, bytes]


class Reply(NamedTuple):
    """A reply without the headers every reply has (Date, Server, x-oss-request-id): whoever sends it adds those.

    `content_length` is the length to announce where it isn't the body's: for HEAD, which has no body.
    """

    status: int
    headers: tuple[RawHeader, ...] = ()
    body: bytes | Stream = b""
    content_length: int | None = None
