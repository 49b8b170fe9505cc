"""What does a ZIP of 1,000 files of 1 MiB cost, beside a plain GET of as many bytes?

    python benchmarks/archive.py [--files 1000] [--rounds 9]

The real connections and engines in a process of their own, one client that throws away what it reads. In turn, so that
a noisy machine meets all alike: a presigned GET of one object with as many bytes, presigned GETs of the files one after
the other on one connection, the ZIP with its CRC-32s known, and the ZIP with none known. Ratios are of bytes a second,
within a round; the first round, in which blobs are checked, isn't counted. All is in the page cache.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from math import inf
from pathlib import Path
from statistics import median
from typing import Final

import uvloop
from msgspec.structs import replace

from coatcheck import Presigner
from coatcheck.access.actions import Action
from coatcheck.app import Server
from coatcheck.clock import wall_clock
from coatcheck.engines.local import prepare_local
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import Caller
from coatcheck.operations.archive_members import Archive, members_under
from coatcheck.operations.context import Context
from coatcheck.operations.intake import receive
from coatcheck.operations.put import NewObject, put_object
from coatcheck.oss.archive_reply import reply_with_archive
from coatcheck.ports.bucket import NewBucket
from coatcheck.ports.content_sums import NoContentSums
from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import ServerSettings
from coatcheck.wire.connections import ConnectionLimits, Connections
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

MIB: Final = 1024**2
KEY_ID, SECRET = "BenchmarkAk0001", "BenchmarkSecret0123456789abcdef"
NEW: Final = NewObject("default", "Standard", ())


class Alone:
    """There is no other worker."""

    def note(self, connections: float) -> None:
        pass

    def least(self) -> float:
        return inf


async def serve(root: Path, listening: socket.socket, files: int, ready: int) -> None:
    server = Server(ServerSettings(root), RootCredentials(KEY_ID, SECRET))
    plain = await server.open()
    ports, engines = server._ports, server._engines
    assert ports is not None
    assert engines is not None
    account = await engines.keyring.root_account()
    context = Context(ports, Caller(account, KEY_ID), time.time())
    bucket = await ports.catalog.create_bucket(
        NewBucket("bench", account, "cn-hangzhou", "private", "Standard", "LRS", int(time.time())), most=9
    )

    async def pieces(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // MIB):
            yield os.urandom(MIB)

    async def put(key: str, size: int) -> None:
        incoming = await receive(pieces(size), ports.byte_store, most=size)
        await put_object(context, context.decide(Action.PUT_OBJECT, bucket, key), NEW, incoming)

    for number in range(files):
        await put(f"files/{number:05}.bin", MIB)
    await put("one.bin", files * MIB)

    async def gather() -> Archive:
        return await members_under(context, bucket, "files/", root="files/")

    async def answer(exchange: Exchange) -> Reply:
        known = exchange.request.raw_path == b"/zip"
        asked = context if known else replace(context, ports=ports._replace(content_sums=NoContentSums()))
        return await reply_with_archive(asked, exchange.request, gather, "files")

    def begin(request: Request, request_id: str, now: float) -> Exchange:
        if request.raw_path.startswith(b"/zip"):
            return Exchange(request, request_id, now, answer)
        return plain(request, request_id, now)

    limits = ConnectionLimits(
        per_address=100, in_all=100, head_timeout_s=60.0, idle_timeout_s=60.0, body_timeout_s=60.0
    )
    connections = Connections(
        begin, limits, listening, tls=lambda: None, is_proxy=lambda _: False, share=Alone(), clock=wall_clock
    )
    connections.start()
    os.write(ready, b"r")
    await asyncio.Event().wait()


class Client:
    """One connection. `rate` is bytes a second of all bodies, the wait for each first byte included."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._buffer = bytearray(MIB)
        self._presigner = Presigner(KEY_ID, SECRET, region="cn-hangzhou", endpoint=f"http://127.0.0.1:{port}")

    def rate(self, paths: list[str]) -> float:
        begun, size = time.perf_counter(), 0
        for path in paths:
            size += self._get(path)
        return size / (time.perf_counter() - begun)

    def link(self, key: str) -> str:
        return self._presigner.presign("GET", "bench", key).url.partition(f":{self._port}")[2]

    def _get(self, path: str) -> int:
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._socket.recv(65536)
        head, _, rest = head.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        (length,) = (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        size = int(length.partition(b":")[2])
        left = size - len(rest)
        while left:
            left -= self._socket.recv_into(self._buffer, min(left, MIB))
        return size


def measure(port: int, child: int, files: int, rounds: int) -> None:
    client = Client(port)
    singles = [client.link(f"files/{number:05}.bin") for number in range(files)]
    works = {"get": [client.link("one.bin")], "gets": singles, "zip": ["/zip"], "zip, nothing known": ["/zip0"]}
    found: dict[str, list[float]] = {name: [] for name in works}
    cpu: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name in list(works) if number % 2 else reversed(list(works)):
            before = cpu_of(child)
            rate = client.rate(works[name])
            if number:
                found[name].append(rate)
                cpu[name].append(cpu_of(child) - before)
    for name in works:
        ratios = [one / other for one, other in zip(found[name], found["get"], strict=True)]
        shown = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) x get"
        print(f"{name}: {median(found[name]) / MIB:,.0f} MiB/s, {shown}; {median(cpu[name]):.2f} s of CPU")


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="coatcheck-archive-"))
    listening = socket.create_server(("127.0.0.1", 0))
    readable, ready = os.pipe()
    prepare_local(root).close()
    child = os.fork()
    if not child:
        uvloop.run(serve(root, listening, given.files, ready))
        os._exit(0)
    try:
        assert os.read(readable, 1) == b"r"
        measure(listening.getsockname()[1], child, given.files, given.rounds)
        print(f"memory of the server, at most: {peak_mib(child):.0f} MiB")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        shutil.rmtree(root)


def peak_mib(pid: int) -> float:
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().split("\n") if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
