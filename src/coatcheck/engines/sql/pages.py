"""What every engine makes a page of a listing with. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def past(text: str) -> str | None:
    """The smallest text behind all that starts with `text`; None if there is nothing behind them."""
    kept = text.rstrip("\U0010ffff")
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)  # surrogates are not text


def split(
    items: list[T | str], marker_of: Callable[[T], tuple[str, str]]
) -> tuple[tuple[T, ...], tuple[str, ...], tuple[str, str]]:
    """The listed things, the common prefixes, and the marker that the last item is."""
    things = tuple(item for item in items if not isinstance(item, str))
    common_prefixes = tuple(item for item in items if isinstance(item, str))
    last = items[-1] if items else ""
    return things, common_prefixes, (last, "") if isinstance(last, str) else marker_of(last)
