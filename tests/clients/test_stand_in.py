"""OSS's Node sample as it stands, and our own verbs, against this server on port 443 behind a hosts entry."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ..patience import HANG_S
from ..server_process import clean_environment
from .programs import miss, need, need_node

ROOT = Path(__file__).parents[2]


def test_oss_sample_downloads_and_verbs_synchronize_with_nothing_changed(tmp_path: Path) -> None:
    need_node("ali-oss")
    need("curl")
    unshare = [need("unshare"), "--mount", "--net"]
    if os.geteuid() != 0 or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        miss("a network and a hosts file of one's own take root and unshare")
    done = subprocess.run(
        [*unshare, sys.executable, "-m", "tests.clients.stand_in", str(tmp_path)],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    downloaded = ["hello from the place of the real endpoint"] * 2
    synchronized = ["100 0", "0 100"] * 2  # files that were moved, and that were the same
    assert done.stdout.splitlines() == downloaded + synchronized
