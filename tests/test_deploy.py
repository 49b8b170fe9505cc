"""The files of deploy/: what they name exists, and they are as closed as they say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from coatcheck.settings.server import ROWS

DEPLOY: Final = Path(__file__).parents[1] / "deploy"
UNIT: Final = DEPLOY / "coatcheck.service"
EXPOSURE_MAX: Final = 2.0
OPTIONS: Final = {row.option for row in ROWS.values()} | {"--config"}


def test_unit_starts_a_verb_with_options_that_exist() -> None:
    line = re.search(r"^ExecStart=/opt/coatcheck/bin/coatcheck serve (.+)$", UNIT.read_text("utf-8"), re.M)
    assert line is not None
    named = set(re.findall(r"--[a-z-]+", line[1]))
    assert named == {"--config", "--data"}
    assert named <= OPTIONS


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_unit_is_closed() -> None:
    words = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    level = re.search(r"Overall exposure level for coatcheck\.service: ([0-9.]+)", shown)
    assert level is not None
    assert float(level[1]) <= EXPOSURE_MAX


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_unit_has_no_fault_that_systemd_finds(tmp_path: Path) -> None:
    program = tmp_path / "coatcheck"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    unit = tmp_path / "coatcheck.service"
    unit.write_text(UNIT.read_text("utf-8").replace("/opt/coatcheck/bin/coatcheck", str(program)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if unit.name in line]
    assert ours == []


def test_containers_set_what_exists() -> None:
    known = {f"COATCHECK_{row.name.upper()}" for row in ROWS.values()}
    for name in ("Containerfile", "compose.yaml", "scale-out/compose.yaml"):
        named = set(re.findall(r"COATCHECK_[A-Z_]+", (DEPLOY / name).read_text("utf-8")))
        assert named, name
        assert named <= known, name


def test_image_is_not_roots_and_looks_after_its_health() -> None:
    lines = (DEPLOY / "Containerfile").read_text("utf-8").replace("\\\n", "").splitlines()
    steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    assert [step[1] for step in steps if step[0] == "USER"] == ["10001"]
    assert [step[0] for step in steps[-2:]] == ["ENTRYPOINT", "CMD"]
    (health,) = [step[1] for step in steps if step[0] == "HEALTHCHECK"]
    words = json.loads(health.partition("CMD ")[2])
    compile(words[2], "HEALTHCHECK", "exec")
    assert words[:2] == ["python", "-c"]
    assert "http://127.0.0.1:9100/health/ready" in words[2]


@pytest.mark.skipif(shutil.which("caddy") is None, reason="there is no Caddy")
def test_proxy_of_the_compose_file_understands_its_file(tmp_path: Path) -> None:
    words = ["caddy", "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
