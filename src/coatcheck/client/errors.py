"""What can go wrong on this side of the wire, in words a person can act on. No HTTP library here: every verb imports.

ClientError              refused or failed
├── NotFound             the bucket or object isn't there
├── Unreachable          no reply: refused connection, unknown host, time-out, cut off
├── Damaged              the bytes that came aren't the bytes that were stored
└── NotConfigured        no credentials, or settings that can't be read
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring


class ClientError(Exception):
    """A failure with its name, its cause and the next step.

    Attributes:
        code: OSS's error code ("NoSuchKey"), or a word of ours of the same shape ("ChecksumMismatch").
        message: what happened, as the server said it or in our words.
        hint: what to do now; empty when there is nothing sensible to say.
        status: the HTTP status, or None when no reply came.
        request_id, ec: the server's x-oss-request-id and finer error code; empty when absent.
        location: where a redirect leads; empty when absent.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        status: int | None = None,
        request_id: str = "",
        ec: str = "",
        location: str = "",
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.hint = hint
        self.status = status
        self.request_id = request_id
        self.ec = ec
        self.location = location


class NotFound(ClientError):
    """The bucket or object isn't there."""


class Unreachable(ClientError):
    """No reply came, or half of one."""


class Damaged(ClientError):
    """The bytes that came aren't the bytes that were stored."""


class NotConfigured(ClientError):
    """No credentials, or settings that can't be read."""


ERROR_BODY_MAX_BYTES: Final = 64 * 1024  # ours: an error document is small; what is larger isn't one

_ASK_FOR_NEW_LINK: Final = "ask its owner for a new link"
_HINTS: Final = {
    "SignatureDoesNotMatch": "check the access key's secret; why a link doesn't match, says: coatcheck explain 'LINK'",
    "InvalidAccessKeyId": "check OSS_ACCESS_KEY_ID or the profile; this server doesn't know that access key",
    "NoSuchBucket": "see the buckets with: coatcheck ls; make one with: coatcheck mb oss://BUCKET",
    "NoSuchKey": "see what is there with: coatcheck ls oss://BUCKET -r",
    "BucketNotEmpty": "delete it with all that is in it: coatcheck rm -r oss://BUCKET",
    "BucketAlreadyExists": "choose another name",
    "RequestTimeTooSkewed": "set this computer's clock; it is more than 15 minutes off the server's",
    "SecurityTokenExpired": "get a new security token",
    "EntityTooLarge": "one PutObject carries 5 GiB at most; split the file",
    "PreconditionFailed": "the object changed meanwhile; run the command again",
    "InvalidBucketName": "use 3 to 63 of a-z, 0-9 and '-', starting and ending with a letter or digit",
}


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> ClientError:
    """An error reply -> the exception to raise.

    Args:
        status: of the reply, 300 or more.
        headers: of the reply; looked up in lower case.
        body: up to `ERROR_BODY_MAX_BYTES` of it. For HEAD, OSS puts the document into x-oss-err as base64.
    """
    document = _read_document(body) or _read_document(_decode_header_document(headers.get("x-oss-err", "")))
    facts = {child.tag: (child.text or "").strip() for child in document} if document is not None else _read_json(body)
    code = facts.get("Code") or f"HTTP{status}"
    message = _one_line(facts.get("Message") or _plain_words(status))
    kind = NotFound if status == 404 else ClientError
    return kind(
        code,
        message,
        hint=_one_line(facts.get("Hint") or "") or find_next_step(code, message, status),
        status=status,
        request_id=_one_line(facts.get("RequestId") or headers.get("x-oss-request-id", "")),
        ec=_one_line(facts.get("EC") or headers.get("x-oss-ec", "")),
        location=headers.get("location", "") if status in (301, 302, 303, 307, 308) else "",
    )


def _read_document(body: bytes) -> Element | None:
    try:
        root: Element = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError):
        return None
    return root if root.tag.rpartition("}")[2] == "Error" else None


def _read_json(body: bytes) -> dict[str, str]:
    """As the elements of an XML document; {} if it is none."""
    try:
        error = json.loads(body)["error"]
        names = {"Code": "code", "Message": "message", "RequestId": "request_id", "EC": "ec"}
        return {element: str(error.get(member, "")) for element, member in names.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _decode_header_document(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return b""


def find_next_step(code: str, message: str, status: int) -> str:
    """What to do about a refusal whose server says nothing of that; "" where there is nothing sensible to say."""
    if message.startswith("Request has expired"):
        return f"the link's time is over; {_ASK_FOR_NEW_LINK}"
    if message.startswith("Request is not yet valid"):
        return "the link starts later; check both clocks, see: coatcheck explain 'LINK'"
    if code == "AccessDenied":
        return f"this needs a presigned link or an access key with the right; {_ASK_FOR_NEW_LINK}"
    if code in _HINTS:
        return _HINTS[code]
    if status >= 500:
        return "the server is in trouble; try again later"
    return f"check the address, or {_ASK_FOR_NEW_LINK}" if code.startswith("HTTP") else ""


def _plain_words(status: int) -> str:
    try:
        return f"The server answered {status} {HTTPStatus(status).phrase}."
    except ValueError:
        return f"The server answered {status}."


def _one_line(text: str) -> str:
    """Text from a stranger, safe on a terminal: no control characters, one line, not endless."""
    return re.sub(r"[\x00-\x20\x7f-\x9f]+", " ", text)[:500].strip()
