"""Which object a write or a delete means, as S3's headers say it. The commit decides by it.

Source: S3 reference, section 9; Amazon S3 user guide, conditional requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.s3_errors import S3_NOT_BUILT
from coatcheck.core.times import read_http_date
from coatcheck.ports.object import OnlyIf

from .documents import read_bytes

_SIZE: Final = "x-amz-if-match-size"
_MODIFIED: Final = "x-amz-if-match-last-modified-time"


class WriteCondition(NamedTuple):
    """What of a key allows a write: that it has no object, or that it has the one that is meant."""

    only_new: bool = False
    only_if: OnlyIf | None = None


def read_write_condition(headers: Mapping[str, str]) -> WriteCondition:
    """Raises: OssError INVALID_ARGUMENT, for both at once; S3_NOT_BUILT, for an If-None-Match that isn't "*"."""
    if_match, if_none_match = headers.get("if-match"), headers.get("if-none-match")
    if if_match is not None and if_none_match is not None:
        raise INVALID_ARGUMENT("If-Match and If-None-Match cannot be sent together.", ArgumentName="If-Match")
    if if_match is not None:
        return WriteCondition(only_if=OnlyIf(read_etag(if_match)))
    if if_none_match is not None and if_none_match.strip() != "*":
        raise S3_NOT_BUILT("A write's If-None-Match can only be *.", Header="If-None-Match")
    return WriteCondition(only_new=if_none_match is not None)


def read_delete_condition(headers: Mapping[str, str]) -> OnlyIf | None:
    """Raises: OssError INVALID_ARGUMENT."""
    if_match, size, modified = headers.get("if-match"), headers.get(_SIZE), headers.get(_MODIFIED)
    return read_only_if(if_match, size, modified)


def read_only_if(etag: str | None, size: str | None, modified: str | None) -> OnlyIf | None:
    """
    Args:
        modified: a date as HTTP has it.
    Returns: None where nothing is said.
    Raises: OssError INVALID_ARGUMENT.
    """
    if etag is None and size is None and modified is None:
        return None
    moment = None if modified is None else read_http_date(modified)
    if modified is not None and moment is None:
        raise INVALID_ARGUMENT("The time is not a date of HTTP.", ArgumentName=_MODIFIED, ArgumentValue=modified[:64])
    return OnlyIf(
        etag=None if etag is None else read_etag(etag),
        size=None if size is None else read_bytes(size, _SIZE),
        last_modified=moment,
    )


def read_etag(text: str) -> str:
    """An ETag as it is stored; "*" stays. Weak ones stay as they are, and are no object's."""
    return text.strip().strip('"').upper()
