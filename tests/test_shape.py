"""How long files and functions are, read from the source. The figures are the house's; the code stays below them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

SOURCE: Final = Path(__file__).parents[1] / "src" / "coatcheck"

FILE_MAX_LINES: Final = 500
PARAMETERS_MAX: Final = 8
FUNCTION_MEDIAN_LINES: Final = 8
SHORT_LINES: Final = 20  # nine functions of ten are shorter

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[str, Function]]:
    """Every function and method, also those within others, with the file that it stands in."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, Function):
                yield path.relative_to(SOURCE).as_posix(), node


def lines(function: Function) -> int:
    """From "def" to its end, without decorators."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def parameters(function: Function) -> int:
    """How many it takes, without the object it belongs to."""
    given = function.args
    named = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len(named) - (named[:1] in (["self"], ["cls"])) + (given.vararg is not None) + (given.kwarg is not None)


def is_command(function: Function) -> bool:
    """Its parameters are the options that click hands over."""
    return any(ast.unparse(decorator).startswith("click.command(") for decorator in function.decorator_list)


def test_no_file_is_too_long_to_be_held_in_the_head() -> None:
    sizes = {path.relative_to(SOURCE).as_posix(): path.read_text("utf-8").count("\n") for path in SOURCE.rglob("*.py")}
    assert {name: size for name, size in sizes.items() if size > FILE_MAX_LINES} == {}


def test_no_function_takes_more_than_a_reader_can_tell_apart() -> None:
    many = {(name, function.name): parameters(function) for name, function in functions() if not is_command(function)}
    assert {place: count for place, count in many.items() if count > PARAMETERS_MAX} == {}


def test_functions_are_short() -> None:
    sizes = [lines(function) for _, function in functions()]
    assert median(sizes) <= FUNCTION_MEDIAN_LINES
    assert sum(size < SHORT_LINES for size in sizes) / len(sizes) >= 0.9


def test_parameters_and_lines_are_counted() -> None:
    module = ast.parse("class A:\n  @staticmethod\n  async def f(self, a, /, b, *c, d,\n    **e):\n    pass\n")
    (function,) = (node for node in ast.walk(module) if isinstance(node, Function))
    assert (parameters(function), lines(function), is_command(function)) == (5, 3, False)
    module = ast.parse("@click.command('x')\n@other\ndef f(a): ...")
    assert [is_command(node) for node in module.body if isinstance(node, Function)] == [True]
