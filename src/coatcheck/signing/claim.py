"""What a request says of itself: who signed it, when, for how long. Nothing here is believed until `verify.py` agrees.

`read_claim` takes any request. What it cannot read it refuses with the row that OSS's documents give for it (signing
reference, sections 0, 7.1 to 7.3); an `ec` given here is the finer code of that row.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from coatcheck.core.errors import (
    ACCESS_KEY_ID_CHARACTERS,
    AUTHORIZATION_INVALID,
    NO_VALID_DATE,
    QUERY_AUTHORIZATION_INCOMPLETE,
    QUERY_AUTHORIZATION_INVALID,
    TOKEN_NOT_IN_QUERY,
    TOKEN_TWICE,
    TWO_SIGNATURES,
    UNSUPPORTED_SIGNATURE,
    OssError,
)
from coatcheck.core.limits import PRESIGN_V4_MAX_AGE_S
from coatcheck.core.names import is_access_key_id, is_sha256
from coatcheck.core.times import LAST_MOMENT_S, read_basic_iso, read_http_date, write_basic_iso
from coatcheck.wire.query import Query
from coatcheck.wire.request import Request

from .v4 import ALGORITHM, TERMINATOR, UNSIGNED_PAYLOAD, Scope


# Tuples rather than dataclasses: one is made for every request, and a frozen dataclass of this size takes 1 µs more.
class V4Claim(NamedTuple):
    """The six values of a V4 signature, wherever they were found.

    Attributes:
        presigned: found in the URL; otherwise in the Authorization header.
        timestamp: x-oss-date as sent, YYYYMMDDTHHMMSSZ; `signed_at_s` is the same in Unix seconds.
        expires_s: how long a link lives from `signed_at_s`; None for a header.
        additional_headers: sorted lower-case names; `additional_line` is the line they make.
        payload_line: the last line of the canonical request.
    """

    presigned: bool
    access_key_id: str
    scope: Scope
    timestamp: str
    signed_at_s: int
    expires_s: int | None
    additional_headers: tuple[str, ...]
    additional_line: str
    signature: str
    security_token: str | None
    payload_line: str

    def __repr__(self) -> str:
        return f"V4Claim({self.access_key_id}, {self.scope}, {self.timestamp}, signature hidden)"


class V1Claim(NamedTuple):
    """The values of a V1 signature.

    Attributes:
        date_line: the date line of the string to sign, as sent: Expires in a URL, else x-oss-date or Date.
        moment_s: the same in Unix seconds: when a link ends, or when a header was signed.
    """

    presigned: bool
    access_key_id: str
    date_line: str
    moment_s: int
    signature: str
    security_token: str | None

    def __repr__(self) -> str:
        return f"V1Claim({self.access_key_id}, {self.date_line}, signature hidden)"


Claim = V4Claim | V1Claim

_V4_URL_NAMES: Final = (
    "x-oss-signature-version",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-expires",
    "x-oss-signature",
    "x-oss-security-token",
    "x-oss-additional-headers",
)
_URL_SIGNATURE_NAMES: Final = frozenset(
    {
        "x-oss-signature-version",
        "x-oss-credential",
        "x-oss-signature",
        "OSSAccessKeyId",
        "Signature",
        "Expires",
        "X-Amz-Algorithm",
        "X-Amz-Signature",
    }
)


def read_claim(request: Request) -> Claim | None:
    """The claim of a request, or None if it makes none (anonymous).

    Raises:
        OssError: two signatures at once, a scheme we don't speak, or a claim that cannot be read.
    """
    authorization = request.headers.get("authorization")
    first = request.query.first
    if authorization is None:
        if first.get("x-oss-signature-version") == ALGORITHM:
            return _read_v4_url(request)
        if _URL_SIGNATURE_NAMES.isdisjoint(first):
            return None
        return _read_other_url(request)
    if not _URL_SIGNATURE_NAMES.isdisjoint(first):
        raise TWO_SIGNATURES()
    return _read_header(request, authorization)


def _read_other_url(request: Request) -> V1Claim:
    """A signed URL that isn't V4's."""
    first = request.query.first
    version = first.get("x-oss-signature-version")
    if version is not None:
        ec = None if version == "OSS2" else "0002-00000066"
        raise UNSUPPORTED_SIGNATURE(ec=ec, ArgumentName="x-oss-signature-version", ArgumentValue=version)
    if "X-Amz-Algorithm" in first or "X-Amz-Signature" in first:
        raise UNSUPPORTED_SIGNATURE()
    if "OSSAccessKeyId" in first or "Signature" in first or "Expires" in first:
        return _read_v1_url(request)
    raise QUERY_AUTHORIZATION_INVALID(
        f"x-oss-signature-version is missing from the URL; it must be {ALGORITHM}.",
        ArgumentName="x-oss-signature-version",
    )


# --- V4 ------------------------------------------------------------------------------------------------------------


def _read_v4_url(request: Request) -> V4Claim:
    query = request.query
    first = query.first
    if query.has_repeats:
        _refuse_doubled(query)
    expires, credential = first.get("x-oss-expires"), first.get("x-oss-credential")
    signature, timestamp = first.get("x-oss-signature"), first.get("x-oss-date")
    if not (expires and credential and signature and timestamp):
        raise _missing_parameter(first)
    expires_s = _read_expires(expires)
    access_key_id, scope = _read_url_credential(credential)
    signed_at_s = read_basic_iso(timestamp)
    if signed_at_s is None:
        raise _bad_parameter("x-oss-date", timestamp, "must be a date such as 20260305T070809Z", "0002-00000231")
    if not timestamp.startswith(scope.date):
        raise _bad_parameter("x-oss-credential", credential, "must have the day of x-oss-date", "0002-00000223")
    names = first.get("x-oss-additional-headers")
    additional = () if names is None else _read_url_additional(names)
    return V4Claim(
        True,
        access_key_id,
        scope,
        timestamp,
        signed_at_s,
        expires_s,
        additional,
        ";".join(additional) if additional else "",
        signature,
        _url_token(request, "x-oss-security-token", _V4_TOKEN_HEADERS),
        _read_url_payload(request.headers.get("x-oss-content-sha256", UNSIGNED_PAYLOAD)),
    )


def _read_url_payload(line: str) -> str:
    """A link may have been signed for one body: who takes the body in compares it (`wire/body_digests.py`)."""
    if line != UNSIGNED_PAYLOAD and not is_sha256(line):
        why = f"must be {UNSIGNED_PAYLOAD} or the body's SHA-256 in 64 lower-case hex digits"
        raise _bad_parameter("x-oss-content-sha256", line, why, "")
    return line


def _refuse_doubled(query: Query) -> None:
    """V1 takes the first of a doubled parameter; for V4 nothing says so, and a doubled signature is nobody's intent."""
    for name in _V4_URL_NAMES:
        if query.count(name) > 1:
            raise QUERY_AUTHORIZATION_INVALID(f"{name} is given more than once.", ArgumentName=name)


def _missing_parameter(first: Mapping[str, str]) -> OssError:
    """The first of the required parameters that is missing or empty."""
    name, missing_ec, empty_ec = next(row for row in _REQUIRED if not first.get(row[0]))
    if name in first:
        return _bad_parameter(name, "", "is empty", empty_ec)
    return QUERY_AUTHORIZATION_INVALID(f"{name} is missing from the URL.", ec=missing_ec, ArgumentName=name)


_REQUIRED: Final = (  # name, finer code if it is missing, finer code if it is empty
    ("x-oss-expires", "0002-00000215", "0002-00000216"),
    ("x-oss-credential", "0002-00000217", "0002-00000218"),
    ("x-oss-signature", "0002-00000219", "0002-00000220"),
    ("x-oss-date", "0002-00000230", "0002-00000230"),
)


def _bad_parameter(name: str, value: str, why: str, ec: str) -> OssError:
    return QUERY_AUTHORIZATION_INVALID(f"{name} {why}.", ec=ec, ArgumentName=name, ArgumentValue=value)


@lru_cache(maxsize=1024)
def _read_expires(text: str) -> int:
    """Seconds, 1 to 604800, in ASCII digits."""
    if len(text) <= 10 and text.isascii() and text.isdigit():
        seconds = int(text)
        if 1 <= seconds <= PRESIGN_V4_MAX_AGE_S:
            return seconds
    raise _bad_parameter(
        "x-oss-expires", text, f"must be whole seconds from 1 to {PRESIGN_V4_MAX_AGE_S} (seven days)", "0002-00000232"
    )


@lru_cache(maxsize=1024)
def _read_url_credential(text: str) -> tuple[str, Scope]:
    parts = split_credential(text)
    if parts is None:
        why = f"must be <access key id>/<YYYYMMDD>/<region>/oss/{TERMINATOR}"
        raise _bad_parameter("x-oss-credential", text, why, "0002-00000218")
    access_key_id, scope, terminator = parts
    if not is_access_key_id(access_key_id):
        raise ACCESS_KEY_ID_CHARACTERS(ec="0002-00000222", OSSAccessKeyId=access_key_id)
    if not is_scope_date(scope.date):
        raise _bad_parameter("x-oss-credential", text, "must have a date such as 20260305", "0002-00000223")
    if terminator != TERMINATOR:
        raise _bad_parameter("x-oss-credential", text, f"must end in {TERMINATOR}", "0002-00000224")
    return access_key_id, scope


def split_credential(text: str) -> tuple[str, Scope, str] | None:
    """(access key id, scope, terminator), or None if the text hasn't five parts or no region."""
    parts = text.split("/")
    if len(text) > 512 or len(parts) != 5 or not parts[2]:
        return None
    access_key_id, date, region, product, terminator = parts
    return access_key_id, Scope(date, region, product), terminator


def is_scope_date(text: str) -> bool:
    return len(text) == 8 and text.isascii() and text.isdigit()


def _read_url_additional(text: str) -> tuple[str, ...]:
    names = _split_additional(text)
    if "" in names:
        raise _bad_parameter("x-oss-additional-headers", text, "has an empty header name", "0002-00000076")
    return names


def _split_additional(text: str) -> tuple[str, ...]:
    """Sorted here, whatever the order they came in: oss2 sorts its list by the first letter only."""
    return tuple(sorted(text.lower().split(";")))


def _read_v4_header(request: Request, authorization: str) -> V4Claim:
    items = _read_items(authorization)
    try:
        credential, signature = items["Credential"], items["Signature"]
    except KeyError:
        raise _bad_header(authorization, "Authorization header is invalid.", "0002-00000202") from None
    access_key_id, scope = _read_header_credential(authorization, credential)
    timestamp, signed_at_s = _read_header_date(request.headers)
    if not timestamp.startswith(scope.date):
        raise _bad_header(authorization, "Invalid signing date in Authorization header.", "0002-00000212")
    payload_line = request.headers.get("x-oss-content-sha256", UNSIGNED_PAYLOAD)
    if payload_line != UNSIGNED_PAYLOAD:
        message = f"x-oss-content-sha256 must be {UNSIGNED_PAYLOAD}."
        raise AUTHORIZATION_INVALID(
            message, ec="0002-00000214", ArgumentName="x-oss-content-sha256", ArgumentValue=payload_line
        )
    names = items.get("AdditionalHeaders")
    additional = () if names is None else _read_header_additional(authorization, names)
    return V4Claim(
        False,
        access_key_id,
        scope,
        timestamp,
        signed_at_s,
        None,
        additional,
        ";".join(additional),
        signature,
        _header_token(request, "x-oss-security-token", _V4_TOKEN_HEADERS),
        payload_line,
    )


def _read_items(authorization: str) -> dict[str, str]:
    """ "OSS4-HMAC-SHA256 Credential=...,Signature=..." -> the items; any order, spaces after commas allowed (oss2)."""
    text = authorization[len(ALGORITHM) :].strip()
    if not text:
        raise _bad_header(authorization, "Authorization header value is empty.", "")
    pairs = [item.strip().partition("=")[::2] for item in text.split(",", 4)]
    items = dict(pairs)
    if not items.keys() <= {"Credential", "Signature", "AdditionalHeaders"}:
        raise _bad_header(authorization, "Unknown parameter in Authorization header.", "")
    if len(items) != len(pairs):
        raise _bad_header(
            authorization, "Authorization header is invalid, bad num of Items in Authorization header.", ""
        )
    return items


def _bad_header(authorization: str, message: str, ec: str) -> OssError:
    return AUTHORIZATION_INVALID(message, ec=ec, Authorization=authorization)


def _read_header_credential(authorization: str, text: str) -> tuple[str, Scope]:
    parts = split_credential(text)
    if parts is None or not parts[0]:
        raise _bad_header(authorization, "Authorization header is invalid.", "0002-00000202")
    access_key_id, scope, terminator = parts
    if not is_access_key_id(access_key_id):
        raise ACCESS_KEY_ID_CHARACTERS(OSSAccessKeyId=access_key_id)
    if not is_scope_date(scope.date):
        raise _bad_header(authorization, "Invalid signing date in Authorization header.", "0002-00000212")
    if terminator != TERMINATOR:
        raise _bad_header(authorization, f"The credential scope must end in {TERMINATOR}.", "0002-00000213")
    return access_key_id, scope


def _read_header_date(headers: Mapping[str, str]) -> tuple[str, int]:
    """(YYYYMMDDTHHMMSSZ, Unix seconds) of x-oss-date, or else of Date."""
    timestamp = headers.get("x-oss-date")
    if timestamp is not None:
        signed_at_s = read_basic_iso(timestamp)
        if signed_at_s is not None:
            return timestamp, signed_at_s
        raise NO_VALID_DATE(ec="0002-00000502")
    moment_s = _read_date_header(headers.get("date"))
    return write_basic_iso(moment_s), moment_s


def _read_date_header(text: str | None) -> int:
    if text is None:
        raise NO_VALID_DATE()
    moment_s = read_http_date(text) or read_basic_iso(text)
    if moment_s is None or not 0 <= moment_s <= LAST_MOMENT_S:
        raise NO_VALID_DATE(ec="0002-00000502")
    return moment_s


def _read_header_additional(authorization: str, text: str) -> tuple[str, ...]:
    if not text:
        raise _bad_header(authorization, "AdditionalHeaders in the Authorization header is empty.", "0002-00000209")
    names = _split_additional(text)
    if "" in names:
        raise _bad_header(authorization, "AdditionalHeaders has an empty header name.", "0002-00000210")
    return names


# --- V1 ------------------------------------------------------------------------------------------------------------


def _read_v1_url(request: Request) -> V1Claim:
    first = request.query.first
    expires = _required_v1(first, "Expires", "0002-00000067", "0002-00000068")
    access_key_id = _required_v1(first, "OSSAccessKeyId", "0002-00000071", "0002-00000072")
    signature = _required_v1(first, "Signature", "0002-00000074", "0002-00000075")
    if not (len(expires) <= 18 and expires.isascii() and expires.isdigit()):
        raise QUERY_AUTHORIZATION_INCOMPLETE(
            "Expires must be a time in Unix seconds.",
            ec="0002-00000070",
            ArgumentName="Expires",
            ArgumentValue=expires,
        )
    if not is_access_key_id(access_key_id):
        raise QUERY_AUTHORIZATION_INCOMPLETE(
            ACCESS_KEY_ID_CHARACTERS.message, ec="0002-00000073", OSSAccessKeyId=access_key_id
        )
    # A "+" of the base64 text that was pasted unescaped arrives as a space.
    token = _url_token(request, "security-token", _V1_TOKEN_HEADERS)
    return V1Claim(True, access_key_id, expires, int(expires), signature.replace(" ", "+"), token)


def _required_v1(first: Mapping[str, str], name: str, missing_ec: str, empty_ec: str) -> str:
    value = first.get(name)
    if value:
        return value
    raise QUERY_AUTHORIZATION_INCOMPLETE(ec=missing_ec if value is None else empty_ec, ArgumentName=name)


def _read_v1_header(request: Request, authorization: str) -> V1Claim:
    access_key_id, colon, signature = authorization[len("OSS ") :].strip().partition(":")
    if not colon:
        raise _bad_header(authorization, "Authorization header is invalid.", "0002-00000062")
    if not access_key_id or not signature:
        message = "AccessKeyId or Signature is missing in Authorization header value."
        raise _bad_header(authorization, message, "0002-00000063")
    if not is_access_key_id(access_key_id):
        raise ACCESS_KEY_ID_CHARACTERS(OSSAccessKeyId=access_key_id)
    headers = request.headers
    date_line = headers.get("x-oss-date", headers.get("date"))
    moment_s = _read_date_header(date_line)
    token = _header_token(request, "security-token", _V1_TOKEN_HEADERS)
    return V1Claim(False, access_key_id, date_line or "", moment_s, signature, token)


# --- every scheme --------------------------------------------------------------------------------------------------


def _read_header(request: Request, authorization: str) -> Claim:
    scheme, _, _ = authorization.partition(" ")
    if scheme == ALGORITHM:
        return _read_v4_header(request, authorization)
    if scheme == "OSS":
        return _read_v1_header(request, authorization)
    if scheme in ("OSS2", "AWS4-HMAC-SHA256", "AWS"):
        raise UNSUPPORTED_SIGNATURE(Authorization=authorization)
    if not scheme:
        raise _bad_header(authorization, "Authorization header value is empty.", "")
    raise _bad_header(authorization, "Authorization header is invalid.", "0002-00000061")


_V4_TOKEN_HEADERS: Final = ("x-oss-security-token",)
_V1_TOKEN_HEADERS: Final = (
    "x-oss-security-token",
    "security-token",
)  # the second: V1 signer of Python V2


def _url_token(request: Request, name: str, header_names: tuple[str, ...]) -> str | None:
    """The STS token of a signed URL must be in the URL. An empty one is none."""
    token = request.query.first.get(name)
    for header in header_names:
        if header in request.headers:
            raise TOKEN_NOT_IN_QUERY() if token is None else TOKEN_TWICE()
    return token or None


def _header_token(request: Request, name: str, header_names: tuple[str, ...]) -> str | None:
    """The STS token of a request signed in its header; `name` is what a token in the URL would be called."""
    token = next((request.headers[header] for header in header_names if header in request.headers), None)
    if token and name in request.query.first:
        raise TOKEN_TWICE()
    return token or None
