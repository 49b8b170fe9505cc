"""HTTPS as clients see it: versions, names, and a certificate that changes under running downloads."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from coatcheck.engines.certificates import ensure_certificate, tls_files
from coatcheck.engines.secret_files import FileSecrets

from ..builders import a_presigner
from ..pairs import Pair, a_pair
from ..patience import HANG_S, wait_until
from ..server_process import ServerProcess, clean_environment
from .builds import java_third_parties
from .programs import NODE_FOLDER, curl, need

NAME = "photos.oss-cn-hangzhou.localhost"
SIZE = 1_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("tls") / "data", "--tls-self-signed")
    try:
        yield server
        server.stop()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def ca(server: ServerProcess) -> str:
    return str(tls_files(server.data).ca)


@pytest.fixture(scope="module")
def link(server: ServerProcess, ca: str) -> str:
    """A link to an object that takes ten seconds at the slowest rate."""
    signer = a_presigner(server.endpoint)
    assert requests.put(signer.presign("PUT", "photos", None).url, verify=ca, timeout=HANG_S).status_code == 200
    put = requests.put(signer.presign("PUT", "photos", "big.bin").url, b"x" * SIZE, verify=ca, timeout=HANG_S)
    assert put.status_code == 200
    return signer.presign("GET", "photos", "big.bin").url


@pytest.mark.parametrize("option", ["--http2", "--http1.1"])
def test_client_that_would_speak_http2_speaks_http1(link: str, ca: str, option: str) -> None:
    done = curl(option, "--cacert", ca, "--output", "/dev/null", "--write-out", "%{http_version} %{http_code}", link)
    assert done.stdout == b"1.1 200"


def test_names_of_buckets_are_in_the_certificate(server: ServerProcess, link: str, ca: str) -> None:
    by_name = f"https://{NAME}:{server.port}/big.bin?{link.partition('?')[2]}"
    done = curl("--cacert", ca, "--connect-to", f"::127.0.0.1:{server.port}", by_name)
    assert len(done.stdout) == SIZE


def test_old_versions_of_tls_are_refused(server: ServerProcess, ca: str) -> None:
    need("openssl")
    for option, works in (("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
        words = ["openssl", "s_client", option, "-connect", f"127.0.0.1:{server.port}", "-CAfile", ca]
        done = subprocess.run(words, input=b"", capture_output=True, timeout=HANG_S)
        assert (done.returncode == 0) is works, option


@pytest.mark.parametrize(
    ("version", "option", "first", "second"),
    [
        ("-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"),
        ("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"),
        ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ],
)
def test_client_chooses_the_cipher(
    server: ServerProcess, ca: str, version: str, option: str, first: str, second: str
) -> None:
    for order in ((first, second), (second, first)):
        at = ["-connect", f"127.0.0.1:{server.port}", "-CAfile", ca]
        words = [need("openssl"), "s_client", version, option, ":".join(order), *at]
        done = subprocess.run(words, input=b"", capture_output=True, timeout=HANG_S)
        assert f"Cipher is {order[0]}\n".encode() in done.stdout


def test_version_of_tls_that_a_bucket_demands_is_judged(server: ServerProcess, ca: str) -> None:
    signer = a_presigner(server.endpoint)
    tls = b"<TLS><Enable>true</Enable><TLSVersion>TLSv1.2</TLSVersion></TLS>"
    for key, query, body in ((None, {}, b""), ("a", {}, b"abc"), (None, {"httpsConfig": ""}, tls)):
        document = b"<HttpsConfiguration>" + body + b"</HttpsConfiguration>" if query else body
        url = signer.presign("PUT", "only-tls12", key, query=query).url
        assert requests.put(url, document, verify=ca, timeout=HANG_S).status_code == 200
    link = signer.presign("GET", "only-tls12", "a").url
    assert b"<Code>TlsVersionNotAllowed</Code>" in curl("--cacert", ca, link).stdout
    assert curl("--cacert", ca, "--tls-max", "1.2", link).stdout == b"abc"


def say_all(server: ServerProcess, ca: str, request: bytes, version: ssl.TLSVersion, *, ends: bool = True) -> bytes:
    """What comes back to a client that sends this, and if it `ends` that it will send no more (close_notify), in one
    piece."""
    context = ssl.create_default_context(cafile=ca)
    context.maximum_version = version
    arrived, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls, received = context.wrap_bio(arrived, leaving, server_hostname="localhost"), bytearray()
    with socket.create_connection((server.host, server.port), timeout=HANG_S) as wire:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                wire.sendall(leaving.read())
                arrived.write(wire.recv(65536))
        tls.write(request)
        with suppress(ssl.SSLWantReadError):
            if ends:
                tls.unwrap()
        wire.sendall(leaving.read())
        while piece := wire.recv(65536):
            arrived.write(piece)
            with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                while got := tls.read(65536):
                    received += got
    return bytes(received)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_client_that_ends_its_side_gets_what_can_be_answered_at_once(
    server: ServerProcess, link: str, ca: str, version: ssl.TLSVersion
) -> None:
    """An upload has to wait for the disk: it is done, nobody gets the reply, and the log says so."""
    signer, host = a_presigner(server.endpoint), b"Host: localhost\r\n"
    assert requests.put(signer.presign("PUT", "photos", "small").url, b"hello", verify=ca, timeout=HANG_S).ok
    get, put = (signer.presign(method, "photos", key).url for method, key in (("GET", "small"), ("PUT", "half")))
    request = f"GET /{get.split('/', 3)[3]} HTTP/1.1\r\n".encode() + host + b"\r\n"
    for _ in range(4):  # until each worker remembers the object
        assert requests.get(get, verify=ca, timeout=HANG_S).content == b"hello"
    answer = say_all(server, ca, request, version)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\nconnection: close\r\n\r\nhello")
    upload = f"PUT /{put.split('/', 3)[3]} HTTP/1.1\r\n".encode() + host + b"Content-Length: 3\r\n\r\nabc"
    assert say_all(server, ca, upload, version) == b""
    stored = signer.presign("GET", "photos", "half").url
    wait_until(lambda: requests.get(stored, verify=ca, timeout=HANG_S).content == b"abc", server.log.read_text)
    wait_until(lambda: re.search("key=half .* status=200 .* end=broken", server.log.read_text()), server.log.read_text)
    assert requests.delete(signer.presign("DELETE", "photos", "half").url, verify=ca, timeout=HANG_S).ok


@pytest.mark.parametrize(
    "preface", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"]
)
def test_client_that_begins_with_http2_is_refused_in_words(server: ServerProcess, ca: str, preface: bytes) -> None:
    """As one does that knows beforehand what a server speaks."""
    answer = say_all(server, ca, preface, ssl.TLSVersion.TLSv1_3, ends=False)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"connection: close" in head
    assert b"<Message>HTTP/2.0 is not spoken here, HTTP/1.1 is.</Message>" in body
    assert answer.count(b"HTTP/1.1 400") == 1


URLLIB = "import sys, urllib.request as u; open(sys.argv[2], 'wb').write(u.urlopen(sys.argv[1]).read())"
REQUESTS = "import sys, requests; open(sys.argv[2], 'wb').write(requests.get(sys.argv[1]).content)"


def test_each_client_trusts_it_as_the_ready_line_says(link: str, ca: str, tmp_path: Path) -> None:
    trust = clean_environment(SSL_CERT_FILE=ca, REQUESTS_CA_BUNDLE=ca, NODE_EXTRA_CA_CERTS=ca)
    store = tmp_path / "cacerts"
    keytool = ["-importcert", "-noprompt", "-storepass", "changeit", "-alias", "coatcheck"]
    words = [need("keytool"), *keytool, "-keystore", str(store), "-file", ca]
    subprocess.run(words, check=True, capture_output=True, timeout=HANG_S)
    java = java_third_parties()
    java[1:1] = [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]
    for words in (
        [sys.executable, "-c", URLLIB],
        [sys.executable, "-c", REQUESTS],
        [need("node"), str(NODE_FOLDER / "download.js")],
        [*java, "Download"],
    ):
        got = tmp_path / "got"
        subprocess.run([*words, link, str(got)], env=trust, check=True, capture_output=True, timeout=HANG_S)
        assert got.stat().st_size == SIZE
        got.unlink()
    done = subprocess.run([sys.executable, "-m", "coatcheck", "get", link, "-o", str(got)], env=trust, timeout=HANG_S)
    assert (done.returncode, got.stat().st_size) == (0, SIZE)


def test_who_does_not_trust_the_authority_does_not_connect(link: str) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(link, timeout=HANG_S)


def answer_to(link: str, ca: str) -> int:
    return requests.get(link, verify=ca, timeout=HANG_S).status_code


def test_reload_drops_no_download_and_refuses_nobody(server: ServerProcess, link: str, ca: str) -> None:
    """The download is in the middle as long as we read no more: 64 MiB are more than lie in sockets on the way."""
    presigner, body = a_presigner(server.endpoint), b"x" * 64 * 1024**2
    assert requests.put(presigner.presign("PUT", "photos", "film").url, body, verify=ca, timeout=HANG_S).ok
    before = set(server.processes())
    with requests.get(
        presigner.presign("GET", "photos", "film").url, verify=ca, stream=True, timeout=HANG_S
    ) as download:
        received = bytearray(download.raw.read(1000))
        server.reload()

        def others_are_served() -> bool:
            received.extend(download.raw.read(1000))  # so that it isn't taken for dead
            assert answer_to(link, ca) == 200
            return bool(set(server.processes()) - before)

        wait_until(others_are_served, "no new worker came up")
        for _ in range(10):
            assert answer_to(link, ca) == 200
        assert set(server.processes()) & before - {server.pid}  # one waits for us
        received += download.raw.read()
    assert received == body
    wait_until(lambda: not set(server.processes()) & before - {server.pid}, "an old worker stays")


def serial_number(server: ServerProcess) -> str:
    pem = ssl.get_server_certificate((server.host, server.port))
    done = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem.encode(), capture_output=True, check=True)
    return done.stdout.decode()


def test_changed_files_are_served_and_a_broken_pair_is_not(tmp_path: Path) -> None:
    need("openssl")
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        data = tmp_path / name
        ensure_certificate(data, FileSecrets(data), ["127.0.0.1"], datetime.now(UTC))
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    first, second = tls_files(tmp_path / "first"), tls_files(tmp_path / "second")
    shutil.copy(first.cert, cert)
    key.symlink_to(first.key)
    server = ServerProcess(tmp_path / "data", "--tls-cert", str(cert), "--tls-key", str(key), workers=1)
    try:
        old = serial_number(server)
        shutil.copy(second.cert, cert)  # the key is still the other one's
        time.sleep(1.5)
        server.reload()
        time.sleep(0.5)
        assert serial_number(server) == old
        os.replace(_link(second.key, tmp_path / "new"), key)
        wait_until(lambda: serial_number(server) != old, server.log.read_text)
        server.stop()
    finally:
        server.kill()


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_connections_outlive_a_new_certificate_and_a_reload(tmp_path: Path) -> None:
    """One is in the middle of a download, one is idle: neither is made again for a new certificate, and a reload ends
    the idle one alone, in order."""
    pairs = [a_pair("localhost") for _ in range(3)]
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"

    def give(pair: Pair) -> None:
        for file, text in ((key, pair.key), (cert, pair.chain)):
            file.with_suffix(".new").write_text(text)
            file.with_suffix(".new").rename(file)

    give(pairs[0])
    server = ServerProcess(tmp_path / "data", "--tls-cert", str(cert), "--tls-key", str(key), workers=2)

    def served() -> str:
        return ssl.get_server_certificate((server.host, server.port))

    try:
        presigner, body = a_presigner(server.endpoint), b"x" * 64 * 1024**2
        for key_name, content in ((None, b""), ("film", body), ("a", b"hello")):
            url = presigner.presign("PUT", "photos", key_name).url
            assert requests.put(url, content, verify=False, timeout=HANG_S).ok
        small = presigner.presign("GET", "photos", "a").url
        with requests.Session() as idle, requests.Session() as busy:
            idle.verify = busy.verify = False
            idle.trust_env = busy.trust_env = False  # or a setting of the environment would count
            assert idle.get(small, timeout=HANG_S).content == b"hello"
            download = busy.get(presigner.presign("GET", "photos", "film").url, stream=True, timeout=HANG_S)
            received = bytearray(download.raw.read(1000))
            held = idle.get(small, stream=True, timeout=HANG_S)
            peer = held.raw.connection.sock.getsockname()
            assert held.content == b"hello"
            give(pairs[1])
            wait_until(lambda: served() == pairs[1].chain, server.log.read_text)
            again = idle.get(small, stream=True, timeout=HANG_S)
            assert again.raw.connection.sock.getsockname() == peer, "the same connection"
            assert again.content == b"hello"
            before = set(server.workers())
            give(pairs[2])
            server.reload()
            wait_until(lambda: served() == pairs[2].chain, server.log.read_text)
            wait_until(lambda: set(server.workers()) - before, server.log.read_text)
            received += download.raw.read()
            assert received == body
            assert idle.get(small, timeout=HANG_S).content == b"hello"
        server.stop()
    finally:
        server.kill()


def _link(target: Path, place: Path) -> Path:
    place.symlink_to(target)
    return place


def test_own_domain_is_in_the_certificate_soon(server: ServerProcess, ca: str) -> None:
    """Bound while the server runs, by the command that its owner has."""
    done = server.command("domain", "add", "files.example.com", "photos")
    assert done.returncode == 0, done.stderr
    url = f"https://files.example.com:{server.port}/none"

    def ask() -> subprocess.CompletedProcess[bytes]:
        return curl("--cacert", ca, "--connect-to", f"::127.0.0.1:{server.port}", url, check=False)

    # Each worker takes the certificate by itself, so the one that answers next may not have it yet.
    wait_until(lambda: b"<Code>AccessDenied</Code>" in ask().stdout, lambda: ask().stderr.decode())
