"""Patterns of * and ? fit what a naive reading says they fit, and take time in proportion to the text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.wildcards import Wildcards, WildcardSet


def naive(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(naive(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and naive(pattern[1:], text[1:])


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("*", "anything at all", True),
        ("?", "", False),
        ("?", "é", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("http://*.example.com", "http://www.example.com", True),
        ("http://*.example.com", "http://example.com", False),
        ("http://*.example.com", "http://www.example.com.evil.net", False),
        ("a**b", "ab", True),
        ("*a*b*", "xxaxxbxx", True),
        ("a.c", "abc", False),
        ("[a]", "a", False),
    ],
)
def test_pattern_fits(pattern: str, text: str, fits: bool) -> None:
    assert Wildcards(pattern).match(text) is fits


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_agrees_with_a_naive_reading(pattern: str, text: str) -> None:
    assert Wildcards(pattern).match(text) is naive(pattern, text)


@given(st.lists(st.text("ab*?", max_size=8), max_size=5), st.text("ab", max_size=8))
def test_a_set_fits_what_any_of_its_patterns_fits(patterns: list[str], text: str) -> None:
    assert WildcardSet(patterns).match(text) is any(naive(pattern, text) for pattern in patterns)


class Counting(dict[str, int]):
    """Counts the steps of a walk."""

    steps = 0

    def get(self, *arguments: Any) -> Any:
        self.steps += 1
        return super().get(*arguments)


@pytest.mark.parametrize(
    "matcher", [Wildcards("*a" * 500 + "b"), WildcardSet(["*a" * 500 + "b", *(f"*a{n}" for n in range(400))])]
)
def test_patterns_made_to_backtrack_are_matched_in_one_walk(matcher: Wildcards | WildcardSet) -> None:
    matcher._by_character = counting = Counting(matcher._by_character)
    assert not matcher.match("a" * 8192)
    assert counting.steps == 8192
