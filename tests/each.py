"""One test for many small cases: as a test of its own, each would cost more than what it does."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import pytest

_FAILURES = (Exception, pytest.fail.Exception)


def each(*values: Iterable[Any], name: Callable[..., str] = str) -> Callable[[Callable[..., Any]], Callable[[], Any]]:
    """Call the decorated test with every combination of the values; it fails with all that failed, each by its name.

    Args:
        name: of a case, from what the test is called with; it stands below the case's failure.
    """
    cases = list(product(*values))
    assert cases, "a test of nothing"

    def decorate(test: Callable[..., Any]) -> Callable[[], Any]:
        def run() -> None:
            failures = []
            for case in cases:
                try:
                    test(*case)
                except _FAILURES as failure:
                    failures.append(_named(failure, name(*case)))
            _raise(failures, len(cases))

        async def run_async() -> None:
            failures = []
            for case in cases:
                try:
                    await test(*case)
                except _FAILURES as failure:
                    failures.append(_named(failure, name(*case)))
            _raise(failures, len(cases))

        made = run_async if inspect.iscoroutinefunction(test) else run
        made.__name__, made.__qualname__, made.__doc__ = test.__name__, test.__qualname__, test.__doc__
        made.__module__ = test.__module__
        return made

    return decorate


def _named(failure: BaseException, name: str) -> BaseException:
    failure.add_note(f"case: {name}")
    return failure


def _raise(failures: list[BaseException], count: int) -> None:
    if failures:
        raise BaseExceptionGroup(f"{len(failures)} of {count} cases failed", failures)
