"""The files of deploy/: what they name exists, and they are as closed as they say."""

from __future__ import annotations

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
