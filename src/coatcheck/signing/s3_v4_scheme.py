"""S3's version 4: what a request says of itself in its URL or its Authorization header, and what it must have signed.

The arithmetic is in `s3_v4.py`. Unlike OSS, S3 covers no header that the signer did not list; so a request that has an
`x-amz-*` header that isn't listed is refused, in a link and in a header alike, before signatures are compared.

Source: S3 reference, sections 2 and 3.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from coatcheck.core.errors import REQUEST_TIME_TOO_SKEWED, SIGNATURE_DOES_NOT_MATCH, UNKNOWN_ACCESS_KEY_ID, OssError
from coatcheck.core.fault import Fault
from coatcheck.core.limits import CLOCK_SKEW_MAX_S, PRESIGN_V4_MAX_AGE_S, S3_SIGNED_HEADERS_MAX
from coatcheck.core.names import is_access_key_id, is_sha256
from coatcheck.core.s3_errors import (
    S3_BAD_CONTENT_SHA256,
    S3_EXPIRED,
    S3_HEADER_MALFORMED,
    S3_HEADERS_NOT_SIGNED,
    S3_NO_CONTENT_SHA256,
    S3_NO_DATE,
    S3_NOT_BUILT,
    S3_NOT_YET_VALID,
    S3_QUERY_MALFORMED,
)
from coatcheck.core.times import read_basic_iso, read_http_date, write_basic_iso, write_iso
from coatcheck.wire.query import Query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from . import s3_v4
from .claim_parts import is_scope_date, read_digits
from .s3_v4 import ALGORITHM, CONTENT_SHA256, SERVICE, TERMINATOR, UNSIGNED_PAYLOAD
from .scheme import Glance, Lasting, Scheme, SignedText
from .v4 import Scope, sign

STREAMING: Final = frozenset(
    {
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    }
)
REGION_ALIASES: Final = frozenset({"us-east-1", "auto", ""})  # what tools send that know no region of ours
_MARKS: Final = ("X-Amz-Algorithm", "X-Amz-Signature", "X-Amz-Credential")
_TOKEN: Final = "X-Amz-Security-Token"  # noqa: S105  # its name
_NAMES: Final = (*_MARKS, "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", _TOKEN, "X-Amz-Content-Sha256")
_NAME_CHARS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.!#$%&'*+^`|~")


class S3V4Claim(NamedTuple):
    """The values of a signature, wherever they were found.

    Attributes:
        scope: its product is the service.
        timestamp: YYYYMMDDTHHMMSSZ; `signed_at_s` is the same in Unix seconds.
        expires_s: how long a link lives from `signed_at_s`; None for a header.
        signed_headers: sorted lower-case names; `signed_line` is the line they make.
        payload_line: the last line of the canonical request.
    """

    scheme: Scheme[Request, S3V4Claim]
    access_key_id: str
    scope: Scope
    timestamp: str
    signed_at_s: int
    expires_s: int | None
    signed_headers: tuple[str, ...]
    signed_line: str
    signature: str
    security_token: str | None
    payload_line: str

    @property
    def region(self) -> str | None:
        region = self.scope.region
        return None if region in REGION_ALIASES else region.removeprefix("oss-")

    @property
    def additional_headers(self) -> tuple[str, ...]:
        return self.signed_headers

    def __repr__(self) -> str:
        return f"S3V4Claim({self.access_key_id}, {self.scope}, {self.timestamp}, signature hidden)"


# --- in the URL ----------------------------------------------------------------------------------------------------


def _read_url(request: Request) -> S3V4Claim | None:
    first = request.query.first
    if not any(name in first for name in _MARKS):
        return None
    if request.query.has_repeats:
        _refuse_doubled(request.query)
    if first.get("X-Amz-Algorithm") != ALGORITHM:
        raise S3_QUERY_MALFORMED(f"X-Amz-Algorithm only supports {ALGORITHM}.")
    credential, timestamp = _required(first, "X-Amz-Credential"), _required(first, "X-Amz-Date")
    expires, names = _required(first, "X-Amz-Expires"), _required(first, "X-Amz-SignedHeaders")
    signature = _required(first, "X-Amz-Signature")
    access_key_id, scope = read_credential(credential, S3_QUERY_MALFORMED)
    signed_at_s = read_basic_iso(timestamp)
    if signed_at_s is None:
        raise S3_QUERY_MALFORMED("X-Amz-Date must be in the ISO8601 Long Format yyyyMMdd'T'HHmmss'Z'.")
    if not timestamp.startswith(scope.date):
        raise S3_QUERY_MALFORMED(f"Invalid credential date {scope.date}. It must be the day of X-Amz-Date.")
    signed = _read_names(names, S3_QUERY_MALFORMED)
    payload = first.get("X-Amz-Content-Sha256") or request.headers.get(CONTENT_SHA256) or UNSIGNED_PAYLOAD
    return S3V4Claim(
        S3_V4_LINK,
        access_key_id,
        scope,
        timestamp,
        signed_at_s,
        _read_expires(expires),
        signed,
        names,
        signature,
        first.get(_TOKEN) or None,
        payload,
    )


def _refuse_doubled(query: Query) -> None:
    for name in _NAMES:
        if query.count(name) > 1:
            raise S3_QUERY_MALFORMED(f"{name} is given more than once.")


def _required(first: Mapping[str, str], name: str) -> str:
    value = first.get(name)
    if not value:
        raise S3_QUERY_MALFORMED(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
            f"X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters; {name} is missing."
        )
    return value


def _read_expires(text: str) -> int:
    seconds = read_digits(text)
    if seconds is None or seconds < 1:
        raise S3_QUERY_MALFORMED("X-Amz-Expires must be a number of seconds, at least 1.")
    if seconds > PRESIGN_V4_MAX_AGE_S:
        raise S3_QUERY_MALFORMED(
            f"X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
            f"{PRESIGN_V4_MAX_AGE_S} seconds"
        )
    return seconds


# --- in the header -------------------------------------------------------------------------------------------------


def _read_header(request: Request) -> S3V4Claim | None:
    headers = request.headers
    word, _, rest = headers["authorization"].partition(" ")
    if word != ALGORITHM:
        return None
    items = _read_items(rest)
    access_key_id, scope = read_credential(items["Credential"], S3_HEADER_MALFORMED)
    timestamp, signed_at_s = _read_date(headers)
    if not timestamp.startswith(scope.date):
        raise S3_HEADER_MALFORMED(f"Invalid credential date {scope.date}. It must be the day of x-amz-date.")
    names = items["SignedHeaders"]
    payload = headers.get(CONTENT_SHA256)
    if payload is None and scope.product == SERVICE:
        raise S3_NO_CONTENT_SHA256()
    return S3V4Claim(
        S3_V4_HEADER,
        access_key_id,
        scope,
        timestamp,
        signed_at_s,
        None,
        _read_names(names, S3_HEADER_MALFORMED),
        names,
        items["Signature"],
        headers.get("x-amz-security-token") or None,
        _check_payload(payload or UNSIGNED_PAYLOAD),
    )


def _read_items(text: str) -> dict[str, str]:
    """Credential, SignedHeaders and Signature, in any order, with or without blanks behind the commas."""
    items: dict[str, str] = {}
    for item in text.split(","):
        name, equals, value = item.strip().partition("=")
        if not equals or name in items:
            raise S3_HEADER_MALFORMED()
        items[name] = value
    if items.keys() != {"Credential", "SignedHeaders", "Signature"} or not all(items.values()):
        raise S3_HEADER_MALFORMED(f"{S3_HEADER_MALFORMED.message} It needs Credential, SignedHeaders and Signature.")
    return items


def _read_date(headers: Mapping[str, str]) -> tuple[str, int]:
    """x-amz-date, else Date, as it stands in the string to sign, and in Unix seconds."""
    sent, date = headers.get("x-amz-date"), headers.get("date")
    moment_s = read_basic_iso(sent) if sent is not None else read_http_date(date or "") or read_basic_iso(date or "")
    if moment_s is None:
        raise S3_NO_DATE()
    return sent if sent is not None else write_basic_iso(moment_s), moment_s


def _check_payload(line: str) -> str:
    """Raises: OssError S3_BAD_CONTENT_SHA256, S3_NOT_BUILT."""
    if line == UNSIGNED_PAYLOAD or line in STREAMING or is_sha256(line):
        return line
    if line.startswith("STREAMING-AWS4-ECDSA-"):
        raise S3_NOT_BUILT("Signatures of version 4A are not spoken here. Sign with AWS4-HMAC-SHA256.")
    raise S3_BAD_CONTENT_SHA256(ArgumentName=CONTENT_SHA256, ArgumentValue=line[:128])


# --- in both -------------------------------------------------------------------------------------------------------


def read_credential(text: str, fault: Fault) -> tuple[str, Scope]:
    """ID/DATE/REGION/SERVICE/aws4_request; the id may hold slashes, where other systems made it."""
    parts = text.rsplit("/", 4)
    if len(text) > 512 or len(parts) != 5 or parts[4] != TERMINATOR or not parts[0] or not is_scope_date(parts[1]):
        raise fault('The Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".')
    access_key_id, date, region, service, _ = parts
    return access_key_id, Scope(date, region, service)


def _read_names(text: str, fault: Fault) -> tuple[str, ...]:
    """The listed headers: sorted, each once, in lower case, `host` among them."""
    names = tuple(text.split(";"))
    if len(names) > S3_SIGNED_HEADERS_MAX:
        raise fault(f"SignedHeaders lists more than {S3_SIGNED_HEADERS_MAX} headers.")
    if any(not name or not _NAME_CHARS.issuperset(name) for name in names):
        raise fault("SignedHeaders must be names of headers in lower case, joined by ';'.")
    if list(names) != sorted(set(names)):
        raise fault("SignedHeaders must be sorted, and name each header once.")
    if "host" not in names:
        raise fault("SignedHeaders must name host.", HeadersNotSigned="host")
    return names


def _check(claim: S3V4Claim, now: float, _: Target) -> None:
    check_s3_id(claim.access_key_id)
    signed_at_s, age_s = claim.signed_at_s, claim.expires_s
    if age_s is None:
        if abs(now - signed_at_s) > CLOCK_SKEW_MAX_S:
            raise REQUEST_TIME_TOO_SKEWED(
                RequestTime=claim.timestamp,
                ServerTime=write_iso(int(now)),
                MaxAllowedSkewMilliseconds=str(CLOCK_SKEW_MAX_S * 1000),
            )
        return
    if now > signed_at_s + age_s:
        expired = S3_EXPIRED(Expires=write_iso(signed_at_s + age_s), ServerTime=write_iso(int(now)))
        expired.facts = {"X-Amz-Expires": str(age_s), **expired.facts}
        raise expired
    if now < signed_at_s - CLOCK_SKEW_MAX_S:
        raise S3_NOT_YET_VALID(RequestTime=claim.timestamp, ServerTime=write_iso(int(now)))


def check_s3_id(access_key_id: str) -> None:
    """What no key can be called, no key is called. Raises: OssError UNKNOWN_ACCESS_KEY_ID."""
    if not is_access_key_id(access_key_id):
        raise UNKNOWN_ACCESS_KEY_ID(OSSAccessKeyId=access_key_id)


def _check_scope(claim: S3V4Claim, regions: Collection[str], target: Target) -> None:
    fault = S3_QUERY_MALFORMED if claim.scheme.is_link else S3_HEADER_MALFORMED
    check_s3_region(claim.scope.region, regions, target, fault)


def check_s3_region(region: str, regions: Collection[str], target: Target, fault: Fault) -> None:
    """A region is taken for ours under any of the names that tools give it: most know none but AWS's first.

    Raises: OssError, of `fault`.
    """
    if region in REGION_ALIASES or region.removeprefix("oss-") in regions:
        return
    right = target.region or next(iter(regions))
    raise fault(f"The credential is mal-formed; the region '{region[:64]}' is wrong; expecting '{right}'", Region=right)


def _texts(claim: S3V4Claim, request: Request, _: Target) -> Sequence[str]:
    """Raises: OssError S3_HEADERS_NOT_SIGNED; SIGNATURE_DOES_NOT_MATCH, for another service."""
    refuse_unsigned(request.headers, claim.signed_headers)
    if claim.scope.product != SERVICE or (claim.scheme.is_link and claim.payload_line in STREAMING):
        raise _mismatch(claim, request, Target())
    return (_write(claim, request, Target()).string_to_sign,)


def refuse_unsigned(headers: Mapping[str, str], signed: Collection[str]) -> None:
    """Raises: OssError S3_HEADERS_NOT_SIGNED."""
    unsigned = s3_v4.find_unsigned(headers, signed)
    if unsigned:
        raise S3_HEADERS_NOT_SIGNED(HeadersNotSigned=", ".join(unsigned))


def _write(claim: S3V4Claim, request: Request, _: Target) -> SignedText:
    query = request.query.canonical
    canonical_request = s3_v4.canonical_request(
        request.method,
        s3_v4.canonical_uri(request.raw_path),
        s3_v4.canonical_query(request.query.parameters) if query is None else query,
        s3_v4.canonical_headers(request.headers, claim.signed_headers),
        claim.signed_line,
        claim.payload_line,
    )
    scope = s3_v4.write_scope(claim.scope)
    return SignedText(s3_v4.string_to_sign(claim.timestamp, scope, canonical_request), canonical_request)


def _sign(claim: S3V4Claim, text: str, secret: str) -> str:
    return sign(s3_v4.signing_key(secret, claim.scope), text)


def _mismatch(claim: S3V4Claim, request: Request, target: Target) -> OssError:
    text = _write(claim, request, target)
    return s3_mismatch(claim.access_key_id, claim.signature, text)


def s3_mismatch(access_key_id: str, signature: str, text: SignedText) -> OssError:
    """SIGNATURE_DOES_NOT_MATCH with the texts that we signed, named as S3 names them, but for a client's own key."""
    text = SignedText(_hide_key(text.string_to_sign), text.canonical_request and _hide_key(text.canonical_request))
    facts = {
        "AWSAccessKeyId": access_key_id,
        "StringToSign": text.string_to_sign,
        "SignatureProvided": signature,
        "StringToSignBytes": text.string_to_sign.encode("utf-8", "surrogateescape")[:_SHOWN_MAX_BYTES].hex(" "),
    }
    if text.canonical_request is not None:
        facts["CanonicalRequest"] = text.canonical_request
        facts["CanonicalRequestBytes"] = text.canonical_request.encode("utf-8", "surrogateescape")[
            :_SHOWN_MAX_BYTES
        ].hex(" ")
    refusal = SIGNATURE_DOES_NOT_MATCH()
    refusal.facts = facts
    return refusal


def _hide_key(text: str) -> str:
    return _CUSTOMER_KEY.sub(r"\1(not shown)", text)


_CUSTOMER_KEY: Final = re.compile(r"(?m)^(x-amz-(?:copy-source-)?server-side-encryption-customer-key:).*$")
_SHOWN_MAX_BYTES: Final = 1024  # each takes three characters


def _keep(claim: S3V4Claim) -> Lasting:
    age_s = claim.expires_s or 0
    common = claim._replace(timestamp="", signed_at_s=0, signature="")
    return Lasting(common, claim.signed_at_s + age_s, age_s + CLOCK_SKEW_MAX_S)


def _glance(query: Query) -> Glance | None:
    if not any(name in query for name in _MARKS):
        return None
    credential = (query.get("X-Amz-Credential") or "").rsplit("/", 4)
    starts_at_s, age_s = read_basic_iso(query.get("X-Amz-Date") or ""), read_digits(query.get("X-Amz-Expires"))
    names = (query.get("X-Amz-SignedHeaders") or "").lower().split(";")
    return Glance(
        credential[0] or None,
        credential[2] if len(credential) == 5 else None,
        starts_at_s,
        None if starts_at_s is None or age_s is None else starts_at_s + age_s,
        tuple(sorted(name for name in names if name and name != "host")),
    )


S3_V4_LINK: Final = Scheme(
    "V4",
    "link",
    True,
    _read_url,
    _check,
    _texts,
    _write,
    _sign,
    _mismatch,
    check_scope=_check_scope,
    marks=frozenset(_MARKS),
    signature_chars=64,
    keep=_keep,
    glance=_glance,
    dialect="S3",
)
S3_V4_HEADER: Final = Scheme(
    "V4",
    "header",
    False,
    _read_header,
    _check,
    _texts,
    _write,
    _sign,
    _mismatch,
    check_scope=_check_scope,
    signature_chars=64,
    dialect="S3",
)
