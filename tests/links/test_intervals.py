"""Sets of positions against Python's own sets."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from coatcheck.links.intervals import join, measure

INTERVALS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8)


def positions(intervals: list[tuple[int, int]] | tuple[tuple[int, int], ...]) -> set[int]:
    return {position for first, end in intervals for position in range(first, end)}


@given(INTERVALS, INTERVALS)
def test_joined_is_the_union_in_its_shortest_form(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    joined = join(one, other)
    assert positions(joined) == positions(one) | positions(other)
    assert measure(joined) == len(positions(joined))
    assert all(end < first for (_, end), (first, _) in pairwise(joined))
