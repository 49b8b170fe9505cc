"""Which bucket and key a request addresses. The target comes before the signature: OSS signs the resource, not the URL.

Forms, tried in this order (source: OSS endpoint documentation; errors-and-addressing reference, section 4):

1. an own domain (CNAME) that is bound to a bucket: the whole path is the key;
2. a base name of ours, an IP address or "localhost": path style, the first raw segment is the bucket;
3. one label before a base name: virtual-hosted, the label is the bucket.

Path style is split on the raw path before decoding, since some SDKs send the key's own slashes as %2F.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from coatcheck.core.errors import NON_STANDARD_HOST
from coatcheck.core.names import is_bucket_name, read_bucket_name, read_object_key

from .request import Request


class Target(NamedTuple):
    """The addressed resource: service (no bucket), bucket (no key) or object.

    `region` is the one the door stands for, or None when the address doesn't say (IP address, own domain).
    """

    bucket: str | None = None
    key: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Addressing:
    """The names this server answers to.

    Attributes:
        base_names: lower-case endpoint host names -> region, e.g. {"oss-cn-hangzhou.localhost": "cn-hangzhou"}; None
            for a name that stands for no region.
        cnames: own domains -> bucket.
    """

    base_names: Mapping[str, str | None]
    cnames: Mapping[str, str] = field(default_factory=dict)


# What ali-oss puts in Host when it is given an IP address as the endpoint: the cloud's own name.
_CLOUD_DOMAIN: Final = "aliyuncs.com"


def make_addressing(regions: tuple[str, ...], domains: tuple[str, ...]) -> Addressing:
    """The base names of every region under every domain: public, internal and dual-stack, and the bare domain."""
    base_names: dict[str, str | None] = {}
    for domain in (*domains, _CLOUD_DOMAIN):
        for region in regions:
            base_names[f"oss-{region}.{domain}"] = region
            base_names[f"oss-{region}-internal.{domain}"] = region
            base_names[f"{region}.oss.{domain}"] = region
    for domain in (*domains, "localhost"):
        base_names.setdefault(domain, regions[0] if len(regions) == 1 else None)
    return Addressing(base_names)


def find_target(request: Request, addressing: Addressing) -> Target:
    """Host and path -> Target.

    Raises:
        OssError: NON_STANDARD_HOST, INVALID_BUCKET_NAME or one of `read_object_key`'s.
    """
    host = read_host_name(request.host)
    raw_path = request.raw_path
    bucket = addressing.cnames.get(host)
    if bucket is not None:
        return _object_target(bucket, raw_path[1:], None)
    if host in addressing.base_names:
        return _path_style(raw_path, addressing.base_names[host])
    if is_address(host):
        return _path_style(raw_path, None)
    label, _, base_name = host.partition(".")
    if base_name in addressing.base_names:
        return _object_target(read_bucket_name(label), raw_path[1:], addressing.base_names[base_name])
    raise NON_STANDARD_HOST(
        f"Your host is invalid: this server does not answer to {host or 'an empty host name'}. Use its IP address or a "
        "name it was started with (--domain)."
    )


def second_reading(request: Request, target: Target) -> Target | None:
    """The other meaning of a request whose Host names a bucket that its path names again, or None.

    ali-oss with `sldEnable` and an IP endpoint sends Host: BUCKET.oss-REGION.aliyuncs.com and a path that starts with
    the bucket. Key "bucket/key" or key "key"? The signature names both, so whichever verifies is what was meant.
    """
    if target.bucket is None or not request.raw_path.startswith(b"/" + target.bucket.encode()):
        return None
    other = _path_style(request.raw_path, target.region)
    return other if other.bucket == target.bucket and other != target else None


@lru_cache(maxsize=1024)
def read_host_name(host: str) -> str:
    """A Host header -> the lower-case name without port and trailing dot; an IPv6 address keeps its brackets."""
    name = host.lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].removesuffix(".")


@lru_cache(maxsize=1024)
def is_address(host: str) -> bool:
    """An IPv4 address, or a bracketed IPv6 one."""
    if host.startswith("["):
        return host.endswith("]") and ":" in host
    parts = host.split(".")
    return len(parts) == 4 and all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts)


def _path_style(raw_path: bytes, region: str | None) -> Target:
    raw_bucket, _, raw_key = raw_path[1:].partition(b"/")
    if not raw_bucket:
        return Target(region=region)
    return _object_target(_read_raw_bucket(raw_bucket), raw_key, region)


def _object_target(bucket: str, raw_key: bytes, region: str | None) -> Target:
    return Target(bucket, read_object_key(raw_key) if raw_key else None, region)


@lru_cache(maxsize=1024)
def _read_raw_bucket(raw: bytes) -> str:
    text = raw.decode("latin-1")
    return text if is_bucket_name(text) else read_bucket_name(read_object_key(raw))
