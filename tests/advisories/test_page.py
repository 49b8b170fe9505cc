"""docs/advisories.md and the tests beside this file say the same, and each guard that it names is still there."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ..each import each
from ..oss.test_post_object import a_form, post, signed
from ..test_sts import READER
from .crafting import a_house, v1_headers, v1_link, v4_headers, v4_link
from .mutations import MUTATIONS

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SOURCE = ROOT / "src" / "coatcheck"
LEAST_ROWS = 156  # none is taken away; whoever adds some raises it
ALL = {f"{file}: {test}": mutation for file, mutations in MUTATIONS.items() for test, mutation in mutations.items()}
_ID = re.compile(
    r"kind|Launchpad \d+ \(\w+\)|([\w-]+/)?[\w-]+#\d+"
    r"|(CVE-\d{4}-\d{4,}|GHSA(-[\da-z]{4}){3}|OSSA-\d{4}-\d{3}) \([\w-]+\)"
)


class AdvisoryRow(NamedTuple):
    advisory: str
    what: str
    sends: str
    guard: str
    test: str


@lru_cache
def rows() -> tuple[AdvisoryRow, ...]:
    lines = (ROOT / "docs" / "advisories.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")]
    return tuple(AdvisoryRow(*row) for row in cells if row[0] != "Advisory")


def _tests_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    functions = (node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return {f"{path.name}: {node.name}" for node in functions if node.name.startswith("test_")}


def test_the_page_and_the_tests_name_the_same() -> None:
    """Every row's test exists, and every test of this directory stands in a row."""
    there = set().union(*(_tests_in(path) for path in HERE.glob("test_*.py") if path.name != Path(__file__).name))
    assert {row.test.strip("`") for row in rows()} == there


def test_the_rows_do_not_vanish() -> None:
    assert len(rows()) >= LEAST_ROWS
    named = [(row.advisory, "test_s3.py" in row.test) for row in rows() if row.advisory != "kind"]  # once a dialect
    assert len(named) == len(set(named)) >= LEAST_ROWS // 2


@each(rows(), name=lambda row: f"{row.advisory}-{row.test}")
def test_a_row_is_whole(row: AdvisoryRow) -> None:
    """An id in the form of its kind, what it was and what is sent, and the guard that is taken out."""
    assert _ID.fullmatch(row.advisory)
    assert row.what.endswith(".")
    assert row.sends.endswith(".")
    assert row.guard == f"`{ALL[row.test.strip('`')].guard}`"


@each(ALL)
def test_a_guard_is_where_the_page_says(place: str) -> None:
    """What `make guards` takes out stands once in its file, within the function, class or constant that is named."""
    mutation = ALL[place]
    for edit in mutation.edits:
        assert source(edit.file).count(edit.old) == 1
        assert edit.old != edit.new
    text = source(mutation.edit.file)
    line = text[: text.index(mutation.edit.old)].count("\n") + 1
    last = line + mutation.edit.old.rstrip("\n").count("\n")
    assert any(first <= line and last <= end for first, end in places_of(text, mutation.name))


@lru_cache
def source(file: str) -> str:
    return (SOURCE / file).read_text()


@lru_cache
def tree(text: str) -> ast.Module:
    return ast.parse(text)


def places_of(text: str, name: str) -> list[tuple[int, int]]:
    """First and last lines of what has that name."""
    found = []
    for node in ast.walk(tree(text)):
        named = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if (named or (isinstance(target, ast.Name) and target.id == name)) and isinstance(node, ast.stmt):
            found.append((node.lineno, node.end_lineno or node.lineno))
    return found


async def test_what_is_allowed_works() -> None:
    """Without it a test that refuses everything would pass: `make guards` asks for this one beside each other."""
    house = await a_house(roles=(READER,))
    await house.put("/photos/a.txt", b"hello", {"x-oss-meta-a": "b", "x-oss-tagging": "a=b"})
    copied = await house.ask("PUT", "/photos/b.txt", headers={"x-oss-copy-source": "/photos/a.txt"})
    assert copied.status == 200
    assert (await post(house, a_form(signed("c.txt")))).status == 204
    for path in ("/photos/a.txt", "/photos/b.txt"):
        for address in (v4_link(path), v1_link(path)):
            got = await house.ask("GET", address, by=None)
            assert (got.status, got.body) == (200, b"hello")
        got = await house.ask("GET", path, headers=v1_headers(path), by=None)
        assert (got.status, got.body) == (200, b"hello")
        got = await house.ask("GET", path, headers=v4_headers(path), by=None)
        assert (got.status, got.body) == (200, b"hello")
    listed = await house.ask("GET", "/photos/?prefix=a")
    assert listed.status == 200
    assert b"<Key>a.txt</Key>" in listed.body
