"""The account that a client expects to own a bucket: another account's bucket is neither read nor written.

Source: Amazon S3 user guide, verifying bucket ownership; its headers, like all, count where they are signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from coatcheck.core.errors import ACCESS_DENIED
from coatcheck.ports.bucket import Bucket

_OWNER: Final = "x-amz-expected-bucket-owner"
_SOURCE_OWNER: Final = "x-amz-source-expected-bucket-owner"


def check_owner(headers: Mapping[str, str], bucket: Bucket) -> None:
    """Of the bucket that is asked for. Raises: OssError ACCESS_DENIED."""
    _check(headers.get(_OWNER), bucket)


def check_source_owner(headers: Mapping[str, str], bucket: Bucket) -> None:
    """Of the bucket that a copy is made from. Raises: OssError ACCESS_DENIED."""
    _check(headers.get(_SOURCE_OWNER), bucket)


def _check(expected: str | None, bucket: Bucket) -> None:
    if expected is not None and expected != bucket.owner:
        raise ACCESS_DENIED("Access Denied")
