"""V2 ("OSS2"): withdrawn by OSS's documents, still offered by the older Python SDK. HMAC-SHA256 over one text:

    METHOD
    Content-MD5, or an empty line
    Content-Type, or an empty line
    the date: x-oss-date or Date as sent; in a URL, x-oss-expires as sent, Unix seconds
    every x-oss-* header and every listed one, "name:value", sorted
    the list of those that are signed by choice, sorted, joined by ";"
    %2Fbucket%2Fkey?all parameters

All is encoded, slashes too, and every parameter but the signature is signed, so nothing can be added to a link. A link
has no greatest age. Source: signing reference, section 3.6.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from math import inf
from typing import Final, NamedTuple

from coatcheck.core.errors import AUTHORIZATION_INVALID, QUERY_AUTHORIZATION_INVALID, OssError
from coatcheck.core.percent import encode
from coatcheck.wire.query import Parameters, Query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from . import v4
from .claim_parts import (
    absent_headers,
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

_WORD: Final = "OSS2"
_VERSION: Final = "x-oss-signature-version"
_REQUIRED: Final = ("x-oss-expires", "x-oss-access-key-id", "x-oss-signature")
_ADDITIONAL: Final = "x-oss-additional-headers"
_TOKEN: Final = "security-token"  # noqa: S105  # its name
_TOKEN_HEADERS: Final = ("x-oss-security-token", "security-token")


class V2Claim(NamedTuple):
    """The values of a V2 signature.

    Attributes:
        date_line: the date line of the string to sign, as sent: x-oss-expires in a URL, else x-oss-date or Date.
        moment_s: the same in Unix seconds: when a link ends, or when a header was signed.
        additional_headers: sorted lower-case names.
    """

    scheme: Scheme[Request, V2Claim]
    access_key_id: str
    date_line: str
    moment_s: int
    additional_headers: tuple[str, ...]
    signature: str
    security_token: str | None

    @property
    def region(self) -> None:
        """V2 names none."""

    @property
    def signed_at_s(self) -> None:
        """A link says when it ends, not when it was signed."""

    def __repr__(self) -> str:
        return f"V2Claim({self.access_key_id}, {self.date_line}, signature hidden)"


# --- in the URL ----------------------------------------------------------------------------------------------------


def _read_url(request: Request) -> V2Claim | None:
    first = request.query.first
    if first.get(_VERSION) != _WORD:
        return None
    for name in (_VERSION, *_REQUIRED, _ADDITIONAL, _TOKEN):
        if request.query.count(name) > 1:
            raise QUERY_AUTHORIZATION_INVALID(f"{name} is given more than once.", ArgumentName=name)
    expires, access_key_id, signature = (_required(first, name) for name in _REQUIRED)
    moment_s = read_digits(expires)
    if moment_s is None:
        raise QUERY_AUTHORIZATION_INVALID(
            "x-oss-expires must be a time in Unix seconds.", ArgumentName="x-oss-expires", ArgumentValue=expires
        )
    names = first.get(_ADDITIONAL)
    additional = () if names is None else _split(names)
    if "" in additional:
        raise QUERY_AUTHORIZATION_INVALID(
            f"{_ADDITIONAL} has an empty header name.", ec="0002-00000076", ArgumentName=_ADDITIONAL
        )
    token = url_token(request, _TOKEN, _TOKEN_HEADERS)
    return V2Claim(V2_LINK, access_key_id, expires, moment_s, additional, signature.replace(" ", "+"), token)


def _required(first: Mapping[str, str], name: str) -> str:
    value = first.get(name)
    if value:
        return value
    raise QUERY_AUTHORIZATION_INVALID(f"{name} is missing from the URL.", ArgumentName=name)


def _split(text: str) -> tuple[str, ...]:
    return tuple(sorted(text.lower().split(";")))


# --- in the header -------------------------------------------------------------------------------------------------


def _read_header(request: Request) -> V2Claim | None:
    authorization = request.headers["authorization"]
    word, _, text = authorization.partition(" ")
    if word != _WORD:
        return None
    items = _read_items(authorization, text)
    access_key_id, signature = items.get("AccessKeyId"), items.get("Signature")
    names = items.get("AdditionalHeaders")
    additional = () if names is None else _split(names)
    if not access_key_id or not signature or "" in additional:
        raise bad_header(authorization, "Authorization header is invalid.", "0002-00000062")
    headers = request.headers
    date_line = headers.get("x-oss-date", headers.get("date"))
    moment_s = read_date_header(date_line)
    token = header_token(request, _TOKEN, _TOKEN_HEADERS)
    return V2Claim(V2_HEADER, access_key_id, date_line or "", moment_s, additional, signature, token)


def _read_items(authorization: str, text: str) -> dict[str, str]:
    """ "AccessKeyId:id,AdditionalHeaders:a;b,Signature:..." -> the items, each once."""
    pairs = [item.strip().partition(":")[::2] for item in text.split(",", 3)]
    items = dict(pairs)
    if len(items) != len(pairs) or not items.keys() <= {"AccessKeyId", "AdditionalHeaders", "Signature"}:
        raise bad_header(authorization, "Authorization header is invalid.", "0002-00000062")
    return items


# --- in both -------------------------------------------------------------------------------------------------------


def _check_link(claim: V2Claim, now: float, _: Target) -> None:
    check_id(claim.access_key_id)
    if now > claim.moment_s:
        raise expired(claim.moment_s, now, "")


def _check_header(claim: V2Claim, now: float, _: Target) -> None:
    check_id(claim.access_key_id)
    check_skew(claim.moment_s, now)


def _keep(claim: V2Claim) -> Lasting:
    return Lasting(claim._replace(date_line="", moment_s=0, signature=""), claim.moment_s, inf)


def _texts(claim: V2Claim, request: Request, target: Target) -> Sequence[str]:
    return [_string_to_sign(claim, request, target, parameters) for parameters in readings(claim, request)]


def _write(claim: V2Claim, request: Request, target: Target) -> SignedText:
    return SignedText(_string_to_sign(claim, request, target, next(iter(readings(claim, request)), None)))


def _string_to_sign(claim: V2Claim, request: Request, target: Target, parameters: Parameters | None) -> str:
    headers, listed = request.headers, frozenset(claim.additional_headers)
    signed = sorted(name for name in headers if name.startswith("x-oss-") or name in listed)
    resource = "/" if target.bucket is None else f"/{target.bucket}/{target.key or ''}"
    query = v4.canonical_query(request.query.parameters if parameters is None else parameters)
    return "\n".join(
        (
            request.method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            claim.date_line,
            *(f"{name}:{headers[name]}" for name in signed),
            ";".join(claim.additional_headers),
            encode(resource) + (f"?{query}" if query else ""),
        )
    )


def _sign(_: V2Claim, text: str, secret: str) -> str:
    return b64encode(hmac.digest(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha256")).decode("ascii")


def _mismatch(claim: V2Claim, request: Request, target: Target) -> OssError:
    if absent := absent_headers(claim, request):
        fault = QUERY_AUTHORIZATION_INVALID if claim.scheme.is_link else AUTHORIZATION_INVALID
        return fault(absent, ec="0002-00000077", ArgumentName=_ADDITIONAL)
    return mismatch(claim, request, _write(claim, request, target), "")


def _glance(query: Query) -> Glance | None:
    if query.get(_VERSION) != _WORD:
        return None
    names = (query.get(_ADDITIONAL) or "").lower().split(";")
    return Glance(
        query.get("x-oss-access-key-id"),
        expires_at_s=read_digits(query.get("x-oss-expires")),
        required_headers=tuple(sorted(name for name in names if name)),
    )


V2_LINK: Final = Scheme(
    "V2",
    "link",
    True,
    _read_url,
    _check_link,
    _texts,
    _write,
    _sign,
    _mismatch,
    marks=frozenset({_VERSION, "x-oss-access-key-id", "x-oss-signature"}),
    signature_chars=44,
    keep=_keep,
    glance=_glance,
)
V2_HEADER: Final = Scheme(
    "V2", "header", False, _read_header, _check_header, _texts, _write, _sign, _mismatch, signature_chars=44
)
