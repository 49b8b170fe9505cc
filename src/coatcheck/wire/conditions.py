"""If-Match and friends -> proceed, not modified, or precondition failed.

The two that fail come first, then the two that say "not modified"; an ETag condition overrules the date of its pair
(RFC 9110, 13.2.2). ETags are compared without quotes and without case, as clients send both forms. A date that can't be
read counts as not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from coatcheck.core.errors import PRECONDITION_FAILED
from coatcheck.core.times import read_http_date

CONDITIONAL_HEADERS: Final = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


def is_unmodified(headers: Mapping[str, str], etag: str, last_modified_s: int) -> bool:
    """Weigh the conditions of a GET or HEAD against what is stored.

    Args:
        headers: the request's, names in lower case.
        etag: of the stored object, without quotes.
        last_modified_s: of the stored object, Unix seconds.
    Returns:
        True for 304, False to go on.
    Raises:
        OssError: PRECONDITION_FAILED, with the failing header in `Condition`.
    Source: OSS API reference, GetObject, conditional headers.
    """
    if_match = headers.get("if-match")
    if if_match is not None:
        if not _names(if_match, etag):
            raise PRECONDITION_FAILED(Condition="If-Match")
    else:
        limit = _date(headers, "if-unmodified-since")
        if limit is not None and last_modified_s > limit:
            raise PRECONDITION_FAILED(Condition="If-Unmodified-Since")
    if_none_match = headers.get("if-none-match")
    if if_none_match is not None:
        return _names(if_none_match, etag)
    since = _date(headers, "if-modified-since")
    return since is not None and last_modified_s <= since


def is_same(if_range: str, etag: str, last_modified_s: int) -> bool:
    """Whether what is stored is what an If-Range names, by ETag or by date; else its client's half of an older object
    must not be completed from a newer one. Weak tags are never the same (RFC 9110, 13.1.5)."""
    if if_range.startswith("W/"):
        return False
    return _bare(if_range) == etag.lower() or read_http_date(if_range) == last_modified_s


def _names(header: str, etag: str) -> bool:
    wanted = etag.lower()
    return any(_bare(item) in ("*", wanted) for item in header.split(","))


def _bare(item: str) -> str:
    return item.strip().removeprefix("W/").strip('"').lower()


def _date(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name)
    return read_http_date(text) if text else None
