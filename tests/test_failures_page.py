"""Every test that docs/failures.md names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.findall(r"`(tests/[^`]+)`", (ROOT / "docs" / "failures.md").read_text("utf-8"))


def test_the_page_has_its_rows() -> None:
    assert len(NAMED) >= 23


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_the_page_names_is_there(named: str) -> None:
    path, *names = named.split("::")
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    if len(names) == 2:  # a class that takes its tests over from a contract
        assert names[0] in {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        sources = [source.read_text("utf-8") for source in (ROOT / "tests" / "ports").glob("*_contract.py")]
        tree = ast.parse("\n".join(source.replace("from __future__ import annotations", "") for source in sources))
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert names[-1] in functions
