"""Patterns with `*` (any run of characters) and `?` (exactly one), matched in one walk over the text.

Patterns come from strangers, so nothing may backtrack. All positions of the pattern that the text read so far could
have reached are the bits of one number; each character moves them all at once (the "shift-and" way of matching).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_ONE: Final = "?"
_RUN: Final = "*"


class Wildcards:
    """One pattern, ready to be compared."""

    __slots__ = ("_by_character", "_end", "_everywhere", "_only_prefix", "_prefix", "_stays")

    def __init__(self, pattern: str) -> None:
        self._prefix = pattern.partition(_RUN)[0].partition(_ONE)[0]
        self._only_prefix = pattern[len(self._prefix) :] == _RUN
        self._by_character: dict[str, int] = {}
        self._everywhere = self._stays = 0
        position = 0
        for character in pattern:
            if character == _RUN:
                self._stays |= 1 << position  # a run may go on here, whatever comes
                continue
            if character == _ONE:
                self._everywhere |= 1 << position
            else:
                self._by_character[character] = self._by_character.get(character, 0) | 1 << position
            position += 1
        self._end = 1 << position

    def match(self, text: str) -> bool:
        """Whether the whole of `text` fits the pattern."""
        if not text.startswith(self._prefix):
            return False
        if self._only_prefix:
            return True
        reached, stays, everywhere, by_character = 1, self._stays, self._everywhere, self._by_character
        for character in text:
            reached = (reached & (by_character.get(character, 0) | everywhere)) << 1 | reached & stays
            if not reached:
                return False
        return bool(reached & self._end)


class WildcardSet:
    """Several patterns, compared in the same one walk: the bits of all stand side by side in one number."""

    __slots__ = ("_by_character", "_ends", "_everywhere", "_starts", "_stays")

    def __init__(self, patterns: Iterable[str]) -> None:
        self._by_character: dict[str, int] = {}
        self._everywhere = self._stays = self._starts = self._ends = 0
        position = 0
        for pattern in patterns:
            self._starts |= 1 << position
            for character in pattern:
                bit = 1 << position
                if character == _RUN:
                    self._stays |= bit
                    continue
                if character == _ONE:
                    self._everywhere |= bit
                else:
                    self._by_character[character] = self._by_character.get(character, 0) | bit
                position += 1
            self._ends |= 1 << position
            position += 1  # no character leads on from the end of a pattern

    def match(self, text: str) -> bool:
        """Whether the whole of `text` fits any of the patterns."""
        reached, stays, everywhere, by_character = self._starts, self._stays, self._everywhere, self._by_character
        for character in text:
            reached = (reached & (by_character.get(character, 0) | everywhere)) << 1 | reached & stays
            if not reached:
                return False
        return bool(reached & self._ends)
