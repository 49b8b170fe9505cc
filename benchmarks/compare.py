"""Is this tree worse than another commit? Both run side by side, and the other one against itself.

    python benchmarks/compare.py BASE [--quick] [--pairs 9] [--seconds 2] [--only get-1k ...] [--json] [--dir DIRECTORY]
                                 [--installed DIRECTORY]

BASE is any commit; its files go to a temporary directory. In each pair BASE, this tree and BASE again are measured one
after the other, first and last changing places, so that a busy moment falls on all alike. A figure is *worse* when the
median of this tree's ratios to BASE is over 1.03 and over every ratio of BASE to itself: then the exit status is 1.

* Live figures: each checkout's own `coatcheck serve`, two workers, asked by wrk through many different links; CPU time
  of all its processes for one request. `start` is their CPU time until the ready line, `import` that of a process that
  imports coatcheck.
* In-process figures: the application without a server underneath, and its pure parts, by this tree's gateway.py,
  signing.py and permissions.py with either checkout's source. Where those no longer fit the source of BASE, BASE's own
  files are run, which must know --json.

`--installed` names a directory that a wheel was unpacked into (`pip install --target`): it is measured in place of this
tree's source. With the compiled wheel of this tree and BASE=HEAD this says what compiling is worth.

Both run in the virtual environment that runs this, so a comparison of other versions of libraries needs two of them.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from peers import KEY_ID, SECRET, Coatcheck, coatcheck_command, free_port, running
from works import KIB, MIB
from wrk import Scenario, cpu_s, load, write_script

TREE: Final = Path(__file__).resolve().parents[1]
WORSE_OVER: Final = 1.03
READY: Final = "coatcheck is ready"
LIVE: Final = (
    Scenario("get-1k", KIB, 500),
    Scenario("get-64k", 64 * KIB, 200),
    Scenario("get-1m", MIB, 50),
    Scenario("put-1k", KIB, 20_000, method="PUT"),
)
# What is printed: the file that measures it, and its name there.
IN_PROCESS: Final = {
    "app get-1k": ("gateway.py", "get-1k"),
    "app put-1k": ("gateway.py", "put-1k"),
    "app list": ("gateway.py", "list-100"),
    "verification": ("signing.py", "check, a second each"),
    "decision": ("permissions.py", "user, three policies"),
}


@dataclass(frozen=True)
class Checkout:
    """One of the three that are measured: a name for the table, and where its files are."""

    name: str
    root: Path
    installed: Path | None = None

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.installed or self.root / "src")}


@dataclass
class Figures:
    """One figure's values, a list a checkout, pair by pair; or why there are none."""

    name: str
    unit: str
    values: dict[str, list[float]] = field(default_factory=lambda: {"base": [], "tree": [], "again": []})
    missing: str = ""

    def row(self) -> dict[str, object]:
        if self.missing:
            return {"what": self.name, "missing": self.missing, "worse": False}
        ratios = [mine / theirs for mine, theirs in zip(self.values["tree"], self.values["base"], strict=True)]
        own = [again / base for again, base in zip(self.values["again"], self.values["base"], strict=True)]
        ratio = statistics.median(ratios)
        return {
            "what": self.name,
            "unit": self.unit,
            "base": round(statistics.median(self.values["base"] + self.values["again"]), 2),
            "tree": round(statistics.median(self.values["tree"]), 2),
            "ratio": round(ratio, 3),
            "own_lowest": round(min(own), 3),
            "own_highest": round(max(own), 3),
            "worse": is_worse(ratio, own),
        }


def is_worse(ratio: float, own: list[float]) -> bool:
    """Whether a median ratio lies above all ratios of BASE to itself, and by more than is worth a word."""
    return ratio > WORSE_OVER and ratio > max(own)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", metavar="BASE", help="a commit")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=2, help="of load, for each value")
    parser.add_argument("--quick", action="store_true", help="3 pairs of 1 s each: a first look, nothing to go by")
    parser.add_argument("--only", nargs="*", help=f"of {', '.join([*names()])}")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--dir", type=Path, help="where to make the temporary directory")
    parser.add_argument("--installed", type=Path, metavar="DIRECTORY", help="measured in place of this tree's source")
    given = parser.parse_args()
    pairs, seconds = (3, 1) if given.quick else (given.pairs, given.seconds)
    wanted = set(given.only or names())
    if unknown := wanted - set(names()):
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    root = Path(tempfile.mkdtemp(prefix="coatcheck-compare-", dir=given.dir))
    try:
        commit = check_out(given.base, root / "base")
        three = [
            Checkout("base", root / "base"),
            Checkout("tree", TREE, given.installed),
            Checkout("again", root / "base"),
        ]
        measured = list(measure(three, wanted, pairs, seconds, root))
    finally:
        shutil.rmtree(root, ignore_errors=True)
    rows = [figures.row() for figures in measured]
    if given.json:
        print(json.dumps({"base": commit, "pairs": pairs, "machine": machine(), "results": rows}, indent=2))
    else:
        print_table(commit, pairs, rows)
    sys.exit(any(row["worse"] for row in rows))


def names() -> Iterator[str]:
    yield from (*IN_PROCESS, *(scenario.name for scenario in LIVE), "start", "import")


def machine() -> str:
    return f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"


def check_out(base: str, directory: Path) -> str:
    """Put the files of a commit into a directory; nothing is left in the repository. Returns the commit."""
    commit = git("rev-parse", "--short", f"{base}^{{commit}}").decode().strip()
    with tarfile.open(fileobj=io.BytesIO(git("archive", "--format=tar", commit, "src", "benchmarks"))) as files:
        files.extractall(directory, filter="data")
    return commit


def git(*words: str) -> bytes:
    return subprocess.run(["git", "-C", str(TREE), *words], check=True, stdout=subprocess.PIPE).stdout


def measure(three: list[Checkout], wanted: set[str], pairs: int, seconds: int, root: Path) -> Iterator[Figures]:
    yield from in_process(three, [name for name in IN_PROCESS if name in wanted], pairs)
    for scenario in LIVE:
        if scenario.name in wanted:
            yield live(scenario, three, pairs, seconds, root / scenario.name)
    if "start" in wanted:
        yield alternate("start", "ms", three, pairs, lambda one: start_ms(one, root / "start" / one.name))
    if "import" in wanted:
        yield alternate("import", "ms", three, pairs, import_ms)


def alternate(name: str, unit: str, three: list[Checkout], pairs: int, value: Callable[[Checkout], float]) -> Figures:
    """One value of each checkout, pair after pair; the first round is for warming up."""
    figures = Figures(name, unit)
    for number in range(pairs + 1):
        for one in three if number % 2 else reversed(three):
            found = value(one)
            if number:
                figures.values[one.name].append(found)
    return figures


# --- live ------------------------------------------------------------------------------------------------------------


def live(scenario: Scenario, three: list[Checkout], pairs: int, seconds: int, directory: Path) -> Figures:
    """Three servers at once, of which one at a time has work to do."""
    directory.mkdir(parents=True)
    body = os.urandom(scenario.size)
    with ExitStack() as stack:
        peers = {one.name: stack.enter_context(serving(one, directory / one.name)) for one in three}
        scripts = {}
        for name, peer in peers.items():
            peer.store(scenario.places(), body)
            links = scenario.links_of(peer)
            scripts[name] = write_script(links, directory / f"{name}-links", scenario.method, scenario.size)
        return alternate(
            scenario.name, "us", three, pairs, lambda one: load(peers[one.name], scripts[one.name], seconds).cpu_us
        )


@contextmanager
def serving(one: Checkout, directory: Path) -> Iterator[Coatcheck]:
    """The checkout's server on a data directory of its own, from its ready line on. This tree makes its links: the
    protocol stays."""
    directory.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), directory / "server.log"
    environment = {**one.environment(), "OSS_ACCESS_KEY_ID": KEY_ID, "OSS_ACCESS_KEY_SECRET": SECRET}
    with running(coatcheck_command(directory / "data", port), log, environment) as process:
        while READY not in log.read_text(errors="replace"):
            if process.poll() is not None:
                raise RuntimeError(f"{one.name} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.005)
        yield Coatcheck(process.pid, f"http://127.0.0.1:{port}", one.name)


def start_ms(one: Checkout, directory: Path) -> float:
    """CPU time of all processes until the ready line; the data directory is there from the second start on."""
    with serving(one, directory) as peer:
        return cpu_s(peer.pid) * 1000


def import_ms(one: Checkout) -> float:
    """CPU time of ten processes that import coatcheck, a process."""
    before = os.times()
    for _ in range(10):
        subprocess.run([sys.executable, "-c", "import coatcheck"], env=one.environment(), check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return used / 10 * 1000


# --- in process ------------------------------------------------------------------------------------------------------


def in_process(three: list[Checkout], wanted: list[str], pairs: int) -> Iterator[Figures]:
    for file in dict.fromkeys(IN_PROCESS[name][0] for name in wanted):
        inside = {name: IN_PROCESS[name][1] for name in wanted if IN_PROCESS[name][0] == file}
        found = {name: Figures(name, "us") for name in inside}
        try:
            for number in range(pairs):
                for one in three if number % 2 else reversed(three):
                    values = run_own(file, one)
                    for name, key in inside.items():
                        found[name].values[one.name].append(values[key])
        except (subprocess.CalledProcessError, KeyError) as error:
            for figures in found.values():
                figures.missing = f"{file} can't measure both: {error!r}"
        yield from found.values()


def run_own(file: str, one: Checkout) -> dict[str, float]:
    """Microseconds by name. Raises: CalledProcessError, KeyError if neither file can be run."""
    for place in dict.fromkeys((TREE, one.root)):
        words = [sys.executable, str(place / "benchmarks" / file), "--json"]
        done = subprocess.run(words, env=one.environment(), capture_output=True, text=True, check=False)
        if done.returncode == 0:
            results: dict[str, dict[str, float]] = json.loads(done.stdout)["results"]
            return {name: row["us"] for name, row in results.items()}
        print(f"{one.name}: {place.name}/benchmarks/{file}: {done.stderr[-300:]}", file=sys.stderr)
    return {}


# --- the table -------------------------------------------------------------------------------------------------------


def print_table(commit: str, pairs: int, rows: list[dict[str, object]]) -> None:
    print(
        f"This tree against {commit}, {pairs} pairs. {machine()}. CPU time of one request, or of one start or import."
    )
    print()
    print(f"| {'figure':12} | {commit:>9} |      tree | ratio | {commit} against itself | verdict |")
    print("|---|---:|---:|---:|---|---|")
    for row in rows:
        if "missing" in row:
            print(f"| {row['what']:12} | - | - | - | - | {row['missing']} |")
            continue
        base, tree = f"{row['base']} {row['unit']}", f"{row['tree']} {row['unit']}"
        spread = f"{row['own_lowest']:.3f} to {row['own_highest']:.3f}"
        verdict = "worse" if row["worse"] else "ok"
        print(f"| {row['what']:12} | {base:>9} | {tree:>9} | {row['ratio']:.3f} | {spread} | {verdict} |")


if __name__ == "__main__":
    main()
