"""Programs that live tests drive. A missing one fails under CI=true; elsewhere it skips, and says so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..patience import HANG_S
from ..server_process import ServerProcess, clean_environment

NODE_FOLDER: Final = Path(__file__).parent / "node"


def need(program: str) -> str:
    """The program's path; without it the test cannot run."""
    found = shutil.which(program)
    if found is None:
        miss(f"{program} is not installed (`make live` says how to get it)")
    assert found is not None
    return found


def need_node(package: str) -> str:
    """The path of node, given that an npm package is installed for it."""
    if not (NODE_FOLDER / "node_modules" / package).is_dir():
        miss(f"the npm package {package} is not installed (`make node` does it)")
    return need("node")


def miss(what: str) -> None:
    """Skip the test, and say so; under CI=true, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(f"MISSING: {what}")


def curl(*words: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Run curl, silent but for errors, without a person's own .curlrc."""
    line = [need("curl"), "--disable", "--silent", "--show-error", "--max-time", "30", *words]
    return subprocess.run(line, capture_output=True, check=check)


def run_node(script: str, package: str, server: ServerProcess, /, **facts: Any) -> list[dict[str, Any]]:
    """Run a Node script of tests/clients/node: facts go in as one JSON argument, JSON lines come out.

    Every line it prints is one object; the last must be {"done": true}, so that a script that ends early is noticed.
    """
    argument = {"endpoint": server.endpoint, "port": server.port, **facts}
    done = subprocess.run(
        [need_node(package), str(NODE_FOLDER / script), json.dumps(argument)],
        env=clean_environment(OSS_ACCESS_KEY_ID=ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET=ACCESS_KEY_SECRET),
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines, done.stderr
    assert lines[-1] == {"done": True}, f"{done.stdout}\n{done.stderr}"
    return lines[:-1]


def run_script(script: str, folder: Path, **variables: object) -> subprocess.CompletedProcess[str]:
    """Commands of a page, by a shell that stops at the first refusal; `coatcheck` is found as after an installation."""
    command = folder / "bin" / "coatcheck"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m coatcheck "$@"\n')
    command.chmod(0o700)
    environment = clean_environment(**{name: str(value) for name, value in variables.items()})
    environment["PATH"] = f"{command.parent}:{environment['PATH']}"
    return subprocess.run(
        ["sh", "-eu", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=HANG_S
    )
