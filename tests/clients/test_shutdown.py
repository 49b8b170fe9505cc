"""SIGTERM: what runs may finish, within a bound; nothing new is taken; what was answered is there afterwards."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ..audit import audit
from ..builders import a_presigner
from ..patience import HANG_S, wait_until
from ..server_process import ServerProcess
from .raw import connect, send

BUCKET: Final = "shutdown"
BODY: Final = os.urandom(32 * 1024**2)
SHORT_DRAIN_S: Final = 3
LONG_DRAIN_S: Final = int(2 * HANG_S)  # so whatever ends sooner didn't wait for it


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """One that gives its clients all the time they may need."""
    yield from a_server(tmp_path, LONG_DRAIN_S)


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[ServerProcess]:
    yield from a_server(tmp_path, SHORT_DRAIN_S)


def a_server(tmp_path: Path, drain_s: int) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path / "data", "--drain-timeout", str(drain_s))
    try:
        signer = a_presigner(server.endpoint)
        assert send(signer.presign("PUT", BUCKET, None).url, "PUT", body=b"").status == 200
        assert send(signer.presign("PUT", BUCKET, "large").url, "PUT", body=BODY).status == 200
        yield server
    finally:
        server.kill()


def ask(server: ServerProcess, method: str = "GET", key: str = "large", *fields: str) -> socket.socket:
    wire = connect(server)
    path = a_presigner(server.endpoint).presign(method, BUCKET, key).url.removeprefix(server.endpoint)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {server.host}:{server.port}", *fields, "", ""]
    wire.sendall("\r\n".join(lines).encode())
    return wire


def refuses(server: ServerProcess) -> bool:
    """Whether nobody takes connections any more."""
    try:
        with connect(server, timeout_s=1):
            return False
    except OSError:
        return True


def test_running_download_finishes_and_new_ones_are_refused(server: ServerProcess) -> None:
    with ask(server) as wire:
        received = bytearray(wire.recv(100_000))
        server.terminate()
        wait_until(lambda: refuses(server))
        whole = received.index(b"\r\n\r\n") + 4 + len(BODY)
        while len(received) < whole:
            piece = wire.recv(1024**2)
            assert piece, f"cut off after {len(received)} bytes"
            received += piece
        assert received[-len(BODY) :] == BODY
    assert server.wait() == 0


def test_running_upload_finishes_and_is_kept(server: ServerProcess) -> None:
    with ask(server, "PUT", "late", "Content-Length: 300000", "Expect: 100-continue") as wire:
        assert wire.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"  # it runs
        wire.sendall(BODY[:100_000])
        server.terminate()
        wait_until(lambda: refuses(server))
        wire.sendall(BODY[100_000:300_000])
        assert wire.recv(15) == b"HTTP/1.1 200 OK"
    assert server.wait() == 0
    again = ServerProcess(server.data)
    try:
        assert send(a_presigner(again.endpoint).presign("GET", BUCKET, "late").url).body == BODY[:300_000]
        again.stop()
    finally:
        again.kill()


def test_client_that_is_stuck_does_not_hold_the_server_up(impatient: ServerProcess) -> None:
    server = impatient
    stuck = [
        ask(server),  # reads no more than the first bytes
        ask(server, "PUT", "never", "Content-Length: 300000", "Expect: 100-continue"),  # sends nothing
        connect(server),  # says nothing
    ]
    assert stuck[0].recv(15) == b"HTTP/1.1 200 OK"  # both run
    assert stuck[1].recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    server.terminate()
    assert server.wait() == 0
    for wire in stuck:
        wire.close()
    again = ServerProcess(server.data)
    try:
        assert audit(server.data).clean
        assert send(a_presigner(again.endpoint).presign("GET", BUCKET, "never").url).status == 404
        again.stop()
    finally:
        again.kill()


def test_server_that_is_ended_as_soon_as_it_is_up_ends_at_once(tmp_path: Path) -> None:
    for _ in range(4):
        ServerProcess(tmp_path / "data", "--drain-timeout", str(LONG_DRAIN_S)).stop()


def test_idle_connections_end_at_once(server: ServerProcess) -> None:
    with ask(server, "HEAD") as wire:
        assert wire.recv(15) == b"HTTP/1.1 200 OK"
        server.stop()


def test_what_was_answered_is_kept_when_the_server_ends_among_writes(server: ServerProcess) -> None:
    answered: dict[str, bytes] = {}

    def write_on(number: int) -> None:
        for n in range(10_000):
            key, body = f"{number}/{n}", b"%d %d" % (number, n) * (1 + n % 3 * 20_000)
            try:
                if send(a_presigner(server.endpoint).presign("PUT", BUCKET, key).url, "PUT", body=body).status == 200:
                    answered[key] = body
            except OSError:
                return

    writers = [threading.Thread(target=write_on, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    wait_until(lambda: len(answered) > 10)
    server.terminate()
    assert server.wait() == 0
    for writer in writers:
        writer.join(HANG_S)
    assert audit(server.data).clean
    again = ServerProcess(server.data)
    try:
        for key, body in answered.items():
            assert send(a_presigner(again.endpoint).presign("GET", BUCKET, key).url).body == body
        again.stop()
    finally:
        again.kill()
