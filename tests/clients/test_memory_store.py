"""A server whose store is its memory: it serves as any other, and leaves nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from ..builders import a_presigner
from ..patience import HANG_S, wait_until
from ..server_process import ServerProcess, clean_environment
from .conftest import make_bucket
from .raw import send

WORKS: Final = (  # each is done by one worker
    *(
        "lifecycle",
        "sweep",
        "access-log",
        "inventory",
        "replication",
        "fetch",
        "mirror",
        "link-audit",
        "link-filter",
        "link-notices",
    ),
    "process",
)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the server puts what has to be a file."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    return scratch


def test_objects_are_put_and_got_and_leave_nothing(tmp_path: Path, scratch: Path) -> None:
    server = ServerProcess(tmp_path / "data", "--store", "memory:", workers=1)
    try:
        presigner, bucket = a_presigner(server.endpoint), make_bucket(server)
        for key, content in (("small", b"hello"), ("large", bytes(range(256)) * 1024)):
            assert send(presigner.presign("PUT", bucket, key).url, "PUT", body=content).status == 200
            answer = send(presigner.presign("GET", bucket, key).url)
            assert (answer.status, answer.body) == (200, content)
        assert send(f"{server.endpoint}/.coatcheck/callback-key.pem").body.startswith(b"-----BEGIN PUBLIC KEY-----")
        os.kill(server.pid, signal.SIGHUP)
        wait_until(lambda: "not reloaded: a new worker would have nothing" in server.log.read_text())
        assert send(presigner.presign("GET", bucket, "small").url).body == b"hello"
        names = {path.name for path in scratch.rglob("*") if path.is_file() and path.suffix != ".rows"}
        assert names <= {"boot", "lifecycle.day"} | {f"{work}.lock" for work in WORKS}
    finally:
        server.stop()
    assert not (tmp_path / "data").exists()
    assert list(scratch.iterdir()) == []


def test_a_key_is_made_and_said(scratch: Path) -> None:
    line = [sys.executable, "-m", "coatcheck", "serve", "--store", "memory:", "--workers", "1"]
    line += ["--listen", "127.0.0.1:0"]
    with subprocess.Popen(line, env=clean_environment(), stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = [server.stdout.readline() for _ in range(2)]
        server.terminate()
    assert re.fullmatch(
        r"A root access key was made, LTAI5t\w+\. Its secret is in \S+/root-credentials\.json\.\n", said[0]
    )
    assert said[1].endswith("(region cn-hangzhou, in memory, Ctrl-C to stop)\n")
    assert list(scratch.iterdir()) == []


def test_more_workers_are_refused_with_a_sentence() -> None:
    line = [sys.executable, "-m", "coatcheck", "serve", "--store", "memory:", "--workers", "2"]
    done = subprocess.run(line, env=clean_environment(), capture_output=True, text=True, timeout=HANG_S)
    assert done.returncode == 2
    assert "--store memory: is one process's memory; it goes with --workers 1." in done.stderr


def test_a_store_of_files_is_a_data_directory(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "other", "--store", f"file:{tmp_path / 'data'}", workers=1)
    try:
        make_bucket(server)
    finally:
        server.stop()
    assert (tmp_path / "data" / "catalog.sqlite").exists()
    assert not (tmp_path / "other").exists()
