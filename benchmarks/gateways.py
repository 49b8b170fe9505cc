"""What do gateways cost whose catalog is in PostgreSQL, and whose bytes are in an object store?

    python benchmarks/gateways.py [--only cpu pages upload stream two] [--rounds 5] [--seconds 3] [--keys 2000000]

Everything runs on this machine: PostgreSQL as it comes, with every commit synced, SeaweedFS, gateways of one worker
each, wrk. So what counts are ratios of what was measured by turns in one run, and CPU time. Prints lines of Markdown.

cpu: GET and PUT of 1 KiB beside a server on SQLite; statements (PostgreSQL's transactions) a request.
pages: 1,000 keys of a listing among 10,000 and among many; common prefixes.
upload: what a worker's memory grows by while it takes 256 MiB whose length nobody has said.
stream: 64 MiB out of the store through a gateway, and by obstore alone; what a worker's memory grows by.
two: two gateways beside one, and what the database spends.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import obstore
import wrk
from http_client import Client
from obstore.store import S3Store
from peers import BUCKET, KEY_ID, SECRET, TREE, Coatcheck, coatcheck_environment, free_port, put, running, seaweed
from peers import wait_for_port as wait_for

KIB, MIB = 1024, 1024**2
SIZES: Final = {"cpu": KIB, "upload": 256 * MIB, "stream": 64 * MIB}
FEW: Final = 10_000
SAMPLE_S: Final = 0.01
FILL: Final = (
    "INSERT INTO object (bucket_id, key, seq, kind, size, etag, last_modified, storage_class, version_id, crc64, acl,"
    " headers, encryption) SELECT {bucket}, 'photos/2026/' || lpad((n % 365)::text, 3, '0') || '/' ||"
    " lpad(n::text, 10, '0') || '.jpeg', 0, 'Normal', 1024, '5D41402ABC4B2A76B9719D911017C592', 1772694489, 'Standard',"
    " 'null', -1, 'default', convert_to('content-type' || chr(10) || 'image/jpeg', 'UTF8'), ''"
    " FROM generate_series(0, {keys} - 1) AS n"
)


class Given(NamedTuple):
    rounds: int
    seconds: float
    keys: int
    root: Path
    database: Any  # tests.postgres_server.PostgresServer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=QUESTIONS, default=list(QUESTIONS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--keys", type=int, default=2_000_000)
    given = parser.parse_args()
    sys.path.insert(0, str(TREE))
    from tests.postgres_server import postgres_server

    root = Path(tempfile.mkdtemp(prefix="coatcheck-gateways-"))
    try:
        with postgres_server(("max_connections=100",)) as database:
            for question in given.only:
                directory = root / question
                directory.mkdir()
                print(f"\n## {question}\n", flush=True)
                QUESTIONS[question](Given(given.rounds, given.seconds, given.keys, directory, database))
    finally:
        shutil.rmtree(root)


@contextmanager
def gateway(directory: Path, name: str, store: str = "", **environment: str) -> Iterator[Coatcheck]:
    """Of one worker; on a data directory if no store is named."""
    directory.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), directory / "server.log"
    command = [sys.executable, "-m", "coatcheck", "serve", "--data", str(directory / "data"), "--workers", "1"]
    named = {"COATCHECK_STORE": store} if store else {}
    all_of_it = {**coatcheck_environment(None), **named, **environment}
    with running([*command, "--listen", f"127.0.0.1:{port}"], log, all_of_it) as process:
        wait_for(port, process, log)
        peer = Coatcheck(process.pid, f"http://127.0.0.1:{port}", name)
        peer.make_bucket(BUCKET)
        yield peer


# --- cpu -------------------------------------------------------------------------------------------------------------


def ask_cpu(given: Given) -> None:
    scenarios = [wrk.Scenario(method.lower(), SIZES["cpu"], 1000, method=method) for method in ("GET", "PUT")]
    with ExitStack() as stack:
        name = stack.enter_context(given.database.database())
        peers = [
            stack.enter_context(gateway(given.root / "sqlite", "SQLite")),
            stack.enter_context(gateway(given.root / "postgresql", "PostgreSQL", given.database.url(name))),
        ]
        scripts = _prepare(peers, scenarios, given.root)
        print("| | connections | SQLite | PostgreSQL | CPU | rate | statements a request |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        for scenario in scenarios:
            for connections in (32, 8, 1):
                before = _transactions(given.database, name)
                loads = _by_turns(given, [(peer, [scripts[peer.name, scenario.name]]) for peer in peers], connections)
                asked = sum(load.requests for load in loads[1])
                each = [f"{_median(of, 'cpu_us'):.0f} us, {_median(of, 'rate'):,.0f}/s" for of in loads]
                cpu, rate = (_ratio(loads[1], loads[0], what) for what in ("cpu_us", "rate"))
                statements = (_transactions(given.database, name) - before) / asked
                print(
                    f"| {scenario.method} 1 KiB | {connections} | {each[0]} | {each[1]} | {cpu} | {rate}"
                    f" | {statements:.2f} |",
                    flush=True,
                )


def _prepare(
    peers: Sequence[Coatcheck], scenarios: Sequence[wrk.Scenario], root: Path
) -> dict[tuple[str, str], tuple[str, Path]]:
    scripts = {}
    for peer in peers:
        for scenario in scenarios:
            peer.store(scenario.places(), os.urandom(scenario.size))
            file = root / f"{peer.name}-{scenario.name}"
            scripts[peer.name, scenario.name] = wrk.write_script(
                scenario.links_of(peer), file, scenario.method, scenario.size
            )
    return scripts


Asked = Sequence[tuple[Coatcheck, Sequence[tuple[str, Path]]]]


def _by_turns(given: Given, asked: Asked, connections: int) -> list[list[wrk.Load]]:
    """Each once before that counts."""
    wrk.CONNECTIONS = connections
    loads: list[list[wrk.Load]] = [[] for _ in asked]
    for number in range(given.rounds + 1):
        for of_one, (peer, scripts) in zip(loads, asked, strict=True):
            load = wrk.load(peer, scripts[0], given.seconds)
            if number:
                of_one.append(load)
    return loads


def _median(loads: Sequence[wrk.Load], what: str) -> float:
    return float(statistics.median(getattr(load, what) for load in loads))


def _ratio(loads: Sequence[wrk.Load], others: Sequence[wrk.Load], what: str) -> str:
    """Round by round."""
    ratios = [getattr(load, what) / getattr(other, what) for load, other in zip(loads, others, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _transactions(database: Any, name: str) -> int:
    """Of all that were committed so far; each statement of a reader is one."""
    time.sleep(1.5)  # until idle processes have told theirs
    return int(
        _with_line(database.url("postgres"), "SELECT xact_commit FROM pg_stat_database WHERE datname = $1", name)
    )


def _with_line(url: str, text: str, *arguments: object) -> Any:
    from coatcheck.engines.postgres.connection import Address, Connection

    with Connection(Address(url, None), time.time) as line:
        rows, _ = line.ask(text, *arguments)
    return rows[0][0] if rows else None


# --- pages -----------------------------------------------------------------------------------------------------------


def ask_pages(given: Given) -> None:
    from coatcheck.clock import wall_clock
    from coatcheck.engines.postgres.store import PostgresPrepared, open_postgres

    with given.database.database() as name:
        url, data = given.database.url(name), given.root / "data"
        PostgresPrepared(url, data, wall_clock).close()
        with open_postgres(url, data) as store:
            asyncio.run(_pages(given, store, url))


async def _pages(given: Given, store: Any, url: str) -> None:
    from coatcheck.ports.bucket import NewBucket

    buckets = []
    for name, keys in (("few", FEW), ("many", given.keys)):
        new = NewBucket(name, "1234567890123456", "cn-hangzhou", "private", "Standard", "LRS", 1_772_694_489)
        bucket = await store.catalog.create_bucket(new, most=100)
        await asyncio.to_thread(_with_line, url, FILL.format(bucket=bucket.bucket_id, keys=keys))
        buckets.append(bucket)
    await asyncio.to_thread(_with_line, url, "ANALYZE object")
    print(f"| | among {FEW:,} | among {given.keys:,} | ratio | statements |")
    print("|---|---:|---:|---:|---:|")
    for what, delimiter in (("1,000 keys", ""), ("365 common prefixes", "/")):
        times: list[list[float]] = [[], []]
        chance, before = random.Random(1), store.reader.asked
        for _ in range(40 * given.rounds):
            day = chance.randrange(300)  # leaves at least 1,000 keys behind it among the few, too
            for taken, bucket in zip(times, buckets, strict=True):
                begun = time.perf_counter()
                page = await store.catalog.list_objects(
                    bucket.bucket_id,
                    prefix="photos/2026/" if delimiter else "",
                    delimiter=delimiter,
                    marker="" if delimiter else f"photos/2026/{day:03d}/",
                    limit=1000,
                )
                taken.append((time.perf_counter() - begun) * 1e3)
                assert len(page.objects) + len(page.common_prefixes) == (365 if delimiter else 1000)
        few, many = map(statistics.median, times)
        statements = (store.reader.asked - before) / (80 * given.rounds)
        print(f"| {what} | {few:.2f} ms | {many:.2f} ms | {many / few:.2f} | {statements:.0f} |", flush=True)


# --- upload, stream --------------------------------------------------------------------------------------------------


@contextmanager
def _elsewhere(given: Given) -> Iterator[tuple[Coatcheck, Coatcheck, S3Store]]:
    """Two gateways on both engines, and obstore on the same place."""
    with ExitStack() as stack:
        name = stack.enter_context(given.database.database())
        weed = stack.enter_context(seaweed(given.root / "seaweed"))
        access = {"AWS_ENDPOINT_URL": weed.endpoint, "AWS_REGION": "us-east-1"}
        access |= {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
        os.environ |= access
        place = (given.database.url(name), f"s3://{BUCKET}/bytes")
        store = S3Store(BUCKET, prefix="bytes", client_options={"allow_http": True, "timeout": "1h"})
        yield (*stack.enter_context(_two(given.root, *place)), store)


@contextmanager
def _two(root: Path, url: str, place: str = "") -> Iterator[tuple[Coatcheck, Coatcheck]]:
    """Gateways with the same keys."""
    named = {"COATCHECK_BYTES": place} if place else {}
    with gateway(root / "one", "one", url, **named) as first:
        (root / "two" / "data").mkdir(parents=True, mode=0o700)
        for file in [*(root / "one" / "data").glob("*.key"), *(root / "one" / "data").glob("root-*")]:
            shutil.copy2(file, root / "two" / "data")
        if not place:  # bytes are files of one directory
            shutil.copy2(root / "one" / "data" / "bytes.id", root / "two" / "data")
        with gateway(root / "two", "two", url, **named) as second:
            yield first, second


def ask_upload(given: Given) -> None:
    with _elsewhere(given) as (peer, _, _):
        put(peer.link("PUT", BUCKET, "first"), b"so that what is loaded once is")
        with memory_of(peer) as memory:
            for number in range(given.rounds):
                _put_chunked(peer.link("PUT", BUCKET, f"large-{number}"), SIZES["upload"])
        print(f"{given.rounds} times 256 MiB of unknown length: {memory.grown_mib:.0f} MiB over idle at most")


def ask_stream(given: Given) -> None:
    size = SIZES["stream"]
    with _elsewhere(given) as (writer, peer, store):
        put(writer.link("PUT", BUCKET, "large"), os.urandom(size))
        put(peer.link("PUT", BUCKET, "first"), b"so that what is loaded once is")
        (path,) = [entry["path"] for page in obstore.list(store) for entry in page if entry["size"] == size]
        link, ratios, cpu = peer.link("GET", BUCKET, "large"), [], []
        with memory_of(peer) as memory:
            for number in range(given.rounds + 1):
                before = wrk.cpu_s(peer.pid)
                with Client(link) as client:
                    ours = _seconds(lambda: client.get(link))
                spent, own = wrk.cpu_s(peer.pid) - before, time.process_time()
                alone = _seconds(lambda: sum(map(len, obstore.get(store, path).stream(min_chunk_size=MIB))))
                if number:
                    ratios.append(alone / ours)
                    cpu.append((spent, time.process_time() - own))
        of_gateway, of_obstore = (sum(part) / len(cpu) * 1e3 for part in zip(*cpu, strict=True))
        print(f"64 MiB: {statistics.median(ratios):.2f} of obstore's rate ({min(ratios):.2f} to {max(ratios):.2f})")
        print(f"CPU: {of_gateway:.0f} ms of the gateway, {of_obstore:.0f} ms of obstore alone")
        print(f"a worker's memory: {memory.grown_mib:.0f} MiB over idle at most")


def _seconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _put_chunked(link: str, size: int) -> None:
    import http.client

    where, piece = urlsplit(link), os.urandom(MIB)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=600)
    pieces = (piece for _ in range(size // MIB))
    connection.request("PUT", f"{where.path}?{where.query}", pieces, encode_chunked=True)
    reply = connection.getresponse()
    assert reply.status == 200, reply.read()
    connection.close()


class Memory:
    """Of a gateway's largest process, looked at all the time."""

    def __init__(self, pid: int) -> None:
        self._pids = wrk.processes(pid)
        self._idle = self.most = self._now()
        self._over = threading.Event()

    def _now(self) -> int:
        files = [Path(f"/proc/{pid}/statm") for pid in self._pids]
        return max(int(file.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") for file in files)

    def watch(self) -> None:
        while not self._over.wait(SAMPLE_S):
            self.most = max(self.most, self._now())

    def end(self) -> None:
        self._over.set()

    @property
    def grown_mib(self) -> float:
        return (self.most - self._idle) / MIB


@contextmanager
def memory_of(peer: Coatcheck) -> Iterator[Memory]:
    memory = Memory(peer.pid)
    thread = threading.Thread(target=memory.watch)
    thread.start()
    try:
        yield memory
    finally:
        memory.end()
        thread.join()


# --- two -------------------------------------------------------------------------------------------------------------


def ask_two(given: Given) -> None:
    scenarios = [wrk.Scenario(method.lower(), KIB, 1000, method=method) for method in ("GET", "PUT")]
    with ExitStack() as stack:
        name = stack.enter_context(given.database.database())
        url = given.database.url(name)
        peers = stack.enter_context(_two(given.root, url))
        waits = stack.enter_context(waits_of(url))
        scripts = _prepare(peers, scenarios, given.root)
        leader = given.database.pid
        print("| 32 connections in all | one gateway | two | ratio | CPU of gateways, us | CPU of the database, us |")
        print("|---|---:|---:|---:|---:|---:|")
        for scenario in scenarios:
            own = [scripts[peer.name, scenario.name] for peer in peers]
            rates: dict[int, list[float]] = {1: [], 2: []}
            spent: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
            seen: dict[int, Counter[str]] = {1: Counter(), 2: Counter()}
            for number in range(given.rounds + 1):
                for count in (1, 2):
                    before, begun = [_cpu_s(pid) for pid in (leader, *(peer.pid for peer in peers))], time.time()
                    waits.into = seen[count] if number else Counter()
                    asked = _together(peers[:count], own, 32 // count, given.seconds)
                    took = time.time() - begun
                    after = [_cpu_s(pid) for pid in (leader, *(peer.pid for peer in peers))]
                    used = [(late - early) / asked * 1e6 for early, late in zip(before, after, strict=True)]
                    if number:
                        rates[count].append(asked / took)
                        spent[count].append((sum(used[1:]), used[0]))
            ratios = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
            cpu = [
                " and ".join(f"{statistics.median(each[part] for each in spent[count]):.0f}" for count in (1, 2))
                for part in (0, 1)
            ]
            of_each = " | ".join(f"{statistics.median(rates[count]):,.0f}/s" for count in (1, 2))
            print(
                f"| {scenario.method} 1 KiB | {of_each}"
                f" | {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) | {cpu[0]} | {cpu[1]} |",
                flush=True,
            )
            for count, of_all in seen.items():
                whole = of_all.total()
                print(f"{count}:", ", ".join(f"{what or 'CPU'} {n / whole:.0%}" for what, n in of_all.most_common(7)))


def _cpu_s(pid: int) -> float:
    """As `wrk.cpu_s`, of a server whose processes may end meanwhile, as those of a database do that clean up."""
    while True:
        with suppress(FileNotFoundError):
            return wrk.cpu_s(pid)


class Waits:
    """What connections that have a transaction under way are seen to wait for; "" is the processor."""

    def __init__(self) -> None:
        self.into: Counter[str] = Counter()
        self.over = threading.Event()

    def look(self, url: str) -> None:
        from coatcheck.engines.postgres.connection import Address, Connection

        text = (
            "SELECT coalesce(wait_event_type || ' ' || wait_event, '') FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        with Connection(Address(url, None), time.time) as line:
            while not self.over.wait(10 * SAMPLE_S):
                self.into.update(row[0] for row in line.ask(text)[0])


@contextmanager
def waits_of(url: str) -> Iterator[Waits]:
    waits = Waits()
    thread = threading.Thread(target=waits.look, args=(url,))
    thread.start()
    try:
        yield waits
    finally:
        waits.over.set()
        thread.join()


def _together(peers: Sequence[Coatcheck], scripts: Sequence[tuple[str, Path]], connections: int, seconds: float) -> int:
    """How many requests all of them answered."""
    wrk.CONNECTIONS = connections
    asked: list[int] = []
    threads = [
        threading.Thread(target=lambda peer=peer, script=script: asked.append(wrk.load(peer, script, seconds).requests))
        for peer, script in zip(peers, scripts, strict=False)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(asked) != len(peers):
        raise RuntimeError("a load failed")
    return sum(asked)


QUESTIONS: Final[dict[str, Callable[[Given], None]]] = {
    "cpu": ask_cpu,
    "pages": ask_pages,
    "upload": ask_upload,
    "stream": ask_stream,
    "two": ask_two,
}

if __name__ == "__main__":
    main()
