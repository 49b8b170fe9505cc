"""The modules that `make wheel` compiles are those that pyproject.toml names, and no other build compiles any."""

from __future__ import annotations

import ast
import os
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
HOOK: Final = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
MODULES: Final[list[str]] = HOOK["modules"]


def waits(tree: ast.AST) -> Iterator[int]:
    """The lines in `except` and `finally` that wait or yield."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try | ast.TryStar):
            for statement in (*node.handlers, *node.finalbody):
                for inner in ast.walk(statement):
                    if isinstance(inner, ast.Await | ast.AsyncFor | ast.AsyncWith | ast.Yield | ast.YieldFrom):
                        yield inner.lineno


def test_nothing_compiled_says_by_a_keyword_what_a_record_is() -> None:
    """mypyc drops the keywords of a class: a Struct that is frozen by one is not, and so it derives from `Record`."""
    by_keyword = {
        f"{name}:{node.name}"
        for name in MODULES
        for node in ast.walk(ast.parse((ROOT / "src" / "coatcheck" / name).read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
        and node.keywords
        and "Record" not in [ast.unparse(base) for base in node.bases]
    }
    assert by_keyword == set()


def test_every_module_to_compile_is_there_and_named_once() -> None:
    assert [name for name in MODULES if not (ROOT / "src" / "coatcheck" / name).is_file()] == []
    assert len(MODULES) == len(set(MODULES))


def test_pip_compiles_nothing_unless_it_is_told_to() -> None:
    assert HOOK["enable-by-default"] is False


def test_nothing_compiled_waits_while_an_exception_is_handled() -> None:
    """mypyc (2.4) then raises the wrong exception, or leaves the handled one behind for whoever looks next."""
    trees = {name: ast.parse((ROOT / "src" / "coatcheck" / name).read_text("utf-8")) for name in MODULES}
    assert {name: lines for name, tree in trees.items() if (lines := list(waits(tree)))} == {}


@pytest.mark.parametrize("last", ["except OSError:\n  if a: await b", "finally:\n  async with a: pass"])
def test_a_wait_is_found(last: str) -> None:
    assert list(waits(ast.parse(f"async def f():\n try: await b\n {last}"))) == [4]


def test_what_is_tested_is_compiled_where_that_is_asked_for() -> None:
    """`make unit COMPILED=1`: a source that came first in the path would be tested in its place."""
    found = [find_spec(f"coatcheck.{name.removesuffix('.py').replace('/', '.')}") for name in MODULES]
    suffix = ".so" if os.environ.get("COMPILED") else ".py"
    assert {Path(spec.origin).suffix for spec in found if spec and spec.origin} == {suffix}
