"""One link through Debian's nginx, with the very configurations of docs/deploy.md; other ports and names apart."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import pytest

from coatcheck.engines.certificates import ensure_certificate, tls_files
from coatcheck.engines.secret_files import FileSecrets

from ..builders import a_presigner
from ..patience import HANG_S
from ..server_process import ServerProcess
from .conftest import make_bucket
from .programs import curl, need
from .proxies import DEPLOY, await_port, free_port
from .raw import Answer, send

BUCKET: Final = "photos"
KEYS: Final = ["plain.txt", "a b+c%2F&é.txt", "deep//er/./../x", "100%"]

MAIN: Final = """
daemon off;
worker_processes 1;
pid {work}/nginx.pid;
error_log {work}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    {servers}
}}
"""


@dataclass(frozen=True, slots=True)
class Proxies:
    """The server, and the ports at which nginx stands before it."""

    server: ServerProcess
    plain: int
    secure: int
    by_path: int
    by_host: int
    ca: str

    def through(
        self, endpoint: str, link: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> Answer:
        """Use a link of the server's through an endpoint of nginx's, as its user would have been given it."""
        place = link.partition(f"/{BUCKET}/")[2]
        host, path, port = {
            "plain": (f"{BUCKET}.oss-cn-hangzhou.example.com", f"/{place}", self.plain),
            "own domain": ("files.example.org", f"/{place}", self.plain),
            "path": ("www.example.com", f"/files/{place}", self.by_path),
            "host": ("downloads.example.com", f"/{place}", self.by_host),
        }[endpoint]
        return send(f"http://127.0.0.1:{port}{path}", method, {"Host": host, **headers}, body)


ENDPOINTS: Final = ["plain", "own domain", "path", "host"]


@pytest.fixture(scope="module")
def proxies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or need("nginx")
    work = tmp_path_factory.mktemp("nginx")
    server = ServerProcess(
        work / "data", "--domain", "localhost", "--domain", "example.com", "--trusted-proxy", "127.0.0.1/32"
    )
    names = ["files.example.org", "*.oss-cn-hangzhou.example.com"]
    ensure_certificate(work, FileSecrets(work), names, datetime.now(UTC))
    ports = [free_port() for _ in range(4)]
    (work / "nginx.conf").write_text(a_configuration(work, server.port, ports))
    log = (work / "nginx.log").open("wb")
    process = subprocess.Popen([nginx, "-p", str(work), "-c", str(work / "nginx.conf")], stdout=log, stderr=log)
    try:
        await_port(ports[0], process, work / "nginx.log")
        send(a_presigner(server.endpoint).presign("PUT", BUCKET, None).url, "PUT", body=b"")
        assert server.command("domain", "add", "files.example.org", BUCKET).returncode == 0
        yield Proxies(server, ports[0], ports[1], ports[2], ports[3], str(tls_files(work).ca))
        process.terminate()
        process.wait(HANG_S)
        server.stop()
    finally:
        process.kill()
        process.wait()
        log.close()
        server.kill()


def a_configuration(work: Path, server_port: int, ports: list[int]) -> str:
    """The documented configurations in one file, with ports and files of this test's."""
    recipes = re.findall(r"```nginx\n(.*?)```", DEPLOY.read_text("utf-8"), re.DOTALL)
    assert len(recipes) == 3
    servers = []
    for recipe, port in zip(recipes, (ports[0], ports[2], ports[3]), strict=True):
        text = recipe.replace("127.0.0.1:8000", f"127.0.0.1:{server_port}")
        text = text.replace("listen 80;", f"listen 127.0.0.1:{port};")
        text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{ports[1]} ssl;")
        text = text.replace("/etc/ssl/fullchain.pem", str(tls_files(work).cert))
        servers.append(text.replace("/etc/ssl/privkey.pem", str(tls_files(work).key)))
    return MAIN.format(work=work, servers="\n".join(servers))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("key", KEYS)
def test_link_works_through_every_proxy_both_ways(proxies: Proxies, endpoint: str, key: str) -> None:
    signer, body = a_presigner(proxies.server.endpoint), f"{endpoint} {key}".encode()
    put = proxies.through(endpoint, signer.presign("PUT", BUCKET, key).url, "PUT", body)
    assert put.status == 200, put
    link = signer.presign("GET", BUCKET, key).url
    got = proxies.through(endpoint, link)
    assert (got.status, got.body) == (200, body)
    assert send(link).body == body, "and without a proxy"
    part = proxies.through(endpoint, link, Range="bytes=1-3")
    assert (part.status, part.body) == (206, body[1:4])


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_refusal_comes_through_as_it_is(proxies: Proxies, endpoint: str) -> None:
    link = a_presigner(proxies.server.endpoint).presign("GET", BUCKET, "none.txt").url
    refused = proxies.through(endpoint, link)
    assert (refused.status, refused.error["Code"]) == (404, "NoSuchKey")
    tampered = proxies.through(endpoint, f"{link}&x=1")
    assert (tampered.status, tampered.error["Code"]) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_large_upload_and_download_are_not_held_back(proxies: Proxies, endpoint: str) -> None:
    signer, body = a_presigner(proxies.server.endpoint), os.urandom(8_000_000)
    assert proxies.through(endpoint, signer.presign("PUT", BUCKET, "large").url, "PUT", body).status == 200
    assert proxies.through(endpoint, signer.presign("GET", BUCKET, "large").url).body == body


def test_links_for_one_address_know_who_is_behind_the_proxy(proxies: Proxies) -> None:
    """nginx says that 127.0.0.1 asks, whatever the client claims."""
    signer = a_presigner(proxies.server.endpoint)
    send(signer.presign("PUT", BUCKET, "bound").url, "PUT", body=b"abc")
    forwarded = {"x-oss-ac-forward-allow": "true"}
    near = signer.presign("GET", BUCKET, "bound", query={"x-oss-ac-source-ip": "127.0.0.1", **forwarded}).url
    far = signer.presign("GET", BUCKET, "bound", query={"x-oss-ac-source-ip": "203.0.113.9", **forwarded}).url
    claims = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    for endpoint in ENDPOINTS:
        assert proxies.through(endpoint, near, "GET", None, **claims).status == 200, endpoint
        assert proxies.through(endpoint, far, "GET", None, **claims).status == 403, endpoint


def test_https_ends_at_the_proxy_and_is_known_behind_it(proxies: Proxies) -> None:
    bucket, query = a_bucket_with_an_object(proxies.server)
    assert proxies.server.command("https-only", bucket).returncode == 0
    host = f"{bucket}.oss-cn-hangzhou.example.com"
    plain = send(f"http://127.0.0.1:{proxies.plain}/a?{query}", headers={"Host": host, "X-Forwarded-Proto": "https"})
    assert (plain.status, "HTTPS only" in plain.error["Message"]) == (403, True)
    assert over_https(proxies, f"https://{host}/a?{query}") == b"abc"


def test_version_of_tls_is_judged_behind_the_proxy(proxies: Proxies) -> None:
    bucket, query = a_bucket_with_an_object(proxies.server)
    tls = b"<TLS><Enable>true</Enable><TLSVersion>TLSv1.2</TLSVersion></TLS>"
    configure = a_presigner(proxies.server.endpoint).presign("PUT", bucket, None, query={"httpsConfig": ""}).url
    put = send(configure, "PUT", body=b"<HttpsConfiguration>" + tls + b"</HttpsConfiguration>")
    assert put.status == 200
    url = f"https://{bucket}.oss-cn-hangzhou.example.com/a?{query}"
    assert b"<Code>TlsVersionNotAllowed</Code>" in over_https(proxies, url)
    assert over_https(proxies, url, "--tls-max", "1.2") == b"abc"


def a_bucket_with_an_object(server: ServerProcess) -> tuple[str, str]:
    """Its name, and the query of a link to the object "a"."""
    bucket, signer = make_bucket(server), a_presigner(server.endpoint)
    assert send(signer.presign("PUT", bucket, "a").url, "PUT", body=b"abc").status == 200
    return bucket, signer.presign("GET", bucket, "a").url.partition("?")[2]


def over_https(proxies: Proxies, url: str, *options: str) -> bytes:
    return curl("--cacert", proxies.ca, "--connect-to", f"::127.0.0.1:{proxies.secure}", *options, url).stdout


# --- what a server behind nginx can't make it do ---


class Obeyed(BaseHTTPRequestHandler):
    """A server whose replies ask nginx for another place."""

    def do_GET(self) -> None:
        body = b"another place" if self.path.endswith("elsewhere") else b"what was asked for"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if not self.path.endswith("elsewhere"):
            self.send_header("X-Accel-Redirect", "/files/elsewhere")
            self.send_header("X-Accel-Limit-Rate", "1")
            self.send_header("X-Accel-Charset", "koi8-r")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def obedient(tmp_path: Path) -> Iterator[list[int]]:
    """The ports of nginx before that server."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or need("nginx")
    ensure_certificate(tmp_path, FileSecrets(tmp_path), ["files.example.org"], datetime.now(UTC))
    ports = [free_port() for _ in range(4)]
    with ThreadingHTTPServer(("127.0.0.1", 0), Obeyed) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "nginx.conf").write_text(a_configuration(tmp_path, server.server_port, ports))
        with (tmp_path / "nginx.log").open("wb") as log:
            process = subprocess.Popen([nginx, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")], stderr=log)
            try:
                await_port(ports[0], process, tmp_path / "nginx.log")
                yield ports
            finally:
                process.terminate()
                process.wait()
        server.shutdown()


def test_no_reply_sends_nginx_to_another_place(obedient: list[int]) -> None:
    for port, host in (
        (obedient[0], "files.example.org"),
        (obedient[2], "www.example.com"),
        (obedient[3], "downloads.example.com"),
    ):
        got = send(f"http://127.0.0.1:{port}/files/a", headers={"Host": host})
        assert (got.status, got.body) == (200, b"what was asked for")
        assert not [name for name in got.headers if name.lower().startswith("x-accel")]
