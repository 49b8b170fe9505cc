"""Versions: their ids, how a request names one, and what a reply says of it. Source: OSS API reference, versioning."""

from __future__ import annotations

from typing import Final

from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.operations.versions import can_be_version_id
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.query import Query
from coatcheck.wire.reply import RawHeader

_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_MAX_CHARS: Final = 128


def asked_version(query: Query, bucket: Bucket | None = None) -> str | None:
    """The version that the request names; None for the current one. Raises as `read_version_id`."""
    text = query.get("versionId")
    return None if text is None else read_version_id(text, bucket)


def named_version(query: Query) -> str | None:
    """The version that the request names, if there can be such a one; None for the current one too."""
    text = query.get("versionId")
    return None if text is None or not is_version_id(text) else text


def is_version_id(text: str) -> bool:
    return 0 < len(text) <= _MAX_CHARS and _CHARACTERS.issuperset(text)


def read_version_id(text: str, bucket: Bucket | None = None) -> str:
    """
    Args:
        bucket: where it is to be: one that has versions knows what their ids look like.
    Raises: OssError INVALID_ARGUMENT, for an empty or ill-formed one.
    """
    known = bucket is None or not bucket.versioning or can_be_version_id(text)
    if known and is_version_id(text):
        return text
    message = "Invalid version id specified." if text else "Version id can not be the empty string."
    raise INVALID_ARGUMENT(message, ArgumentName="versionId", ArgumentValue=text[:1024])


def version_headers(bucket: Bucket, version_id: str) -> tuple[RawHeader, ...]:
    """x-oss-version-id, where the bucket is or was versioned."""
    return ((b"x-oss-version-id", version_id.encode()),) if bucket.versioning else ()


def marker_headers(version_id: str) -> tuple[RawHeader, ...]:
    """The headers that say what was found is a delete marker. There is no "false": oss2 takes any value for true."""
    return ((b"x-oss-delete-marker", b"true"), (b"x-oss-version-id", version_id.encode()))
