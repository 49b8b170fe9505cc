"""A link as text -> the request it would make and the objects it may address. Nothing is believed, nothing raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from coatcheck.core.errors import OssError
from coatcheck.core.names import is_bucket_name, read_object_key
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target, is_address, read_host_name, split_path, with_plain_plus


class Address(NamedTuple):
    """What the host and path of a link say.

    Attributes:
        targets: what a server may take them for, the likeliest first.
        mixed_up: what they would name in the other style, which a server won't take them for.
        region: the one the host names.
        is_certain: the host says how the bucket is named; False for an own domain.
    """

    targets: tuple[Target, ...]
    mixed_up: tuple[Target, ...]
    region: str | None
    is_certain: bool


def read_link(url: str, method: str, headers: Mapping[str, str] | None = None) -> Request:
    """The request that a client makes of a link."""
    text = url.strip().partition("#")[0]
    _, separator, rest = text.partition("://")
    rest = rest if separator else text
    before, _, raw_query = rest.partition("?")
    host, slash, raw_path = before.partition("/")
    sent = {name.lower(): value.strip() for name, value in (headers or {}).items()}
    # What a client would percent-encode is taken as its bytes; a lone surrogate, which no client can send, as three.
    path = (slash + raw_path or "/").encode("utf-8", "surrogatepass")
    return Request(method.upper(), path, read_query(raw_query.encode("utf-8", "surrogatepass")), {"host": host, **sent})


def read_address(request: Request, bucket: str | None = None) -> Address:
    """
    Args:
        bucket: what the reader knows of it: for an own domain nothing in the link says it.
    """
    read = _read_address(request, bucket)
    if b"+" not in request.raw_path:
        return read
    plain = _read_address(replace(request, raw_path=with_plain_plus(request.raw_path)), bucket)
    return read._replace(
        targets=_distinct(*read.targets, *plain.targets), mixed_up=_distinct(*read.mixed_up, *plain.mixed_up)
    )


def _read_address(request: Request, bucket: str | None) -> Address:
    host = read_host_name(request.host)
    label, _, rest = host.partition(".")
    region = _region_of(label) or _region_of(rest.partition(".")[0])
    virtual = _target(label, request.raw_path[1:])
    raw_bucket, raw_key = split_path(request.raw_path[1:])
    path_style = _target(raw_bucket.decode("ascii", "replace"), raw_key)
    if bucket is not None:
        own = _target(bucket, request.raw_path[1:])
        found = [target for target in (virtual, path_style) if target is not None and target.bucket == bucket]
        return Address(_distinct(*found, own), (), region, True)
    if is_address(host) or host == "localhost" or _region_of(label) is not None or _is_of_s3(label):
        return Address(_distinct(path_style), (), region, True)
    if _region_of(rest.partition(".")[0]) is not None or rest == "localhost":
        if path_style is None or path_style.bucket == label:  # ali-oss with sldEnable names the bucket in both places
            return Address(_distinct(virtual, path_style), (), region, True)
        return Address(_distinct(virtual), (path_style,), region, True)
    if _is_of_s3(rest.partition(".")[0]):
        return Address(_distinct(virtual), (), region, True)
    return Address(_distinct(virtual, path_style), (), region, False)


def _region_of(label: str) -> str | None:
    """ "oss-cn-hangzhou-internal" -> "cn-hangzhou"."""
    if not label.startswith("oss-"):
        return None
    return label.removeprefix("oss-").removesuffix("-internal") or None


def _is_of_s3(label: str) -> bool:
    return label == "s3" or label.startswith("s3-")


def _target(bucket: str, raw_key: bytes) -> Target | None:
    if not is_bucket_name(bucket):
        return None
    try:
        return Target(bucket, read_object_key(raw_key) if raw_key else None)
    except OssError:
        return None


def _distinct(*targets: Target | None) -> tuple[Target, ...]:
    return tuple(dict.fromkeys(target for target in targets if target is not None))
