"""What the claims of several schemes share: parts that are read alike, times that are checked alike, one refusal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from coatcheck.core.errors import (
    ACCESS_KEY_ID_CHARACTERS,
    AUTHORIZATION_INVALID,
    NO_VALID_DATE,
    REQUEST_EXPIRED,
    REQUEST_TIME_TOO_SKEWED,
    SIGNATURE_DOES_NOT_MATCH,
    TOKEN_NOT_IN_QUERY,
    TOKEN_TWICE,
    OssError,
)
from coatcheck.core.limits import CLOCK_SKEW_MAX_S, ECHO_MAX_CHARS
from coatcheck.core.names import is_access_key_id
from coatcheck.core.times import LAST_MOMENT_S, read_basic_iso, read_http_date, write_iso
from coatcheck.wire.query import Parameters
from coatcheck.wire.request import Request

from .scheme import Claim, SignedText
from .source_ip import VPC_ID, is_restricted, restricted_readings
from .v4 import Scope

_OUTSIDE_SOURCE_IP: Final = "0002-00000602"
_OUTSIDE_VPC: Final = "0002-00000603"


def read_digits(text: str | None) -> int | None:
    """A whole number, if the text is one in at most 18 ASCII digits."""
    return int(text) if text and len(text) <= 18 and text.isascii() and text.isdigit() else None


def split_credential(text: str) -> tuple[str, Scope, str] | None:
    """(access key id, scope, terminator), or None if the text hasn't five parts."""
    parts = text.split("/")
    if len(text) > 512 or len(parts) != 5:
        return None
    access_key_id, date, region, product, terminator = parts
    return access_key_id, Scope(date, region, product), terminator


def check_id(access_key_id: str, ec: str | None = None) -> None:
    """Said once the bucket is known to be there. Raises: OssError ACCESS_KEY_ID_CHARACTERS."""
    if not is_access_key_id(access_key_id):
        raise ACCESS_KEY_ID_CHARACTERS(ec=ec, OSSAccessKeyId=access_key_id)


NO_REGION: Final = "The signing region in credential is invalid."


def absent_headers(claim: Claim, request: Request) -> str:
    """What to say where headers are missing that the signer listed; "" if none is.

    Some signers list headers that they don't have, so this is said only of a signature that doesn't match.
    """
    absent = [name for name in claim.additional_headers if name not in request.headers]
    return f"Signed headers are not sent: {', '.join(absent)}." if absent else ""


def is_scope_date(text: str) -> bool:
    return len(text) == 8 and text.isascii() and text.isdigit()


def bad_header(authorization: str, message: str, ec: str) -> OssError:
    return AUTHORIZATION_INVALID(message, ec=ec, Authorization=authorization)


def read_date_header(text: str | None) -> int:
    if text is None:
        raise NO_VALID_DATE()
    moment_s = read_http_date(text) or read_basic_iso(text)
    if moment_s is None or not 0 <= moment_s <= LAST_MOMENT_S:
        raise NO_VALID_DATE(ec="0002-00000502")
    return moment_s


def url_token(request: Request, name: str, header_names: tuple[str, ...]) -> str | None:
    """The STS token of a signed URL must be in the URL. An empty one is none."""
    token = request.query.first.get(name)
    for header in header_names:
        if header in request.headers:
            raise TOKEN_NOT_IN_QUERY() if token is None else TOKEN_TWICE()
    return token or None


def header_token(request: Request, name: str, header_names: tuple[str, ...]) -> str | None:
    """The STS token of a request signed in its header; `name` is what a token in the URL would be called."""
    token = next((request.headers[header] for header in header_names if header in request.headers), None)
    if token and name in request.query.first:
        raise TOKEN_TWICE()
    return token or None


def check_skew(moment_s: int, now: float) -> None:
    """SDKs set their clock by the Date header or by ServerTime of this error, and try again."""
    if abs(now - moment_s) > CLOCK_SKEW_MAX_S:
        raise REQUEST_TIME_TOO_SKEWED(
            RequestTime=write_iso(moment_s),
            ServerTime=write_iso(int(now)),
            MaxAllowedSkewMilliseconds=str(CLOCK_SKEW_MAX_S * 1000),
        )


def expired(end_s: int, now: float, ec: str) -> OssError:
    return REQUEST_EXPIRED(ec=ec, Expires=write_iso(end_s), ServerTime=write_iso(int(now)))


def readings(claim: Claim, request: Request) -> Sequence[Parameters | None]:
    """The parameters that may have been signed, the likeliest first; None: as they were sent.

    Raises:
        OssError: INVALID_ARGUMENT for a source address restriction that cannot be read.
    """
    if claim.scheme.is_link and is_restricted(request.query):
        return restricted_readings(request.query, request.client, request.peer)
    return _AS_SENT


_AS_SENT: Final = (None,)
_SHOWN_MAX_BYTES: Final = ECHO_MAX_CHARS // 3 - 1  # each takes three characters


def mismatch(claim: Claim, request: Request, text: SignedText, ec: str, message: str | None = None) -> OssError:
    """SIGNATURE_DOES_NOT_MATCH with the texts we signed, so that a caller can compare them with theirs."""
    raw = text.string_to_sign.encode("utf-8", "surrogateescape")
    shown = raw[:_SHOWN_MAX_BYTES].hex(" ").upper() + " "
    if claim.scheme.is_link and is_restricted(request.query):
        ec = _OUTSIDE_VPC if VPC_ID in request.query else _OUTSIDE_SOURCE_IP
    error = SIGNATURE_DOES_NOT_MATCH(
        message,
        ec=ec,
        OSSAccessKeyId=claim.access_key_id,
        SignatureProvided=claim.signature,
        StringToSign=text.string_to_sign,
        StringToSignBytes=shown if len(raw) <= _SHOWN_MAX_BYTES else f"{shown}...",
    )
    if text.canonical_request is not None:
        error.facts["CanonicalRequest"] = text.canonical_request
    return error
