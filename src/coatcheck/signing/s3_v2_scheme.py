"""S3's version 2: what a request says of itself in its URL or its Authorization header, and what it must have signed.

Links of objects are accepted, since boto3 in us-east-1, s3fs and s3cmd make no others; headers only where the operator
allows them. Source: S3 reference, section 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Final, NamedTuple

from msgspec.structs import replace

from coatcheck.core.errors import (
    QUERY_AUTHORIZATION_INCOMPLETE,
    OssError,
)
from coatcheck.core.s3_errors import S3_EXPIRED, S3_HEADER_MALFORMED, S3_NO_DATE, S3_V2_ON_BUCKET
from coatcheck.core.times import LAST_MOMENT_S, read_basic_iso, read_http_date, write_iso
from coatcheck.wire.query import Query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target, is_path_style, with_plain_plus

from . import s3_v2, v1
from .claim_parts import check_skew, read_digits
from .s3_v4_scheme import check_s3_id, s3_mismatch
from .scheme import Glance, Lasting, Scheme, SignedText

_ID: Final = "AWSAccessKeyId"


class S3V2Claim(NamedTuple):
    """The values of a version 2 signature.

    Attributes:
        date_line: the date line of the string to sign.
        moment_s: when a link ends, or when a header was signed, in Unix seconds.
    """

    scheme: Scheme[Request, S3V2Claim]
    access_key_id: str
    date_line: str
    moment_s: int
    signature: str
    security_token: str | None

    @property
    def region(self) -> None:
        """It names none."""

    @property
    def additional_headers(self) -> tuple[str, ...]:
        return ()

    @property
    def signed_at_s(self) -> None:
        """A link says when it ends, not when it was signed."""

    def __repr__(self) -> str:
        return f"S3V2Claim({self.access_key_id}, {self.date_line}, signature hidden)"


def _read_url(request: Request) -> S3V2Claim | None:
    first = request.query.first
    if _ID not in first:
        return None
    for name in (_ID, "Expires", "Signature", "x-amz-security-token"):
        if request.query.count(name) > 1:
            raise QUERY_AUTHORIZATION_INCOMPLETE(f"{name} is given more than once.")
    expires, access_key_id, signature = (_required(first, name) for name in ("Expires", _ID, "Signature"))
    moment_s = read_digits(expires)
    if moment_s is None:
        raise QUERY_AUTHORIZATION_INCOMPLETE("Invalid date (should be seconds since epoch): Expires")
    token = s3_v2.with_hoisted(request.headers, first).get("x-amz-security-token")
    # A "+" of the base64 text that was pasted unescaped arrives as a space.
    return S3V2Claim(S3_V2_LINK, access_key_id, expires, moment_s, signature.replace(" ", "+"), token or None)


def _required(first: Mapping[str, str], name: str) -> str:
    value = first.get(name)
    if not value:
        raise QUERY_AUTHORIZATION_INCOMPLETE(
            f"Query-string authentication requires the Signature, Expires and {_ID} parameters"
        )
    return value


def _read_header(request: Request) -> S3V2Claim | None:
    headers = request.headers
    word, _, rest = headers["authorization"].partition(" ")
    if word != "AWS":
        return None
    access_key_id, colon, signature = rest.strip().rpartition(":")
    if not colon or not access_key_id or not signature:
        raise S3_HEADER_MALFORMED("AWS authorization header is invalid. Expected AwsAccessKeyId:signature")
    sent = headers.get("x-amz-date")
    date = headers.get("date", "") if sent is None else sent
    moment_s = read_http_date(date) or read_basic_iso(date)
    if moment_s is None or not 0 <= moment_s <= LAST_MOMENT_S:
        raise S3_NO_DATE()
    date_line, token = date if sent is None else "", headers.get("x-amz-security-token")
    return S3V2Claim(S3_V2_HEADER, access_key_id, date_line, moment_s, signature, token or None)


def _check_link(claim: S3V2Claim, now: float, target: Target) -> None:
    check_s3_id(claim.access_key_id)
    if target.key is None:
        raise S3_V2_ON_BUCKET()
    if now > claim.moment_s:
        raise S3_EXPIRED(Expires=write_iso(min(claim.moment_s, LAST_MOMENT_S)), ServerTime=write_iso(int(now)))


def _check_header(claim: S3V2Claim, now: float, _: Target) -> None:
    check_s3_id(claim.access_key_id)
    check_skew(claim.moment_s, now)


def _texts(claim: S3V2Claim, request: Request, target: Target) -> Sequence[str]:
    return (_write(claim, request, target).string_to_sign,)


def _write(claim: S3V2Claim, request: Request, target: Target) -> SignedText:
    headers: Mapping[str, str] = request.headers
    if claim.scheme.is_link:
        headers = s3_v2.with_hoisted(headers, request.query.first)
    resource = s3_v2.canonicalized_resource(
        _bucket_of_host(request, target), request.raw_path, request.query.parameters
    )
    return SignedText(s3_v2.string_to_sign(request.method, headers, claim.date_line, resource))


def _bucket_of_host(request: Request, target: Target) -> str:
    """The bucket, where not the path names it."""
    if target.bucket is None:
        return ""
    plain = replace(request, raw_path=with_plain_plus(request.raw_path))
    return "" if is_path_style(plain, target) else target.bucket


def _sign(_: S3V2Claim, text: str, secret: str) -> str:
    return v1.sign(secret, text)


def _mismatch(claim: S3V2Claim, request: Request, target: Target) -> OssError:
    return s3_mismatch(claim.access_key_id, claim.signature, _write(claim, request, target))


def _keep(claim: S3V2Claim) -> Lasting:
    return Lasting(claim._replace(date_line="", moment_s=0, signature=""), claim.moment_s, inf)


def _glance(query: Query) -> Glance | None:
    if _ID not in query:
        return None
    return Glance(query.get(_ID), expires_at_s=read_digits(query.get("Expires")))


S3_V2_LINK: Final = Scheme(
    "V2",
    "link",
    True,
    _read_url,
    _check_link,
    _texts,
    _write,
    _sign,
    _mismatch,
    marks=frozenset({_ID}),
    signature_chars=28,
    keep=_keep,
    glance=_glance,
    dialect="S3",
)
S3_V2_HEADER: Final = Scheme(
    "V2",
    "header",
    False,
    _read_header,
    _check_header,
    _texts,
    _write,
    _sign,
    _mismatch,
    signature_chars=28,
    dialect="S3",
)
