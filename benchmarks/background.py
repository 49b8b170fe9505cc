"""Do an inventory and a replication of millions of objects go in pages, with flat memory, and go on after kill -9?

    nice -n 19 python benchmarks/background.py [--objects 5000000] [--dir DIRECTORY] [--work inventory replication]

The rows of a bucket are written straight into the catalog; the rest is a server of two workers as anybody runs it, and
requests. Each work is killed with every process of the server once, when a third of it is done, and goes on in a server
that is started anew. Prints a table in Markdown, for `benchmarks/results`; fails if an object is missing or there
twice, or if a worker's memory grew with the objects. Takes about 1 KiB of disk an object.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, NamedTuple

from peers import KEY_ID, SECRET, coatcheck_command, coatcheck_environment, free_port, wait_for_port

from coatcheck import Presigner
from coatcheck.core.digests import update_crc64

SOURCE, LISTS, COPIES = "source", "lists", "copies"
CONTENT: Final = b"sixteen bytes...."
KEY: Final = "photos/2026/{:010d}.jpeg"
KILLED_AT: Final = 1 / 3
SHARES: Final = (0.1, 0.5, 1.0)
LOOK_S: Final = 0.5
GROWTH_MAX_MIB: Final = 16.0  # of the largest worker, from the first tenth on: what an allocator may do
MIB: Final = 1024**2
TRUST: Final = {
    "Version": "1",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["oss.aliyuncs.com"]}},
    ],
}
POLICY: Final = {
    "Version": "1",
    "Statement": [{"Effect": "Allow", "Action": "oss:PutObject", "Resource": f"acs:oss:*:*:{LISTS}/*"}],
}


class Server:
    """`coatcheck serve` on a data directory, and the memory of its largest process by how much was done."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()
        self.log = data.with_name("server.log")
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                coatcheck_command(data, self.port),
                stdout=out,
                stderr=out,
                env=coatcheck_environment(None),
                start_new_session=True,
            )
        wait_for_port(self.port, self._process, self.log)
        endpoint = f"http://127.0.0.1:{self.port}"
        self._presigner = Presigner(KEY_ID, SECRET, region="cn-hangzhou", endpoint=endpoint)

    def send(self, method: str, bucket: str, key: str | None = None, body: bytes | None = None, **query: str) -> bytes:
        """Raises: RuntimeError, unless the answer is a success."""
        link = self._presigner.presign(method, bucket, key, query=query).url
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=120)) as connection:
            connection.request(method, "/" + link.split("/", 3)[3], body)
            answer = connection.getresponse()
            content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {bucket} {query}: {content!r}")
        return content

    def command(self, *words: str) -> str:
        line = [sys.executable, "-m", "coatcheck", *words, "--data", str(self.data)]
        return subprocess.run(line, check=True, capture_output=True, text=True, env=coatcheck_environment(None)).stdout

    def resident_mib(self) -> float:
        """Of the largest process that is there."""
        largest = 0
        for pid in self._processes():
            with suppress(OSError):
                largest = max(largest, int(Path(f"/proc/{pid}/statm").read_text().split()[1]))
        return largest * os.sysconf("SC_PAGE_SIZE") / MIB

    def _processes(self) -> list[int]:
        found = [self._process.pid]
        for pid in found:
            with suppress(OSError):
                for task in Path(f"/proc/{pid}/task").glob("*/children"):
                    found += [int(child) for child in task.read_text().split()]
        return found

    def kill(self) -> None:
        """Every process of it at once."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)


class Work(NamedTuple):
    """Attributes:
    name: what stands in the table.
    begin: sets it up by a request.
    kind: the entry of the catalog that says how far it is, and `done` in it: how many objects by then.
    check: what is wrong with what came out, or nothing.
    """

    name: str
    begin: Callable[[Server], object]
    kind: str
    done: str
    check: Callable[[Server, int], str]


class Outcome(NamedTuple):
    seconds: float
    killed_at: int
    memory_mib: dict[float, float]  # by the share that was done


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--objects", type=int, default=5_000_000)
    parser.add_argument("--dir", type=Path, help="where to make the temporary directory")
    parser.add_argument("--work", nargs="*", choices=list(WORKS), default=list(WORKS))
    given = parser.parse_args()
    print("| Work | Objects | Minutes | Killed at | Largest process, MiB, at 10, 50, 100 % | Result |")
    print("|---|--:|--:|--:|---|---|")
    right = True
    for name in given.work:
        root = Path(tempfile.mkdtemp(prefix="coatcheck-background-", dir=given.dir))
        try:
            right &= measure(WORKS[name], root / "data", given.objects)
        finally:
            shutil.rmtree(root)
    sys.exit(0 if right else 1)


def measure(work: Work, data: Path, objects: int, most_mib: float | None = None) -> bool:
    """Whether it went well.

    Args:
        most_mib: what the largest process may take; without it, that it doesn't grow from the first tenth on. Of a few
            hundred thousand objects it does: what is remembered of objects is bounded, and not full before.
    """
    prepare(data, objects)
    server = Server(data)
    try:
        work.begin(server)
        outcome, server = follow(work, server, objects)
        wrong = work.check(server, objects)
    finally:
        server.stop()
    tenth, half, whole = (outcome.memory_mib[share] for share in SHARES)
    if (whole - tenth > GROWTH_MAX_MIB) if most_mib is None else (max(tenth, half, whole) > most_mib):
        wrong = wrong or "memory grew"
    print(
        f"| {work.name} | {objects:,} | {outcome.seconds / 60:.1f} | {outcome.killed_at:,}"
        f" | {tenth:.0f}, {half:.0f}, {whole:.0f} | {wrong or 'whole'} |",
        flush=True,
    )
    return not wrong


def prepare(data: Path, objects: int) -> None:
    server = Server(data)
    for bucket in (SOURCE, LISTS, COPIES):
        server.send("PUT", bucket, body=b"")
    server.stop()
    with closing(sqlite3.connect(data / "catalog.sqlite", isolation_level=None)) as connection:
        (bucket_id,) = connection.execute("SELECT id FROM bucket WHERE name = ?", (SOURCE,)).fetchone()
        etag = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest().upper()
        crc = int.from_bytes(update_crc64(CONTENT).to_bytes(8, "big"), "big", signed=True)
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO body (id, content) VALUES (?, ?)", ((n + 1, CONTENT) for n in range(objects))
        )
        connection.executemany(
            "INSERT INTO object (bucket_id, key, seq, kind, size, etag, last_modified, storage_class, version_id,"
            " crc64, acl, headers, encryption, body_id)"
            " VALUES (?, ?, 0, 'Normal', ?, ?, 1772694489, 'Standard', 'null', ?, 'default',"
            " CAST('content-type' || char(10) || 'image/jpeg' AS BLOB), '', ?)",
            ((bucket_id, KEY.format(n), len(CONTENT), etag, crc, n + 1) for n in range(objects)),
        )
        connection.execute("COMMIT")


def follow(work: Work, server: Server, objects: int) -> tuple[Outcome, Server]:
    """To the end of it, through one kill."""
    began, killed_at = time.perf_counter(), 0
    memory: dict[float, float] = {}
    state: dict[str, Any] = {}
    while not state.get("done"):
        time.sleep(LOOK_S)
        state = find_state(server.data, work.kind)
        done = int(state.get(work.done, 0))
        for share in SHARES:
            if done >= share * objects and share not in memory:
                memory[share] = server.resident_mib()
        if not killed_at and done >= KILLED_AT * objects:
            server.kill()
            killed_at = int(find_state(server.data, work.kind)[work.done])
            server = Server(server.data)
        if done < killed_at and state:
            raise RuntimeError("what was noted is gone")
    return Outcome(time.perf_counter() - began, killed_at, memory), server


def find_state(data: Path, kind: str) -> dict[str, Any]:
    with closing(sqlite3.connect(f"file:{data / 'catalog.sqlite'}?mode=ro", uri=True, timeout=60)) as connection:
        row = connection.execute("SELECT document FROM bucket_entry WHERE kind = ?", (kind,)).fetchone()
    return {} if row is None else dict(json.loads(row[0]))


# --- the two -------------------------------------------------------------------------------------------------------


def begin_inventory(server: Server) -> None:
    trust, policy = server.data.with_name("trust.json"), server.data.with_name("policy.json")
    trust.write_text(json.dumps(TRUST))
    policy.write_text(json.dumps(POLICY))
    arn = json.loads(server.command("role", "create", "lister", "--trust", str(trust), "--json"))["arn"]
    server.command("policy", "create", "lists", str(policy))
    server.command("policy", "attach", "lists", "--role", "lister")
    document = (
        "<InventoryConfiguration><Id>all</Id><IsEnabled>true</IsEnabled><Destination><OSSBucketDestination>"
        f"<Format>CSV</Format><AccountId>{arn.split(':')[3]}</AccountId><RoleArn>{arn}</RoleArn>"
        f"<Bucket>acs:oss:::{LISTS}</Bucket></OSSBucketDestination></Destination>"
        "<Schedule><Frequency>Once</Frequency></Schedule><IncludedObjectVersions>Current</IncludedObjectVersions>"
        "<OptionalFields><Field>Size</Field><Field>ETag</Field></OptionalFields></InventoryConfiguration>"
    )
    server.send("PUT", SOURCE, body=document.encode(), inventory="", inventoryId="all")


def check_inventory(server: Server, objects: int) -> str:
    """Every key once, in order, by the files that the list names."""
    number = 0
    for line in listed_lines(server):
        if line.split(b'"', 4)[3] != KEY.format(number).replace("/", "%2F").encode():
            return f"object {number:,} is missing or there twice"
        number += 1
    return "" if number == objects else f"{objects - number:,} objects are missing"


def listed_lines(server: Server) -> Iterator[bytes]:
    for key in data_files(server.data):
        yield from gzip.decompress(server.send("GET", LISTS, key)).splitlines()


def data_files(data: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{data / 'catalog.sqlite'}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT key FROM object WHERE key LIKE '%manifest.json'").fetchall()
    assert len(rows) == 1, rows
    return [str(file["key"]) for file in find_state(data, "inventoryRun")["files"]]


def begin_replication(server: Server) -> None:
    document = (
        "<ReplicationConfiguration><Rule><Action>ALL</Action><Destination>"
        f"<Bucket>{COPIES}</Bucket><Location>oss-cn-hangzhou</Location></Destination>"
        "<HistoricalObjectReplication>enabled</HistoricalObjectReplication></Rule></ReplicationConfiguration>"
    )
    server.send("POST", SOURCE, body=document.encode(), replication="", comp="add")


def check_replication(server: Server, objects: int) -> str:
    """The target has the keys and the contents of the source, no more."""
    with closing(sqlite3.connect(f"file:{server.data / 'catalog.sqlite'}?mode=ro", uri=True)) as connection:
        (count, alike) = connection.execute(
            "SELECT count(*), sum(o.etag = s.etag AND o.size = s.size) FROM object o"
            " JOIN bucket b ON b.id = o.bucket_id AND b.name = ?"
            " LEFT JOIN object s ON s.key = o.key AND s.bucket_id = (SELECT id FROM bucket WHERE name = ?)",
            (COPIES, SOURCE),
        ).fetchone()
    return "" if count == alike == objects else f"{count:,} copies, {alike} of them alike"


WORKS: Final = {
    "inventory": Work("inventory", begin_inventory, "inventoryRun", "objects", check_inventory),
    "replication": Work("replication", begin_replication, "replicationRun", "copied", check_replication),
}


if __name__ == "__main__":
    main()
