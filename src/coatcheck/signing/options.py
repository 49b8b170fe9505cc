"""What may be chosen for each link and each form, as values: where it points, and how it is.

The dictionaries at the end name the same choices as keyword arguments, for editors and type checkers; a test compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, TypedDict

from .moments import Expires, Moment, Period

Scheme = Literal["http", "https"]


class Where(NamedTuple):
    """Where a link points. What is None is the presigner's own.

    Attributes:
        key: the object's key, not encoded; None for the bucket itself (V4 only).
        region: region id, part of a V4 signature.
        endpoint: a host, with or without scheme and port.
        internal: the endpoint that is reached from inside the region's network.
        path_style: the bucket stands in the path, not in the host name.
        custom_domain: a domain bound to the bucket; takes the place of the endpoint.
        scheme: instead of the one that endpoint or domain name; "https" if they name none.
    """

    bucket: str
    key: str | None = None
    region: str | None = None
    endpoint: str | None = None
    internal: bool = False
    path_style: bool = False
    custom_domain: str | None = None
    scheme: Scheme | None = None


class LinkOptions(NamedTuple):
    """What may be chosen for a link besides where it points.

    Attributes:
        expires: seconds from now, a timedelta, or an aware datetime; at most seven days for V4.
        version_id: one version of the object.
        process: an x-oss-process text, e.g. "image/resize,w_200".
        response_content_type and its kin: what the reply's headers are changed to.
        download_as: the name to save under, any Unicode; makes the response-content-disposition.
        traffic_limit: bits a second.
        query: further parameters; an empty value is written as the bare name.
        headers: headers that the link's user will send. Those that OSS signs (x-oss-*, Content-Type, Content-MD5, and
            the ones named in `additional_headers`) come back as `PresignedUrl.signed_headers`.
        additional_headers: names of headers to sign by choice; "host" binds the link to its address.
        now: the moment to sign at, Unix seconds or an aware datetime; the clock's if None.
        stable: seconds or a timedelta; the moment is rounded down to a multiple of it, so that whoever signs again
            before the next gets the same URL, which caches know. The link lives from the rounded moment.
    """

    expires: Expires = 3600
    version_id: str | None = None
    process: str | None = None
    response_content_type: str | None = None
    response_content_disposition: str | None = None
    download_as: str | None = None
    response_cache_control: str | None = None
    response_expires: str | datetime | None = None
    response_content_language: str | None = None
    response_content_encoding: str | None = None
    traffic_limit: int | None = None
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    additional_headers: Iterable[str] = ()
    now: Moment | None = None
    stable: Period | None = None


class FormOptions(NamedTuple):
    """What may be chosen for a form besides where it points.

    Attributes:
        expires: seconds from now, a timedelta, or an aware datetime; at most seven days.
        max_bytes: how large the file may be.
        fields: further fields that must come exactly so, e.g. {"success_action_status": "201"}.
        conditions: further conditions in the policy's own form, e.g. ["in", "$content-type", ["image/png"]].
        now: the moment to sign at, Unix seconds or an aware datetime; the clock's if None.
    """

    expires: Expires = 3600
    max_bytes: int | None = None
    fields: Mapping[str, str] | None = None
    conditions: Sequence[Any] = ()
    now: Moment | None = None


class PresignOptions(TypedDict, total=False):
    """`Where` but for bucket and key, and `LinkOptions`, as keyword arguments."""

    region: str | None
    endpoint: str | None
    internal: bool
    path_style: bool
    custom_domain: str | None
    scheme: Scheme | None
    expires: Expires
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
    stable: Period | None


class PostFormOptions(TypedDict, total=False):
    """`Where` but for bucket and key, and `FormOptions`, as keyword arguments."""

    region: str | None
    endpoint: str | None
    internal: bool
    path_style: bool
    custom_domain: str | None
    scheme: Scheme | None
    expires: Expires
    max_bytes: int | None
    fields: Mapping[str, str] | None
    conditions: Sequence[Any]
    now: Moment | None


PLACE_NAMES: Final = frozenset(Where._fields[2:])  # all but bucket and key


def read_link_options(bucket: str, key: str | None, options: PresignOptions) -> tuple[Where, LinkOptions]:
    """Keyword arguments -> values. Raises: TypeError: a name that is none of them."""
    rest: dict[str, Any] = dict(options)
    return _take_where(bucket, key, rest), LinkOptions(**rest)


def read_form_options(bucket: str, key: str, options: PostFormOptions) -> tuple[Where, FormOptions]:
    """Keyword arguments -> values. Raises: TypeError: a name that is none of them."""
    rest: dict[str, Any] = dict(options)
    return _take_where(bucket, key, rest), FormOptions(**rest)


def _take_where(bucket: str, key: str | None, options: dict[str, Any]) -> Where:
    """Takes its part out of `options`."""
    if PLACE_NAMES.isdisjoint(options):
        return Where(bucket, key)
    return Where(
        bucket,
        key,
        options.pop("region", None),
        options.pop("endpoint", None),
        options.pop("internal", False),
        options.pop("path_style", False),
        options.pop("custom_domain", None),
        options.pop("scheme", None),
    )
