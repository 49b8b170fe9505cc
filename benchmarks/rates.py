"""How fast does the server answer, beside nginx with secure_link and SeaweedFS with its S3 gateway?

    python benchmarks/rates.py [--rounds 5] [--seconds 4] [--only get-1k put-1k ...] [--json] [--dir DIRECTORY]

Every GET scenario asks with `wrk -t1 -c32` for many different signed links, not one; every PUT scenario stores many
different keys. The peers alternate within a round, on the two cores that the load runs on too, so only ratios of one
run mean something; a ratio is the median over the rounds of the ratio within the round. Beside each rate stands the CPU
time that all processes of the server took for one request.

coatcheck and SeaweedFS store through presigned PUT links; SeaweedFS doesn't fsync, coatcheck does. `--large` adds 5 GiB
up and down with the growth of the workers' memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from peers import Certificate, Peer, coatcheck, coatcheck_command, free_port, nginx, seaweed

CONNECTIONS = 32
KIB, MIB, GIB = 1024, 1024**2, 1024**3
CLOCK_HZ = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
Opened = dict[str, Callable[[], AbstractContextManager[Peer]]]


@dataclass(frozen=True)
class Scenario:
    """What is asked for; `targets` are the least ratios to each peer."""

    name: str
    size: int
    objects: int
    targets: dict[str, float]
    method: str = "GET"
    tls: bool = False


SCENARIOS = (
    Scenario("get-1k", KIB, 1000, {"nginx": 0.30, "SeaweedFS": 3.0}),
    Scenario("get-64k", 64 * KIB, 1000, {"nginx": 0.40}),
    Scenario("get-1m", MIB, 100, {"nginx": 0.65, "SeaweedFS": 1.1}),
    Scenario("get-1m-tls", MIB, 100, {"nginx": 0.95}, tls=True),
    Scenario("put-1k", KIB, 20_000, {"SeaweedFS": 1.0}, method="PUT"),
)


@dataclass
class Figures:
    """One peer's rounds in one scenario: requests a second, and CPU microseconds of the server for each."""

    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--only", nargs="*", help="names of scenarios, `upload`, `start`")
    parser.add_argument("--large", action="store_true", help="5 GiB up and down as well")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--dir", type=Path, help="where to make the temporary directory")
    given = parser.parse_args()
    wanted = set(given.only or [*(s.name for s in SCENARIOS), "upload", "start"])
    root = Path(tempfile.mkdtemp(prefix="coatcheck-http-", dir=given.dir))
    report: list[dict[str, object]] = []
    try:
        for scenario in SCENARIOS:
            if scenario.name in wanted:
                report += run_scenario(scenario, root / scenario.name, given.rounds, given.seconds)
        if "upload" in wanted:
            report += run_upload(root / "upload", max(3, given.rounds))
        if "start" in wanted:
            report += run_start(root / "start", max(3, given.rounds))
        if given.large:
            report += run_large(root / "large")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    machine = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    if given.json:
        print(json.dumps({"machine": machine, "results": report}, indent=2))
    else:
        print(machine)
        for row in report:
            print(row["line"])


# --- rates -----------------------------------------------------------------------------------------------------------


def run_scenario(scenario: Scenario, directory: Path, rounds: int, seconds: int) -> list[dict[str, object]]:
    with ExitStack() as stack:
        peers = open_peers(scenario, directory, stack)
        scripts = {peer.name: write_script(scenario, peer, directory) for peer in peers}
        figures = {peer.name: Figures() for peer in peers}
        for number in range(rounds + 1):
            for peer in peers:
                rate, cpu_us = load(peer, scripts[peer.name], seconds)
                if number:  # the first is for warming up
                    figures[peer.name].rates.append(rate)
                    figures[peer.name].cpu_us.append(cpu_us)
    return report_scenario(scenario, figures)


def open_peers(scenario: Scenario, directory: Path, stack: ExitStack) -> list[Peer]:
    """The peers, each with the scenario's objects in it."""
    directory.mkdir(parents=True)
    directory.chmod(0o755)
    certificate = Certificate(directory)
    file = directory / "object"
    file.write_bytes(os.urandom(scenario.size))
    if scenario.tls:  # a certificate that no client knows: stored without TLS first
        with coatcheck(directory / "coatcheck") as plain:
            fill(plain, scenario, file)
    peers: list[Peer] = [stack.enter_context(coatcheck(directory / "coatcheck", certificate if scenario.tls else None))]
    if "nginx" in scenario.targets:
        peers.append(stack.enter_context(nginx(directory / "nginx", certificate, tls=scenario.tls)))
    if "SeaweedFS" in scenario.targets:
        peers.append(stack.enter_context(seaweed(directory / "seaweed")))
    for peer in peers:
        if scenario.method == "GET" and not (scenario.tls and peer.name == "coatcheck"):
            fill(peer, scenario, file)
    return peers


def fill(peer: Peer, scenario: Scenario, file: Path) -> None:
    for key in keys(scenario):
        peer.store(key, file)


def keys(scenario: Scenario) -> Iterator[str]:
    return (f"photos/2026/image-{number:06d}.jpg" for number in range(scenario.objects))


_SCRIPT = """
local requests, at = {{}}, 0
function init()
  local body = nil
  if {has_body} then body = string.rep("x", {size}) end
  local headers = {{ ["Host"] = wrk.headers["Host"] }}
  for line in io.lines("{paths}") do requests[#requests + 1] = wrk.format("{method}", line, headers, body) end
end
function request() at = at % #requests + 1; return requests[at] end
"""


def write_script(scenario: Scenario, peer: Peer, directory: Path) -> tuple[str, Path]:
    """The address, and a wrk script that goes through all links."""
    links = [peer.link(scenario.method, key) for key in keys(scenario)]
    origin = "/".join(links[0].split("/", 3)[:3])
    paths = directory / f"{peer.name}.paths"
    paths.write_text("\n".join(link[len(origin) :] for link in links) + "\n")
    script = directory / f"{peer.name}.lua"
    has_body = "true" if scenario.method == "PUT" else "false"
    script.write_text(_SCRIPT.format(paths=paths, method=scenario.method, size=scenario.size, has_body=has_body))
    return origin, script


def load(peer: Peer, script: tuple[str, Path], seconds: int) -> tuple[float, float]:
    """Requests a second, and CPU microseconds of the server for each. Raises: RuntimeError if any was refused."""
    origin, path = script
    before = cpu_s(peer.pid)
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(path), origin]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    used = cpu_s(peer.pid) - before
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(f"{peer.name}: {done.stdout}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])  # type: ignore[index]
    count = int(re.search(r"(\d+) requests in", done.stdout)[1])  # type: ignore[index]
    return rate, used / count * 1e6


def report_scenario(scenario: Scenario, figures: dict[str, Figures]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    ours = figures["coatcheck"]
    for name, theirs in figures.items():
        row: dict[str, object] = {"what": scenario.name, "server": name, "rate": round(statistics.median(theirs.rates))}
        row["cpu_us"] = round(statistics.median(theirs.cpu_us), 1)
        line = f"{scenario.name:12} {name:10} {row['rate']:>8}/s {row['cpu_us']:>8} us CPU"
        if name != "coatcheck":
            ratios = sorted(mine / his for mine, his in zip(ours.rates, theirs.rates, strict=True))
            ratio, target = statistics.median(ratios), scenario.targets[name]
            row |= {"ratio": round(ratio, 2), "lowest": round(ratios[0], 2), "highest": round(ratios[-1], 2)}
            row |= {"target": target, "met": ratio >= target}
            spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
            line += f"   coatcheck {ratio:5.2f} x ({spread}), {verdict(ratio >= target)} {target}"
        rows.append({**row, "line": line})
    return rows


def verdict(met: bool) -> str:
    return "meets" if met else "MISSES"


# --- single figures --------------------------------------------------------------------------------------------------


def run_upload(directory: Path, rounds: int) -> list[dict[str, object]]:
    """256 MiB by curl through a presigned PUT."""
    directory.mkdir(parents=True)
    file = directory / "object"
    file.write_bytes(os.urandom(MIB) * 256)
    took: dict[str, list[float]] = {}
    with coatcheck(directory / "coatcheck") as ours, seaweed(directory / "seaweed") as theirs:
        for number in range(rounds):
            for peer in (ours, theirs):
                took.setdefault(peer.name, []).append(upload(peer.link("PUT", f"large-{number}"), file))
    ratio = statistics.median(t / o for o, t in zip(took["coatcheck"], took["SeaweedFS"], strict=True))
    line = "put-256m     " + ", ".join(f"{name} {statistics.median(s):.2f} s" for name, s in took.items())
    line += f"   coatcheck {ratio:.2f} x as fast, {verdict(ratio >= 2)} 2"
    return [
        {"what": "put-256m", "seconds": took, "ratio": round(ratio, 2), "target": 2.0, "met": ratio >= 2, "line": line}
    ]


def upload(url: str, file: Path) -> float:
    start = time.perf_counter()
    subprocess.run(
        ["curl", "-sS", "--fail", "-H", "Content-Type:", "-H", "Expect:", "-T", str(file), "-o", "/dev/null", url],
        check=True,
    )
    return time.perf_counter() - start


def run_start(directory: Path, rounds: int) -> list[dict[str, object]]:
    """From the command to the first answer, and an idle worker's memory."""
    with coatcheck(directory):
        pass
    took, idle = [], []
    for _ in range(rounds):
        port = free_port()
        start = time.perf_counter()
        log = (directory / "log").open("wb")
        process = subprocess.Popen(coatcheck_command(directory / "data", port), stdout=log, stderr=log)
        try:
            while not answers(port):
                time.sleep(0.005)
            took.append((time.perf_counter() - start) * 1000)
            time.sleep(1)
            idle.append(max(worker_memory(process.pid)) / MIB)
        finally:
            process.terminate()
            process.wait(40)
            log.close()
    first, memory = statistics.median(took), statistics.median(idle)
    spread = f"{min(took):.0f} to {max(took):.0f}"
    line = f"start        first answer after {first:.0f} ms ({spread}), {verdict(first <= 500)} 500"
    idle_line = f"idle         {memory:.1f} MiB a worker, {verdict(memory <= 80)} 80"
    return [
        {"what": "start", "ms": round(first), "met": first <= 500, "line": line},
        {"what": "idle", "mib": round(memory, 1), "met": memory <= 80, "line": idle_line},
    ]


def answers(port: int) -> bool:
    words = ["curl", "-s", "-o", "/dev/null", "--max-time", "2", f"http://127.0.0.1:{port}/"]
    return subprocess.run(words, check=False).returncode == 0


def run_large(directory: Path) -> list[dict[str, object]]:
    """5 GiB up and down; how much the workers' memory grows."""
    directory.mkdir(parents=True)
    file = directory / "object"
    with file.open("wb") as out:
        out.truncate(5 * GIB)
    with coatcheck(directory / "coatcheck") as peer:
        small = directory / "small"
        small.write_bytes(os.urandom(MIB))
        for number in range(20):  # buffers and allocator pools of ordinary work are there before
            peer.store(f"small-{number}", small)
        before = max(worker_memory(peer.pid))
        up_s, up_peak = watched(
            peer, ["curl", "-sS", "--fail", "-H", "Content-Type:", "-T", str(file), peer.link("PUT", "large")]
        )
        down_s, down_peak = watched(peer, ["curl", "-sS", "--fail", "-o", "/dev/null", peer.link("GET", "large")])
    growth = (max(up_peak, down_peak) - before) / MIB
    line = f"5 GiB        up {up_s:.1f} s, down {down_s:.1f} s, a worker grew by {growth:.1f} MiB"
    line += f", {verdict(growth < 32)} 32"
    return [{"what": "large", "up_s": up_s, "down_s": down_s, "growth_mib": growth, "met": growth < 32, "line": line}]


def watched(peer: Peer, command: Sequence[str]) -> tuple[float, int]:
    """Seconds, and the most memory that any worker had meanwhile."""
    peak, start = 0, time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, *worker_memory(peer.pid))
        time.sleep(0.02)
    if process.returncode:
        raise RuntimeError(f"curl ended with {process.returncode}")
    return time.perf_counter() - start, peak


# --- /proc -----------------------------------------------------------------------------------------------------------


def processes(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def cpu_s(pid: int) -> float:
    """User and system time of a server and its workers so far."""
    total = 0
    for each in processes(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / CLOCK_HZ


def worker_memory(pid: int) -> list[int]:
    return [int(Path(f"/proc/{each}/statm").read_text().split()[1]) * PAGE for each in processes(pid)[1:]] or [0]


if __name__ == "__main__":
    main()
