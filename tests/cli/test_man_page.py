"""docs/coatcheck.1 is what the table of verbs gives now, and what `man` prints without a complaint."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "coatcheck.1"


def test_page_is_of_this_table_of_verbs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    from scripts.man_page import write_page

    assert PAGE.read_text("utf-8") == write_page(), "`make man` writes it anew"


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff")
def test_page_is_printed_without_a_warning() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", "-rLL=100n", "-Kutf8", str(PAGE)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    shown = " ".join(done.stdout.split())
    assert "coatcheck share [OPTIONS] FILE|FOLDER|oss://BUCKET/KEY..." in shown
    assert "--profile NAME Profile of ~/.config/coatcheck/config.toml." in shown
    assert "130 interrupted" in shown
