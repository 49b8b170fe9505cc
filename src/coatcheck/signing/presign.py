"""The other direction: make signed links, and signed requests for our own client. Offline, with the same v1 and v4.

A link is byte for byte what the official Python SDK V2 (alibabacloud-oss-v2) makes of the same input at the same
second: the caller's parameters first, in the order of its GetObjectRequest, then version, date, expires, credential,
token, additional headers, and the signature last. ali-oss and oss2 order them otherwise, with the same signature.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, TypedDict, Unpack

from coatcheck.core.errors import OssError
from coatcheck.core.limits import PRESIGN_V4_MAX_AGE_S
from coatcheck.core.names import check_object_key, is_access_key_id
from coatcheck.core.percent import decode, encode, encode_path
from coatcheck.core.times import LAST_MOMENT_S, write_basic_iso, write_http_date
from coatcheck.wire.query import Parameter
from coatcheck.wire.target import Target

from . import v1, v4
from .disposition import write_disposition
from .door import base_url, check_region
from .post_form import PostForm, sign_form
from .refusal import PresignError, PresignWarning

Expires = int | timedelta | datetime
Moment = int | float | datetime
Pieces = tuple[tuple[str, str], ...]  # encoded names and values

_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
_OPTION_NAMES: Final = (  # in the order of the SDK's GetObjectRequest
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "versionId",
    "x-oss-traffic-limit",
    "x-oss-process",
)
_NO_OPTIONS: Final = (None,) * len(_OPTION_NAMES)
_SIGNATURE_NAMES: Final = frozenset(
    {
        "x-oss-signature-version",
        "x-oss-credential",
        "x-oss-date",
        "x-oss-expires",
        "x-oss-signature",
        "x-oss-security-token",
        "x-oss-additional-headers",
        "OSSAccessKeyId",
        "Expires",
        "Signature",
        "security-token",
    }
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key, and the token that goes with a temporary one."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)


class PresignedUrl(NamedTuple):
    """A signed link: whoever has it may use it until it expires. `str()` gives the URL; `repr()` hides its signature.

    Attributes:
        expires_at_s: when it stops working, in Unix seconds.
        signed_headers: headers that must be sent with it, with exactly these values; names as they were given.
    """

    url: str
    method: str
    expires_at_s: int
    signed_headers: dict[str, str]

    @property
    def expires_at(self) -> datetime:
        """When it stops working, in UTC."""
        return datetime.fromtimestamp(self.expires_at_s, UTC)

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        address = self.url.partition("?")[0]
        return f"PresignedUrl({self.method} {address}, expires_at={self.expires_at:%Y-%m-%dT%H:%M:%SZ})"


class PresignOptions(TypedDict, total=False):
    """What may be chosen for each link; see `Presigner.presign`."""

    expires: Expires
    endpoint: str | None
    region: str | None
    internal: bool
    path_style: bool
    custom_domain: str | None
    scheme: Literal["http", "https"] | None
    version_id: str | None
    process: str | None
    response_content_type: str | None
    response_content_disposition: str | None
    download_as: str | None
    response_cache_control: str | None
    response_expires: str | datetime | None
    response_content_language: str | None
    response_content_encoding: str | None
    traffic_limit: int | None
    query: Mapping[str, str] | None
    headers: Mapping[str, str] | None
    additional_headers: Iterable[str]
    now: Moment | None


class Presigner:
    """Makes signed links with one access key. Holds no connection and no state; may be shared between threads."""

    def __init__(
        self,
        access_key_id: str,
        access_key_secret: str,
        *,
        region: str,
        endpoint: str | None = None,
        security_token: str | None = None,
        token_expires_at: datetime | None = None,
        signature_version: Literal["v4", "v1"] = "v4",
    ) -> None:
        """
        Args:
            region: region id, e.g. "cn-hangzhou"; part of a V4 signature.
            endpoint: where links point, with or without scheme and port; the region's public endpoint if None.
            security_token: the token of a temporary (STS) key.
            token_expires_at: when that token dies, if known; a link meant to live longer gets a PresignWarning.
        Raises:
            PresignError: a value that cannot be signed with.
        """
        if not is_access_key_id(access_key_id) or not access_key_secret:
            raise PresignError("an access key is an id of letters, digits, '.', '_' and '=', and a secret.")
        if signature_version not in ("v4", "v1"):
            raise PresignError(f"signature_version must be 'v4' or 'v1', not {signature_version!r}.")
        self._key = (access_key_id, access_key_secret, security_token or None)
        self._region = check_region(region)
        self._endpoint = endpoint
        self._token_expires_at_s = None if token_expires_at is None else _read_moment(token_expires_at)
        self._is_v4 = signature_version == "v4"

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] = os.environ, *, signature_version: Literal["v4", "v1"] = "v4"
    ) -> Presigner:
        """From OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET, OSS_REGION and, if set, OSS_SESSION_TOKEN and OSS_ENDPOINT.

        Raises: PresignError naming what is missing.
        """
        missing = [
            name for name in ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_REGION") if not environ.get(name)
        ]
        if missing:
            raise PresignError(f"set {', '.join(missing)} in the environment, or give the values to Presigner().")
        return cls(
            environ["OSS_ACCESS_KEY_ID"],
            environ["OSS_ACCESS_KEY_SECRET"],
            region=environ["OSS_REGION"],
            endpoint=environ.get("OSS_ENDPOINT") or None,
            security_token=environ.get("OSS_SESSION_TOKEN") or None,
            signature_version=signature_version,
        )

    def __repr__(self) -> str:
        return f"Presigner({self._key[0]!r}, region={self._region!r})"

    def presign(
        self,
        method: str,
        bucket: str,
        key: str | None,
        *,
        expires: Expires = 3600,
        endpoint: str | None = None,
        region: str | None = None,
        internal: bool = False,
        path_style: bool = False,
        custom_domain: str | None = None,
        scheme: Literal["http", "https"] | None = None,
        version_id: str | None = None,
        process: str | None = None,
        response_content_type: str | None = None,
        response_content_disposition: str | None = None,
        download_as: str | None = None,
        response_cache_control: str | None = None,
        response_expires: str | datetime | None = None,
        response_content_language: str | None = None,
        response_content_encoding: str | None = None,
        traffic_limit: int | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        additional_headers: Iterable[str] = (),
        now: Moment | None = None,
    ) -> PresignedUrl:
        """One signed link.

        Args:
            method: GET, HEAD, PUT, POST or DELETE; a link works with the one it was signed for.
            key: the object's key, not encoded; None for the bucket itself (V4 only).
            expires: seconds from now, a timedelta, or an aware datetime; at most seven days for V4.
            endpoint, region, internal, path_style, custom_domain, scheme: where this link points, instead of where
                the presigner does; see `door.base_url`.
            process: an x-oss-process text, e.g. "image/resize,w_200".
            download_as: the name to save under, any Unicode; makes the response-content-disposition.
            traffic_limit: bits a second.
            query: further parameters; an empty value is written as the bare name.
            headers: headers that the link's user will send. Those that OSS signs (x-oss-*, Content-Type, Content-MD5,
                and the ones named in `additional_headers`) come back as `signed_headers`.
            additional_headers: names of headers to sign by choice; "host" binds the link to its address.
            now: the moment to sign at, Unix seconds or an aware datetime; the clock's if None.
        Raises:
            PresignError: what was asked for cannot be signed, and why.
        Warns:
            PresignWarning: the token is known to die before the link.
        """
        if method not in _METHODS:
            raise PresignError(f"method must be one of GET, HEAD, PUT, POST and DELETE, not {method!r}.")
        now_s = int(time.time()) if now is None else _read_moment(now)
        age_s = expires if type(expires) is int else _read_expires(expires, now_s)
        if not 0 < age_s <= PRESIGN_V4_MAX_AGE_S or now_s + age_s > LAST_MOMENT_S:
            _check_age(age_s, now_s, self._is_v4)
        if self._token_expires_at_s is not None and self._token_expires_at_s < now_s + age_s:
            _warn_of_token(self._token_expires_at_s, now_s + age_s)
        region = self._region if region is None else check_region(region)
        base = base_url(bucket, region, endpoint or self._endpoint, internal, path_style, custom_domain, scheme)
        options = (
            response_cache_control,
            response_content_disposition if download_as is None else _name(download_as, response_content_disposition),
            response_content_encoding,
            response_content_language,
            response_content_type,
            response_expires,
            version_id,
            traffic_limit,
            process,
        )
        own = _write_options(options, query or {}) if query or options != _NO_OPTIONS else ()
        signed = _NO_HEADERS
        if headers or additional_headers:
            signed = _sign_headers(headers or {}, additional_headers, base)
        sign = self._sign_v4 if self._is_v4 else self._sign_v1
        url = sign(method, bucket, key, base, now_s, age_s, region, own, signed)
        return PresignedUrl(url, method, now_s + age_s, signed.again.copy())

    def post_form(
        self,
        bucket: str,
        key: str,
        *,
        expires: Expires = 3600,
        max_bytes: int | None = None,
        fields: Mapping[str, str] | None = None,
        conditions: Sequence[Any] = (),
        endpoint: str | None = None,
        path_style: bool = False,
        custom_domain: str | None = None,
        scheme: Literal["http", "https"] | None = None,
        now: Moment | None = None,
    ) -> PostForm:
        """A form by which whoever has it may upload one file, from a browser or anything that speaks HTTP. V4.

        Args:
            key: where the file goes; "${filename}" in it is replaced by the file's own name.
            max_bytes: how large the file may be.
            fields: further fields that must come exactly so, e.g. {"success_action_status": "201"}.
            conditions: further conditions in the policy's own form, e.g. ["in", "$content-type", ["image/png"]].
        Raises: PresignError.
        """
        now_s = int(time.time()) if now is None else _read_moment(now)
        age_s = _read_expires(expires, now_s)
        _check_age(age_s, now_s, True)
        _encode_key(key)  # refuses what is no key
        size = () if max_bytes is None else (["content-length-range", 0, max_bytes],)
        return sign_form(
            self._key,
            base_url(bucket, self._region, endpoint or self._endpoint, False, path_style, custom_domain, scheme),
            bucket,
            key,
            region=self._region,
            now_s=now_s,
            age_s=age_s,
            fields=fields or {},
            conditions=(*size, *conditions),
        )

    def _sign_v4(
        self,
        method: str,
        bucket: str,
        key: str | None,
        base: str,
        now_s: int,
        age_s: int,
        region: str,
        own: Pieces,
        signed: _SignedHeaders,
    ) -> str:
        access_key_id, secret, token = self._key
        path = _encode_key(key)
        if own or signed is not _NO_HEADERS:
            moment = _moment(access_key_id, secret, region, now_s)
            pieces = (*own, *_signing_pieces(moment, age_s, token, signed.additional_line))
            canonical_query, wire_query = _join(sorted(pieces)), _join(pieces)
            headers = v4.canonical_headers(signed.headers, signed.additional)
            payload_line = signed.headers.get("x-oss-content-sha256", v4.UNSIGNED_PAYLOAD)
        else:
            moment, canonical_query, wire_query = _plain(access_key_id, secret, token, region, now_s, age_s)
            headers, payload_line = "", v4.UNSIGNED_PAYLOAD
        text = v4.canonical_request(
            method, f"/{bucket}/{path}", canonical_query, headers, signed.additional_line, payload_line
        )
        signature = v4.sign(moment.key, v4.string_to_sign(moment.timestamp, moment.scope, text))
        return f"{base}{path}?{wire_query}&x-oss-signature={signature}"

    def _sign_v1(
        self,
        method: str,
        bucket: str,
        key: str | None,
        base: str,
        now_s: int,
        age_s: int,
        region: str,
        own: Pieces,
        signed: _SignedHeaders,
    ) -> str:
        """`region` is not part of a V1 signature."""
        if key is None:
            raise PresignError("a V1 link can only address an object; use V4 for the bucket itself.")
        if signed.additional:
            raise PresignError("V1 has no additional headers; use V4 to sign them.")
        access_key_id, secret, token = self._key
        path = _encode_key(key)
        pieces: Pieces = (
            *own,
            ("OSSAccessKeyId", encode(access_key_id)),
            ("Expires", str(now_s + age_s)),
        )
        if token is not None:
            pieces = (*pieces, ("security-token", encode(token)))
        resource = v1.canonicalized_resource(
            Target(bucket, key), [Parameter(decode(name), decode(value)) for name, value in pieces]
        )
        text = v1.string_to_sign(method, signed.headers, str(now_s + age_s), resource)
        signature = encode(v1.sign(secret, text))
        return f"{base}{path}?{_join(pieces)}&Signature={signature}"


def presign(
    method: str,
    bucket: str,
    key: str | None,
    *,
    credentials: Credentials | None = None,
    signature_version: Literal["v4", "v1"] = "v4",
    **options: Unpack[PresignOptions],
) -> PresignedUrl:
    """One link in one call; options as `Presigner.presign`. Without `credentials` they come from the environment.

    Raises: PresignError. Warns: PresignWarning.
    """
    if credentials is None:
        environ: dict[str, str] = dict(os.environ)
        if options.get("region"):
            environ["OSS_REGION"] = str(options["region"])
        return Presigner.from_env(environ, signature_version=signature_version).presign(method, bucket, key, **options)
    region = options.get("region") or os.environ.get("OSS_REGION")
    if not region:
        raise PresignError("a region is needed: give region=, or set OSS_REGION.")
    presigner = Presigner(
        credentials.access_key_id,
        credentials.access_key_secret,
        region=region,
        endpoint=os.environ.get("OSS_ENDPOINT") or None,
        security_token=credentials.security_token,
        signature_version=signature_version,
    )
    return presigner.presign(method, bucket, key, **options)


def sign_request(
    method: str,
    bucket: str | None,
    key: str | None,
    *,
    query: Iterable[tuple[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    additional_headers: Iterable[str] = (),
    credentials: Credentials,
    region: str,
    now: Moment,
) -> dict[str, str]:
    """The headers of a request signed in its Authorization header (V4), the given ones included.

    Args:
        bucket, key: None for the service, or for the bucket itself.
        query: decoded pairs, all that will be sent.
    Raises:
        PresignError: a header or key that cannot be sent.
    """
    now_s = _read_moment(now)
    moment = _moment(credentials.access_key_id, credentials.access_key_secret, check_region(region), now_s)
    sent = {
        **(headers or {}),
        "x-oss-date": moment.timestamp,
        "x-oss-content-sha256": v4.UNSIGNED_PAYLOAD,
    }
    if credentials.security_token is not None:
        sent["x-oss-security-token"] = credentials.security_token
    signed = _sign_headers(sent, additional_headers, "")
    uri = "/" if bucket is None else f"/{bucket}/{_encode_key(key)}"
    text = v4.canonical_request(
        method,
        uri,
        v4.canonical_query([Parameter(name, value) for name, value in query]),
        v4.canonical_headers(signed.headers, signed.additional),
        signed.additional_line,
    )
    signature = v4.sign(moment.key, v4.string_to_sign(moment.timestamp, moment.scope, text))
    additional = f",AdditionalHeaders={signed.additional_line}" if signed.additional_line else ""
    credential = f"{credentials.access_key_id}/{moment.scope}"
    sent["Authorization"] = f"{v4.ALGORITHM} Credential={credential}{additional},Signature={signature}"
    return sent


# --- moments -------------------------------------------------------------------------------------------------------


class _SigningMoment(NamedTuple):
    """What all V4 signatures of one key, region and second share."""

    timestamp: str
    scope: str
    credential: str  # encoded for a query
    key: v4.SigningKey


@lru_cache(maxsize=64)
def _moment(access_key_id: str, secret: str, region: str, now_s: int) -> _SigningMoment:
    timestamp = write_basic_iso(now_s)
    scope = v4.Scope(timestamp[:8], region)
    return _SigningMoment(timestamp, str(scope), encode(f"{access_key_id}/{scope}"), v4.signing_key(secret, scope))


def _signing_pieces(moment: _SigningMoment, age_s: int, token: str | None, additional_line: str) -> Pieces:
    """The parameters of the signature but for itself, in the order in which they go out."""
    pieces: Pieces = (
        ("x-oss-signature-version", v4.ALGORITHM),
        ("x-oss-date", moment.timestamp),
        ("x-oss-expires", str(age_s)),
        ("x-oss-credential", moment.credential),
    )
    if token is not None:
        pieces = (*pieces, ("x-oss-security-token", encode(token)))
    if additional_line:
        pieces = (*pieces, ("x-oss-additional-headers", encode(additional_line)))
    return pieces


@lru_cache(maxsize=64)
def _plain(
    access_key_id: str, secret: str, token: str | None, region: str, now_s: int, age_s: int
) -> tuple[_SigningMoment, str, str]:
    """(moment, canonical query, query as it goes out) of a link without parameters of its own: the same all second."""
    moment = _moment(access_key_id, secret, region, now_s)
    pieces = _signing_pieces(moment, age_s, token, "")
    return moment, _join(sorted(pieces)), _join(pieces)


def _read_moment(moment: Moment) -> int:
    """Whole Unix seconds."""
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise PresignError("a datetime must say its time zone, e.g. datetime.now(UTC).")
        moment = moment.timestamp()
    if not 0 <= moment <= LAST_MOMENT_S:
        raise PresignError(f"{moment} is not a moment that can be written in a link.")
    return int(moment)


def _read_expires(expires: Expires, now_s: int) -> int:
    """Seconds from now."""
    if isinstance(expires, timedelta):
        return int(expires.total_seconds())
    if isinstance(expires, datetime):
        return _read_moment(expires) - now_s
    if isinstance(expires, int) and not isinstance(expires, bool):
        return int(expires)
    raise PresignError(f"expires must be whole seconds, a timedelta or an aware datetime, not {expires!r}.")


def _check_age(age_s: int, now_s: int, is_v4: bool) -> None:
    if age_s < 1:
        raise PresignError("the link would have expired before it is made: expires must lie in the future.")
    if is_v4 and age_s > PRESIGN_V4_MAX_AGE_S:
        raise PresignError(
            f"a V4 link lives at most seven days ({PRESIGN_V4_MAX_AGE_S} seconds), not {age_s}; "
            "sign again later, or use a V1 link."
        )
    if now_s + age_s > LAST_MOMENT_S:
        raise PresignError("expires lies after the year 9999.")


def _warn_of_token(token_expires_at_s: int, expires_at_s: int) -> None:
    dies, ends = datetime.fromtimestamp(token_expires_at_s, UTC), datetime.fromtimestamp(expires_at_s, UTC)
    warnings.warn(
        f"the security token dies at {dies:%Y-%m-%d %H:%M:%S} UTC, before the link at {ends:%Y-%m-%d %H:%M:%S} UTC; "
        "the link stops working with its token.",
        PresignWarning,
        stacklevel=3,
    )


# --- parameters ----------------------------------------------------------------------------------------------------


def _join(pieces: Iterable[tuple[str, str]]) -> str:
    return "&".join([f"{name}={value}" if value else name for name, value in pieces])


def _name(download_as: str, disposition: str | None) -> str:
    if disposition is not None:
        raise PresignError("give download_as or response_content_disposition, not both.")
    try:
        return write_disposition(download_as)
    except ValueError as error:
        raise PresignError(str(error)) from None


def _write_options(options: Iterable[object], query: Mapping[str, str]) -> Pieces:
    """The caller's own parameters, encoded, in the order in which they go out."""
    pieces = dict(query)
    for name, value in zip(_OPTION_NAMES, options, strict=True):
        if value is None:
            continue
        if name in pieces:
            raise PresignError(f"{name} is given twice: in query and as an option.")
        pieces[name] = write_http_date(_read_moment(value)) if isinstance(value, datetime) else str(value)
    for name in pieces:
        if not name or name in _SIGNATURE_NAMES:
            raise PresignError(f"{name!r} can't be a parameter of the caller: the signature uses it.")
    try:
        return tuple([(encode(name), encode(value)) for name, value in pieces.items()])
    except UnicodeEncodeError:
        raise PresignError("a parameter holds a lone surrogate; that isn't Unicode text.") from None


def _encode_key(key: str | None) -> str:
    """The path of a key; empty for the bucket itself."""
    if key is None:
        return ""
    try:
        check_object_key(key, len(key.encode()))
    except UnicodeEncodeError:
        raise PresignError("the key holds a lone surrogate; that isn't Unicode text.") from None
    except OssError as error:
        raise PresignError(f"the key can't be an object's: {error.message}") from None
    return encode_path(key)


# --- headers -------------------------------------------------------------------------------------------------------


class _SignedHeaders(NamedTuple):
    """What a signature says of headers.

    Attributes:
        headers: lower-case names; of all headers given, signed or not.
        additional: sorted names of those signed by choice; `additional_line` is the line they make.
        again: the signed ones, by the names they were given: they must be sent with the link.
    """

    headers: dict[str, str]
    additional: tuple[str, ...]
    additional_line: str
    again: dict[str, str]


_NO_HEADERS: Final = _SignedHeaders({}, (), "", {})


def _sign_headers(given: Mapping[str, str], additional: Iterable[str], base: str) -> _SignedHeaders:
    headers = {name.lower(): value.strip(" \t") for name, value in given.items()}
    if len(headers) != len(given):
        raise PresignError("a header is given twice, in different spellings.")
    for name, value in headers.items():
        if not name or not name.isascii() or any(c.isspace() or c in ":;" for c in name):
            raise PresignError(f"{name!r} is not a header name.")
        if any(character in "\r\n\0" for character in value):
            raise PresignError(f"the value of header {name} holds a line break.")
    chosen = sorted({name.lower() for name in additional if not v4.is_always_signed(name.lower())})
    if "host" in chosen and base:
        headers.setdefault("host", base.split("/")[2])
    absent = [name for name in chosen if name not in headers]
    if absent:
        raise PresignError(f"additional header {absent[0]} has no value; give it in headers too.")
    again = {
        name: value for name, value in given.items() if v4.is_always_signed(name.lower()) or name.lower() in chosen
    }
    return _SignedHeaders(headers, tuple(chosen), ";".join(chosen), again)
