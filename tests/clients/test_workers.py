"""The processes of a server: workers that stop, die or are replaced, a port that is taken, the first process killed."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from ..patience import HANG_S
from ..server_process import ServerProcess, clean_environment
from .raw import connect, send

WORKER_TIMEOUT_S: Final = 3


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path / "data", "--worker-timeout", str(WORKER_TIMEOUT_S))
    try:
        yield server
    finally:
        server.kill()


def wait_until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + HANG_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def has_replaced(server: ServerProcess, old: set[int]) -> bool:
    """Whether none of the old workers is there any more, and others are."""
    workers = server.workers()
    return len(workers) == 2 and not old & set(workers)


def answers(server: ServerProcess) -> bool:
    return send(f"{server.endpoint}/").status == 403


def sockets_of(pid: int) -> int:
    """How many sockets a process has open."""
    found = 0
    for file in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += os.readlink(file).startswith("socket:")
        except OSError:
            continue
    return found


def test_stopped_worker_holds_nobody_up_and_is_replaced(server: ServerProcess) -> None:
    stopped, other = server.workers()
    os.kill(stopped, signal.SIGSTOP)
    for _ in range(50):
        assert answers(server)
    assert wait_until(lambda: stopped not in server.workers() and len(server.workers()) == 2)
    assert other in server.workers()
    assert f"worker {stopped} gave no sign of life" in server.log.read_text()
    for _ in range(50):
        assert answers(server)
    server.stop()


def test_server_that_was_stopped_as_a_whole_goes_on_with_the_same_workers(server: ServerProcess) -> None:
    before = server.processes()
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(WORKER_TIMEOUT_S + 6)
    for pid in before:
        os.kill(pid, signal.SIGCONT)
    for _ in range(20):
        assert answers(server)
        time.sleep(0.1)
    assert server.processes() == before
    server.stop()


def test_worker_that_is_killed_again_and_again_is_replaced_each_time(server: ServerProcess) -> None:
    for _ in range(4):
        workers = server.workers()
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        assert wait_until(partial(has_replaced, server, {workers[0]}))
        assert answers(server)
    for pid in server.workers():
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: len(server.workers()) == 2)
    assert answers(server), "connections wait for the next worker"
    assert "ended with SIGKILL; another takes its place" in server.log.read_text()
    server.stop()


def test_workers_end_with_the_first_process(server: ServerProcess) -> None:
    workers = server.workers()
    os.kill(server.pid, signal.SIGKILL)
    assert wait_until(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers))


def test_kept_connections_are_spread_over_the_workers(server: ServerProcess) -> None:
    before = {pid: sockets_of(pid) for pid in server.workers()}
    wires = []
    for _ in range(40):
        wire = connect(server)
        wires.append(wire)
        wire.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert wire.recv(12) == b"HTTP/1.1 403"
    shares = [sockets_of(pid) - before[pid] for pid in before]
    for wire in wires:
        wire.close()
    assert sum(shares) == 40
    assert min(shares) >= 10, shares
    server.stop()


class Clients:
    """Some who ask all the time, on kept connections or each time on a new one, and how it went."""

    def __init__(self, server: ServerProcess, *, kept: int, fresh: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self._server = server
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n < kept,)) for n in range(kept + fresh)]
        for thread in self._threads:
            thread.start()

    def _ask(self, keeps: bool) -> None:
        connection = self._connect()
        while not self._over.is_set():
            try:
                connection.request("GET", "/", headers={} if keeps else {"Connection": "close"})
                reply = connection.getresponse()
                reply.read()
                self.outcomes[str(reply.status)] += 1
            except (OSError, http.client.HTTPException) as error:
                self.outcomes[type(error).__name__] += 1
                connection.close()
                connection = self._connect()
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._server.host, self._server.port, timeout=30)

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)


def test_reload_under_load_loses_no_request(server: ServerProcess) -> None:
    clients = Clients(server, kept=4, fresh=2)
    try:
        for _ in range(3):
            before = set(server.workers())
            server.reload()
            assert wait_until(partial(has_replaced, server, before))
    finally:
        clients.stop()
    assert clients.outcomes.keys() == {"403"}, clients.outcomes
    server.stop()


def test_worker_killed_under_load_loses_its_own_requests_alone(server: ServerProcess) -> None:
    clients = Clients(server, kept=4, fresh=2)
    try:
        assert wait_until(lambda: clients.outcomes["403"] > 100)
        os.kill(server.workers()[0], signal.SIGKILL)
        assert wait_until(lambda: len(server.workers()) == 2)
        answered = clients.outcomes["403"]
        assert wait_until(lambda: clients.outcomes["403"] > answered + 100)
    finally:
        clients.stop()
    lost = sum(clients.outcomes.values()) - clients.outcomes["403"]
    assert lost <= 6, clients.outcomes
    server.stop()


def test_server_ends_in_order_under_load(server: ServerProcess) -> None:
    """Who was answered has the whole reply; others are refused the connection or told that it was closed."""
    clients = Clients(server, kept=2, fresh=2)
    try:
        assert wait_until(lambda: clients.outcomes["403"] > 100)
        server.stop()
    finally:
        clients.stop()
    assert "IncompleteRead" not in clients.outcomes
    assert "Traceback" not in server.log.read_text()


def start(data: Path, port: int) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "coatcheck", "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}"]
    return subprocess.run(words, env=clean_environment(), capture_output=True, text=True, timeout=60)


def test_port_on_which_somebody_listens_is_in_use(tmp_path: Path, server: ServerProcess) -> None:
    done = start(tmp_path / "second", server.port)
    assert (done.returncode, done.stderr.strip()) == (
        2,
        f"error: Port {server.port} on 127.0.0.1 is in use. Take another with --listen 127.0.0.1:PORT.",
    )
    server.stop()


def test_port_that_old_connections_hold_is_not_said_to_be_in_use(tmp_path: Path) -> None:
    """A program has stopped listening, and a connection of it is left."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        port = listening.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = listening.accept()
    with client, accepted:
        done = start(tmp_path / "data", port)
        assert done.returncode == 2
        assert (
            f"Nobody listens on port {port} on 127.0.0.1, but connections of another program still hold it"
            in done.stderr
        )


def test_port_whose_old_connections_have_ended_is_taken(tmp_path: Path) -> None:
    """They are in TIME_WAIT, as after any server that was just ended."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listening.accept()
            accepted.close()  # who closes first waits
            assert client.recv(1) == b""
    server = ServerProcess(tmp_path / "data", port=port)
    try:
        assert answers(server)
        server.stop()
    finally:
        server.kill()
