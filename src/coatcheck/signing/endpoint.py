"""Where a link points: endpoint, region and style -> the beginning of its URL. What is signed doesn't depend on it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from coatcheck.core.names import is_bucket_name
from coatcheck.wire.target import is_address, read_host_name

from .options import Where
from .refusal import PresignError

_REGION_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def base_url(where: Where, region: str, endpoint: str | None = None) -> str:
    """The URL up to the key, with a slash at its end.

    Args:
        region: the one it is signed for, whichever `where` names.
        endpoint: used if `where` names none; the region's public endpoint if that is None too. With an IP address or
            "localhost" the bucket goes into the path, as the SDKs do.
    Raises:
        PresignError: a name that isn't one.
    """
    return _base_url(
        where.bucket,
        region,
        where.endpoint or endpoint,
        where.internal,
        where.path_style,
        where.custom_domain,
        where.scheme,
    )


@lru_cache(maxsize=1024)
def _base_url(
    bucket: str,
    region: str,
    endpoint: str | None,
    internal: bool,
    path_style: bool,
    custom_domain: str | None,
    scheme: str | None,
) -> str:
    if not is_bucket_name(bucket):
        raise PresignError(
            f"{bucket!r} is not a bucket name: 3 to 63 of a-z, 0-9 and '-', neither first nor last a '-'."
        )
    if custom_domain is not None:
        if internal:
            raise PresignError("a custom domain has no internal side; leave out one of custom_domain and internal.")
        netloc, own_scheme = _read_endpoint(custom_domain)
        return f"{scheme or own_scheme}://{netloc}/"
    netloc, own_scheme = _read_endpoint(endpoint or f"oss-{check_region(region)}.aliyuncs.com")
    if internal:
        netloc = _inside(netloc, region)
    return f"{scheme or own_scheme}://{_with_bucket(netloc, bucket, path_style)}/"


def _with_bucket(netloc: str, bucket: str, path_style: bool) -> str:
    name = read_host_name(netloc)
    if path_style or name == "localhost" or is_address(name):
        return f"{netloc}/{bucket}"
    return f"{bucket}.{netloc}"


def _read_endpoint(text: str) -> tuple[str, str]:
    """(host and port, scheme); https if none is named."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "https", text
    netloc = rest.removesuffix("/")
    if scheme not in ("http", "https") or not _is_netloc(netloc):
        raise PresignError(f"{text!r} is not an endpoint; it looks like https://oss-cn-hangzhou.aliyuncs.com.")
    return netloc, scheme


def _is_netloc(text: str) -> bool:
    if not text.isascii() or not text.isprintable() or any(character in '/?#@ "<>\\%' for character in text):
        return False
    try:
        parts = urlsplit(f"//{text}")
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _inside(netloc: str, region: str) -> str:
    """oss-REGION.anything -> oss-REGION-internal.anything."""
    label, dot, rest = netloc.partition(".")
    if label == f"oss-{region}-internal":
        return netloc
    if label != f"oss-{region}" or not dot:
        raise PresignError(f"{netloc} has no internal side: only names that begin with oss-{region}. do.")
    return f"{label}-internal.{rest}"


@lru_cache(maxsize=256)
def check_region(text: str) -> str:
    """A region id as V4 signs it: "cn-hangzhou". The "oss-" of the endpoint's name is taken off, as ali-oss does.

    Raises: PresignError.
    """
    region = text.removeprefix("oss-")
    if not region or not _REGION_CHARACTERS.issuperset(region):
        raise PresignError(f"{text!r} is not a region id; it looks like cn-hangzhou.")
    return region
