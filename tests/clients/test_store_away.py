"""Bytes in SeaweedFS, and SeaweedFS stopped, killed, cut off or set up wrongly: refused in time, and back in time."""

from __future__ import annotations

import http.client
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import httpx
import pytest

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, a_presigner
from ..patience import HANG_S, wait_until
from ..relay import stopping_relay
from ..seaweed import READER_KEY_ID, Seaweed, seaweed
from ..server_process import ServerProcess, clean_environment
from ..soak import SOAKING
from .load_client import LoadClient
from .raw import Answer, send

BUCKET: Final = "away"
LARGE: Final = bytes(range(256)) * 4096  # 1 MiB: no row has it
KILLS: Final = 50 if SOAKING else 3
MIB: Final = 1024**2


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    with seaweed(tmp_path_factory.mktemp("away") / "store") as store:
        yield store


@pytest.fixture(scope="module")
def server(store: Seaweed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("away") / "data"
    server = ServerProcess(data, "--bytes", store.url("away"), environment=store.environment())
    try:
        make_bucket(server)
        yield server
        server.stop()
    finally:
        server.kill()


def make_bucket(server: ServerProcess) -> None:
    assert send(a_presigner(server.endpoint).presign("PUT", BUCKET, None).url, "PUT", body=b"").status == 200


def put(server: ServerProcess, key: str, body: bytes) -> Answer:
    return send(a_presigner(server.endpoint).presign("PUT", BUCKET, key).url, "PUT", body=body)


def get(server: ServerProcess, key: str) -> Answer:
    return send(a_presigner(server.endpoint).presign("GET", BUCKET, key).url)


def refused_in_time(server: ServerProcess) -> None:
    """Downloads and uploads of what no row has; what lives in rows goes on."""
    for method, body in (("GET", None), ("PUT", LARGE)):
        begun = time.monotonic()
        answer = send(a_presigner(server.endpoint).presign(method, BUCKET, "large").url, method, body=body)
        assert (answer.status, answer.error["Code"], answer.headers["retry-after"]) == (503, "ServiceUnavailable", "1")
        assert time.monotonic() - begun < 5
    assert get(server, "small").body == b"small"


def back_in_time(server: ServerProcess) -> None:
    begun = time.monotonic()
    wait_until(lambda: get(server, "large").status == 200)
    assert time.monotonic() - begun < 2
    assert get(server, "large").body == LARGE
    assert put(server, "other", LARGE).status == 200


def test_a_store_that_hangs_is_refused_in_time_and_back_in_time(server: ServerProcess, store: Seaweed) -> None:
    assert put(server, "large", LARGE).status == put(server, "small", b"small").status == 200
    store.stop()
    try:
        refused_in_time(server)
    finally:
        store.go_on()
    back_in_time(server)


def test_a_store_that_died_is_refused_in_time_and_back_in_time(server: ServerProcess, store: Seaweed) -> None:
    assert put(server, "large", LARGE).status == put(server, "small", b"small").status == 200
    store.kill()
    try:
        refused_in_time(server)
    finally:
        store.start()
        store.wait_until_it_answers()
    back_in_time(server)


def test_a_body_whose_store_breaks_in_the_middle_never_looks_whole(store: Seaweed, tmp_path: Path) -> None:
    size = 32 * MIB
    with stopping_relay(store.endpoint, 16 * MIB) as relay:
        where = store.environment(endpoint=relay.endpoint)
        server = ServerProcess(tmp_path / "data", "--bytes", store.url("cut"), environment=where)
        try:
            make_bucket(server)
            assert put(server, "cut", os.urandom(size)).status == 200
            begun = time.monotonic()
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                get(server, "cut")
            assert time.monotonic() - begun < HANG_S / 2
            server.stop()
        finally:
            server.kill()


def peak_bytes(pid: int) -> int:
    """The most memory that the process ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def test_an_upload_of_unknown_length_takes_little_memory(store: Seaweed, tmp_path: Path) -> None:
    server = ServerProcess(
        tmp_path / "data", "--bytes", store.url("unknown"), workers=1, environment=store.environment()
    )
    try:
        make_bucket(server)
        assert put(server, "first", bytes(9 * MIB)).status == 200  # whatever is loaded only once
        (worker,) = server.workers()
        Path(f"/proc/{worker}/clear_refs").write_text("5")  # forgets the peak
        idle = server.resident_bytes()[worker]
        link = a_presigner(server.endpoint).presign("PUT", BUCKET, "unknown")
        reply = httpx.put(link.url, content=(os.urandom(MIB) for _ in range(256)), timeout=HANG_S)
        assert reply.status_code == 200
        assert peak_bytes(worker) - idle <= 48 * MIB
        server.stop()
    finally:
        server.kill()


# --- nothing acknowledged is lost ------------------------------------------------------------------------------------


@pytest.mark.soak(KILLS)
def test_nothing_acknowledged_is_lost_when_the_store_is_killed(server: ServerProcess, store: Seaweed) -> None:
    clients, moments = [LoadClient(server, BUCKET, number) for number in range(4)], random.Random(1)
    for client in clients:
        client.start()
    for _ in range(KILLS):
        before = sum(client.acknowledged for client in clients)
        wait_until(lambda before=before: sum(client.acknowledged for client in clients) >= before + 10)  # type: ignore[misc]
        time.sleep(moments.random() / 10)
        store.kill()
        store.start()
        store.wait_until_it_answers()
    for client in clients:
        client.ends.set()
        client.join(HANG_S)
        client.check_all()
    assert [wrong for client in clients for wrong in client.wrong] == []


# --- set up wrongly --------------------------------------------------------------------------------------------------


def started(data: Path, url: str, where: dict[str, str]) -> subprocess.CompletedProcess[str]:
    keys = {"OSS_ACCESS_KEY_ID": ACCESS_KEY_ID, "OSS_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET}
    return subprocess.run(
        [sys.executable, "-m", "coatcheck", "serve", "--data", str(data), "--listen", "127.0.0.1:0", "--bytes", url],
        env=clean_environment(**keys, **where),
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )


def test_a_store_that_is_set_up_wrongly_ends_the_start_with_a_line_and_the_next_step(
    store: Seaweed, server: ServerProcess, tmp_path: Path
) -> None:
    right, place = store.environment(), store.url("wrongly")
    cases = {
        "no-bucket": ("s3://no-such-bucket/x", right, "404 NoSuchBucket. Make the bucket"),
        "secret": (place, right | {"AWS_SECRET_ACCESS_KEY": "wrong"}, "403 SignatureDoesNotMatch. Set AWS_SECRET"),
        "key": (place, right | {"AWS_ACCESS_KEY_ID": "unknown"}, "403 InvalidAccessKeyId. Set AWS_ACCESS_KEY_ID"),
        "reader": (place, store.environment(READER_KEY_ID), "403 AccessDenied. Allow this key to read, write"),
        "nobody": (place, right | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "connection refused. Start the store"),
        "other": (store.url("away"), right, "has the bytes of another catalog. Name another bucket"),
    }
    with ThreadPoolExecutor(2) as threads:
        starts = {name: threads.submit(started, tmp_path / name, url, where) for name, (url, where, _) in cases.items()}
    for name, (_, _, words) in cases.items():
        done = starts[name].result()
        assert done.returncode == 2, name
        lines = [line for line in done.stderr.splitlines() if line]
        assert words in done.stderr, (name, done.stderr)
        assert len(lines) <= 2, (name, done.stderr)
        assert "Traceback" not in done.stderr
