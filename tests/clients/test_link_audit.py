"""Who used a link that an SDK has signed, and who is told of it, on a running server; through kill -9 too."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import oss2
import pytest

from coatcheck import Links

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..patience import wait_until
from ..server_process import ServerProcess, clean_environment
from .test_links import REGION, get

pytestmark = pytest.mark.live

LARGE = os.urandom(1024 * 1024) * 16


class Receiver(ThreadingHTTPServer):
    """Hears notices, and answers 500 as long as it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hearing)
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.failing = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.heard]


class _Hearing(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self.server.failing:
            self.server.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(500 if self.server.failing else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.shutdown()
    receiver.server_close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def serve(data: Path) -> ServerProcess:
    return ServerProcess(data, "--callback-network", "127.0.0.0/8")


def bucket_of(server: ServerProcess) -> oss2.Bucket:
    return oss2.Bucket(oss2.Auth(ACCESS_KEY_ID, ACCESS_KEY_SECRET), server.endpoint, "photos", is_path_style=True)


def links_of(server: ServerProcess) -> Links:
    return Links(ACCESS_KEY_ID, ACCESS_KEY_SECRET, endpoint=server.endpoint, region=REGION)


def break_off(url: str) -> None:
    """Take the first bytes of a download, and go."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 80)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        connection.recv(1000)


def command(server: ServerProcess, *words: str) -> str:
    keys = {"OSS_ACCESS_KEY_ID": ACCESS_KEY_ID, "OSS_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET}
    more = {**keys, "COATCHECK_ENDPOINT": server.endpoint, "OSS_ENDPOINT": server.endpoint, "OSS_REGION": REGION}
    line = [sys.executable, "-m", "coatcheck", "link", *words]
    done = subprocess.run(line, env=clean_environment(**more), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_sdks_link_is_seen_and_told_of_through_a_kill(data: Path, receiver: Receiver) -> None:
    server = serve(data)
    try:
        bucket = bucket_of(server)
        bucket.create_bucket()
        bucket.put_object("cat.jpg", b"0123456789")
        bucket.put_object("large.bin", LARGE)
        url, large = (bucket.sign_url("GET", key, 3600, slash_safe=True) for key in ("cat.jpg", "large.bin"))
        with links_of(server) as links:
            registered, of_large = links.register(url, downloads=2), links.register(large)
            notice = links.tell(receiver.url, events=["first_use", "use", "exhausted"], link=registered.id)
            assert get(url) == (200, b"0123456789")
            wait_until(lambda: len(receiver.bodies) == 1)
            receiver.failing = True
            assert [get(url)[0] for _ in range(2)] == [200, 403]
            break_off(large)
            wait_until(lambda: links.show(registered.id).refused == 1)
            wait_until(lambda: links.show(of_large.id).broken == 1)
            uses = list(links.log(registered.id, newest_first=False))
            (waiting,) = links.notices("photos")[1]
        server.kill()
        receiver.failing = False
        server = serve(data)
        with links_of(server) as links:
            assert list(links.log(registered.id, newest_first=False)) == uses
            shown = links.show(registered.id)
            assert (shown.uses, shown.refused, shown.state) == (2, 1, "used up")
            wait_until(lambda: len(receiver.bodies) == 2)
            wait_until(lambda: links.notices("photos")[1] == [])
        written = command(server, "log", registered.id, "--csv", "--oldest-first").splitlines()
        assert [line.split(",")[6] for line in written] == ["status", "200", "200", "403"]
        shown_rows = [
            json.loads(line)
            for line in command(server, "log", "--object", "oss://photos/large.bin", "--json").splitlines()
        ]
        assert [(row["whole"], row["status"]) for row in shown_rows] == [(False, 200)]
        assert registered.id in command(server, "ls", "--state", "used up")
        assert notice.id in command(server, "notices", "photos")
        server.stop()
    finally:
        server.kill()
    assert [(use.status, use.code, use.bytes, use.whole, use.address) for use in uses] == [
        (200, None, 10, True, "127.0.0.1"),
        (200, None, 10, True, "127.0.0.1"),
        (403, "AccessDenied 9000-00000002", uses[2].bytes, True, "127.0.0.1"),
    ]
    first, second = receiver.bodies
    assert (first["event"], first["events"]) == ("first_use", {"first_use": 1, "use": 1})
    assert (second["event"], second["events"], second["id"]) == ("exhausted", {"use": 1, "exhausted": 1}, waiting.id)
    for headers, body in receiver.heard:
        key = base64.b64decode((notice.secret or "").removeprefix("whsec_"))
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        signature = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{signature}"
    for path in (*data.rglob("*"), server.log):
        if path.is_file():
            assert (notice.secret or "").removeprefix("whsec_").encode() not in path.read_bytes(), path


def test_without_an_audit_nothing_is_written_down(data: Path) -> None:
    server = ServerProcess(data, "--link-audit-days", "0")
    try:
        bucket = bucket_of(server)
        bucket.create_bucket()
        bucket.put_object("cat.jpg", b"0123456789")
        assert get(bucket.sign_url("GET", "cat.jpg", 3600, slash_safe=True))[0] == 200
        with links_of(server) as links:
            assert list(links.log()) == []
        server.stop()
    finally:
        server.kill()
    assert not (data / "link-audit").exists()
