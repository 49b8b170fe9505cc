"""The page of figures and its picture, from what `rates.py` found; before the first run, that nothing is measured.

python benchmarks/page.py        # writes the page and the picture without figures
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from picture import draw
from works import BUILDS, COMPILED, WORKS, Value, Work

TREE = Path(__file__).resolve().parents[1]
PAGE = TREE / "docs" / "benchmark.md"
PICTURE = TREE / "docs" / "pictures" / "benchmark.svg"
RESULTS = TREE / "benchmarks" / "results"

Values = Mapping[str, Mapping[str, Value]]

_HEAD = """# How fast it is

![Rates beside nginx and SeaweedFS]({picture})

Every figure is a ratio to another server in the same run, on the cores that the load runs on too: absolute rates say
more of the machine than of the server. **must** is what a release needs, **aim** what we work towards; both are meant
for the compiled wheel (`make wheel`), and pure Python has its own *must* where it differs. A ratio is the median of the
rounds, its range stands behind it.

- nginx checks its own kind of signed link, `secure_link`, and sends files; SeaweedFS is asked through presigned S3
  links. Each gets as many different links as coatcheck. SeaweedFS doesn't fsync what it stores; coatcheck does.
- *Links seen before*: 20,000 links to as many objects of 1 KiB or 64 KiB, or 4,000 to 400 objects of 1 MiB, in 20
  buckets, shuffled, each asked for some times before that is measured. *Each link new*: no link is sent twice in the
  run.
- The check that stored bytes are what was written is on, as always. A process reads the bytes of a blob for it when it
  first opens it; those first reads are told apart.
"""

_REPEAT = """## How to repeat it

```
make bench              # alone on the machine; 20 minutes; writes this page and its picture
make bench QUICK=1      # tiny counts, one minute: shows that all of it works, and nothing else
```

It needs wrk and nginx, and takes SeaweedFS from its package. The compiled wheel is measured beside the source with
`make bench COMPILED=1`.
"""


class Machine(NamedTuple):
    """Where it was measured, a line each."""

    lines: tuple[str, ...]


def machine_of(directory: Path) -> Machine:
    """This machine; data lies in the directory."""
    cpu = next((_after(line) for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    kib = next((int(_after(line).split()[0]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    disk = _said("findmnt", "-no", "FSTYPE", "--target", str(directory))
    commit = _said("git", "-C", str(TREE), "describe", "--always", "--dirty")
    weed = next(iter(_said(str(TREE / ".venv/bin/weed"), "version").splitlines()), "no SeaweedFS")
    return Machine(
        (
            f"Commit {commit or 'unknown'}, {datetime.now(UTC):%Y-%m-%d}.",
            f"{os.cpu_count()} cores ({cpu}), shared by load and servers; {kib / 1024**2:.0f} GiB; {disk or 'unknown'};"
            f" {platform.system()} {platform.release()}.",
            f"Python {platform.python_version()}, 2 workers; {_said('nginx', '-v') or 'no nginx'}; {weed}.",
        )
    )


def _after(line: str) -> str:
    return line.partition(":")[2].strip()


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def _said(*words: str) -> str:
    """What a program says of itself, wherever it says it; nothing if it isn't there."""
    if shutil.which(words[0]) is None:
        return ""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


def write(found: Values, machine: Machine, took: str) -> None:
    """The page and its picture in docs, and the same page, dated, among the results."""
    PICTURE.write_text(draw(found))
    PAGE.write_text(text(found, machine, took, "pictures/benchmark.svg"))
    dated = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.md"
    dated.write_text(text(found, machine, took, "../../docs/pictures/benchmark.svg"))
    print(f"written: {PAGE.relative_to(TREE)}, {PICTURE.relative_to(TREE)}, {dated.relative_to(TREE)}")


def text(found: Values, machine: Machine, took: str, picture: str = "pictures/benchmark.svg") -> str:
    """The whole page."""
    measured = [build for build in BUILDS if any(build in values for values in found.values())] or [COMPILED]
    parts = [_HEAD.format(picture=picture)]
    parts += [f"## {_name(build)}\n\n{_table(found, build)}" for build in measured]
    parts += [_misses(found, measured), _REPEAT, "## The machine\n\n" + "\n".join(f"- {one}" for one in machine.lines)]
    if took:
        parts[-1] += f"\n- {took}."
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _name(build: str) -> str:
    return "The compiled wheel" if build == COMPILED else "Pure Python"


def _table(found: Values, build: str) -> str:
    lines = ["| work | must | aim | measured | range | behind it |", "|---|--:|--:|--:|---|---|"]
    for work in WORKS:
        value = found.get(work.name, {}).get(build)
        cells = (_bound(work, work.least(build)), _bound(work, work.aim))
        if value is None:
            measured = "not measured", "", ""
        else:
            kept = work.meets(value.median, build)
            shown = _show(work, value.median)
            spread = f"{_show(work, value.lowest)} to {_show(work, value.highest)}"
            measured = shown if kept else f"**{shown}**, missed", spread, value.behind
        lines.append(f"| {work.title}, {work.unit} | {' | '.join((*cells, *measured))} |")
    return "\n".join(lines)


def _show(work: Work, value: float) -> str:
    return f"{value:.{work.digits}f}"


def _bound(work: Work, value: float | None) -> str:
    if value is None:
        return ""
    return f"at most {_show(work, value)}" if work.is_cost else _show(work, value)


def _misses(found: Values, builds: list[str]) -> str:
    lines = list(_missed(found, builds))
    if not any(found.values()):
        lines = ["Nothing has been measured yet."]
    return "## What is missed\n\n" + "\n".join(lines or ["Every *must* that was measured is met."])


def _missed(found: Values, builds: list[str]) -> Iterator[str]:
    for build in builds:
        for work in WORKS:
            value = found.get(work.name, {}).get(build)
            least = work.least(build)
            if value is not None and least is not None and not work.meets(value.median, build):
                yield (
                    f"- {_name(build)}: {work.title} is {_show(work, value.median)} {work.unit}; "
                    f"it must be {'at most' if work.is_cost else 'at least'} {_show(work, least)}."
                )


if __name__ == "__main__":
    PICTURE.write_text(draw({}))
    PAGE.write_text(text({}, Machine(("None yet.",)), ""))
