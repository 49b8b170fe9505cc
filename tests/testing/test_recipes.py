"""The recipes of docs/testing.md, run as they stand: with mocha, JUnit and Go's own tests, each in its own folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from ..clients.programs import NODE_FOLDER, need, need_node
from ..server_process import clean_environment

pytestmark = pytest.mark.live

RECIPES: Final = Path(__file__).parent / "recipes"
_TIMEOUT_S: Final = 500  # the first run of Maven fetches its plugins


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """`coatcheck`, as an installed one: this Python with this source."""
    program = tmp_path / "coatcheck"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m coatcheck "$@"\n')
    program.chmod(0o755)
    return program


def run(words: list[str], folder: Path, program: Path, **environment: str) -> str:
    """In a copy of the recipe's folder; what it says. It must succeed."""
    copied = Path(shutil.copytree(folder, program.parent / folder.name))
    done = subprocess.run(
        words,
        cwd=copied,
        env=clean_environment(COATCHECK=str(program), **environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_node_with_mocha_and_ali_oss(program: Path) -> None:
    need_node("ali-oss")
    node, packages = need_node("mocha"), NODE_FOLDER / "node_modules"
    words = [node, str(packages / "mocha" / "bin" / "mocha.js"), "--timeout", "60000", "photos.test.js"]
    assert "4 passing" in run(words, RECIPES / "node", program, NODE_PATH=str(packages))


def test_go_with_its_own_tests_and_the_sdk_v2(program: Path) -> None:
    said = run([need("go"), "test", "-count=1", "-v", "./..."], RECIPES / "go", program)
    passed = [line.split()[2] for line in said.splitlines() if line.startswith("--- PASS")]
    assert passed == ["TestPutAndGet", "TestLinksEnd", "TestABusyServiceIsAskedAgain", "TestACodeOfTheTable"]


def test_java_with_junit_and_the_sdk(program: Path) -> None:
    need("javac")
    said = run([need("mvn"), "--batch-mode", "--no-transfer-progress", "test"], RECIPES / "java", program)
    assert "Tests run: 5, Failures: 0, Errors: 0, Skipped: 0" in said
