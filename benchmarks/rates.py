"""How fast does the server answer, beside nginx with secure_link and SeaweedFS with its S3 gateway?

    python benchmarks/rates.py [--quick] [--rounds 5] [--seconds 3] [--only get-1k put-1k ...] [--installed DIRECTORY]
                               [--dir DIRECTORY] [--page]

Small GETs and PUTs are asked for by `wrk -t1 -c32`. *Seen before*: 20,000 links over 20,000 objects (of 1 MiB: 4,000
over 400) in 20 buckets, shuffled, each asked for some times before anything is measured. *New*: as many links as there
is time for, so that none is sent twice. nginx and SeaweedFS get as many. The peers alternate within a round, on the
cores that the load runs on too, so only ratios of one run mean something; a ratio is the median over the rounds of the
ratio within the round. CPU is that of all processes of the server.

coatcheck and SeaweedFS store through presigned PUT links; SeaweedFS doesn't fsync, coatcheck does. Stored bytes are
compared with what was written, as always: that costs the first read of a blob, which is told apart.

`--installed` names a directory that a compiled wheel was unpacked into: it is measured beside the source. `--page`
writes docs/benchmark.md, its picture, and the same page into benchmarks/results. `--quick` is a first look with tiny
counts, whose figures say nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import page
from http_client import Client, steady_writer
from peers import (
    Certificate,
    Coatcheck,
    Peer,
    Place,
    coatcheck,
    coatcheck_command,
    coatcheck_environment,
    free_port,
    nginx,
    running,
    seaweed,
)
from works import BUILDS, COMPILED, GIB, KIB, MIB, SOURCE, Value, value_of
from wrk import CONNECTIONS, Load, Scenario, load, processes, write_script

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Plan:
    """How much is measured; `tiny` shows that all of it works."""

    rounds: int
    seconds: float
    installed: Path | None
    tiny: bool = False

    def builds(self) -> dict[str, Path | None]:
        return {SOURCE: None} | ({COMPILED: self.installed} if self.installed else {})

    def scenarios(self) -> list[Scenario]:
        many, few = (400, 20) if self.tiny else (20_000, 400)
        return [
            Scenario("get-1k", KIB, many, ("nginx", "SeaweedFS"), new=True),
            Scenario("get-64k", 64 * KIB, many, ("nginx",), new=True),
            Scenario("get-1m", MIB, few, ("nginx", "SeaweedFS"), links=10 * few, new=True),
            Scenario("get-1m-tls", MIB, few, ("nginx",), links=10 * few, tls=True),
            Scenario("put-1k", KIB, many, ("SeaweedFS",), method="PUT"),
        ]


Values = dict[str, dict[str, Value]]  # by work, by build
Loads = dict[str, list[Load]]  # by peer, a round each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--installed", type=Path, metavar="DIRECTORY")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--dir", type=Path, help="where to make the temporary directory; takes some GiB")
    given = parser.parse_args()
    plan = Plan(given.rounds, given.seconds, given.installed)
    if given.quick:
        plan = Plan(2, 1, given.installed, tiny=True)
    root = Path(tempfile.mkdtemp(prefix="coatcheck-rates-", dir=given.dir))
    root.chmod(0o755)
    began = time.monotonic()
    found: Values = {}
    try:
        for name, measure in measures(plan).items():
            if given.only is None or name in given.only:
                found |= attempted(name, measure, root / name)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    machine = page.machine_of(given.dir or Path(tempfile.gettempdir()))
    took = f"{plan.rounds} rounds of {plan.seconds:g} s; {(time.monotonic() - began) / 60:.0f} minutes in all"
    if given.page and not given.quick:
        page.write(found, machine, took)
    else:
        print(page.text(found, machine, took))


def attempted(name: str, measure: Callable[[Path], Values], directory: Path) -> Values:
    """What was found, or nothing: one that fails leaves its rows empty and spoils no others."""
    try:
        found = measure(directory)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"{name} was not measured: {error}", file=sys.stderr, flush=True)
        return {}
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    for work, values in found.items():
        print(work, {build: value._asdict() for build, value in values.items()}, flush=True)
    return found


def measures(plan: Plan) -> dict[str, Callable[[Path], Values]]:
    named: dict[str, Callable[[Path], Values]] = {
        scenario.name: lambda directory, scenario=scenario: run_scenario(scenario, plan, directory)  # type: ignore[misc]
        for scenario in plan.scenarios()
    }
    return named | {
        "streams": lambda directory: run_streams(plan, directory),
        "put-256m": lambda directory: run_upload(plan, directory),
        "writer": lambda directory: run_writer(plan, directory),
        "first-reads": lambda directory: run_first_reads(plan, directory),
        "start": lambda directory: run_start(plan, directory),
        "jpeg": lambda _: run_jpeg(plan),
    }


# --- the peers -------------------------------------------------------------------------------------------------------


@contextmanager
def opened(
    plan: Plan, directory: Path, others: Sequence[str], places: Sequence[Place], body: bytes, *, tls: bool = False
) -> Iterator[list[Peer]]:
    """Every build of ours and the others, with the content at these places."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    certificate = Certificate(directory)
    with ExitStack() as stack:
        peers: list[Peer] = []
        for build, installed in plan.builds().items():
            if tls:  # a certificate that no client knows: stored without TLS first
                with coatcheck(directory / build, installed=installed) as plain:
                    plain.store(places, body)
            secured = certificate if tls else None
            ours = coatcheck(directory / build, secured, installed=installed, name=build)
            peers.append(stack.enter_context(ours))
        if "nginx" in others:
            peers.append(stack.enter_context(nginx(directory / "nginx", certificate, tls=tls)))
        if "SeaweedFS" in others:
            peers.append(stack.enter_context(seaweed(directory / "seaweed")))
        for peer in peers:
            if not (tls and isinstance(peer, Coatcheck)):
                peer.store(places, body)
        yield peers


def ratios(work: str, unit: str, taken: dict[str, list[float]], peer: str, *, by_time: bool = False) -> Values:
    """Ours to the peer's, round by round; of what took time, the other way round."""
    values: dict[str, Value] = {}
    for build in BUILDS:
        if build in taken:
            pairs = zip(taken[build], taken[peer], strict=True)
            found = [theirs / ours if by_time else ours / theirs for ours, theirs in pairs]
            both = [statistics.median(taken[one]) for one in (build, peer)]
            digits = 0 if both[0] >= 100 else 2
            values[build] = value_of(found, f"{both[0]:,.{digits}f} beside {both[1]:,.{digits}f} {unit}")
    return {work: values}


# --- wrk -------------------------------------------------------------------------------------------------------------


def run_scenario(scenario: Scenario, plan: Plan, directory: Path) -> Values:
    body = os.urandom(scenario.size)
    with opened(plan, directory, scenario.peers, scenario.places(), body, tls=scenario.tls) as peers:
        seen = measure_seen(scenario, plan, peers, directory)
        found = report(scenario, "seen" if scenario.method == "GET" else "", seen)
        if scenario.new:
            most = {name: max(load.rate for load in loads) for name, loads in seen.items()}
            found |= report(scenario, "new", measure_new(scenario, plan, peers, directory, most))
    return found


def measure_seen(scenario: Scenario, plan: Plan, peers: Sequence[Peer], directory: Path) -> Loads:
    """The same links over and over; of ours, each worker has had nearly all of them before that counts."""
    scripts = {}
    for peer in peers:
        links = scenario.links_of(peer)
        scripts[peer.name] = write_script(links, directory / peer.name, scenario.method, scenario.size)
        passes, asked = 5 if isinstance(peer, Coatcheck) and scenario.method == "GET" else 0, 0
        while asked <= passes * len(links):
            asked += load(peer, scripts[peer.name], plan.seconds).requests
    loads: Loads = {peer.name: [] for peer in peers}
    for _ in range(plan.rounds):
        for peer in peers:
            loads[peer.name].append(load(peer, scripts[peer.name], plan.seconds))
    return loads


def measure_new(
    scenario: Scenario, plan: Plan, peers: Sequence[Peer], directory: Path, rates: dict[str, float]
) -> Loads:
    """Links that were never sent before, and more of them than there is time for."""
    loads: Loads = {peer.name: [] for peer in peers}
    used = dict.fromkeys(loads, scenario.links or scenario.objects)
    for _ in range(plan.rounds):
        for peer in peers:
            many = int(rates[peer.name] * plan.seconds * 1.5) + 1000
            while True:
                first, used[peer.name] = used[peer.name], used[peer.name] + many
                links = [scenario.link(peer, number) for number in range(first, first + many)]
                random.Random(first).shuffle(links)
                one = load(peer, write_script(links, directory / peer.name), plan.seconds)
                if one.requests + CONNECTIONS <= many:
                    break
                many *= 2
            loads[peer.name].append(one)
    return loads


def report(scenario: Scenario, how: str, loads: Loads) -> Values:
    work = f"{scenario.name} {how}".strip()
    rates = {name: [load.rate for load in of_one] for name, of_one in loads.items()}
    found: Values = {}
    for peer in scenario.peers:
        by_weed = " weed" if peer == "SeaweedFS" and "nginx" in scenario.peers else ""
        if how != "new" or not by_weed:
            found |= ratios(work + by_weed, "a second", rates, peer)
    if work == "get-1k seen":
        cpu = {name: [load.cpu_us for load in of_one] for name, of_one in loads.items()}
        found |= ratios("get-1k cpu", "us", cpu, "nginx")
    return found


# --- one connection --------------------------------------------------------------------------------------------------


def run_streams(plan: Plan, directory: Path) -> Values:
    """Large objects, one at a time; every peer reads each once before that counts."""
    found: Values = {}
    for work, size in (("get-256m", 256 * MIB), ("get-1g", GIB)):
        size = MIB if plan.tiny else size
        with opened(plan, directory / work, ("nginx",), [("bench-00", "large")], os.urandom(size)) as peers:
            took: dict[str, list[float]] = {}
            for number in range(plan.rounds + 1):
                for peer in peers:
                    with Client(peer.link("GET", "bench-00", "large")) as client:
                        seconds = timed(lambda: client.get(peer.link("GET", "bench-00", "large")))  # noqa: B023
                    if number:
                        took.setdefault(peer.name, []).append(seconds)
            found |= ratios(work, "s", took, "nginx", by_time=True)
    return found


def run_upload(plan: Plan, directory: Path) -> Values:
    """256 MiB through a presigned PUT, each time another object."""
    body = os.urandom(MIB if plan.tiny else 256 * MIB)
    took: dict[str, list[float]] = {}
    with opened(plan, directory, ("SeaweedFS",), [("bench-00", "ready")], b"") as peers:
        for number in range(plan.rounds):
            for peer in peers:
                link = peer.link("PUT", "bench-00", f"large-{number}")
                with Client(link) as client:
                    took.setdefault(peer.name, []).append(timed(lambda: client.put(link, body)))  # noqa: B023
                os.sync()  # what SeaweedFS leaves to be written falls on nobody else
    return ratios("put-256m", "s", took, "SeaweedFS", by_time=True)


def run_first_reads(plan: Plan, directory: Path) -> Values:
    """Blobs that aren't in memory, read by a server that hasn't seen them: that is when their bytes are compared."""
    found: Values = {}
    for work, size in (("first read 64k", 64 * KIB + 1), ("first read 1m", MIB)):  # up to 64 KiB lie in the catalog
        places = [("bench-00", f"cold-{number}") for number in range(10 if plan.tiny else 200)]
        where, body = directory / work.replace(" ", "-"), os.urandom(size)
        with opened(plan, where, ("nginx",), places, body):
            pass
        os.sync()
        forget_pages(where)
        with opened(plan, where, ("nginx",), [], b"") as peers:
            first, later = ({peer.name: milliseconds(peer, places) for peer in peers} for _ in range(2))
        cold = f"nginx {first['nginx']:.2f} ms"
        found[work] = {
            build: Value(first[build], first[build], first[build], f"{cold}; read again: {later[build]:.2f} ms")
            for build in plan.builds()
        }
    return found


def milliseconds(peer: Peer, places: Sequence[Place]) -> float:
    """The median GET, one after the other on one connection."""
    links = [peer.link("GET", *place) for place in places]
    with Client(links[0]) as client:
        return statistics.median([timed(lambda link=link: client.get(link)) * 1000 for link in links])  # type: ignore[misc]


def timed(call: Callable[[], object]) -> float:
    """How many seconds it took."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def forget_pages(directory: Path) -> None:
    """Have no file of the directory in memory."""
    for path in directory.rglob("*"):
        if path.is_file():
            fd = os.open(path, os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


# --- beside a writer -------------------------------------------------------------------------------------------------


def run_writer(plan: Plan, directory: Path) -> Values:
    """The same load and the same writer; once they have one server between them, once one each."""
    scenario = Scenario("writer", KIB, 200 if plan.tiny else 20_000)
    rate = 100 if plan.tiny else 1000
    found: dict[str, Value] = {}
    for build, installed in plan.builds().items():
        with ExitStack() as stack:
            asked, other = (
                stack.enter_context(coatcheck(directory / build / name, installed=installed))
                for name in ("asked", "other")
            )
            asked.store(scenario.places(), os.urandom(KIB))
            other.store([("bench-00", "ready")], b"")
            script = write_script(scenario.links_of(asked), directory / build / "wrk")
            load(asked, script, plan.seconds)
            taken: list[float] = []
            kept_up: list[float] = []
            for _ in range(plan.rounds):
                rates = []
                for written_to in (asked, other):
                    links = [written_to.link("PUT", "bench-00", f"written-{n}") for n in range(2000)]
                    with steady_writer(links, os.urandom(KIB), rate) as written:
                        began = time.monotonic()
                        rates.append(load(asked, script, plan.seconds).rate)
                        kept_up.append(written.count / (time.monotonic() - began))
                taken.append(rates[0] / rates[1])
            found[build] = value_of(taken, f"the writer did {min(kept_up):,.0f} a second and more")
    return {"beside a writer": found}


# --- start -----------------------------------------------------------------------------------------------------------


def run_start(plan: Plan, directory: Path) -> Values:
    """From the command to the first answer, and an idle worker's memory, on a data directory that is there."""
    found: Values = {"start": {}, "idle": {}}
    for build, installed in plan.builds().items():
        with coatcheck(directory / build, installed=installed):
            pass
        took, idle = [], []
        for _ in range(max(3, plan.rounds)):
            port = free_port()
            start = time.perf_counter()
            command = coatcheck_command(directory / build / "data", port)
            with running(command, directory / "log", coatcheck_environment(installed)) as process:
                while not answers(port):
                    time.sleep(0.002)
                took.append((time.perf_counter() - start) * 1000)
                time.sleep(1)
                idle.append(max(worker_memory(process.pid)) / MIB)
        found["start"][build], found["idle"][build] = value_of(took), value_of(idle)
    return found


def worker_memory(pid: int) -> list[int]:
    """Resident bytes of each worker."""
    return [int(Path(f"/proc/{each}/statm").read_text().split()[1]) * PAGE for each in processes(pid)[1:]] or [0]


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            return connection.recv(100).startswith(b"HTTP/1.1 ")
    except OSError:
        return False


# --- pictures --------------------------------------------------------------------------------------------------------


def run_jpeg(plan: Plan) -> Values:
    """By `resize.py`. The same library does the work in every build."""
    words = [sys.executable, str(Path(__file__).with_name("resize.py")), "--only", "speed", "--json"]
    words += ["--rounds", str(plan.rounds), "--pictures", "4" if plan.tiny else "20"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout.splitlines()[-1])["jpeg"]
    rates = {name: row["rate"] for name, row in rows.items()}
    found: Values = {}
    for work, peer in (("jpeg equal", "sharp, alike"), ("jpeg draft", "Pillow, draft")):
        if peer in rates:
            behind = f"{rates['coatcheck']:.1f} beside {rates[peer]:.1f} pictures a second"
            value = Value(rows[peer]["ratio"], rows[peer]["lowest"], rows[peer]["highest"], behind)
            found[work] = dict.fromkeys(plan.builds(), value)
    return found


if __name__ == "__main__":
    main()
