"""Takes out each guard that docs/advisories.md names, in a copy of the code, and runs its test: it must fail.

    make guards                         all of them; some minutes
    scripts/mutate_guards.py NAME...    the tests whose name holds one of these texts

The code itself is never changed. One pytest process a guard, so that nothing of one is left in the next. Beside each
test runs one of what is allowed, which must pass: a copy that does not work at all would fail every test.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.advisories.mutations import MUTATIONS, Mutation  # noqa: E402  (the path above leads there)

_TESTS: Final = ROOT / "tests" / "advisories"
_CONTROL: Final = "test_what_is_allowed_works"
_AT_ONCE: Final = 2
_SECONDS_MAX: Final = 90  # a guard against what never ends is noticed when its test is still at it
_PYTEST: Final = (sys.executable, "-u", "-m", "pytest", "-v", "-x", "--tb=no", "-p", "no:cacheprovider")


def main(wanted: list[str]) -> int:
    """Returns: how many guards can go without anybody noticing."""
    every = [(file, test, mutation) for file, tests in MUTATIONS.items() for test, mutation in tests.items()]
    asked = [one for one in every if not wanted or any(text in one[1] for text in wanted)]
    if _run(ROOT / "src", _SECONDS_MAX * 10, *(f"{_TESTS / file}::{test}" for file, test, _ in asked)) != "passes":
        print("These tests must pass with all guards in place, and don't: run pytest tests/advisories.")
        return 1
    unnoticed = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for (file, test, mutation), (outcome, seconds) in zip(asked, pool.map(_take_out, asked), strict=True):
            print(f"{outcome:<7} {seconds:5.1f} s  {mutation.guard:<55} {file}: {test}", flush=True)
            if outcome != "fails":
                unnoticed.append(f"{outcome}: {file}: {test}")
    print(
        f"\n{len(asked)} guards taken out one at a time: {len(asked) - len(unnoticed)} noticed, {len(unnoticed)} not."
    )
    print("\n".join(unnoticed))
    return len(unnoticed)


def _take_out(asked: tuple[str, str, Mutation]) -> tuple[str, float]:
    file, test, mutation = asked
    started = time.monotonic()
    return _run_without(mutation, file, test), time.monotonic() - started


def _run_without(mutation: Mutation, file: str, test: str) -> str:
    """Returns: "fails", as it should; "passes"; "broken" when what is allowed doesn't work either; "stale"."""
    with tempfile.TemporaryDirectory(prefix="coatcheck-guards-") as place:
        source = Path(place) / "src"
        shutil.copytree(ROOT / "src", source)
        for edit in mutation.edits:
            path = source / "coatcheck" / edit.file
            text = path.read_text()
            if text.count(edit.old) != 1:
                return "stale"
            path.write_text(text.replace(edit.old, edit.new))
        return _run(source, _SECONDS_MAX, f"{_TESTS / file}::{test}")


def _run(source: Path, seconds_max: int, *tests: str) -> str:
    try:
        ran = subprocess.run(
            [*_PYTEST, "-o", f"pythonpath={source} {ROOT}", f"{_TESTS / 'test_page.py'}::{_CONTROL}", *tests],
            cwd=ROOT,
            env={"PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            timeout=seconds_max,
            check=False,
        )
        code, told = ran.returncode, ran.stdout
    except subprocess.TimeoutExpired as late:
        code, told = 1, late.stdout or b""
    if f"::{_CONTROL} PASSED".encode() not in told:
        return "broken"
    return {0: "passes", 1: "fails"}.get(code, f"error {code}")


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
