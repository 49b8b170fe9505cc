"""What do many small files cost `coatcheck cp`, and how near does it come to what the server can take?

    python benchmarks/copies.py [--files 10000] [--rounds 5] [--dir DIRECTORY]

Files of 1 KiB, uploaded to a fresh prefix, synchronized a second time, which moves nothing, and downloaded; beside
them, in the same round, wrk with 32 connections puts objects of 1 KiB through links. Targets: at most 1 ms of the
client's CPU a file, user and system together, the start of the program included; at least 0.6 of wrk's rate of PUTs.
Both are durable: it is the same server. Figures are the median over the rounds.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from peers import BUCKET, KEY_ID, REGION, SECRET, Coatcheck, coatcheck
from wrk import Scenario, load, write_script

SIZE_BYTES: Final = 1024
WRK_S: Final = 10.0
PUTS: Final = 20_000


def make_tree(tree: Path, files: int) -> None:
    for number in range(files):
        file = tree / f"{number % 100:02}" / f"{number}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(SIZE_BYTES))


def run(endpoint: str, *words: str) -> tuple[float, float]:
    """Seconds, and seconds of CPU, of a verb."""
    keys = {
        "OSS_ACCESS_KEY_ID": KEY_ID,
        "OSS_ACCESS_KEY_SECRET": SECRET,
        "OSS_REGION": REGION,
        "OSS_ENDPOINT": endpoint,
    }
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "coatcheck", *words], env={**os.environ, **keys}, check=True, capture_output=True
    )
    seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(peer: Coatcheck, root: Path, files: int, rounds: int) -> None:
    tree = root / "tree"
    make_tree(tree, files)
    peer.make_bucket(BUCKET)
    scenario = Scenario("put", SIZE_BYTES, PUTS, method="PUT")
    for bucket, _ in scenario.places():
        peer.make_bucket(bucket)
    script = write_script(scenario.links_of(peer), root / "wrk", "PUT", SIZE_BYTES)
    ratios: list[float] = []
    cpu_ms: dict[str, list[float]] = {"up": [], "same": [], "down": []}
    for number in range(rounds):
        before = load(peer, script, WRK_S / 2).rate
        place, back = f"oss://{BUCKET}/{number}/", root / f"back{number}"
        seconds, used_s = run(peer.endpoint, "cp", "-r", str(tree), place)
        wrk_rate = (before + load(peer, script, WRK_S / 2).rate) / 2
        ratios.append(files / seconds / wrk_rate)
        cpu_ms["up"].append(used_s / files * 1e3)
        cpu_ms["same"].append(run(peer.endpoint, "sync", str(tree), place)[1] / files * 1e3)
        cpu_ms["down"].append(run(peer.endpoint, "cp", "-r", place, str(back))[1] / files * 1e3)
        shutil.rmtree(back)
        each = ", ".join(f"{name} {values[-1]:.2f}" for name, values in cpu_ms.items())
        print(
            f"round {number + 1}: {files / seconds:,.0f}/s of wrk's {wrk_rate:,.0f}/s; CPU a file, ms: {each}",
            flush=True,
        )
    print(f"x wrk's rate: {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}; must be 0.60")
    for name, values in cpu_ms.items():
        middle = statistics.median(values)
        print(f"CPU a file, {name}: {middle:.2f} ms, {min(values):.2f} to {max(values):.2f}; must be 1.00")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--files", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--dir", type=Path, help="where to make the temporary directory")
    given = arguments.parse_args()
    root = Path(tempfile.mkdtemp(prefix="coatcheck-copies-", dir=given.dir))
    try:
        with coatcheck(root / "coatcheck") as peer:
            measure(peer, root, given.files, given.rounds)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
