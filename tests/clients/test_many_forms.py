"""Unsigned forms, a thousand connections at once: a worker hardly grows, and serves others meanwhile."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Final

import pytest

from ..builders import a_presigner
from ..server_process import ServerProcess
from .raw import send

BUCKET: Final = "forms"
MANY: Final = 1_000
FEWER: Final = 100  # where each sends megabytes
MAY_GROW: Final = 64 * 1024**2  # a worker, for all of the thousand
HEAD: Final = (
    f"POST /{BUCKET}/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    "Content-Length: 9000000\r\n\r\n"
)
BEGIN: Final = '--b\r\nContent-Disposition: form-data; name="key"\r\n\r\na\r\n--b\r\nContent-Disposition: form-data; '
SHAPES: Final = {
    "a field that stops below its limit": f'{BEGIN}name="x"\r\n\r\n{"v" * 60_000}',
    "characters that make the others wide": f'{BEGIN}name="x"\r\n\r\n\U0001f600{"v" * 60_000}\r\n--b\r\n',
    "a name that doesn't end": f'{BEGIN}name="{"n" * 8000}',
    "fields as large as OSS allows": f'{BEGIN}name="x"\r\n\r\n{"v" * 2_000_000}\r\n--b\r\n'
    f'Content-Disposition: form-data; name="y"\r\n\r\n{"v" * 1_900_000}',
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("forms") / "data")
    try:
        link = a_presigner(server.endpoint).presign("PUT", BUCKET, None).url
        assert send(link, "PUT", body=b"").status == 200
        yield server
        assert "Traceback" not in server.log.read_text()
        server.stop()
    finally:
        server.kill()


def connect(server: ServerProcess, sent: bytes) -> socket.socket:
    wire = socket.create_connection((server.host, server.port), timeout=60)
    wire.sendall(sent)
    return wire


@pytest.mark.parametrize("shape", SHAPES)
def test_a_thousand_unsigned_forms_that_stall_cost_little(server: ServerProcess, shape: str) -> None:
    sent = (HEAD + SHAPES[shape]).encode()
    connect(server, sent).close()
    before = server.resident_bytes()
    wires: list[socket.socket] = []
    try:
        for _ in range(FEWER if len(sent) > 1_000_000 else MANY):
            wires.append(connect(server, sent))
        link = a_presigner(server.endpoint).presign("PUT", BUCKET, "others").url
        for _ in range(20):  # the bound holds at any moment; by and by all has been read
            assert send(link, "PUT", body=b"served").status == 200
            after = server.resident_bytes()
            assert max(after[pid] - before[pid] for pid in before) < MAY_GROW
            time.sleep(0.05)
    finally:
        for wire in wires:
            wire.close()
