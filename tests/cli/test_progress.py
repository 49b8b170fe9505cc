"""What a person sees of a transfer that takes a while: one line, in a terminal of 80 columns and of 60."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from coatcheck.cli import batch_progress, terminal

from ..patience import wait_until

NAME = "a rather long name of a photograph from the holidays.jpg"
GIB = 1024**3


@pytest.fixture(params=[80, 60])
def seen(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What goes to a terminal so wide."""
    out = io.StringIO()
    console = Console(file=out, width=request.param, force_terminal=True, color_system=None, highlight=False)
    for module in (terminal, batch_progress):
        monkeypatch.setattr(module, "stderr", lambda: console)
        monkeypatch.setattr(module, "_QUIET_FOR_S", 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    return out


def test_display_of_one_file_is_one_line(seen: io.StringIO) -> None:
    with terminal.progress_bar() as bar:
        bar.begin(NAME, 1023 * GIB, done_bytes=1000 * GIB)
        bar.advance(20 * GIB)
        bar.advance(GIB)
    assert "1021.0 GiB/1023.0 GiB" in seen.getvalue()
    assert "\n1" not in seen.getvalue().replace("\r", "")
    assert "…" in seen.getvalue()  # the name is what gives way


def test_display_of_many_files_is_one_line(seen: io.StringIO) -> None:
    with batch_progress.tally(wanted=True) as counted:
        for _ in range(10_000):
            counted.plan(GIB)
        counted.planned = True
        counted.add(5_000 * GIB)
        wait_until(lambda: "4.9 TiB/9.8 TiB" in seen.getvalue())
    assert "…" not in seen.getvalue()
