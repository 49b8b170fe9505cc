"""HTTPS under own domains with certificates of their own: by name, in every worker, from the next handshake on."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests

from coatcheck.engines.certificates import tls_files

from ..builders import a_presigner
from ..pairs import Pair, a_pair
from ..patience import HANG_S, wait_until
from ..server_process import ServerProcess

NAME = "files.example.com"
ROUNDS = 24  # handshakes, so that each worker has some


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("own") / "data"
    server = ServerProcess(data, "--tls-self-signed", "--access-log", "--no-verify-domains", workers=2)
    try:
        put(server, "PUT", None)
        put(server, "PUT", "a.txt", b"hello")
        yield server
        server.stop()
    finally:
        server.kill()


def put(server: ServerProcess, method: str, key: str | None, body: bytes = b"", **query: str) -> None:
    url = a_presigner(server.endpoint).presign(method, "photos", key, query=query).url
    done = requests.request(method, url, data=body, verify=str(tls_files(server.data).ca), timeout=HANG_S)
    assert done.status_code == 200, done.text


def give(server: ServerProcess, pair: Pair | None) -> None:
    given = f"<Certificate>{pair.chain}</Certificate><PrivateKey>{pair.key}</PrivateKey>" if pair else ""
    how = "<Force>true</Force>" if pair else "<DeleteCertificate>true</DeleteCertificate>"
    certificate = f"<CertificateConfiguration>{given}{how}</CertificateConfiguration>"
    cname = f"<Cname><Domain>{NAME}</Domain>{certificate}</Cname>"
    body = f"<BucketCnameConfiguration>{cname}</BucketCnameConfiguration>".encode()
    put(server, "POST", None, body, cname="", comp="add")


def connect(server: ServerProcess, name: str | None, trusted: str | None = None) -> ssl.SSLSocket:
    context = ssl.create_default_context(cadata=trusted) if trusted else ssl._create_unverified_context()
    wire = socket.create_connection((server.host, server.port), timeout=HANG_S)
    return context.wrap_socket(wire, server_hostname=name)


def certificate_for(server: ServerProcess, name: str | None) -> str:
    with connect(server, name) as wire:
        return ssl.DER_cert_to_PEM_cert(wire.getpeercert(binary_form=True) or b"")


def is_the_servers_own(server: ServerProcess, name: str | None) -> bool:
    """Its authority made it. Which one that is may change: the server puts names of own domains into it."""
    context = ssl.create_default_context(cafile=str(tls_files(server.data).ca))
    context.check_hostname = False
    wire = socket.create_connection((server.host, server.port), timeout=HANG_S)
    with wire, suppress(ssl.SSLCertVerificationError), context.wrap_socket(wire, server_hostname=name):
        return True
    return False


def test_each_name_has_its_certificate_in_every_worker_at_once(server: ServerProcess) -> None:
    first, second = a_pair(NAME), a_pair("*.example.com")
    for pair in (first, second, first):
        give(server, pair)
        for _ in range(ROUNDS):
            assert certificate_for(server, NAME) == pair.chain
        assert certificate_for(server, "FILES.example.COM") == pair.chain
        for name in ("localhost", "other.example.com", None):
            assert is_the_servers_own(server, name)
        assert not is_the_servers_own(server, NAME)
    give(server, None)
    for _ in range(ROUNDS):
        assert certificate_for(server, NAME) != first.chain


def test_objects_come_through_it_and_its_key_is_nowhere(server: ServerProcess) -> None:
    pair = a_pair(NAME)
    give(server, pair)
    link = a_presigner(server.endpoint).presign("GET", "photos", "a.txt").url
    with connect(server, NAME, pair.chain) as wire:
        target = f"/a.txt?{link.partition('?')[2]}"
        wire.sendall(f"GET {target} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
        assert b"".join(iter(lambda: wire.recv(65536), b"")).endswith(b"\r\n\r\nhello")
    secret = pair.key.splitlines()[1]
    wait_until(lambda: "put_cname" in server.log.read_text(), server.log.read_text)
    assert secret not in server.log.read_text()
    for file in server.data.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file


@pytest.mark.parametrize(("offered", "spoken"), [(["h2", "http/1.1"], "http/1.1"), (["h2"], None), ([], None)])
def test_no_name_offers_more_than_http1(server: ServerProcess, offered: list[str], spoken: str | None) -> None:
    give(server, a_pair(NAME))
    for name in (NAME, "localhost"):
        context = ssl._create_unverified_context()
        if offered:
            context.set_alpn_protocols(offered)
        with context.wrap_socket(socket.create_connection((server.host, server.port)), server_hostname=name) as wire:
            assert wire.selected_alpn_protocol() == spoken
