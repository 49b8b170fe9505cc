"""Long counts: `make soak` runs all of a count, every other run a tenth of it, and always the same tenth.

A test that counts something (kills, flipped bits, histories) says how many with `count` and carries the marker `soak`:

    CYCLES = count(60)

    @pytest.mark.soak(CYCLES)
    @pytest.mark.parametrize("seed", range(CYCLES))

`make soak` runs the tests with that marker and writes down what each has counted. Properties with random examples carry
it without saying so, see `conftest.py`.
"""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

SOAKING: Final = bool(os.environ.get("COATCHECK_SOAK"))


def count(full: int) -> int:
    """How many of `full` to run now: all, or a tenth, but at least one."""
    return full if SOAKING else max(1, full // 10)


@dataclass(slots=True)
class Row:
    """What a test has counted, in all its cases together, and how that went."""

    test: str
    counted: int
    seconds: float = 0.0
    failures: int = 0
    skips: int = 0

    @property
    def result(self) -> str:
        if self.failures:
            return f"{self.failures} failed"
        return "skipped" if self.skips else "passed"


def write_table(rows: list[Row]) -> str:
    """The rows as a table in Markdown, with what they were counted on."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    lines = [
        f"# Long counts, {datetime.now(UTC):%Y-%m-%d}",
        "",
        f"Commit {commit.stdout.strip() or 'unknown'}; Python {platform.python_version()}, {platform.system()} "
        f"{platform.release()}, {os.cpu_count()} cores. "
        + ("`make soak`: all of each count." if SOAKING else "A tenth of each count, as `make test` runs it."),
        "",
        "| Test | Count | Seconds | Result |",
        "|---|---:|---:|---|",
        *(f"| {row.test} | {row.counted:,} | {row.seconds:.1f} | {row.result} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"
