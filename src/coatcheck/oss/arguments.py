"""Reading what several operations are told the same way: versions, numbers, switches, documents."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from coatcheck.core.errors import (
    INVALID_ARGUMENT,
    MALFORMED_XML,
    NOT_IMPLEMENTED,
)
from coatcheck.core.limits import CONFIGURATION_MAX_BYTES, LIST_DEFAULT_KEYS, LIST_MAX_KEYS, LIST_PARAMETER_MAX_BYTES
from coatcheck.core.xml import read_xml
from coatcheck.operations.intake import body_fault
from coatcheck.wire.body_digests import compared_chunks
from coatcheck.wire.query import Query
from coatcheck.wire.request import BodyFailed, Request


def read_max_keys(query: Query) -> int:
    """max-keys: 1 to 1000, 100 when not given. Raises: OssError INVALID_ARGUMENT."""
    text = query.get("max-keys")
    if text is None or text == "":
        return LIST_DEFAULT_KEYS
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= LIST_MAX_KEYS):
        raise _bad(f"Argument max-keys must be an integer between 1 and {LIST_MAX_KEYS}.", "max-keys", text)
    return int(text)


def read_list_text(query: Query, name: str) -> str:
    """A prefix, marker or delimiter: UTF-8 text of less than 1024 bytes. Raises: OssError INVALID_ARGUMENT."""
    text = query.get(name) or ""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise _bad(f"The {name} is not UTF-8.", name, text) from None
    if size > LIST_PARAMETER_MAX_BYTES:
        raise _bad(f"The length of {name} must be less than {LIST_PARAMETER_MAX_BYTES + 1}.", name, text[:64])
    if "\0" in text:
        raise _bad(f"The {name} holds a NUL character.", name, text.replace("\0", "%00"))
    return text


def write_token(marker: str) -> str:
    """An alphabet that URL-decoding leaves alone: the SDKs decode tokens along with names."""
    return base64.urlsafe_b64encode(marker.encode()).decode().rstrip("=")


def read_token(token: str) -> str:
    """The marker of a continuation token; "" for "". Raises: OssError INVALID_ARGUMENT."""
    try:
        padded = token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise INVALID_ARGUMENT(
            "The continuation token is invalid.", ArgumentName="continuation-token", ArgumentValue=token[:256]
        ) from None


def read_encoding_type(query: Query) -> bool:
    """True when names in the reply are to be percent-encoded. Raises: OssError INVALID_ARGUMENT."""
    text = query.get("encoding-type")
    if text not in (None, "", "url"):
        raise _bad("Invalid Encoding Method specified in Request", "encoding-type", text or "")
    return text == "url"


def read_switch(headers: Mapping[str, str], name: str, *, ec: str = "") -> bool:
    """A header that is "true" or "false", false when not sent. Raises: OssError INVALID_ARGUMENT."""
    text = headers.get(name, "false").lower()
    if text not in ("true", "false"):
        raise INVALID_ARGUMENT(f"{name} must be true or false.", ec=ec, ArgumentName=name, ArgumentValue=text)
    return text == "true"


def refuse_headers(request: Request, names: tuple[str, ...]) -> None:
    """Headers that ask for what isn't built are refused, never ignored. Raises: OssError NOT_IMPLEMENTED."""
    for name in names:
        if name in request.headers:
            raise NOT_IMPLEMENTED(Header=name if name.startswith("x-oss-") else name.title())


async def read_document(request: Request, root: str, *, most: int = CONFIGURATION_MAX_BYTES) -> Element:
    """The request's XML body, of a kind in `documents.SHAPES`. Raises: OssError as `read_body` and `check_xml`."""
    return check_xml(await read_body(request, most=most), root)


def check_xml(body: bytes, root: str) -> Element:
    """A document that somebody sent. Raises: OssError MALFORMED_XML, also for elements that it may not hold."""
    from .documents import SHAPES  # the shapes of all documents: no request without one needs them

    document = read_xml(body, root)
    SHAPES[root].check(document)
    return document


async def read_body(request: Request, *, most: int) -> bytes:
    """A body of at most `most` bytes, compared with the digests that were sent of it.

    Raises: OssError MALFORMED_XML (too large), INCOMPLETE_BODY, REQUEST_TIMEOUT, INVALID_DIGEST, INVALID_CRC64.
    """
    body = bytearray()  # not a list: a body that arrives by single bytes would take forty times its size
    try:
        async for chunk in compared_chunks(request):
            body += chunk
            if len(body) > most:
                raise MALFORMED_XML(f"{MALFORMED_XML.message} It is larger than {most} bytes.")
    except BodyFailed as failure:
        raise body_fault(failure) from None
    return bytes(body)


def _bad(message: str, name: str, value: str) -> Exception:
    return INVALID_ARGUMENT(message, ArgumentName=name, ArgumentValue=value)
