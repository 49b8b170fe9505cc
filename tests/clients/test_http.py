"""HTTP itself: HTTP/1.1 with pipelining and kept connections, TLS, ranges; and clients that rely on them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import requests

from coatcheck import Presigner

from ..builders import a_presigner
from ..patience import HANG_S
from ..server_process import ServerProcess
from .certificates import make_certificate, trusting
from .conftest import Put
from .programs import curl
from .raw import connect

LARGE = os.urandom(5_000_000)
SMALL = b"small"


def request(server: ServerProcess, link: str, method: str = "GET", *fields: str) -> bytes:
    lines = [f"{method} {link.removeprefix(server.endpoint)} HTTP/1.1", f"Host: {server.host}:{server.port}", *fields]
    return "\r\n".join([*lines, "", ""]).encode()


def read_reply(reader: socket.SocketIO, *, head: bool = False) -> tuple[int, dict[str, str], bytes]:
    """One reply off a connection, no byte more."""
    status = int(reader.readline().split()[1])
    headers: dict[str, str] = {}
    while (line := reader.readline().decode().strip()) != "":
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    body = b"" if head or status in (204, 304) else reader.read(int(headers["content-length"]))
    return status, headers, body or b""


@pytest.fixture
def links(live_server: ServerProcess, bucket: str, put: Put) -> dict[str, str]:
    """Links to a small object, a large one and none."""
    put("small", SMALL)
    put("large", LARGE)
    signer = a_presigner(live_server.endpoint)
    return {key: signer.presign("GET", bucket, key).url for key in ("small", "large", "none")}


def test_requests_sent_without_waiting_are_answered_in_order(live_server: ServerProcess, links: dict[str, str]) -> None:
    with connect(live_server) as wire:
        order = ["small", "none", "large", "small", "none", "large", "small"]
        wire.sendall(b"".join(request(live_server, links[key]) for key in order))
        reader = wire.makefile("rb")
        for key in order:
            status, _, body = read_reply(reader)  # type: ignore[arg-type]
            assert (status, body if status == 200 else None) == {
                "small": (200, SMALL),
                "large": (200, LARGE),
                "none": (404, None),
            }[key]


def test_connection_is_kept_after_refusals_and_heads(
    live_server: ServerProcess, bucket: str, links: dict[str, str]
) -> None:
    head = a_presigner(live_server.endpoint).presign("HEAD", bucket, "large").url
    wrong = links["small"].replace("x-oss-signature=", "x-oss-signature=0")
    with connect(live_server) as wire:
        reader = wire.makefile("rb")
        for _ in range(3):
            wire.sendall(request(live_server, wrong))
            assert read_reply(reader)[0] == 403  # type: ignore[arg-type]
            wire.sendall(request(live_server, head, "HEAD"))
            status, headers, _ = read_reply(reader, head=True)  # type: ignore[arg-type]
            assert (status, headers["content-length"]) == (200, str(len(LARGE)))
            wire.sendall(request(live_server, wrong, "HEAD"))
            status, headers, _ = read_reply(reader, head=True)  # type: ignore[arg-type]
            assert (status, "x-oss-err" in headers) == (403, True)
            wire.sendall(request(live_server, wrong, "PUT", "Content-Length: 5") + b"hello")
            assert read_reply(reader)[0] == 403  # type: ignore[arg-type]
            wire.sendall(request(live_server, links["small"]))
            assert read_reply(reader)[2] == SMALL  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-4999999", 0, 5_000_000),
        ("bytes=1-", 1, 5_000_000),
        ("bytes=100000-4900000", 100_000, 4_900_001),
        ("bytes=-4999999", 1, 5_000_000),
        ("bytes=-1", 4_999_999, 5_000_000),
        ("bytes=4999999-", 4_999_999, 5_000_000),
    ],
)
def test_range_is_that_part_of_the_object(links: dict[str, str], text: str, start: int, stop: int) -> None:
    answer = requests.get(links["large"], headers={"Range": text}, timeout=HANG_S)
    assert (answer.status_code, answer.headers["Content-Range"]) == (206, f"bytes {start}-{stop - 1}/5000000")
    assert answer.content == LARGE[start:stop]


def test_one_session_of_requests_takes_many_links(links: dict[str, str]) -> None:
    with requests.Session() as session:
        for _ in range(5):
            assert session.get(links["large"], timeout=HANG_S).content == LARGE
            assert session.get(links["none"], timeout=HANG_S).status_code == 404
            assert session.get(links["small"], timeout=HANG_S).content == SMALL
            with session.get(links["large"], stream=True, timeout=HANG_S) as streamed:
                assert b"".join(streamed.iter_content(10_000)) == LARGE


def test_curl_resumes_a_download_where_it_was_cut(links: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "large"
    target.write_bytes(LARGE[:1_234_567])
    curl("--continue-at", "-", "--output", str(target), links["large"])
    assert target.read_bytes() == LARGE


def test_curl_that_is_cut_off_midway_resumes(links: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "large"
    line = ["curl", "--disable", "--silent", "--limit-rate", "2M", "--output", str(target), links["large"]]
    curl("--version")
    with subprocess.Popen(line) as process:
        while not (target.exists() and target.stat().st_size > 100_000):
            assert process.poll() is None
        process.kill()
    assert 0 < target.stat().st_size < len(LARGE)
    curl("--continue-at", "-", "--output", str(target), links["large"])
    assert target.read_bytes() == LARGE


# --- TLS ---


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, Path]]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = make_certificate(folder)
    server = ServerProcess(folder / "data", "--tls-cert", str(certificate), "--tls-key", str(key))
    try:
        yield server, certificate
        server.stop()
    finally:
        server.kill()


@pytest.mark.parametrize("offers_http2", [False, True])
def test_objects_go_there_and_back_over_tls(secure: tuple[ServerProcess, Path], offers_http2: bool) -> None:
    """A client that would speak HTTP/2 is told that HTTP/1.1 is spoken here, and speaks that."""
    server, certificate = secure
    assert server.endpoint.startswith("https://")
    signer: Presigner = a_presigner(server.endpoint)
    bucket, version = f"offers-{int(offers_http2)}", "HTTP/1.1"
    with httpx.Client(http2=offers_http2, verify=trusting(certificate), timeout=HANG_S, trust_env=False) as client:
        assert client.put(signer.presign("PUT", bucket, None).url).status_code == 200
        for key, body in (("small", SMALL), ("large 文", LARGE), ("empty", b"")):
            put = client.put(signer.presign("PUT", bucket, key).url, content=body)
            assert (put.status_code, put.http_version) == (200, version)
            assert put.headers["etag"] == f'"{hashlib.md5(body).hexdigest().upper()}"'
            got = client.get(signer.presign("GET", bucket, key).url)
            assert (got.status_code, got.content, got.http_version) == (200, body, version)
            head = client.head(signer.presign("HEAD", bucket, key).url)
            assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(body)), b"")
        part = client.get(signer.presign("GET", bucket, "large 文").url, headers={"Range": "bytes=1000-4000000"})
        assert (part.status_code, part.content) == (206, LARGE[1000:4_000_001])
        refused = client.get(f"{server.endpoint}/{bucket}/small")
        assert (refused.status_code, re.findall("<Code>(.*)</Code>", refused.text)) == (403, ["AccessDenied"])


def test_many_downloads_over_tls_at_once_do_not_mix(secure: tuple[ServerProcess, Path]) -> None:
    server, certificate = secure
    signer = a_presigner(server.endpoint)
    done = curl("--cacert", str(certificate), "--request", "PUT", signer.presign("PUT", "streams", None).url)
    assert done.stdout == b""
    with httpx.Client(verify=trusting(certificate), timeout=HANG_S, trust_env=False) as client:
        bodies = {f"{n}": os.urandom(n * 7_000) for n in range(20)}
        for key, body in bodies.items():
            assert client.put(signer.presign("PUT", "streams", key).url, content=body).status_code == 200
    out = []
    for key in bodies:
        out += ["--output", f"{server.data.parent}/{key}.out", signer.presign("GET", "streams", key).url]
    curl("--cacert", str(certificate), "--parallel", "--parallel-max", "20", *out)
    for key, body in bodies.items():
        assert (server.data.parent / f"{key}.out").read_bytes() == body


def test_plain_http_to_the_tls_port_is_closed_and_harms_nobody(secure: tuple[ServerProcess, Path]) -> None:
    server, certificate = secure
    with connect(server) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert b"200 OK" not in wire.recv(1000)
    with httpx.Client(verify=trusting(certificate), timeout=HANG_S, trust_env=False) as client:
        assert client.get(server.endpoint).status_code == 403
