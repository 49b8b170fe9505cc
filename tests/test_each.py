"""Cases that share a test: none is left out, and each that fails is named."""

from __future__ import annotations

import pytest

from .each import each


def test_every_case_runs_and_those_that_fail_are_named() -> None:
    seen = []

    @each([1, 2, 3], "ab", name=lambda number, letter: f"{number}-{letter}")
    def case(number: int, letter: str) -> None:
        seen.append((number, letter))
        assert number != 2
        if (number, letter) == (3, "a"):
            pytest.fail("said so")

    with pytest.raises(BaseExceptionGroup) as failed:
        case()
    assert seen == [(1, "a"), (1, "b"), (2, "a"), (2, "b"), (3, "a"), (3, "b")]
    assert failed.value.message == "3 of 6 cases failed"
    assert [failure.__notes__ for failure in failed.value.exceptions] == [["case: 2-a"], ["case: 2-b"], ["case: 3-a"]]


async def test_cases_that_wait_run_as_well() -> None:
    seen = []

    @each("ab")
    async def case(letter: str) -> None:
        seen.append(letter)
        assert letter != "b"

    with pytest.raises(BaseExceptionGroup, match="1 of 2 cases failed"):
        await case()
    assert seen == ["a", "b"]


def test_no_cases_are_a_mistake() -> None:
    with pytest.raises(AssertionError, match="a test of nothing"):
        each([])


@each("ab")
def test_a_test_keeps_its_name_and_words(letter: str) -> None:
    """As it was written."""
    assert letter in "ab"


def test_what_pytest_sees_of_it() -> None:
    seen = test_a_test_keeps_its_name_and_words
    assert (seen.__name__, seen.__doc__) == ("test_a_test_keeps_its_name_and_words", "As it was written.")
