"""A request signed in its Authorization header (V4), for whoever sends requests instead of giving links away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypedDict, Unpack

from coatcheck.wire.query import Parameter

from . import v4
from .credentials import Credentials
from .endpoint import check_region
from .moments import Moment, SigningMoment, read_moment, signing_moment
from .signed_headers import SignedHeaders, sign_headers
from .url_parts import encode_key


class RequestOptions(NamedTuple):
    """What a signed request may have besides its address.

    Attributes:
        query: decoded pairs, all that will be sent.
        additional_headers: names of headers to sign by choice.
    """

    query: Iterable[tuple[str, str]] = ()
    headers: Mapping[str, str] | None = None
    additional_headers: Iterable[str] = ()


class SignRequestOptions(TypedDict, total=False):
    """`RequestOptions` as keyword arguments."""

    query: Iterable[tuple[str, str]]
    headers: Mapping[str, str] | None
    additional_headers: Iterable[str]


def sign_request(
    method: str,
    bucket: str | None,
    key: str | None,
    *,
    credentials: Credentials,
    region: str,
    now: Moment,
    **options: Unpack[SignRequestOptions],
) -> dict[str, str]:
    """The headers of a request signed in its Authorization header (V4), the given ones included.

    Args:
        bucket, key: None for the service, or for the bucket itself.
        now: the moment to sign at, Unix seconds or an aware datetime.
        options: `query`, `headers`, `additional_headers`; see `RequestOptions`.
    Raises:
        PresignError: a header or key that cannot be sent, a region or moment that cannot be signed.
    """
    chosen = RequestOptions(**options)
    moment = signing_moment(
        credentials.access_key_id, credentials.access_key_secret, check_region(region), read_moment(now)
    )
    sent = _add_headers(chosen.headers or {}, moment, credentials.security_token)
    signed = sign_headers(sent, chosen.additional_headers)
    text = v4.canonical_request(
        method,
        "/" if bucket is None else f"/{bucket}/{encode_key(key)}",
        v4.canonical_query([Parameter(name, value) for name, value in chosen.query]),
        v4.canonical_headers(signed.headers, signed.additional),
        signed.additional_line,
    )
    return sent | {"Authorization": _authorization(credentials.access_key_id, moment, signed, text)}


def _add_headers(given: Mapping[str, str], moment: SigningMoment, token: str | None) -> dict[str, str]:
    sent = {**given, "x-oss-date": moment.timestamp, "x-oss-content-sha256": v4.UNSIGNED_PAYLOAD}
    return sent if token is None else sent | {"x-oss-security-token": token}


def _authorization(access_key_id: str, moment: SigningMoment, signed: SignedHeaders, request_text: str) -> str:
    signature = v4.sign(moment.key, v4.string_to_sign(moment.timestamp, moment.scope, request_text))
    additional = f",AdditionalHeaders={signed.additional_line}" if signed.additional_line else ""
    credential = f"{access_key_id}/{moment.scope}"
    return f"{v4.ALGORITHM} Credential={credential}{additional},Signature={signature}"
