from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.queries.likes import read_like


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("a%", "a", True),
        ("%b", "ab", True),
        ("%b%", "abc", True),
        ("a*c", "abbbc", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("ab%ba", "aba", False),  # the two ends don't share a letter
        ("", "", True),
        ("%", "\n\0", True),
        ("a.c", "abc", False),
        ("_", "a", False),
        ("%长%", "万里长城", True),
    ],
)
def test_what_fits(pattern: str, text: str, fits: bool) -> None:
    assert read_like(pattern, "")(text) is fits


def test_behind_the_escape_everything_is_itself() -> None:
    assert read_like("100#%", "#")("100%")
    assert not read_like("100#%", "#")("1000")
    assert read_like("a##?", "#")("a#b")


@given(st.text("ab%?", max_size=10).filter(lambda pattern: pattern.count("%") <= 5), st.text("ab", max_size=20))
def test_it_agrees_with_a_regular_expression(pattern: str, text: str) -> None:
    expression = pattern.replace("?", ".").replace("%", ".*")
    assert read_like(pattern, "")(text) == (re.fullmatch(expression, text) is not None)


def test_a_pattern_that_would_backtrack_takes_no_time() -> None:
    fits = read_like("%aaaaaaaaab%aaaaaaaaab%aaaaaaaaab%aaaaaaaaab%c", "")
    began = time.process_time()
    assert not fits("a" * 250_000)
    assert time.process_time() - began < 2
