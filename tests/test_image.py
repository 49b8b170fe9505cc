"""deploy/Containerfile, without an engine for containers: its steps are run in a clean directory, in their order."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from .patience import HANG_S, wait_until

ROOT: Final = Path(__file__).parents[1]
LINES: Final = (ROOT / "deploy" / "Containerfile").read_text("utf-8").replace("\\\n", "").splitlines()
STEPS: Final = [line.split(maxsplit=1) for line in LINES if line and not line.startswith("#")]

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(os.environ.get("COMPILED")), reason="the image has the source's own wheel"),
]


def step(name: str) -> str:
    (found,) = [words for kind, words in STEPS if kind == name]
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def test_steps_of_the_image_make_a_server_that_is_healthy(tmp_path: Path) -> None:
    """What the user of the image is, and whose /data is, only an engine can show: these two commands are left out."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "dist")]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True, timeout=HANG_S)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True, timeout=HANG_S)
    (tmp_path / "tmp").mkdir()
    *copied, target = step("COPY").split()
    assert (target, copied) == ("/tmp/", ["requirements/core.txt", "dist/coatcheck-*-py3-none-any.whl"])
    (tmp_path / "requirements").symlink_to(ROOT / "requirements")
    environment = {**os.environ, "PATH": f"{tmp_path / 'venv' / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path)}
    environment = {name: value for name, value in environment.items() if not name.startswith(("PYTHON", "COATCHECK_"))}
    script = f"cp {' '.join(copied)} /tmp/; {step('RUN')}".replace("/tmp/", f"{tmp_path / 'tmp'}/")
    script = f"useradd() {{ :; }}; install() {{ mkdir {tmp_path / 'data'}; }}; {script}"
    done = subprocess.run(["sh", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "tmp").iterdir()) == []

    ports = {"8000": free_port(), "9100": free_port()}
    settings = dict(pair.split("=", 1) for pair in shlex.split(step("ENV")))
    settings |= {"COATCHECK_DATA": str(tmp_path / "data"), "COATCHECK_WORKERS": "1"}
    settings |= {"COATCHECK_LISTEN": f"127.0.0.1:{ports['8000']}", "COATCHECK_ADMIN": f"127.0.0.1:{ports['9100']}"}
    check = json.loads(step("HEALTHCHECK").partition("CMD ")[2])
    check = [word.replace("9100", str(ports["9100"])) for word in check]
    server = subprocess.Popen(
        [*json.loads(step("ENTRYPOINT")), *json.loads(step("CMD"))],
        cwd=tmp_path,
        env=environment | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        executable=tmp_path / "venv" / "bin" / "coatcheck",
    )
    try:
        out = server.stdout
        assert out is not None
        wait_until(lambda: out.readline().startswith("coatcheck is ready") or server.poll() is not None)
        healthy = subprocess.run(check, env=environment, capture_output=True, text=True, timeout=HANG_S)
        assert (healthy.returncode, healthy.stderr) == (0, "")
        server.terminate()
        assert server.wait(HANG_S) == 0
        unhealthy = subprocess.run(check, env=environment, capture_output=True, timeout=HANG_S)
        assert unhealthy.returncode == 1
    finally:
        server.kill()
        server.communicate()
