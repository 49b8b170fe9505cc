"""V4: what a request says of itself in its URL or its Authorization header, and the text that it must have signed.

What cannot be read is refused with the row that OSS's documents give for it (signing reference, sections 0 and 7); an
`ec` given here is the finer code of that row. The arithmetic is in `v4.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from coatcheck.core.errors import (
    AUTHORIZATION_INVALID,
    NO_VALID_DATE,
    QUERY_AUTHORIZATION_INVALID,
    REQUEST_NOT_YET_VALID,
    SIGNATURE_DOES_NOT_MATCH,
    OssError,
)
from coatcheck.core.limits import CLOCK_SKEW_MAX_S, PRESIGN_V4_MAX_AGE_S
from coatcheck.core.names import is_sha256
from coatcheck.core.times import read_basic_iso, write_basic_iso, write_iso
from coatcheck.wire.query import Parameters, Query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from . import v4
from .claim_parts import (
    NO_REGION,
    absent_headers,
    bad_header,
    check_id,
    check_skew,
    expired,
    header_token,
    is_scope_date,
    mismatch,
    read_date_header,
    read_digits,
    readings,
    split_credential,
    url_token,
)
from .scheme import Glance, Lasting, Scheme, SignedText
from .source_ip import is_restricted
from .v4 import ALGORITHM, TERMINATOR, UNSIGNED_PAYLOAD, Scope

_TOKEN: Final = "x-oss-security-token"  # noqa: S105  # its name
_TOKEN_HEADERS: Final = (_TOKEN,)
_MARKS: Final = ("x-oss-signature-version", "x-oss-credential", "x-oss-signature")
_NAMES: Final = (*_MARKS, "x-oss-date", "x-oss-expires", _TOKEN, "x-oss-additional-headers")


class V4Claim(NamedTuple):
    """The six values of a V4 signature, wherever they were found.

    Attributes:
        scheme: of a link or of an Authorization header: where they were found.
        timestamp: x-oss-date as sent, YYYYMMDDTHHMMSSZ; `signed_at_s` is the same in Unix seconds.
        expires_s: how long a link lives from `signed_at_s`; None for a header.
        additional_headers: sorted lower-case names; `additional_line` is the line they make.
        payload_line: the last line of the canonical request.
    """

    scheme: Scheme[Request, V4Claim]
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

    @property
    def region(self) -> str:
        return self.scope.region

    def __repr__(self) -> str:
        return f"V4Claim({self.access_key_id}, {self.scope}, {self.timestamp}, signature hidden)"


# --- in the URL ----------------------------------------------------------------------------------------------------


def _read_url(request: Request) -> V4Claim | None:
    query = request.query
    first = query.first
    if first.get("x-oss-signature-version") != ALGORITHM:
        return None
    if query.canonical is None and query.has_repeats:
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
        V4_LINK,
        access_key_id,
        scope,
        timestamp,
        signed_at_s,
        expires_s,
        additional,
        ";".join(additional) if additional else "",
        signature,
        url_token(request, _TOKEN, _TOKEN_HEADERS),
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
    for name in _NAMES:
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
    if not scope.region:
        raise QUERY_AUTHORIZATION_INVALID(
            NO_REGION, ec="0002-00000228", ArgumentName="x-oss-credential", ArgumentValue=text
        )
    if not is_scope_date(scope.date):
        raise _bad_parameter("x-oss-credential", text, "must have a date such as 20260305", "0002-00000223")
    if terminator != TERMINATOR:
        raise _bad_parameter("x-oss-credential", text, f"must end in {TERMINATOR}", "0002-00000224")
    return access_key_id, scope


def _read_url_additional(text: str) -> tuple[str, ...]:
    names = _split_additional(text)
    if "" in names:
        raise _bad_parameter("x-oss-additional-headers", text, "has an empty header name", "0002-00000076")
    return names


def _split_additional(text: str) -> tuple[str, ...]:
    """Sorted here, whatever the order they came in: oss2 sorts its list by the first letter only."""
    return tuple(sorted(text.lower().split(";")))


# --- in the header -------------------------------------------------------------------------------------------------


def _read_header(request: Request) -> V4Claim | None:
    authorization = request.headers["authorization"]
    if authorization.partition(" ")[0] != ALGORITHM:
        return None
    items = _read_items(authorization)
    try:
        credential, signature = items["Credential"], items["Signature"]
    except KeyError:
        raise bad_header(authorization, "Authorization header is invalid.", "0002-00000202") from None
    access_key_id, scope = _read_header_credential(authorization, credential)
    timestamp, signed_at_s = _read_header_date(request.headers)
    if not timestamp.startswith(scope.date):
        raise bad_header(authorization, "Invalid signing date in Authorization header.", "0002-00000212")
    payload_line = request.headers.get("x-oss-content-sha256", UNSIGNED_PAYLOAD)
    if payload_line != UNSIGNED_PAYLOAD:
        message = f"x-oss-content-sha256 must be {UNSIGNED_PAYLOAD}."
        raise AUTHORIZATION_INVALID(
            message, ec="0002-00000214", ArgumentName="x-oss-content-sha256", ArgumentValue=payload_line
        )
    names = items.get("AdditionalHeaders")
    additional = () if names is None else _read_header_additional(authorization, names)
    return V4Claim(
        V4_HEADER,
        access_key_id,
        scope,
        timestamp,
        signed_at_s,
        None,
        additional,
        ";".join(additional),
        signature,
        header_token(request, _TOKEN, _TOKEN_HEADERS),
        payload_line,
    )


def _read_items(authorization: str) -> dict[str, str]:
    """ "OSS4-HMAC-SHA256 Credential=...,Signature=..." -> the items; any order, spaces after commas allowed (oss2)."""
    text = authorization[len(ALGORITHM) :].strip()
    if not text:
        raise bad_header(authorization, "Authorization header value is empty.", "")
    pairs = [item.strip().partition("=")[::2] for item in text.split(",", 4)]
    items = dict(pairs)
    if not items.keys() <= {"Credential", "Signature", "AdditionalHeaders"}:
        raise bad_header(authorization, "Unknown parameter in Authorization header.", "")
    if len(items) != len(pairs):
        raise bad_header(
            authorization, "Authorization header is invalid, bad num of Items in Authorization header.", ""
        )
    return items


def _read_header_credential(authorization: str, text: str) -> tuple[str, Scope]:
    parts = split_credential(text)
    if parts is None or not parts[0]:
        raise bad_header(authorization, "Authorization header is invalid.", "0002-00000202")
    access_key_id, scope, terminator = parts
    if not scope.region:
        raise bad_header(authorization, NO_REGION, "0002-00000202")
    if not is_scope_date(scope.date):
        raise bad_header(authorization, "Invalid signing date in Authorization header.", "0002-00000212")
    if terminator != TERMINATOR:
        raise bad_header(authorization, f"The credential scope must end in {TERMINATOR}.", "0002-00000213")
    return access_key_id, scope


def _read_header_date(headers: Mapping[str, str]) -> tuple[str, int]:
    """(YYYYMMDDTHHMMSSZ, Unix seconds) of x-oss-date, or else of Date."""
    timestamp = headers.get("x-oss-date")
    if timestamp is not None:
        signed_at_s = read_basic_iso(timestamp)
        if signed_at_s is not None:
            return timestamp, signed_at_s
        raise NO_VALID_DATE(ec="0002-00000502")
    moment_s = read_date_header(headers.get("date"))
    return write_basic_iso(moment_s), moment_s


def _read_header_additional(authorization: str, text: str) -> tuple[str, ...]:
    if not text:
        raise bad_header(authorization, "AdditionalHeaders in the Authorization header is empty.", "0002-00000209")
    names = _split_additional(text)
    if "" in names:
        raise bad_header(authorization, "AdditionalHeaders has an empty header name.", "0002-00000210")
    return names


# --- in both -------------------------------------------------------------------------------------------------------


def _check(claim: V4Claim, now: float, _: Target) -> None:
    if claim.expires_s is None:
        check_id(claim.access_key_id)
        check_skew(claim.signed_at_s, now)
    else:
        check_id(claim.access_key_id, "0002-00000222")
        _check_window(claim.signed_at_s, claim.signed_at_s + claim.expires_s, now)


def _check_scope(claim: V4Claim, regions: Collection[str], target: Target) -> None:
    """It may name the regions served; where the address stands for one (`target.region`), only that."""
    scope, addressed = claim.scope, target.region
    if scope.region not in regions or (addressed is not None and scope.region != addressed):
        raise _bad_scope(claim, "region", "0002-00000226", "0002-00000228")
    if scope.product != v4.PRODUCT:
        raise _bad_scope(claim, "product", "0002-00000227", "0002-00000229")


def _bad_scope(claim: V4Claim, what: str, header_ec: str, url_ec: str) -> OssError:
    if not claim.scheme.is_link:
        return AUTHORIZATION_INVALID(f"Invalid signing {what} in Authorization header.", ec=header_ec)
    return QUERY_AUTHORIZATION_INVALID(
        f"Invalid signing {what} in query.",
        ec=url_ec,
        ArgumentName="x-oss-credential",
        ArgumentValue=f"{claim.access_key_id}/{claim.scope}",
    )


def _check_window(start_s: int, end_s: int, now: float) -> None:
    """A link is good from 15 minutes before its date, for clocks that run ahead, until its end, without grace."""
    if now > end_s:
        raise expired(end_s, now, "0002-00000236")
    if now < start_s - CLOCK_SKEW_MAX_S:
        raise REQUEST_NOT_YET_VALID(RequestTime=write_iso(start_s), ServerTime=write_iso(int(now)))


def _keep(claim: V4Claim) -> Lasting:
    age_s = claim.expires_s or 0
    common = claim._replace(timestamp="", signed_at_s=0, signature="")
    return Lasting(common, claim.signed_at_s + age_s, age_s + CLOCK_SKEW_MAX_S)


def _texts(claim: V4Claim, request: Request, target: Target) -> Sequence[str]:
    if claim.expires_s is None or not is_restricted(request.query):
        return (v4.string_to_sign(claim.timestamp, claim.scope, _canonical_request(claim, request, target, None)),)
    return [_string_to_sign(claim, request, target, parameters) for parameters in readings(claim, request)]


def _odd_texts(claim: V4Claim, request: Request, target: Target) -> Sequence[str]:
    """A signer that sends no x-oss-date may have signed its Date as it is (aliyun-oss-go-sdk); one that was given an
    empty string "acl=" instead of "acl" (ali-oss).
    """
    if claim.expires_s is None and "x-oss-date" not in request.headers:
        text = _canonical_request(claim, request, target, None)
        return [v4.string_to_sign(request.headers.get("date", ""), claim.scope, text)]
    if not any(parameter.bare_equals for parameter in request.query.parameters):
        return ()
    return [
        _string_to_sign(claim, request, target, parameters, keep_bare_equals=True)
        for parameters in readings(claim, request)
    ]


def _write(claim: V4Claim, request: Request, target: Target) -> SignedText:
    parameters = next(iter(readings(claim, request)), None)
    canonical_request = _canonical_request(claim, request, target, parameters)
    return SignedText(v4.string_to_sign(claim.timestamp, claim.scope, canonical_request), canonical_request)


def _string_to_sign(
    claim: V4Claim,
    request: Request,
    target: Target,
    parameters: Parameters | None,
    keep_bare_equals: bool = False,
) -> str:
    canonical_request = _canonical_request(claim, request, target, parameters, keep_bare_equals)
    return v4.string_to_sign(claim.timestamp, claim.scope, canonical_request)


def _canonical_request(
    claim: V4Claim, request: Request, target: Target, parameters: Parameters | None, keep_bare_equals: bool = False
) -> str:
    query = request.query.canonical
    if query is None or parameters is not None:
        sent = request.query.parameters if parameters is None else parameters
        query = v4.canonical_query(sent, keep_bare_equals=keep_bare_equals)
    return v4.canonical_request(
        request.method,
        v4.canonical_uri(target),
        query,
        v4.canonical_headers(request.headers, claim.additional_headers),
        claim.additional_line,
        claim.payload_line,
    )


def _sign(claim: V4Claim, text: str, secret: str) -> str:
    return v4.sign(v4.signing_key(secret, claim.scope), text)


def _mismatch(claim: V4Claim, request: Request, target: Target) -> OssError:
    if absent := absent_headers(claim, request):
        fault = QUERY_AUTHORIZATION_INVALID if claim.scheme.is_link else AUTHORIZATION_INVALID
        return fault(absent, ec="0002-00000077", ArgumentName="x-oss-additional-headers")
    return mismatch(
        claim, request, _write(claim, request, target), "0002-00000201", _host_sentence(claim, request.host)
    )


def _host_sentence(claim: V4Claim, host: str) -> str | None:
    """OSS's message; and, where the signer chose to sign the host, that this may be the reason."""
    if "host" not in claim.additional_headers:
        return None
    return (
        f"{SIGNATURE_DOES_NOT_MATCH.message} The signer also signed the host, so it answers under one host name only: "
        f"it came with Host {host!r}."
    )


def _glance(query: Query) -> Glance | None:
    if not any(name in query for name in _MARKS):
        return None
    if query.get("x-oss-signature-version") not in (None, "", ALGORITHM) and "x-oss-credential" not in query:
        return None  # it says that it is of another version, and has nothing of this one's own
    credential = (query.get("x-oss-credential") or "").split("/")
    starts_at_s, age_s = read_basic_iso(query.get("x-oss-date") or ""), read_digits(query.get("x-oss-expires"))
    return Glance(
        credential[0] or None,
        credential[2] or None if len(credential) > 2 else None,
        starts_at_s,
        None if starts_at_s is None or age_s is None else starts_at_s + age_s,
        tuple(sorted(name for name in (query.get("x-oss-additional-headers") or "").lower().split(";") if name)),
    )


V4_LINK: Final = Scheme(
    "V4",
    "link",
    True,
    _read_url,
    _check,
    _texts,
    _write,
    _sign,
    _mismatch,
    _odd_texts,
    _check_scope,
    marks=frozenset(_MARKS),
    signature_chars=64,
    keep=_keep,
    glance=_glance,
)
V4_HEADER: Final = Scheme(
    "V4",
    "header",
    False,
    _read_header,
    _check,
    _texts,
    _write,
    _sign,
    _mismatch,
    _odd_texts,
    _check_scope,
    signature_chars=64,
)
