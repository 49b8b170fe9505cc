"""What goes back, as one frozen value: status, headers, and a body that is bytes, file slices or a stream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from coatcheck.core.body import Stream
from coatcheck.core.record import Record

from .headers import RawHeader, WrittenHeaders

__all__ = ["RawHeader", "Reply", "Stream", "WrittenHeaders"]


class Reply(Record, frozen=True):
    """A reply without the headers every reply has (Date, Server, x-oss-request-id): whoever sends it adds those.

    Attributes:
        has_ids: it names the request itself, in another dialect's words, so nothing of OSS's own is added: some tools
            send what they were answered back as their own headers (s3cmd modify), and another dialect's are refused.
        content_length: to announce where it isn't the body's: for HEAD, which has no body.
        when_ended: of a stream; is called once, when it is known how many bytes of it the layer below took.
    """

    status: int
    headers: tuple[RawHeader, ...] = ()
    body: bytes | Stream = b""
    content_length: int | None = None
    when_ended: Callable[[int], Awaitable[None]] | None = None
    has_ids: bool = False
