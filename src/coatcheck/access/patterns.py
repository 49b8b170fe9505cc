"""Patterns of policies, `*` and `?`, as functions: the usual shapes cost one comparison of strings."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from coatcheck.core.wildcards import Wildcards

Test = Callable[[str], bool]


@lru_cache(maxsize=1024)
def read_pattern(pattern: str) -> Test:
    """Whether the whole of a text fits. Any pattern takes a time that grows with the text alone."""
    runs = pattern.count("*")
    if "?" in pattern or runs > 1:
        return _anything if pattern.strip("*") == "" else Wildcards(pattern).match
    if not runs:
        return pattern.__eq__
    start, _, end = pattern.partition("*")
    if not end:
        return _begins_with(start) if start else _anything
    return _begins_and_ends_with(start, end)


def is_literal(pattern: str) -> bool:
    return "*" not in pattern and "?" not in pattern


def _anything(_: str) -> bool:
    return True


def _begins_with(start: str) -> Test:
    return lambda text: text.startswith(start)


def _begins_and_ends_with(start: str, end: str) -> Test:
    least = len(start) + len(end)
    return lambda text: len(text) >= least and text.startswith(start) and text.endswith(end)
