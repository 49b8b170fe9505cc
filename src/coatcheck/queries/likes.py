"""LIKE: `%` and `*` are any run of characters, `?` is exactly one; behind the escape character each is itself.

Nothing backtracks: between runs stand pieces of fixed length, and the leftmost place of each is the right one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from coatcheck.core.limits import SELECT_LIKE_MAX_CHARS, SELECT_LIKE_WILDCARDS_MAX

from .errors import SelectError

_RUNS: Final = "%*"
_ONE: Final = "?"
_Piece = re.Pattern[str]


def read_like(pattern: str, escape: str) -> Callable[[str], bool]:
    """Whether a text fits. Raises: SelectError."""
    if len(pattern) > SELECT_LIKE_MAX_CHARS:
        raise SelectError("SqlInvalidSqlAfterAnalysis", f"LIKE takes at most {SELECT_LIKE_MAX_CHARS} characters.")
    pieces = _split(pattern, escape)
    if len(pieces) - 1 > SELECT_LIKE_WILDCARDS_MAX:
        raise SelectError("SqlExceedsMaxWildCardCount")
    if len(pieces) == 1:
        whole = re.compile(pieces[0][0], re.DOTALL)
        return lambda text: whole.fullmatch(text) is not None
    first, *middle, last = ((re.compile(text, re.DOTALL), size) for text, size in pieces)
    return lambda text: _fits(text, first, middle, last)


def _split(pattern: str, escape: str) -> list[tuple[str, int]]:
    """The pieces between runs, as regular expressions of fixed length, and that length."""
    pieces, piece, size, escaped = [], "", 0, False
    for character in pattern:
        if not escaped and character == escape:
            escaped = True
        elif not escaped and character in _RUNS:
            pieces.append((piece, size))
            piece, size = "", 0
        else:
            piece += "." if character == _ONE and not escaped else re.escape(character)
            size, escaped = size + 1, False
    if escaped:
        raise SelectError("SqlNoCharAfterEscapeChar")
    return [*pieces, (piece, size)]


def _fits(text: str, first: tuple[_Piece, int], middle: list[tuple[_Piece, int]], last: tuple[_Piece, int]) -> bool:
    if first[0].match(text) is None:
        return False
    at, end = first[1], len(text) - last[1]
    for piece, _ in middle:
        found = piece.search(text, at)
        if found is None:
            return False
        at = found.end()
    return at <= end and last[0].match(text, end) is not None
