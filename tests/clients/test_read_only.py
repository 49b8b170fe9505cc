"""A data directory that can be read and not written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..builders import a_presigner
from ..server_process import ServerProcess, clean_environment
from .raw import Answer, send

ReadOnly = Callable[[Path], None]


@pytest.fixture
def read_only() -> Iterator[ReadOnly]:
    """Make a folder read-only, for root too. Mounting takes root."""
    mounted: list[Path] = []

    def mount(place: Path) -> None:
        bound = subprocess.run(["mount", "--bind", str(place), str(place)], capture_output=True)
        if bound.returncode:
            pytest.skip(f"MISSING: cannot mount: {bound.stderr.decode().strip()}")
        mounted.append(place)
        subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)

    try:
        yield mount
    finally:
        for place in mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)


def ask(server: ServerProcess, method: str, key: str | None, body: bytes | None = None) -> Answer:
    return send(a_presigner(server.endpoint).presign(method, "readable", key).url, method, body=body)


def test_uploads_are_refused_and_links_go_on(tmp_path: Path, read_only: ReadOnly) -> None:
    server = ServerProcess(tmp_path / "data", workers=1)
    try:
        large = bytes(range(256)) * 1000
        assert ask(server, "PUT", None, b"").status == 200
        assert ask(server, "PUT", "large", large).status == 200
        read_only(server.data / "incoming")
        for _ in range(3):
            refused = ask(server, "PUT", "large", b"2" * 200_000)
            assert (refused.status, refused.error["Code"]) == (503, "ServiceUnavailable")
            assert refused.headers["retry-after"] == "5"
        assert ask(server, "GET", "large").body == large
        assert ask(server, "PUT", "small", b"small").status == 200
        log = server.log.read_text()
        assert (log.count("uploads cannot be written"), "Traceback" in log) == (1, False)
        server.stop()
    finally:
        server.kill()


def test_start_is_refused_with_one_line(tmp_path: Path, read_only: ReadOnly) -> None:
    data = tmp_path / "data"
    server = ServerProcess(data, workers=1)
    server.stop()
    read_only(data)
    line = [sys.executable, "-m", "coatcheck", "serve", "--data", str(data), "--listen", "127.0.0.1:0"]
    refused = subprocess.run(line, env=clean_environment(), capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2
    assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr
    assert "Read-only file system" in refused.stderr
