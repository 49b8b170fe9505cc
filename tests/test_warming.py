"""What a start doesn't wait for: it can be loaded, and the first process does so soon after, all of it."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

from coatcheck import warming
from coatcheck.core.later import LaterFunction, LaterModule
from coatcheck.oss.row import Row
from coatcheck.oss.table import ROWS

from .each import each
from .test_rooms import ALL, files_needed, parsed

# What stays out of a server until it is needed, and why it may: background works and checks belong to one process of a
# server; other engines, the command line and what tests steer with are chosen at the start.
LATER_STILL: Final = (
    *("background.audit_run", "background.fetch_run", "background.inventory_run", "background.link_notices"),
    *("background.log_delivery", "background.process_run", "background.replication_run", "background.task_runs"),
    *("engines", "cli", "testing", "client", "signing.explain", "__init__"),
)
PROGRAM: Final = """
import sys
import coatcheck.cli.serve, coatcheck.process
from coatcheck.warming import load_rest
load_rest()
print(*sys.modules)
"""


@pytest.fixture(scope="module")
def warm() -> set[str]:
    """Our modules in a process that has loaded the rest."""
    program = f"import sys; sys.path[:0] = {[p for p in sys.path if p]!r}\n{PROGRAM}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return {name.removeprefix("coatcheck.") for name in done.stdout.split() if name.startswith("coatcheck.")}


@each(ROWS, name=lambda row: f"{row.method} {row.level.value} {row.sub_resource} {row.header}")
def test_each_row_has_its_handler(row: Row) -> None:
    run = row.run.load() if isinstance(row.run, LaterFunction) else row.run
    assert callable(run)
    assert run.__name__ == row.name


def test_nothing_is_left_for_later_forks_to_load(warm: set[str]) -> None:
    left = {
        f"{name} needs {needed}"
        for name in ALL
        if name.removesuffix(".__init__") in warm
        for needed in files_needed(name, parsed(name))
        if needed.removesuffix(".__init__") not in warm
        and not any(f"{needed}.".startswith(f"{later}.") for later in LATER_STILL)
    }
    assert left == set()


def test_a_module_that_cannot_be_loaded_keeps_no_other_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(warming, "_MODULES", ("no_such_module", "operations.sweep"))
    monkeypatch.setattr(warming, "_ROOMS", ())
    monkeypatch.delitem(sys.modules, "coatcheck.operations.sweep", raising=False)
    monkeypatch.setattr("gc.freeze", lambda: None)
    warming.load_rest()
    assert "coatcheck.no_such_module cannot be loaded" in caplog.text
    assert "coatcheck.operations.sweep" in sys.modules


async def test_a_handler_is_loaded_by_its_first_call_and_called_with_what_was_given() -> None:
    percent = LaterModule("coatcheck.core.percent")
    assert percent.encode_path("a b") == "a%20b"
    with pytest.raises(AttributeError, match="no_such_handler"):
        percent.no_such_handler.load()
    with pytest.raises(ModuleNotFoundError, match="no_such_file"):
        LaterModule("coatcheck.no_such_file").run()
