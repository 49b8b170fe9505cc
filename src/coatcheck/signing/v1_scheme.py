"""V1: what a request says of itself in its URL or its Authorization header, and the text that it must have signed.

What cannot be read is refused with the row that OSS's documents give for it (signing reference, sections 0 and 7); an
`ec` given here is the finer code of that row. The arithmetic is in `v1.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Final, NamedTuple

from coatcheck.core.errors import (
    ACCESS_KEY_ID_CHARACTERS,
    QUERY_AUTHORIZATION_INCOMPLETE,
    V1_URL_ON_BUCKET,
    OssError,
)
from coatcheck.core.names import is_access_key_id
from coatcheck.wire.query import Parameters, Query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from . import v1
from .claim_parts import (
    bad_header,
    check_id,
    check_skew,
    expired,
    header_token,
    mismatch,
    read_date_header,
    read_digits,
    readings,
    url_token,
)
from .scheme import Glance, Lasting, Scheme, SignedText

_MARKS: Final = frozenset({"OSSAccessKeyId", "Signature", "Expires"})
_LATER: Final = frozenset({"x-oss-signature-version", "X-Amz-Algorithm", "X-Amz-Signature"})  # no V1 link has these
_TOKEN_HEADERS: Final = ("x-oss-security-token", "security-token")  # the second: V1 signer of Python V2


class V1Claim(NamedTuple):
    """The values of a V1 signature.

    Attributes:
        date_line: the date line of the string to sign, as sent: Expires in a URL, else x-oss-date or Date.
        moment_s: the same in Unix seconds: when a link ends, or when a header was signed.
    """

    scheme: Scheme[Request, V1Claim]
    access_key_id: str
    date_line: str
    moment_s: int
    signature: str
    security_token: str | None

    @property
    def region(self) -> None:
        """V1 names none."""

    @property
    def additional_headers(self) -> tuple[str, ...]:
        return ()

    @property
    def signed_at_s(self) -> None:
        """A link says when it ends, not when it was signed."""

    def __repr__(self) -> str:
        return f"V1Claim({self.access_key_id}, {self.date_line}, signature hidden)"


# --- in the URL ----------------------------------------------------------------------------------------------------


def _read_url(request: Request) -> V1Claim | None:
    first = request.query.first
    if not ("Signature" in first or "OSSAccessKeyId" in first or "Expires" in first) or not _LATER.isdisjoint(first):
        return None
    expires = _required(first, "Expires", "0002-00000067", "0002-00000068")
    access_key_id = _required(first, "OSSAccessKeyId", "0002-00000071", "0002-00000072")
    signature = _required(first, "Signature", "0002-00000074", "0002-00000075")
    if not (len(expires) <= 18 and expires.isascii() and expires.isdigit()):
        raise QUERY_AUTHORIZATION_INCOMPLETE(
            "Expires must be a time in Unix seconds.",
            ec="0002-00000070",
            ArgumentName="Expires",
            ArgumentValue=expires,
        )
    # A "+" of the base64 text that was pasted unescaped arrives as a space.
    token = url_token(request, "security-token", _TOKEN_HEADERS)
    return V1Claim(V1_LINK, access_key_id, expires, int(expires), signature.replace(" ", "+"), token)


def _required(first: Mapping[str, str], name: str, missing_ec: str, empty_ec: str) -> str:
    value = first.get(name)
    if value:
        return value
    raise QUERY_AUTHORIZATION_INCOMPLETE(ec=missing_ec if value is None else empty_ec, ArgumentName=name)


# --- in the header -------------------------------------------------------------------------------------------------


def _read_header(request: Request) -> V1Claim | None:
    authorization = request.headers["authorization"]
    if authorization.partition(" ")[0] != "OSS":
        return None
    access_key_id, colon, signature = authorization[len("OSS ") :].strip().partition(":")
    if not colon:
        raise bad_header(authorization, "Authorization header is invalid.", "0002-00000062")
    if not access_key_id or not signature:
        message = "AccessKeyId or Signature is missing in Authorization header value."
        raise bad_header(authorization, message, "0002-00000063")
    headers = request.headers
    date_line = headers.get("x-oss-date", headers.get("date"))
    moment_s = read_date_header(date_line)
    token = header_token(request, "security-token", _TOKEN_HEADERS)
    return V1Claim(V1_HEADER, access_key_id, date_line or "", moment_s, signature, token)


# --- in both -------------------------------------------------------------------------------------------------------


def _check_link(claim: V1Claim, now: float, target: Target) -> None:
    if not is_access_key_id(claim.access_key_id):
        raise QUERY_AUTHORIZATION_INCOMPLETE(
            ACCESS_KEY_ID_CHARACTERS.message, ec="0002-00000073", OSSAccessKeyId=claim.access_key_id
        )
    if target.key is None:
        raise V1_URL_ON_BUCKET()
    if now > claim.moment_s:
        raise expired(claim.moment_s, now, "0002-00000069")


def _check_header(claim: V1Claim, now: float, _: Target) -> None:
    check_id(claim.access_key_id)
    check_skew(claim.moment_s, now)


def _keep(claim: V1Claim) -> Lasting:
    return Lasting(claim._replace(date_line="", moment_s=0, signature=""), claim.moment_s, inf)


def _texts(claim: V1Claim, request: Request, target: Target) -> Sequence[str]:
    return [_string_to_sign(claim, request, target, parameters) for parameters in readings(claim, request)]


def _odd_texts(claim: V1Claim, request: Request, target: Target) -> Sequence[str]:
    return (_bare_bucket_string_to_sign(claim, request, target),) if _is_bare_bucket(request, target) else ()


def _write(claim: V1Claim, request: Request, target: Target) -> SignedText:
    return SignedText(_string_to_sign(claim, request, target, next(iter(readings(claim, request)), None)))


def _string_to_sign(claim: V1Claim, request: Request, target: Target, parameters: Parameters | None) -> str:
    resource = v1.canonicalized_resource(target, request.query.parameters if parameters is None else parameters)
    return v1.string_to_sign(request.method, request.headers, claim.date_line, resource)


def _is_bare_bucket(request: Request, target: Target) -> bool:
    """A path-style bucket asked for without the slash behind it."""
    return target.key is None and target.bucket is not None and request.raw_path == b"/" + target.bucket.encode()


def _bare_bucket_string_to_sign(claim: V1Claim, request: Request, target: Target) -> str:
    """Apache OpenDAL signs such a bucket as it asks for it, "/bucket". No other resource has that text."""
    bucket = f"/{target.bucket}"
    rest = v1.canonicalized_resource(target, request.query.parameters).removeprefix(f"{bucket}/")
    return v1.string_to_sign(request.method, request.headers, claim.date_line, bucket + rest)


def _sign(_: V1Claim, text: str, secret: str) -> str:
    return v1.sign(secret, text)


def _mismatch(claim: V1Claim, request: Request, target: Target) -> OssError:
    return mismatch(claim, request, _write(claim, request, target), "0002-00000040")


def _glance(query: Query) -> Glance | None:
    if "OSSAccessKeyId" not in query and "Signature" not in query:
        return None
    return Glance(query.get("OSSAccessKeyId"), expires_at_s=read_digits(query.get("Expires")))


V1_LINK: Final = Scheme(
    "V1",
    "link",
    True,
    _read_url,
    _check_link,
    _texts,
    _write,
    _sign,
    _mismatch,
    _odd_texts,
    marks=_MARKS,
    signature_chars=28,
    keep=_keep,
    glance=_glance,
)
V1_HEADER: Final = Scheme(
    "V1", "header", False, _read_header, _check_header, _texts, _write, _sign, _mismatch, _odd_texts, signature_chars=28
)
