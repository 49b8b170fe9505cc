"""The examples of docs/links.md do what the page says."""

from __future__ import annotations

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "links.md"


def test_the_examples_of_the_page_hold() -> None:
    said: list[str] = []
    examples = doctest.DocTestParser().get_doctest(PAGE.read_text(), {}, "docs/links.md", None, 0)
    result = doctest.DocTestRunner(verbose=False).run(examples, out=said.append)
    assert (result.failed, said) == (0, [])
    assert result.attempted > 3
