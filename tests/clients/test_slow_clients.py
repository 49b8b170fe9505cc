"""Clients that stop reading, or hardly write: they cost next to nothing, and are dropped when their time is up."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ..builders import a_presigner
from ..patience import HANG_S, wait_until
from ..server_process import ServerProcess
from .raw import send

BUCKET: Final = "slow"
MIB: Final = 1024**2
SIZE: Final = 1024 * MIB
BLOCK: Final = os.urandom(MIB)
PATIENCE_S: Final = 4.0
MANY: Final = 1_000
MAY_GROW_ONE: Final = 16 * MIB
MAY_GROW_MANY: Final = 64 * MIB  # a worker, for its half of a thousand


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with an object of 1 GiB, told to drop a client after a few seconds."""
    server = ServerProcess(tmp_path_factory.mktemp("slow") / "data", "--body-timeout", str(PATIENCE_S))
    try:
        signer = a_presigner(server.endpoint)
        assert send(signer.presign("PUT", BUCKET, None).url, "PUT", body=b"").status == 200
        link = signer.presign("PUT", BUCKET, "large").url
        body = (BLOCK for _ in range(SIZE // MIB))
        assert send(link, "PUT", {"Content-Length": str(SIZE)}, body).status == 200
        yield server
        assert "Traceback" not in server.log.read_text()
        server.stop()
    finally:
        server.kill()
        shutil.rmtree(server.data)  # pytest would keep a gibibyte of each of its last runs


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that drops nobody while the test runs."""
    server = ServerProcess(tmp_path / "data", "--body-timeout", str(2 * HANG_S))
    try:
        assert send(a_presigner(server.endpoint).presign("PUT", BUCKET, None).url, "PUT", body=b"").status == 200
        yield server
        server.stop()
    finally:
        server.kill()


def ask(server: ServerProcess, method: str = "GET", key: str = "large", *fields: str) -> socket.socket:
    """A connection with little room, on which a request was made."""
    wire = socket.socket()
    wire.settimeout(HANG_S)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.connect((server.host, server.port))
    link = a_presigner(server.endpoint).presign(method, BUCKET, key).url
    host = f"Host: {server.host}:{server.port}"
    wire.sendall(
        "\r\n".join([f"{method} {link.removeprefix(server.endpoint)} HTTP/1.1", host, *fields, "", ""]).encode()
    )
    return wire


def growth(server: ServerProcess, before: dict[int, int]) -> int:
    """By how many bytes the worker that grew most has grown; the same workers must be there."""
    after = server.resident_bytes()
    assert after.keys() == before.keys()
    return max(after[pid] - before[pid] for pid in before)


def open_files(server: ServerProcess) -> int:
    """How many blobs and connections the workers have open; of the catalog they open more when something first asks."""
    return sum(_is_for_clients(fd) for pid in server.workers() for fd in Path(f"/proc/{pid}/fd").iterdir())


def _is_for_clients(fd: Path) -> bool:
    try:
        return "/blobs/" in (name := os.readlink(fd)) or name.startswith("socket:")
    except FileNotFoundError:  # closed meanwhile
        return False


def test_a_gibibyte_comes_and_goes_in_constant_memory(server: ServerProcess) -> None:
    before = server.resident_bytes()
    with ask(server, "GET", "large", "Connection: close") as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * MIB)
        reader = wire.makefile("rb", buffering=MIB)
        while reader.readline() != b"\r\n":
            pass
        digest, size = hashlib.md5(), 0
        while piece := reader.read(MIB):
            digest.update(piece)
            size += len(piece)
    expected = hashlib.md5()
    for _ in range(SIZE // MIB):
        expected.update(BLOCK)
    assert (size, digest.digest()) == (SIZE, expected.digest())
    assert growth(server, before) < MAY_GROW_ONE


def test_reader_that_stops_costs_nothing_and_is_dropped(server: ServerProcess) -> None:
    idle, before = open_files(server), server.resident_bytes()
    with ask(server) as wire:
        assert wire.recv(15) == b"HTTP/1.1 200 OK"
        assert open_files(server) > idle
        time.sleep(1)
        assert growth(server, before) < MAY_GROW_ONE
        wait_until(lambda: open_files(server) <= idle, "it was never dropped")


def test_a_thousand_readers_that_stop_leave_memory_flat(server: ServerProcess) -> None:
    idle, before = open_files(server), server.resident_bytes()
    wires = []
    try:
        for _ in range(MANY):
            wires.append(ask(server))
        for wire in wires:
            assert wire.recv(15) == b"HTTP/1.1 200 OK"
        assert growth(server, before) < MAY_GROW_MANY
        answer = send(a_presigner(server.endpoint).presign("GET", BUCKET, "large").url, headers={"Range": "bytes=0-99"})
        assert (answer.status, answer.body) == (206, BLOCK[:100])
        wait_until(lambda: open_files(server) <= idle, "some were never dropped")
    finally:
        for wire in wires:
            wire.close()


def test_many_slow_uploads_leave_memory_flat(patient: ServerProcess) -> None:
    server = patient
    before = server.resident_bytes()
    wires = []
    try:
        for number in range(200):
            wire = ask(server, "PUT", f"slow/{number}", "Content-Length: 1000000")
            wire.sendall(b"x" * 1000)
            wires.append(wire)
        for _ in range(3):
            time.sleep(0.2)
            for wire in wires:
                wire.sendall(b"x" * 1000)
        assert growth(server, before) < MAY_GROW_ONE
    finally:
        for wire in wires:
            wire.close()
