"""What does a life on the server cost links? GETs of 1 KiB, of four servers in turn, and beside durable PUTs.

    python benchmarks/links.py [--pairs 7] [--seconds 2] [--cancelled 1000000] [--limited 10000]

`plain` writes no audit and has an empty register, `audit` writes who used which link, `register` writes none and has so
many cancelled and limited links, none of which is asked for; `plain again` says how far a server lies from itself.
`limited` are GETs of links of which each takes a use, durably, beside PUTs of 1 KiB to the same server.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import permutations
from pathlib import Path
from typing import Final

from gateway import KEY_ID, SECRET
from peers import Coatcheck, coatcheck_command, coatcheck_environment, free_port, running
from wrk import Load, Scenario, load, write_script

from coatcheck import Links
from coatcheck.engines.local import prepare_local

SIZE: Final = 1024
REGION: Final = "cn-hangzhou"
NO_AUDIT: Final = ("--link-audit-days", "0")
OPTIONS: Final[dict[str, Sequence[str]]] = {
    "plain": NO_AUDIT,
    "plain again": NO_AUDIT,
    "audit": (),
    "register": NO_AUDIT,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--cancelled", type=int, default=1_000_000)
    parser.add_argument("--limited", type=int, default=10_000)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="coatcheck-links-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        print_beside_plain(beside_plain(stack, root, given))
        print_limited(limited(stack, root, given))


def beside_plain(stack: ExitStack, root: Path, given: argparse.Namespace) -> dict[str, list[Load]]:
    scenario, found, loads = Scenario("get-1k", SIZE, 2000), {mode: list[Load]() for mode in OPTIONS}, {}
    for mode in OPTIONS:
        place = root / mode.replace(" ", "-")
        place.mkdir()
        if mode == "register":
            fill(place / "data", given.cancelled, given.limited)
        peer = serve(stack, OPTIONS[mode], place)
        peer.store(scenario.places(), os.urandom(SIZE))
        loads[mode] = peer, write_script(scenario.links_of(peer), place / "links")
    orders = list(permutations(OPTIONS))
    random.Random(1).shuffle(orders)
    for number in range(given.pairs + 1):
        for mode in orders[number % len(orders)]:
            taken = load(*loads[mode], given.seconds)
            if number:
                found[mode].append(taken)
    return found


def fill(data: Path, cancelled: int, limited: int) -> None:
    """A register with so many rows, of links that nobody follows."""
    prepare_local(data).close()
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        connection.executemany(
            "INSERT INTO link (id, account, access_key_id, bucket, key, registered_at, ends_at, cancelled_at, limits,"
            " note) VALUES (?, '1', 'k', 'b', 'k', 1, NULL, ?, ?, '')",
            rows(cancelled, limited),
        )
        connection.commit()


def rows(cancelled: int, limited: int) -> Iterator[tuple[str, int | None, str]]:
    limits: dict[str, object] = {"downloads": None, "networks": [], "starts_at": 0, "rate": 0}
    for number in range(cancelled):
        yield f"lk_{number:024d}", 2, json.dumps(limits)
    for number in range(limited):
        yield f"lk_{number:023d}x", None, json.dumps(limits | {"downloads": 3})


def limited(stack: ExitStack, root: Path, given: argparse.Namespace) -> dict[str, list[float]]:
    """Requests a second: GETs of limited links, and PUTs."""
    place = root / "limited"
    place.mkdir()
    peer = serve(stack, NO_AUDIT, place)
    gets, puts = Scenario("get-1k", SIZE, 500), Scenario("put-1k", SIZE, 500, method="PUT")
    peer.store(gets.places(), os.urandom(SIZE))
    links = gets.links_of(peer)
    with Links(KEY_ID, SECRET, endpoint=peer.endpoint, region=REGION) as register:
        for link in links:
            register.register(link, downloads=1_000_000)
    scripts = {
        "limited": write_script(links, place / "gets"),
        "put": write_script(puts.links_of(peer), place / "puts", "PUT", SIZE),
    }
    found = {name: list[float]() for name in scripts}
    for number in range(given.pairs + 1):
        for name in sorted(scripts, reverse=bool(number % 2)):
            taken = load(peer, scripts[name], given.seconds)
            if number:
                found[name].append(taken.rate)
    return found


def serve(stack: ExitStack, options: Sequence[str], place: Path) -> Coatcheck:
    port, log = free_port(), place / "out.log"
    words = [*coatcheck_command(place / "data", port), *options]
    process = stack.enter_context(running(words, log, coatcheck_environment(None)))
    while "coatcheck is ready" not in log.read_text(errors="replace"):
        if process.poll() is not None:
            raise RuntimeError(log.read_text(errors="replace"))
        time.sleep(0.01)
    return Coatcheck(process.pid, f"http://127.0.0.1:{port}", place.name)


def print_beside_plain(found: dict[str, list[Load]]) -> None:
    print("| GET 1 KiB, links seen before | CPU us | rate beside plain | range |\n|---|--:|--:|--:|")
    for mode, loads in found.items():
        ratios = [mine.rate / plain.rate for mine, plain in zip(loads, found["plain"], strict=True)]
        cpu = statistics.median(each.cpu_us for each in loads)
        print(f"| {mode} | {cpu:.0f} | {statistics.median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f} |")


def print_limited(found: dict[str, list[float]]) -> None:
    ratios = [get / put for get, put in zip(found["limited"], found["put"], strict=True)]
    print(
        f"\nGET 1 KiB of limited links beside durable PUT 1 KiB: {statistics.median(ratios):.2f}"
        f" ({min(ratios):.2f} to {max(ratios):.2f}); {statistics.median(found['limited']):.0f} a second"
    )


if __name__ == "__main__":
    main()
