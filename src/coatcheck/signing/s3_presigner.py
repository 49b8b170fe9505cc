"""Make links and forms of the S3 dialect. Offline, with the same arithmetic that the server verifies by.

They are byte for byte what botocore makes of the same input at the same second: the caller's parameters first, those of
the signature behind them, in its order. The host is signed, so a link works under the one name that it was made for.

Source: S3 reference, sections 2.2, 6 and 9.1; the links of botocore are in tests/signing/vectors/s3.json.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple, Unpack
from urllib.parse import urlsplit

from coatcheck.clock import wall_clock
from coatcheck.core.limits import OBJECT_KEY_MAX_BYTES
from coatcheck.core.percent import decode, encode, encode_path
from coatcheck.core.times import write_basic_iso
from coatcheck.wire.query import Parameter

from . import s3_v2, s3_v4, v1
from .credentials import Credentials, Signer, make_signer
from .endpoint import base_url
from .moments import check_age, check_period, read_expires, read_moment, round_moment, warn_of_token
from .options import (
    FormOptions,
    LinkOptions,
    PostFormOptions,
    PresignOptions,
    Where,
    read_form_options,
    read_link_options,
)
from .post_form import PostForm
from .presigned_url import PresignedUrl
from .refusal import PresignError
from .s3_post_form import sign_s3_form
from .signed_headers import read_headers
from .url_parts import Pieces, write_parameters
from .v4 import Scope, sign

S3SignatureVersion = Literal["v4", "v2"]

_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
_NEEDED: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL")
_AS_USUAL: Final = LinkOptions()
_FORM_AS_USUAL: Final = FormOptions()
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_DEFAULT_REGION: Final = "us-east-1"


class S3Presigner:
    """Makes signed links with one access key. Holds no connection and no state; may be shared between threads."""

    def __init__(
        self,
        access_key_id: str,
        access_key_secret: str,
        *,
        endpoint: str,
        region: str = _DEFAULT_REGION,
        security_token: str | None = None,
        token_expires_at: datetime | None = None,
        signature_version: S3SignatureVersion = "v4",
    ) -> None:
        """
        Args:
            endpoint: where links point, with or without scheme and port. It is signed.
            region: part of a V4 signature.
            security_token: the token of a temporary (STS) key.
            token_expires_at: when that token dies, if known; a link meant to live longer gets a PresignWarning.
            signature_version: a "v2" link leaves most parameters unsigned; it is for software that knows no other.
        Raises:
            PresignError: a value that cannot be signed with.
        """
        if signature_version not in ("v4", "v2"):
            raise PresignError(f"signature_version must be 'v4' or 'v2', not {signature_version!r}.")
        self._signer = make_signer(Credentials(access_key_id, access_key_secret, security_token), region, endpoint)
        self._token_expires_at_s = None if token_expires_at is None else read_moment(token_expires_at)
        self._is_v4 = signature_version == "v4"

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] = os.environ, *, signature_version: S3SignatureVersion = "v4"
    ) -> S3Presigner:
        """From AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL and, if set, AWS_REGION, AWS_SESSION_TOKEN.

        Raises: PresignError naming what is missing, or a value that cannot be signed with.
        """
        missing = [name for name in _NEEDED if not environ.get(name)]
        if missing:
            raise PresignError(f"set {', '.join(missing)} in the environment, or give the values to S3Presigner().")
        return cls(
            environ["AWS_ACCESS_KEY_ID"],
            environ["AWS_SECRET_ACCESS_KEY"],
            endpoint=environ["AWS_ENDPOINT_URL"],
            region=environ.get("AWS_REGION") or _DEFAULT_REGION,
            security_token=environ.get("AWS_SESSION_TOKEN") or None,
            signature_version=signature_version,
        )

    def __repr__(self) -> str:
        return f"S3Presigner({self._signer.access_key_id!r}, region={self._signer.region!r})"

    def presign(self, method: str, bucket: str, key: str | None, **options: Unpack[PresignOptions]) -> PresignedUrl:
        """One signed link.

        Args:
            method: GET, HEAD, PUT, POST or DELETE; a link works with the one it was signed for.
            key: the object's key, not encoded; None for the bucket itself (V4 only).
            options: as `Presigner.presign`, but for `internal`, `process`, `traffic_limit` and `additional_headers`,
                which S3 doesn't have: all of `headers` are signed.
        Raises:
            PresignError: what was asked for cannot be signed, and why.
        Warns:
            PresignWarning: as `Presigner.presign`.
        """
        return self.presign_at(method, *read_link_options(bucket, key, options))

    def presign_at(self, method: str, where: Where, options: LinkOptions = _AS_USUAL) -> PresignedUrl:
        """The link of `presign`, from values. Raises and warns as `presign`."""
        if method not in _METHODS:
            raise PresignError(f"method must be one of GET, HEAD, PUT, POST and DELETE, not {method!r}.")
        _refuse_foreign(where, options)
        now_s, age_s = self._read_times(options)
        signer = self._signer.at(where)
        headers = read_headers(options.headers or {})
        draft = _Draft(method, *_address(where, signer), now_s, age_s, write_parameters(options), headers)
        if self._is_v4:
            return PresignedUrl(_sign_v4(draft, signer), method, now_s + age_s, dict(options.headers or {}))
        if where.key is None:
            raise PresignError("a link of version 2 must name an object; sign with V4.")
        return PresignedUrl(_sign_v2(draft, signer), method, now_s + age_s, {})

    def post_form(self, bucket: str, key: str, **options: Unpack[PostFormOptions]) -> PostForm:
        """A form by which whoever has it may upload one file.

        Args:
            key: where the file goes; "${filename}" in it is replaced by the file's own name.
            options: as `Presigner.post_form`. A field that `conditions` name needn't come exactly so.
        Raises: PresignError.
        Warns: PresignWarning: the token is known to die before the form.
        """
        return self.post_form_at(*read_form_options(bucket, key, options))

    def post_form_at(self, where: Where, options: FormOptions = _FORM_AS_USUAL) -> PostForm:
        """The form of `post_form`, from values. Raises: PresignError. Warns: PresignWarning."""
        if not where.key:
            raise PresignError("a form needs a key; ${filename} in it stands for the file's own name.")
        _encode_key(where.key)
        now_s, age_s = self._read_times(LinkOptions(options.expires, now=options.now))
        signer = self._signer.at(where)
        url, _ = _address(where._replace(key=None), signer)
        return sign_s3_form(signer, url, where, options, now_s, age_s, is_v4=self._is_v4)

    def _read_times(self, options: LinkOptions) -> tuple[int, int]:
        """(Unix second of signing, seconds of life from then)."""
        now_s, period_s = int(wall_clock()) if options.now is None else read_moment(options.now), 0
        if options.stable is not None:
            now_s, period_s = round_moment(now_s, options.stable)
        age_s = read_expires(options.expires, now_s)
        check_age(age_s, now_s, self._is_v4)
        if period_s:
            check_period(period_s, age_s)
        if self._token_expires_at_s is not None and self._token_expires_at_s < now_s + age_s:
            warn_of_token(self._token_expires_at_s, now_s + age_s)
        return now_s, age_s


class _Draft(NamedTuple):
    """One link to sign.

    Attributes:
        url: up to the query.
        bucket_of_host: the bucket, where the path doesn't have it.
        now_s, age_s: the Unix second it is signed at, and how many seconds it lives from then.
        own: the caller's own parameters.
        headers: names in lower case.
    """

    method: str
    url: str
    bucket_of_host: str
    now_s: int
    age_s: int
    own: Pieces
    headers: dict[str, str]


def _refuse_foreign(where: Where, options: LinkOptions) -> None:
    """Raises: PresignError."""
    given = {
        "internal": where.internal,
        "process": options.process,
        "traffic_limit": options.traffic_limit,
        "additional_headers": options.additional_headers,
    }
    for name, value in given.items():
        if value:
            raise PresignError(f"links of S3 have no {name}.")


def _address(where: Where, signer: Signer) -> tuple[str, str]:
    """The URL up to the query, and the bucket where its path doesn't have it. A bucket alone has no slash behind it."""
    base = base_url(where, signer.region, signer.endpoint)
    in_path = urlsplit(base).path != "/"
    if where.key is not None:
        return base + _encode_key(where.key), "" if in_path else where.bucket
    return (base.removesuffix("/"), "") if in_path else (base, where.bucket)


def _encode_key(key: str) -> str:
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise PresignError("the key holds a lone surrogate; that isn't Unicode text.") from None
    if not 0 < size <= OBJECT_KEY_MAX_BYTES:
        raise PresignError(f"a key has 1 to {OBJECT_KEY_MAX_BYTES} bytes of UTF-8.")
    return encode_path(key)


def _host_and_path(url: str) -> tuple[str, str]:
    """As a client sends them: without the port that is the scheme's own."""
    parts = urlsplit(url)
    return parts.netloc.removesuffix(_DEFAULT_PORTS[parts.scheme]), parts.path


def _join(pieces: Pieces) -> str:
    return "&".join([f"{name}={value}" for name, value in pieces])


def _sign_v4(draft: _Draft, signer: Signer) -> str:
    host, path = _host_and_path(draft.url)
    timestamp = write_basic_iso(draft.now_s)
    scope = Scope(timestamp[:8], signer.region, s3_v4.SERVICE)
    headers = {**draft.headers, "host": host}
    names = tuple(sorted(headers))
    pieces: Pieces = (
        *draft.own,
        ("X-Amz-Algorithm", s3_v4.ALGORITHM),
        ("X-Amz-Credential", encode(f"{signer.access_key_id}/{s3_v4.write_scope(scope)}")),
        ("X-Amz-Date", timestamp),
        ("X-Amz-Expires", str(draft.age_s)),
        ("X-Amz-SignedHeaders", encode(";".join(names))),
    )
    if signer.security_token is not None:
        pieces = (*pieces, ("X-Amz-Security-Token", encode(signer.security_token)))
    text = s3_v4.canonical_request(
        draft.method,
        s3_v4.canonical_uri(path.encode()),
        _join(tuple(sorted(pieces))),
        s3_v4.canonical_headers(headers, names),
        ";".join(names),
    )
    to_sign = s3_v4.string_to_sign(timestamp, s3_v4.write_scope(scope), text)
    signature = sign(s3_v4.signing_key(signer.access_key_secret, scope), to_sign)
    return f"{draft.url}?{_join(pieces)}&X-Amz-Signature={signature}"


def _sign_v2(draft: _Draft, signer: Signer) -> str:
    """What would be a header stands in the query, where it is signed too."""
    _, path = _host_and_path(draft.url)
    expires = str(draft.now_s + draft.age_s)
    headers = dict(draft.headers)
    if signer.security_token is not None:
        headers["x-amz-security-token"] = signer.security_token
    own = [Parameter(decode(name), decode(value)) for name, value in draft.own]
    resource = s3_v2.canonicalized_resource(draft.bucket_of_host, path.encode(), own)
    signature = v1.sign(signer.access_key_secret, s3_v2.string_to_sign(draft.method, headers, expires, resource))
    hoisted = tuple((name, encode(value)) for name, value in headers.items() if s3_v2.is_hoisted(name))
    pieces: Pieces = (
        *draft.own,
        ("AWSAccessKeyId", signer.access_key_id),
        ("Signature", encode(signature)),
        *hoisted,
        ("Expires", expires),
    )
    return f"{draft.url}?{_join(pieces)}"
