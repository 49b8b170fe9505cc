"""What goes back, as one frozen value: status, headers, and a body that is bytes, file slices or a stream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from coatcheck.core.body import Stream
from coatcheck.core.record import Record

__all__ = ["RawHeader", "Reply", "Stream"]

RawHeader = tuple[bytes, bytes]


class Reply(Record, frozen=True):
    """A reply without the headers every reply has (Date, Server, x-oss-request-id): whoever sends it adds those.

    Attributes:
        content_length: to announce where it isn't the body's: for HEAD, which has no body.
        when_ended: of a stream; is called once, when it is known how many bytes of it the layer below took.
    """

    status: int
    headers: tuple[RawHeader, ...] = ()
    body: bytes | Stream = b""
    content_length: int | None = None
    when_ended: Callable[[int], Awaitable[None]] | None = None
