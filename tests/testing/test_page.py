"""docs/testing.md: its examples run, its tables are those of the code, its recipes are the files that tests run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from coatcheck.testing.controls import CONTROLS
from coatcheck.testing.openapi import TOKEN_HEADER
from coatcheck.testing.rules import SHAPE

from ..patience import HANG_S
from ..server_process import clean_environment
from .test_plugin import run_pytest

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "testing.md").read_text("utf-8")
RECIPES: Final = Path(__file__).parent / "recipes"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def rows(head: str) -> list[list[str]]:
    """The cells of the table that begins with those cells."""
    _, _, rest = PAGE.partition(f"{head}\n")
    lines = rest.partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_controls_are_those_of_the_table() -> None:
    told = {cells[0].strip("` "): cells for cells in rows("| control | takes | tells | what it does |")}
    assert set(told) == set(CONTROLS)
    for name, control in CONTROLS.items():
        _, takes, tells, meaning = told[name]
        assert name == "fault" or re.findall(r"`([^`]+)`", takes) == list(control.takes)
        assert re.findall(r"`([^`]+)`", tells) == list(control.tells)
        assert meaning == control.meaning
    assert TOKEN_HEADER in PAGE.lower()


def test_the_fields_of_a_fault_are_those_of_the_code() -> None:
    assert [(cells[0].strip("` "), cells[1]) for cells in rows("| field | meaning |")] == [
        (name, field.meaning) for name, field in SHAPE.items()
    ]


def test_the_recipe_for_node_is_the_one_that_runs() -> None:
    assert blocks("js") == [
        (RECIPES / "node" / name).read_text("utf-8") for name in ("oss-server.js", "photos.test.js")
    ]


def test_the_folders_that_it_names_are_there() -> None:
    for place in re.findall(r"\]\(\.\./([^)]+)\)", PAGE):
        assert (ROOT / place).exists(), place


@pytest.mark.live
def test_the_first_example_has_at_most_six_lines_and_passes(tmp_path: Path) -> None:
    first = blocks("python")[0]
    assert len(first.splitlines()) <= 6
    assert "1 passed" in run_pytest(tmp_path, first)


@pytest.mark.live
def test_the_examples_for_pytest_pass(tmp_path: Path) -> None:
    examples = [block for block in blocks("python") if "def test_" in block and "Container" not in block]
    assert len(examples) == 5
    said = run_pytest(tmp_path, "\n".join(examples))
    assert "5 passed" in said, said


@pytest.mark.live
def test_the_example_without_pytest_runs() -> None:
    (example,) = [block for block in blocks("python") if block.startswith("from coatcheck.testing import oss_server")]
    done = subprocess.run(
        [sys.executable, "-c", example], env=clean_environment(), capture_output=True, text=True, timeout=HANG_S
    )
    assert (done.returncode, done.stderr) == (0, "")
