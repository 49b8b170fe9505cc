"""What a request line and its headers say."""

from __future__ import annotations

from typing import Final

from coatcheck.core.record import Record

PATH_BYTES: Final = bytes([byte for byte in range(0x21, 0x7F) if byte != 0x23])  # visible ASCII but "#"


class Head(Record, frozen=True):
    """A request line and its headers.

    Attributes:
        method: as on the request line; "-" where none was read.
        path, query: as they arrived, apart from bytes beyond ASCII in the request line, which are percent-encoded.
        headers: as `Request` has them.
        keep_alive: the client means to go on with the connection.
        has_body: a body follows, of a length that isn't 0, or in chunks.
        is_old: HTTP/1.0.
    """

    method: str
    path: bytes
    query: bytes
    headers: dict[str, str]
    keep_alive: bool
    has_body: bool
    is_old: bool
