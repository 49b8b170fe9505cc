"""Which bucket and key a request addresses. The target comes before the signature: OSS signs the resource, not the URL.

Forms, tried in this order (source: OSS endpoint documentation; errors-and-addressing reference, section 4):

1. a base name of ours, an IP address or "localhost": path style, the first raw segment is the bucket;
2. one label before a base name: virtual-hosted, the label is the bucket;
3. any other name may be an own domain (CNAME) that is bound to a bucket: the whole path is the key. Which one is the
   catalog's to say, so these requests alone look there;
4. one label before a bare domain, if it isn't an own domain: virtual-hosted as in 2. So the owner of example.com, who
   serves it as a base domain, can still bind files.example.com to a bucket of another name.

Path style is split on the raw path before decoding, at the first slash, plain or as %2F: a bucket's name holds neither,
and some SDKs send the slashes of a key as %2F, the C SDK with an IP endpoint the one behind the bucket too.

A "+" in a path is a space (the Ruby SDK writes spaces so), "%2B" a plus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from coatcheck.core.endpoints import accelerate_names, endpoint_names, s3_names
from coatcheck.core.errors import NON_STANDARD_HOST, OssError
from coatcheck.core.names import (
    is_bucket_name,
    read_bucket_name,
    read_object_key,
    read_s3_bucket_name,
    read_s3_object_key,
)
from coatcheck.core.percent import decode_form
from coatcheck.core.record import Record

from .request import Request


class Target(NamedTuple):
    """The addressed resource: service (no bucket), bucket (no key) or object.

    `region` is the one the endpoint stands for, or None when the address doesn't say (IP address, own domain,
    accelerate name). `own_domain`: the host name is a domain bound to the bucket. `accelerated`: it is an accelerate
    name, or stands below one.
    """

    bucket: str | None = None
    key: str | None = None
    region: str | None = None
    own_domain: bool = False
    accelerated: bool = False


class Addressing(Record, frozen=True):
    """The names this server answers to.

    Attributes:
        base_names: lower-case endpoint host names -> region, e.g. {"oss-cn-hangzhou.localhost": "cn-hangzhou"}; None
            for a name that stands for no region.
        bare_domains: those of them that are a domain itself, not an endpoint below it.
        accelerate_names: those of them that are accelerate endpoints.
        s3_names: those of them that speak S3.
    """

    base_names: Mapping[str, str | None]
    bare_domains: frozenset[str] = frozenset()
    accelerate_names: frozenset[str] = frozenset()
    s3_names: frozenset[str] = frozenset()


# What ali-oss puts in Host when it is given an IP address as the endpoint: the cloud's own name.
_CLOUD_DOMAIN: Final = "aliyuncs.com"


def make_addressing(regions: tuple[str, ...], domains: tuple[str, ...]) -> Addressing:
    """The base names: those of every region under every domain, each domain's accelerate names, and the bare domain."""
    base_names: dict[str, str | None] = {}
    accelerating = frozenset(name for domain in (*domains, _CLOUD_DOMAIN) for name in accelerate_names(domain))
    for domain in (*domains, _CLOUD_DOMAIN):
        for region in regions:
            base_names.update(dict.fromkeys(endpoint_names(region, domain), region))
    base_names.update(dict.fromkeys(accelerating))
    of_s3: dict[str, str | None] = {}
    for domain in domains:
        of_s3.update(s3_names(regions, domain))
    base_names.update(of_s3)
    bare_domains = frozenset((*domains, "localhost"))
    for domain in bare_domains:
        base_names.setdefault(domain, regions[0] if len(regions) == 1 else None)
    return Addressing(base_names, bare_domains, accelerating, frozenset(of_s3))


def find_target(request: Request, addressing: Addressing, *, s3: bool = False) -> Target | None:
    """Host and path -> Target; None for a host that may be an own domain: `own_domain_target` knows what it means.

    Args:
        s3: names are read by S3's rules.
    Raises:
        OssError: INVALID_BUCKET_NAME or one of `read_object_key`'s.
    """
    host = read_host_name(request.host)
    if host not in addressing.base_names and is_address(host):
        return _path_style(request.raw_path, None, s3=s3)
    target = _target_of_host(host, request.raw_path, addressing, s3=s3)
    if target is None or target.region is not None:
        return target
    accelerated = host in addressing.accelerate_names or host.partition(".")[2] in addressing.accelerate_names
    return target._replace(accelerated=True) if accelerated else target


def _target_of_host(host: str, raw_path: bytes, addressing: Addressing, *, s3: bool) -> Target | None:
    if host in addressing.base_names:
        return _path_style(raw_path, addressing.base_names[host], s3=s3)
    label, _, base_name = host.partition(".")
    if base_name in addressing.base_names and base_name not in addressing.bare_domains:
        if not label:  # so ali-oss names no bucket, given an IP address as its endpoint
            return _path_style(raw_path, addressing.base_names[base_name], s3=s3)
        return _object_target(read_bucket_name(label), raw_path[1:], addressing.base_names[base_name], s3=s3)
    return None


def own_domain_target(request: Request, addressing: Addressing, bucket: str | None, *, s3: bool = False) -> Target:
    """What a host means for which `find_target` had no answer.

    Args:
        bucket: the one that the host is bound to; None if it is no own domain.
        s3: names are read by S3's rules.
    Raises:
        OssError: NON_STANDARD_HOST, INVALID_BUCKET_NAME or one of `read_object_key`'s.
    """
    if bucket is None:
        host = read_host_name(request.host)
        label, _, domain = host.partition(".")
        if domain in addressing.bare_domains:
            region = addressing.base_names[domain]
            return _object_target(read_bucket_name(label), request.raw_path[1:], region, s3=s3)
        raise NON_STANDARD_HOST(
            f"{NON_STANDARD_HOST.message} This server does not answer to {host[:64] or 'an empty host name'}. Use its "
            "IP address, a name it was started with (--domain), or bind this one to a bucket (coatcheck domain add)."
        )
    return _object_target(bucket, request.raw_path[1:], None, s3=s3)._replace(own_domain=True)


def read_own_domain_key(request: Request) -> str | None:
    """The key that a request for an own domain names; None where `own_domain_target` refuses, or none is named."""
    raw_key = request.raw_path[1:]
    try:
        return read_object_key(raw_key) if raw_key else None
    except OssError:
        return None


def names_a_bucket(request: Request, addressing: Addressing) -> bool:
    """Whether the request's host name stands for a bucket; False for the names of the server as a whole."""
    host = read_host_name(request.host)
    label, _, base_name = host.partition(".")
    return not (host in addressing.base_names or is_address(host) or (not label and base_name in addressing.base_names))


def is_s3_host(host: str, addressing: Addressing) -> bool:
    """Whether a Host header is an endpoint of the S3 dialect, or a bucket's name below one."""
    name = read_host_name(host)
    return name in addressing.s3_names or name.partition(".")[2] in addressing.s3_names


def is_own_name(host: str, addressing: Addressing) -> bool:
    """Whether a host name is an endpoint of ours, or below one: such a name can't be bound to a bucket."""
    name = read_host_name(host)
    return (
        is_address(name)
        or name in addressing.base_names
        or any(name.endswith(f".{base}") for base in addressing.base_names)
    )


def is_path_style(request: Request, target: Target) -> bool:
    """Whether the path names the bucket before the key."""
    return decode_form(request.raw_path[1:]) != (target.key or "").encode()


def other_readings(request: Request, target: Target) -> Iterator[Target]:
    """What the address may mean besides `target`: a "+" of its path may be a plus, and `second_reading`.

    A signature names bucket and key, so at most one of all readings verifies, and that one was meant.
    """
    other = second_reading(request, target)
    if other is not None:
        yield other
    if b"+" in request.raw_path and target.key is not None:
        raw_path = with_plain_plus(request.raw_path)
        raw_key = split_path(raw_path[1:])[1] if is_path_style(request, target) else raw_path[1:]
        yield target._replace(key=read_object_key(raw_key))
        if other is not None:
            yield _path_style(raw_path, target.region)


def with_plain_plus(raw_path: bytes) -> bytes:
    """The path of which a reader makes a plus of every "+"."""
    return raw_path.replace(b"+", b"%2B")


def second_reading(request: Request, target: Target) -> Target | None:
    """The other meaning of a request whose Host names a bucket that its path names again, or None.

    ali-oss with `sldEnable` and an IP endpoint sends Host: BUCKET.oss-REGION.aliyuncs.com and a path that starts with
    the bucket. Key "bucket/key" or key "key"? The signature names both, so whichever verifies is what was meant.
    """
    if target.bucket is None or not request.raw_path.startswith(b"/" + target.bucket.encode()):
        return None
    other = _path_style(request.raw_path, target.region)._replace(accelerated=target.accelerated)
    return other if other.bucket == target.bucket and other != target else None


def read_host_name(host: str) -> str:
    """A Host header -> the lower-case name without port and trailing dot; an IPv6 address keeps its brackets.

    What isn't a name and a port, such as two headers joined, stays whole, so that it is nobody's name.
    """
    return _known_host_name(host) if len(host) <= _HOST_MAX_CHARS else host


# Longer than any host name and port. What strangers send at length is not remembered: it must not fill the memory.
_HOST_MAX_CHARS: Final = 264


@lru_cache(maxsize=1024)
def _known_host_name(host: str) -> str:
    whole = host.lower()
    name, colon, port = whole.rpartition(":")
    if not colon or whole.endswith("]"):
        return whole.removesuffix(".")
    return name.removesuffix(".") if not port or (port.isascii() and port.isdigit()) else whole


def is_address(host: str) -> bool:
    """An IPv4 address, or a bracketed IPv6 one."""
    return len(host) <= _HOST_MAX_CHARS and _is_known_address(host)


@lru_cache(maxsize=1024)
def _is_known_address(host: str) -> bool:
    if host.startswith("["):
        return host.endswith("]") and ":" in host
    parts = host.split(".")
    return len(parts) == 4 and all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts)


def _path_style(raw_path: bytes, region: str | None, *, s3: bool = False) -> Target:
    raw_bucket, raw_key = split_path(raw_path[1:])
    if not raw_bucket:
        return Target(region=region)
    bucket = _read_s3_bucket(raw_bucket) if s3 else _read_raw_bucket(raw_bucket)
    return _object_target(bucket, raw_key, region, s3=s3)


def split_path(path: bytes) -> tuple[bytes, bytes]:
    """Bucket and key of a path without its first slash, both as they were sent."""
    raw_bucket, _, raw_key = path.partition(b"/")
    slash = _ENCODED_SLASH.search(raw_bucket) if b"%" in raw_bucket else None
    return (raw_bucket, raw_key) if slash is None else (path[: slash.start()], path[slash.end() :])


_ENCODED_SLASH: Final = re.compile(b"%2F", re.IGNORECASE)


def _object_target(bucket: str, raw_key: bytes, region: str | None, *, s3: bool) -> Target:
    if not raw_key:
        return Target(bucket, None, region)
    return Target(bucket, read_s3_object_key(raw_key) if s3 else read_object_key(raw_key), region)


def _read_s3_bucket(raw: bytes) -> str:
    return read_s3_bucket_name(read_s3_object_key(raw))


@lru_cache(maxsize=1024)
def _read_raw_bucket(raw: bytes) -> str:
    text = raw.decode("latin-1")
    return text if is_bucket_name(text) else read_bucket_name(read_object_key(raw))
