"""What does it cost a GET of 1 KiB that the server is watched?

    python benchmarks/watching.py [--live] [--pairs 9] [--seconds 2]

Without `--live`, instructions: the application without a server underneath answers presigned GETs under valgrind's
cachegrind, once with few and once with many requests; what lies between them is what the requests took, the thread
that writes the log included. `plain` counts and logs nothing of requests that are answered well, `metrics` counts,
`metrics and log` also writes a line of JSON for each to a file.

With `--live`, CPU time: four servers of two workers each are asked by wrk in turn, in each round in another order; two
of them are plain, so that it is seen how far a server lies from itself on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import permutations
from pathlib import Path
from typing import Final

from gateway import KEY_ID, PRESIGNER, SECRET, ask, scope, store
from peers import Coatcheck, coatcheck_command, coatcheck_environment, free_port, running
from wrk import Scenario, load, write_script

from coatcheck.app import Server, settle_memory
from coatcheck.engines.local import prepare_local
from coatcheck.pulse import Pulse
from coatcheck.root_credentials import RootCredentials
from coatcheck.seen import open_seen
from coatcheck.server_log import begin_log
from coatcheck.settings import Listen, ServerSettings

MODES: Final = ("plain", "metrics", "metrics and log")
SIZE: Final = 1024
OBJECTS: Final = 50
FEW, MANY = 300, 4300
REFS: Final = re.compile(r"I\s+refs:\s+([\d,]+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--run", nargs=2, metavar=("MODE", "COUNT"), help="what valgrind looks at")
    given = parser.parse_args()
    if given.run:
        asyncio.run(answer(given.run[0], int(given.run[1])))
    elif given.live:
        print_live(live(given.pairs, given.seconds))
    else:
        with ThreadPoolExecutor(2) as pool:
            counted = list(pool.map(lambda each: instructions(*each), [(m, n) for m in MODES for n in (FEW, MANY)]))
        print_instructions({mode: counted[2 * i + 1] - counted[2 * i] for i, mode in enumerate(MODES)})


# --- instructions ----------------------------------------------------------------------------------------------------


def instructions(mode: str, count: int) -> int:
    """Of a whole process that answers so many requests."""
    words = [sys.executable, __file__, "--run", mode, str(count)]
    done = subprocess.run(
        ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", *words],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    found = REFS.search(done.stderr)
    assert found is not None, done.stderr
    return int(found[1].replace(",", ""))


async def answer(mode: str, count: int) -> None:
    """In a process of its own."""
    root = Path(tempfile.mkdtemp(prefix="coatcheck-watching-"))
    try:
        prepare_local(root).close()
        server = Server(settings_of(mode, root), RootCredentials(KEY_ID, SECRET))
        begin_log(settings_of(mode, root))
        seen = open_seen(settings_of(mode, root), Pulse(1))
        if seen is not None:
            server.be_seen(seen.of_one(0))
        await server.open()
        settle_memory()
        await ask(server, scope("PUT", PRESIGNER.presign("PUT", "bench", None).url))
        await store(server, SIZE, OBJECTS)
        scopes = [
            scope("GET", PRESIGNER.presign("GET", "bench", f"{SIZE}/image-{n:06d}.jpg").url) for n in range(OBJECTS)
        ]
        for number in range(count):
            await ask(server, scopes[number % OBJECTS])
        await server.close()
    finally:
        shutil.rmtree(root)


def settings_of(mode: str, root: Path) -> ServerSettings:
    if mode == "plain":
        return ServerSettings(root)
    admin = Listen("127.0.0.1", 0)
    if mode == "metrics":
        return ServerSettings(root, admin=admin)
    return ServerSettings(root, admin=admin, access_log=True, log_format="json", log_file=root / "server.log")


def print_instructions(taken: dict[str, int]) -> None:
    print("| 1 KiB, links seen before | instructions of a GET | beside plain |\n|---|--:|--:|")
    for mode, count in taken.items():
        print(f"| {mode} | {count // (MANY - FEW):,} | {count / taken['plain'] - 1:+.1%} |")


# --- live ------------------------------------------------------------------------------------------------------------

OPTIONS: Final[dict[str, Sequence[str]]] = {
    "plain": (),
    "plain again": (),
    "metrics": ("--admin", "127.0.0.1:0"),
    "metrics and log": ("--admin", "127.0.0.1:0", "--access-log", "--log-format", "json", "--log-file"),
}


def live(pairs: int, seconds: float) -> dict[str, list[float]]:
    """CPU microseconds of one GET, of each server, round by round."""
    scenario, found = Scenario("get-1k", SIZE, 500), {mode: list[float]() for mode in OPTIONS}
    root = Path(tempfile.mkdtemp(prefix="coatcheck-watching-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        loads = {}
        for mode in OPTIONS:
            place = root / mode.replace(" ", "-")
            place.mkdir()
            peer = serve(stack, mode, place)
            peer.store(scenario.places(), os.urandom(SIZE))
            loads[mode] = peer, write_script(scenario.links_of(peer), place / "links")
        orders = list(permutations(OPTIONS))
        random.Random(1).shuffle(orders)
        for number in range(pairs + 1):
            for mode in orders[number % len(orders)]:
                taken = load(*loads[mode], seconds).cpu_us
                if number:
                    found[mode].append(taken)
    return found


def serve(stack: ExitStack, mode: str, place: Path) -> Coatcheck:
    port, log = free_port(), place / "out.log"
    words = [*coatcheck_command(place / "data", port), *OPTIONS[mode]]
    if words[-1] == "--log-file":
        words.append(str(place / "requests.log"))
    process = stack.enter_context(running(words, log, coatcheck_environment(None)))
    while "coatcheck is ready" not in log.read_text(errors="replace"):
        if process.poll() is not None:
            raise RuntimeError(log.read_text(errors="replace"))
        time.sleep(0.01)
    return Coatcheck(process.pid, f"http://127.0.0.1:{port}", mode)


def print_live(found: dict[str, list[float]]) -> None:
    print("| 1 KiB, links seen before | CPU of a GET, us | beside plain, median of the rounds | range |")
    print("|---|--:|--:|--:|")
    for mode, taken in found.items():
        ratios = [mine / plain - 1 for mine, plain in zip(taken, found["plain"], strict=True)]
        spread = f"{min(ratios):+.1%} to {max(ratios):+.1%}"
        print(f"| {mode} | {statistics.median(taken):.0f} | {statistics.median(ratios):+.1%} | {spread} |")


if __name__ == "__main__":
    main()
