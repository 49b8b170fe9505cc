"""What is handed out: an sdist that builds without a network, and a wheel that runs by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Final

import pytest

from .patience import HANG_S

ROOT: Final = Path(__file__).parents[1]

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(os.environ.get("COMPILED")), reason="the source's own build is what is tested"),
]


def run(*words: str | Path, cwd: Path, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OSS_", "COATCHECK_"))}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**kept, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_wheel_built_of_the_sdist_runs_in_an_empty_environment(tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", tmp_path, cwd=ROOT)
    (sdist,) = tmp_path.glob("coatcheck-*.tar.gz")
    with tarfile.open(sdist) as packed:
        packed.extractall(tmp_path, filter="data")
    source = tmp_path / sdist.name.removesuffix(".tar.gz")
    for name in ("LICENSE", "NOTICE", "scripts/compile_hook.py", "deploy/coatcheck.service", "docs/deploy.md"):
        assert (source / name).is_file(), name
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path, cwd=source)
    (wheel,) = tmp_path.glob("coatcheck-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as packed_wheel:
        names = set(packed_wheel.namelist())
    ours = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src" / "coatcheck").rglob("*") if path.is_file()}
    assert {name for name in ours if "__pycache__" not in name} <= names
    shared = "coatcheck-0.1.0.data/data/share"
    assert {
        f"{shared}/man/man1/coatcheck.1",
        f"{shared}/bash-completion/completions/coatcheck",
        f"{shared}/zsh/site-functions/_coatcheck",
        f"{shared}/fish/vendor_completions.d/coatcheck.fish",
    } <= names

    empty = tmp_path / "empty"
    run(sys.executable, "-m", "venv", empty, cwd=tmp_path)
    python = empty / "bin" / "python"
    assert "coatcheck" not in run(python, "-m", "pip", "list", cwd=tmp_path)
    run(python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel, cwd=tmp_path)
    # What it depends on comes from the environment of the tests, so that no network is needed; its own code doesn't.
    (libraries,) = {path for path in sys.path if path.endswith("site-packages")}
    (site,) = (empty / "lib").glob("python*/site-packages")
    path = os.pathsep.join([str(site), libraries])
    assert run(empty / "bin" / "coatcheck", "--version", cwd=tmp_path, PYTHONPATH=path) == "coatcheck 0.1.0\n"
    said = run(python, "-c", "import coatcheck.app; print(coatcheck.__file__)", cwd=tmp_path, PYTHONPATH=path)
    assert said == f"{site / 'coatcheck' / '__init__.py'}\n"
