"""Asking by wrk: what is asked for, how fast that went, and what it cost the server."""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from peers import LINK_LIFE_S, Peer, Place

CONNECTIONS = 32
BUCKETS = 20
CLOCK_HZ = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Scenario:
    """What wrk asks for."""

    name: str
    size: int
    objects: int
    peers: tuple[str, ...] = ()
    links: int = 0  # as many as objects, if it isn't said
    new: bool = False  # measured with new links too
    method: str = "GET"
    tls: bool = False

    def places(self) -> list[Place]:
        """Where objects have to be before anybody asks; a PUT needs the buckets alone."""
        if self.method == "PUT":
            return [(_bucket(number), "ready") for number in range(BUCKETS)]
        return [(_bucket(number), _key(number)) for number in range(self.objects)]

    def links_of(self, peer: Peer) -> list[str]:
        """Shuffled, the same way each time."""
        links = [self.link(peer, number) for number in range(self.links or self.objects)]
        random.Random(1).shuffle(links)
        return links

    def link(self, peer: Peer, number: int) -> str:
        """Another one for each number."""
        extra, at = divmod(number, self.objects)
        return peer.link(self.method, _bucket(at), _key(at), LINK_LIFE_S + extra)


def _bucket(number: int) -> str:
    return f"bench-{number % BUCKETS:02d}"


def _key(number: int) -> str:
    return f"photos/2026/image-{number:06d}.jpg"


class Load(NamedTuple):
    """What wrk found: requests a second, CPU microseconds of the server for each, and how many there were."""

    rate: float
    cpu_us: float
    requests: int


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


def write_script(links: Sequence[str], file: Path, method: str = "GET", size: int = 0) -> tuple[str, Path]:
    """The address, and a wrk script that goes through all links, each with a body of so many bytes if it is a PUT."""
    origin = "/".join(links[0].split("/", 3)[:3])
    paths, script = file.with_suffix(".paths"), file.with_suffix(".lua")
    paths.write_text("".join(f"{link[len(origin) :]}\n" for link in links))
    has_body = "true" if method == "PUT" else "false"
    script.write_text(_SCRIPT.format(paths=paths, method=method, size=size, has_body=has_body))
    return origin, script


def load(peer: Peer, script: tuple[str, Path], seconds: float) -> Load:
    """Raises: RuntimeError if any request was refused."""
    origin, path = script
    before = cpu_s(peer.pid)
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "-s", str(path), origin]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    used = cpu_s(peer.pid) - before
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(f"{peer.name}: {done.stdout}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])  # type: ignore[index]
    count = int(re.search(r"(\d+) requests in", done.stdout)[1])  # type: ignore[index]
    return Load(rate, used / count * 1e6, count)


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
