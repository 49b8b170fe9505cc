"""A server that is watched: its metrics beside what clients counted, its health, its log file."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from ..builders import a_presigner
from ..patience import HANG_S, wait_until
from ..server_process import ServerProcess
from .raw import send

pytestmark = pytest.mark.live

BUCKET: Final = "watched"
BODY: Final = b"x" * 1000
CLIENTS: Final = 6
ROUNDS: Final = 40

Counted = Counter[tuple[str, int]]  # by operation and status


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    return tmp_path / "requests.log"


@pytest.fixture
def server(tmp_path: Path, log_file: Path) -> Iterator[ServerProcess]:
    options = ("--admin", "127.0.0.1:0", "--access-log", "--log-format", "json", "--log-file", str(log_file))
    server = ServerProcess(tmp_path / "data", *options)
    try:
        assert put(server, None, b"") == 200
        assert put(server, "a.txt", BODY) == 200
        yield server
    finally:
        server.kill()


def put(server: ServerProcess, key: str | None, body: bytes) -> int:
    return send(a_presigner(server.endpoint).presign("PUT", BUCKET, key).url, "PUT", body=body).status


def ask(server: ServerProcess, path: str) -> Any:
    return json.loads(send(f"{server.admin}{path}").body)


def scrape(server: ServerProcess) -> dict[str, float]:
    lines = send(f"{server.admin}/metrics").body.decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def requests_of(server: ServerProcess) -> Counted:
    found: Counted = Counter()
    for name, value in scrape(server).items():
        if labels := re.fullmatch(r'coatcheck_requests_total\{operation="(\w+)",status="(\d+)"\}', name):
            found[labels[1], int(labels[2])] = int(value)
    return found


class Clients:
    """Each asks in turn for what there is, for what there isn't, and stores something; on a connection that it keeps.

    Attributes:
        answered: what they got whole.
        lost: requests whose connection ended before.
        received: bytes of bodies.
    """

    def __init__(self, server: ServerProcess, rounds: int) -> None:
        self.answered: Counted = Counter()
        self.lost = self.received = self.begun = 0
        self._server, self._rounds, self._lock = server, rounds, threading.Lock()
        self._threads = [threading.Thread(target=self._ask_all, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(HANG_S)
            assert not thread.is_alive()

    def _ask_all(self, number: int) -> None:
        presigner = a_presigner(self._server.endpoint)
        work = (
            ("GetObject", presigner.presign("GET", BUCKET, "a.txt").url, b""),
            ("GetObject", presigner.presign("GET", BUCKET, f"none-{number}").url, b""),
            ("HeadObject", presigner.presign("HEAD", BUCKET, "a.txt").url, b""),
            ("PutObject", presigner.presign("PUT", BUCKET, f"{number}.txt").url, BODY),
        )
        connection = self._connect()
        for _ in range(self._rounds):
            for operation, url, body in work:
                with self._lock:
                    self.begun += 1
                if not self._ask(connection, operation, url, body):
                    connection.close()
                    connection = self._connect()
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._server.host, self._server.port, timeout=HANG_S)

    def _ask(self, connection: http.client.HTTPConnection, operation: str, url: str, body: bytes) -> bool:
        method = operation.removesuffix("Object").upper()
        parts = urlsplit(url)
        try:
            connection.request(method, f"{parts.path}?{parts.query}", body or None, {"Host": parts.netloc})
            reply = connection.getresponse()
            got = reply.read()
        except (OSError, http.client.HTTPException):
            with self._lock:
                self.lost += 1
            return False
        with self._lock:
            self.answered[operation, reply.status] += 1
            self.received += len(got)
        return True


def test_metrics_are_to_the_request_what_clients_counted(server: ServerProcess, log_file: Path) -> None:
    before, bytes_before = requests_of(server), scrape(server)
    clients = Clients(server, ROUNDS)
    while clients.begun < CLIENTS * ROUNDS:  # in the middle of it, however far they are
        scraped = sum(requests_of(server).values())
        assert scraped <= clients.begun + sum(before.values())
    clients.join()
    wanted = {
        ("GetObject", 200): CLIENTS * ROUNDS,
        ("GetObject", 404): CLIENTS * ROUNDS,
        ("HeadObject", 200): CLIENTS * ROUNDS,
        ("PutObject", 200): CLIENTS * ROUNDS,
    }
    assert (clients.answered, clients.lost) == (wanted, 0)
    wait_until(lambda: requests_of(server) - before == wanted, lambda: str(requests_of(server) - before))
    said = scrape(server)
    assert said["coatcheck_sent_bytes_total"] - bytes_before["coatcheck_sent_bytes_total"] == clients.received
    arrived = said["coatcheck_received_bytes_total"] - bytes_before["coatcheck_received_bytes_total"]
    assert arrived == CLIENTS * ROUNDS * len(BODY)
    assert said['coatcheck_refusals_total{code="NoSuchKey"}'] == CLIENTS * ROUNDS
    assert said['coatcheck_request_seconds_count{class="read"}'] == 3 * CLIENTS * ROUNDS
    assert said["coatcheck_workers"] == 2

    def is_committed() -> bool:  # what isn't counted with requests is looked at once a second
        return scrape(server)["coatcheck_commit_changes_sum"] >= CLIENTS * ROUNDS + 2

    wait_until(is_committed)
    wait_until(lambda: len(log_file.read_text().splitlines()) == 4 * CLIENTS * ROUNDS + 2)
    lines = [json.loads(line) for line in log_file.read_text().splitlines()]
    logged = Counter((line["operation"], line["status"]) for line in lines)
    assert logged == Counter(wanted) + Counter({("PutBucket", 200): 1, ("PutObject", 200): 1})  # the fixture's
    assert {line["end"] for line in lines} == {"whole"}
    assert "signature" not in log_file.read_text().lower()
    server.stop()


def test_what_a_killed_worker_has_counted_stays(server: ServerProcess) -> None:
    before = requests_of(server)
    clients = Clients(server, 4 * ROUNDS)
    for share in (1, 2):
        wait_until(lambda share=share: clients.begun > share * CLIENTS * ROUNDS)  # type: ignore[misc]
        workers = server.workers()
        os.kill(workers[0], signal.SIGKILL)
        wait_until(lambda gone=workers[0]: gone not in server.workers() and len(server.workers()) == 2)  # type: ignore[misc]
    clients.join()
    answered, counted = sum(clients.answered.values()), Counter[tuple[str, int]]()

    def agrees() -> bool:
        nonlocal counted
        counted = requests_of(server) - before
        return abs(sum(counted.values()) - answered) <= clients.lost

    assert answered + clients.lost == clients.begun == 16 * CLIENTS * ROUNDS
    assert clients.lost <= 2 * CLIENTS, "one request of each client was under way when a worker was killed"
    wait_until(agrees, lambda: f"{counted} {clients.answered} {clients.lost}")
    for place in clients.answered.keys() | counted.keys():
        assert abs(counted[place] - clients.answered[place]) <= clients.lost
    assert scrape(server)["coatcheck_worker_restarts_total"] == 2


def test_a_reload_loses_no_count_and_no_scrape(server: ServerProcess) -> None:
    before = set(server.workers())
    server.reload()

    def is_reloaded() -> bool:
        assert requests_of(server)["PutObject", 200] == 1
        return scrape(server)["coatcheck_reloads_total"] == 1 and not before & set(server.workers())

    wait_until(is_reloaded)
    assert scrape(server)["coatcheck_worker_restarts_total"] == 0
    server.stop()


def test_health_and_version_are_told_on_the_admin_port_alone(server: ServerProcess) -> None:
    assert ask(server, "/health/ready") == {"ready": True, "reads": "yes", "writes": "yes", "workers": 2}
    assert ask(server, "/health/live") == {"live": True}
    assert set(ask(server, "/version")) == {"version", "python"}
    assert send(f"{server.endpoint}/metrics").status == 404
    assert send(f"{server.endpoint}/health/ready").error["Code"] == "NoSuchBucket"
    link = a_presigner(server.admin).presign("GET", BUCKET, "a.txt").url
    assert (send(link).status, send(f"{server.admin}/health/ready/").status) == (404, 404)
    refused = send(f"{server.admin}/metrics", "POST", body=b"x")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")
    assert send(f"{server.admin}/metrics", "HEAD").status == 200


def test_who_says_nothing_on_the_admin_port_holds_nobody_up(server: ServerProcess) -> None:
    where = urlsplit(server.admin)
    silent = [http.client.HTTPConnection(where.hostname or "", where.port) for _ in range(100)]
    for connection in silent:
        connection.connect()
    assert ask(server, "/health/live") == {"live": True}
    for connection in silent:
        connection.close()


@pytest.mark.parametrize("to_all", [False, True])
def test_the_log_file_is_opened_anew_by_every_process(server: ServerProcess, log_file: Path, *, to_all: bool) -> None:
    workers = server.workers()
    log_file.rename(log_file.with_suffix(".1"))
    for pid in server.processes() if to_all else [server.pid]:
        os.kill(pid, signal.SIGUSR1)
    wait_until(log_file.exists)

    def goes_there() -> bool:  # from whichever worker it was
        send(a_presigner(server.endpoint).presign("GET", BUCKET, "a.txt").url)
        old = log_file.with_suffix(".1").stat().st_size
        for _ in range(20):
            send(a_presigner(server.endpoint).presign("GET", BUCKET, "a.txt").url)
        time.sleep(0.6)
        return log_file.with_suffix(".1").stat().st_size == old and log_file.read_text().count("\n") >= 20

    wait_until(goes_there)
    assert server.workers() == workers
    server.stop()
