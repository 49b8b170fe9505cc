"""Somebody else keeps the catalog from being written: links go on, changes are refused in time, and then made again."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pytest

from ..audit import audit
from ..builders import a_presigner
from ..server_process import ServerProcess
from .raw import Answer, send

BUCKET: Final = "held"


@contextmanager
def write_lock_held(data: Path) -> Iterator[None]:
    """By a process of ours that hangs in its transaction."""
    with (data / "catalog.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def catalog_locked(data: Path) -> Iterator[None]:
    """By a foreign program, such as the sqlite3 shell in a transaction."""
    foreign = sqlite3.connect(data / "catalog.sqlite", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        foreign.close()


def put(server: ServerProcess, key: str, body: bytes) -> Answer:
    return send(a_presigner(server.endpoint).presign("PUT", BUCKET, key).url, "PUT", body=body)


def get(server: ServerProcess, key: str) -> Answer:
    return send(a_presigner(server.endpoint).presign("GET", BUCKET, key).url)


@pytest.mark.parametrize("held", [write_lock_held, catalog_locked])
def test_changes_are_refused_while_nobody_may_write_and_links_go_on(
    tmp_path: Path, held: Callable[[Path], AbstractContextManager[None]]
) -> None:
    server = ServerProcess(tmp_path / "data", workers=1)
    try:
        assert send(a_presigner(server.endpoint).presign("PUT", BUCKET, None).url, "PUT", body=b"").status == 200
        assert put(server, "small", b"small").status == 200
        with held(server.data):
            for key, body in (("small", b"other"), ("large", bytes(200_000))):
                answer = put(server, key, body)
                assert (answer.status, answer.error["Code"]) == (503, "ServiceUnavailable")
                assert answer.headers["retry-after"] == "5"
            assert get(server, "small").body == b"small"
            assert get(server, "large").status == 404
        assert put(server, "large", bytes(200_000)).status == 200
        assert get(server, "small").body == b"small"
        assert "for 5 seconds nothing could be written" in server.log.read_text()
        server.stop()
        assert audit(server.data).clean
    finally:
        server.kill()
