"""AWS signature version 2: string to sign -> HMAC-SHA1, as in OSS's version 1 but for three things.

    METHOD
    Content-MD5, or an empty line
    Content-Type, or an empty line
    the date: Expires of a link; in a header Date, and an empty line where there is an x-amz-date
    every x-amz-* header, "name:value", sorted
    /bucket/encoded-path?sub-resources

The path is percent-encoded, other parameters are signed, and all x-amz-* headers always are. A link may say in its
query what would be headers: x-amz-*, content-type and content-md5. Any other parameter can be added to a link by
whoever has it, so only those of objects are accepted (`s3_v2_scheme.py`).

Source: S3 reference, section 6; the names are botocore's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from coatcheck.wire.query import Parameter

SUB_RESOURCES: Final = frozenset(
    """
    accelerate acl analytics cors defaultObjectAcl delete inventory lifecycle location logging metrics notification
    object-lock partNumber policy replication requestPayment response-cache-control response-content-disposition
    response-content-encoding response-content-language response-content-type response-expires restore select
    select-type storageClass tagging torrent uploadId uploads versionId versioning versions website
    """.split()  # noqa: SIM905  # a literal list would be a screen of quotes
)
_HOISTED: Final = ("content-type", "content-md5")


def canonicalized_resource(bucket_of_host: str, raw_path: bytes, parameters: Iterable[Parameter]) -> str:
    """
    Args:
        bucket_of_host: the bucket that the host name stands for; "" in path style, where the path has it.
    """
    path = quote_from_bytes(unquote_to_bytes(raw_path), safe="/")
    resource = f"/{bucket_of_host}{path}" if bucket_of_host else path
    signed = sorted([(name, value) for name, value, _ in parameters if name in SUB_RESOURCES])
    if not signed:
        return resource
    return resource + "?" + "&".join([f"{name}={value}" if value else name for name, value in signed])


def with_hoisted(headers: Mapping[str, str], first: Mapping[str, str]) -> dict[str, str]:
    """The headers, and what a link says in its query in place of some; a header that is there goes first."""
    return {**{name: value for name, value in first.items() if is_hoisted(name)}, **headers}


def is_hoisted(name: str) -> bool:
    """Whether a header of that name may stand in the query of a link."""
    return name.startswith("x-amz-") or name in _HOISTED


def string_to_sign(method: str, headers: Mapping[str, str], date_line: str, resource: str) -> str:
    """
    Args:
        headers: lower-case names, trimmed values.
        date_line: as sent.
        resource: the canonicalized resource.
    """
    amz = "".join([f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-amz-")])
    md5, content_type = headers.get("content-md5", ""), headers.get("content-type", "")
    return f"{method}\n{md5}\n{content_type}\n{date_line}\n{amz}{resource}"
