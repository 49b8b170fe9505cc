"""The other direction: make signed links and forms. Offline, with the same v1 and v4 that the server verifies by.

A link is byte for byte what the official Python SDK V2 (alibabacloud-oss-v2) makes of the same input at the same
second: the caller's parameters first, in the order of its GetObjectRequest, then version, date, expires, credential,
token, additional headers, and the signature last. ali-oss and oss2 order them otherwise, with the same signature.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Literal, Unpack

from coatcheck.clock import wall_clock

from . import v1_link, v4_link
from .credentials import Credentials, Signer, make_signer
from .draft import Draft
from .endpoint import base_url
from .moments import (
    Expires,
    Moment,
    Period,
    check_age,
    check_period,
    read_expires,
    read_moment,
    round_moment,
    warn_of_token,
)
from .options import (
    PLACE_NAMES,
    FormOptions,
    LinkOptions,
    PostFormOptions,
    PresignOptions,
    Where,
    read_form_options,
    read_link_options,
)
from .post_form import PostForm, sign_form
from .presigned_url import PresignedUrl
from .refusal import PresignError
from .signed_headers import NO_HEADERS, sign_headers
from .url_parts import encode_key, write_parameters

SignatureVersion = Literal["v4", "v1"]

_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
_PLAIN: Final = frozenset({"expires", "now", "stable", *PLACE_NAMES})  # links with such differ in their key alone
_SIGN_LINK: Final[dict[str, Callable[[Draft, Signer], str]]] = {"v4": v4_link.sign_link, "v1": v1_link.sign_link}
_NEEDED: Final = ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_REGION")
_AS_USUAL: Final = LinkOptions()
_FORM_AS_USUAL: Final = FormOptions()


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
        signature_version: SignatureVersion = "v4",
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
        if signature_version not in _SIGN_LINK:
            raise PresignError(f"signature_version must be 'v4' or 'v1', not {signature_version!r}.")
        self._signer = make_signer(Credentials(access_key_id, access_key_secret, security_token), region, endpoint)
        self._token_expires_at_s = None if token_expires_at is None else read_moment(token_expires_at)
        self._is_v4 = signature_version == "v4"
        self._sign_link = _SIGN_LINK[signature_version]

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] = os.environ, *, signature_version: SignatureVersion = "v4"
    ) -> Presigner:
        """From OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET, OSS_REGION and, if set, OSS_SESSION_TOKEN and OSS_ENDPOINT.

        Raises: PresignError naming what is missing, or a value that cannot be signed with.
        """
        missing = [name for name in _NEEDED if not environ.get(name)]
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
        return f"Presigner({self._signer.access_key_id!r}, region={self._signer.region!r})"

    def presign(self, method: str, bucket: str, key: str | None, **options: Unpack[PresignOptions]) -> PresignedUrl:
        """One signed link.

        Args:
            method: GET, HEAD, PUT, POST or DELETE; a link works with the one it was signed for.
            key: the object's key, not encoded; None for the bucket itself (V4 only).
            options: `region`, `endpoint`, `internal`, `path_style`, `custom_domain`, `scheme`: where this link points,
                instead of where the presigner does; see `Where`. `expires` (3600 seconds if not given), `version_id`,
                `process`, `download_as`, `response_content_type` and its kin, `traffic_limit`, `query`, `headers`,
                `additional_headers`, `now`, `stable`: see `LinkOptions`.
        Raises:
            PresignError: what was asked for cannot be signed, and why.
        Warns:
            PresignWarning: the token is known to die before the link; rounding by `stable` takes most of its life.
        """
        if self._is_v4 and _PLAIN.issuperset(options):
            return self._presign_plain(method, bucket, key, options)
        return self.presign_at(method, *read_link_options(bucket, key, options))

    def presign_at(self, method: str, where: Where, options: LinkOptions = _AS_USUAL) -> PresignedUrl:
        """The link of `presign`, from values: for whoever keeps a place or a choice for many links.

        Raises and warns as `presign`.
        """
        _check_method(method)
        now_s, age_s = self._read_times(options.expires, options.now, self._is_v4, options.stable)
        signer = self._signer.at(where)
        base = base_url(where, signer.region, signer.endpoint)
        own, signed = write_parameters(options), NO_HEADERS
        if options.headers or options.additional_headers:
            signed = sign_headers(options.headers or {}, options.additional_headers, base)
        url = self._sign_link(Draft(method, where, base, now_s, age_s, own, signed), signer)
        return PresignedUrl(url, method, now_s + age_s, signed.again.copy())

    def _presign_plain(self, method: str, bucket: str, key: str | None, options: Mapping[str, Any]) -> PresignedUrl:
        """Most links are such, and come by the page: half of the work is shared, so they take half as long."""
        _check_method(method)
        place = dict(options)
        stable = place.pop("stable", None)
        now_s, age_s = self._read_times(place.pop("expires", 3600), place.pop("now", None), True, stable)
        frame = v4_link.plain_frame(self._signer, bucket, now_s, age_s, **place)
        return PresignedUrl(v4_link.finish(frame, method, key), method, now_s + age_s, {})

    def post_form(self, bucket: str, key: str, **options: Unpack[PostFormOptions]) -> PostForm:
        """A form by which whoever has it may upload one file, from a browser or anything that speaks HTTP. V4.

        Args:
            key: where the file goes; "${filename}" in it is replaced by the file's own name.
            options: `region`, `endpoint`, `internal`, `path_style`, `custom_domain`, `scheme`: where the form goes; see
                `Where`. `expires` (3600 seconds if not given), `max_bytes`, `fields`, `conditions`, `now`: see
                `FormOptions`.
        Raises: PresignError.
        Warns: PresignWarning: the token is known to die before the form.
        """
        return self.post_form_at(*read_form_options(bucket, key, options))

    def post_form_at(self, where: Where, options: FormOptions = _FORM_AS_USUAL) -> PostForm:
        """The form of `post_form`, from values. Raises: PresignError. Warns: PresignWarning."""
        now_s, age_s = self._read_times(options.expires, options.now, True)
        if not encode_key(where.key):  # refuses what is no key
            raise PresignError("a form needs a key; ${filename} in it stands for the file's own name.")
        signer = self._signer.at(where)
        return sign_form(signer, base_url(where, signer.region, signer.endpoint), where, options, now_s, age_s)

    def _read_times(
        self, expires: Expires, now: Moment | None, is_v4: bool, stable: Period | None = None
    ) -> tuple[int, int]:
        """(Unix second of signing, seconds of life from then)."""
        now_s, period_s = int(wall_clock()) if now is None else read_moment(now), 0
        if stable is not None:
            now_s, period_s = round_moment(now_s, stable)
        age_s = expires if type(expires) is int else read_expires(expires, now_s)
        check_age(age_s, now_s, is_v4)
        if period_s:
            check_period(period_s, age_s)
        if self._token_expires_at_s is not None and self._token_expires_at_s < now_s + age_s:
            warn_of_token(self._token_expires_at_s, now_s + age_s)
        return now_s, age_s


def _check_method(method: str) -> None:
    if method not in _METHODS:
        raise PresignError(f"method must be one of GET, HEAD, PUT, POST and DELETE, not {method!r}.")


def presign(
    method: str,
    bucket: str,
    key: str | None,
    *,
    credentials: Credentials | None = None,
    signature_version: SignatureVersion = "v4",
    **options: Unpack[PresignOptions],
) -> PresignedUrl:
    """One link in one call; options as `Presigner.presign`. Without `credentials` they come from the environment.

    Raises: PresignError. Warns: PresignWarning.
    """
    presigner = _find_presigner(credentials, options.get("region"), signature_version)
    return presigner.presign(method, bucket, key, **options)


def _find_presigner(
    credentials: Credentials | None, region: str | None, signature_version: SignatureVersion
) -> Presigner:
    """What isn't given is the environment's."""
    environ = {**os.environ, "OSS_REGION": region} if region else dict(os.environ)
    if credentials is None:
        return Presigner.from_env(environ, signature_version=signature_version)
    if not environ.get("OSS_REGION"):
        raise PresignError("a region is needed: give region=, or set OSS_REGION.")
    return Presigner(
        credentials.access_key_id,
        credentials.access_key_secret,
        region=environ["OSS_REGION"],
        endpoint=environ.get("OSS_ENDPOINT") or None,
        security_token=credentials.security_token,
        signature_version=signature_version,
    )
