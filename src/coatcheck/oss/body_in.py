"""A request's body as an operation takes it: how long it says it is, what it must be, how fast it may come."""

from __future__ import annotations

from collections.abc import Mapping

from coatcheck.core.digests import read_content_md5
from coatcheck.core.errors import INVALID_ARGUMENT, INVALID_DIGEST, MISSING_CONTENT_LENGTH, NOT_IMPLEMENTED
from coatcheck.core.limits import INLINE_MAX_BYTES
from coatcheck.operations.intake import Arriving, Expected, Incoming, receive
from coatcheck.operations.pacing import Pace, paced
from coatcheck.ports.byte_store import ByteStore
from coatcheck.wire.body_digests import meant_chunks
from coatcheck.wire.request import Request


def read_arriving(request: Request, pace: Pace | None = None) -> Arriving:
    """The body as an operation takes it in, and what its headers say of it.

    Raises: OssError MISSING_CONTENT_LENGTH, INVALID_ARGUMENT, NOT_IMPLEMENTED, INVALID_DIGEST.
    """
    announced = read_content_length(request.headers)
    expected = _read_expected(request.headers)
    chunks = meant_chunks(request)
    return Arriving(chunks if pace is None else paced(chunks, pace), announced, expected)


async def take_in(
    request: Request,
    store: ByteStore,
    *,
    most: int,
    inline_most: int = INLINE_MAX_BYTES,
    encryption: str = "",
    pace: Pace | None = None,
) -> Incoming:
    """The body, hashed and written, and what its headers say of it compared.

    Raises: OssError MISSING_CONTENT_LENGTH, INVALID_ARGUMENT, NOT_IMPLEMENTED; INVALID_DIGEST; what `receive` raises.
    """
    arriving = read_arriving(request, pace)
    return await receive(
        arriving.chunks,
        store,
        most=most,
        announced=arriving.announced,
        expected=arriving.expected,
        inline_most=inline_most,
        encryption=encryption,
    )


def _read_expected(headers: Mapping[str, str]) -> Expected:
    text = headers.get("content-md5")
    md5 = None if text is None else read_content_md5(text)
    if text is not None and md5 is None:
        raise INVALID_DIGEST()
    return Expected(md5, headers.get("x-oss-hash-crc64ecma"))


def read_content_length(headers: Mapping[str, str]) -> int | None:
    """The announced length; None for a chunked body.

    Raises: OssError MISSING_CONTENT_LENGTH, INVALID_ARGUMENT, NOT_IMPLEMENTED (compressed on the way).

    One or the other is a must: an ASGI server may report a stream of HTTP/2 that its client cancelled as a body that
    ended, and only the length tells the difference.
    """
    text = headers.get("content-length")
    if text is None:
        if "transfer-encoding" not in headers:
            raise MISSING_CONTENT_LENGTH()
        if headers["transfer-encoding"].lower() != "chunked":  # "gzip, chunked" would be stored as it travels
            raise NOT_IMPLEMENTED("The only Transfer-Encoding here is chunked.", Header="Transfer-Encoding")
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise INVALID_ARGUMENT(
            "Content-Length must be a number.", ArgumentName="Content-Length", ArgumentValue=text[:64]
        )
    return int(text)
