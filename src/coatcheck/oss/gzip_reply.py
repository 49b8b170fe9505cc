"""When GetObject compresses what it sends: texts, to clients that ask for gzip.

What was counted or hashed of the stored bytes isn't said of the compressed ones: length, ETag, CRC, MD5. Source: OSS
API reference, GetObject (Accept-Encoding).
"""

from __future__ import annotations

from typing import Final

from coatcheck.core.limits import GZIP_MIN_BYTES
from coatcheck.operations.compression import gzipped
from coatcheck.ports.object import ObjectRecord
from coatcheck.wire.reply import RawHeader, Stream
from coatcheck.wire.request import Request

_TYPES: Final = frozenset(
    {
        b"text/cache-manifest",
        b"text/xml",
        b"text/plain",
        b"text/css",
        b"application/javascript",
        b"application/x-javascript",
        b"application/rss+xml",
        b"application/json",
        b"text/json",
    }
)
_OF_THE_STORED: Final = frozenset({b"etag", b"content-md5", b"x-oss-hash-crc64ecma", b"accept-ranges"})
_VARY: Final = (b"vary", b"Accept-Encoding")


def compress(
    request: Request, record: ObjectRecord, headers: list[RawHeader], content: bytes | Stream
) -> tuple[list[RawHeader], bytes | Stream]:
    """Headers and content of a whole object as they are sent: compressed where that may be, and is asked for."""
    if "range" in request.headers or not is_compressible(record, headers):
        return headers, content
    if not (request.takes_chunks and _asks_for_gzip(request.headers.get("accept-encoding", ""))):
        return [*headers, _VARY], content
    kept = [header for header in headers if header[0] not in _OF_THE_STORED]
    return [*kept, (b"content-encoding", b"gzip"), _VARY], gzipped(content)


def is_compressible(record: ObjectRecord, headers: list[RawHeader]) -> bool:
    """Whether it is compressed for clients that ask for it."""
    return record.size >= GZIP_MIN_BYTES and _is_text(headers)


def _is_text(headers: list[RawHeader]) -> bool:
    """Of one of the types, and not encoded by its uploader already."""
    kind = b""
    for name, value in headers:
        if name == b"content-type":
            kind = value
        elif name == b"content-encoding":
            return False
    return kind in _TYPES or kind.partition(b";")[0].strip().lower() in _TYPES


def _asks_for_gzip(text: str) -> bool:
    """Whether an Accept-Encoding names gzip, and not as unwanted (q=0)."""
    for item in text.split(","):
        name, _, weight = item.partition(";")
        if name.strip().lower() == "gzip":
            return not weight or weight.strip().lower().removeprefix("q=").strip("0.") != ""
    return False
