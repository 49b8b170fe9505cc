"""The servers that `rates.py` compares: coatcheck, nginx with secure_link, and SeaweedFS behind its S3 gateway.

A peer is started in a directory of its own on free loopback ports, can store objects, and can sign links for them in
its own scheme. All of one peer's links begin at the same second and differ in how long they live, so that a run can ask
for as many different ones as it needs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from http_client import Client, store_all

from coatcheck import Presigner

KEY_ID, SECRET, REGION, BUCKET = "BenchmarkAk0001", "BenchmarkSecret0123456789abcdef", "cn-hangzhou", "bench"
WORKERS = 2
LINK_LIFE_S = 24 * 3600
START_S = 60.0
TREE = Path(__file__).resolve().parents[1]


class Peer(Protocol):
    """A running server."""

    name: str
    pid: int

    def store(self, places: Sequence[Place], body: bytes) -> None:
        """Make the content an object at each of these places, whose buckets are made."""
        ...

    def link(self, method: str, bucket: str, key: str, life_s: int = LINK_LIFE_S) -> str:
        """A signed URL."""
        ...


Place = tuple[str, str]  # bucket, key


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def put(url: str, body: bytes = b"") -> None:
    """Store through a link; nothing makes a bucket."""
    with Client(url) as client:
        client.put(url, body)


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
            continue
        return
    raise RuntimeError(f"nobody listens on port {port}:\n{log.read_text(errors='replace')[-2000:]}")


@contextmanager
def running(
    command: list[str], log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process and what it starts, ended by SIGTERM at the end."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **(environment or {})})
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Certificate:
    """A self-signed certificate for 127.0.0.1, the same for all peers."""

    def __init__(self, directory: Path) -> None:
        self.cert, self.key = directory / "cert.pem", directory / "key.pem"
        words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
        subprocess.run([*words, "-keyout", self.key, "-out", self.cert], check=True, capture_output=True)


# --- coatcheck -------------------------------------------------------------------------------------------------------


class Coatcheck:
    """Args:
    name: for tables, if more than one coatcheck runs.
    """

    def __init__(self, pid: int, endpoint: str, name: str = "coatcheck") -> None:
        self.name = name
        self.pid = pid
        self.endpoint = endpoint
        self._since = int(time.time())
        self._presigner = Presigner(KEY_ID, SECRET, region=REGION, endpoint=endpoint)

    def make_bucket(self, bucket: str) -> None:
        put(self._presigner.presign("PUT", bucket, None).url)

    def store(self, places: Sequence[Place], body: bytes) -> None:
        for bucket in sorted({bucket for bucket, _ in places}):
            self.make_bucket(bucket)
        store_all([self.link("PUT", *place) for place in places], body)

    def link(self, method: str, bucket: str, key: str, life_s: int = LINK_LIFE_S) -> str:
        return self._presigner.presign(method, bucket, key, expires=life_s, now=self._since).url


def coatcheck_command(data: Path, port: int, certificate: Certificate | None = None) -> list[str]:
    tls = ["--tls-cert", str(certificate.cert), "--tls-key", str(certificate.key)] if certificate else []
    words = ["serve", "--data", str(data), "--listen", f"127.0.0.1:{port}", "--workers", str(WORKERS)]
    return [sys.executable, "-m", "coatcheck", *words, *tls]


def coatcheck_environment(installed: Path | None) -> dict[str, str]:
    """What runs: the tree's source, or a wheel that was unpacked somewhere."""
    keys = {"OSS_ACCESS_KEY_ID": KEY_ID, "OSS_ACCESS_KEY_SECRET": SECRET}
    return {**os.environ, **keys, "PYTHONPATH": str(installed or TREE / "src")}


@contextmanager
def coatcheck(
    directory: Path,
    certificate: Certificate | None = None,
    *,
    installed: Path | None = None,
    name: str = "coatcheck",
) -> Iterator[Coatcheck]:
    """The data directory may be one that served before."""
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    log = directory / "server.log"
    command = coatcheck_command(directory / "data", port, certificate)
    with running(command, log, coatcheck_environment(installed)) as process:
        wait_for_port(port, process, log)
        peer = Coatcheck(process.pid, f"{'https' if certificate else 'http'}://127.0.0.1:{port}", name)
        if certificate is None:
            peer.make_bucket(BUCKET)
        yield peer


# --- nginx -----------------------------------------------------------------------------------------------------------

_NGINX = """
worker_processes {workers};
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000000;
  types {{ }} default_type application/octet-stream;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port};
    listen 127.0.0.1:{tls_port} ssl;
    ssl_certificate {cert}; ssl_certificate_key {key};
    root {directory}/files;
    location / {{
      secure_link $arg_md5,$arg_expires;
      secure_link_md5 "$secure_link_expires$uri {secret}";
      if ($secure_link = "") {{ return 403; }}
      if ($secure_link = "0") {{ return 410; }}
    }}
  }}
}}
"""


class Nginx:
    name = "nginx"

    def __init__(self, pid: int, directory: Path, endpoint: str) -> None:
        self.pid = pid
        self.endpoint = endpoint
        self._since = int(time.time())
        self._files = directory / "files"

    def store(self, places: Sequence[Place], body: bytes) -> None:
        for bucket, key in places:
            target = self._files / bucket / key
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(body)

    def link(self, method: str, bucket: str, key: str, life_s: int = LINK_LIFE_S) -> str:
        expires, path = self._since + life_s, f"/{bucket}/{key}"
        digest = hashlib.md5(f"{expires}{path} {SECRET}".encode(), usedforsecurity=False).digest()
        md5 = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return f"{self.endpoint}{path}?md5={md5}&expires={expires}"


@contextmanager
def nginx(directory: Path, certificate: Certificate, *, tls: bool = False) -> Iterator[Nginx]:
    (directory / "files").mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    port, tls_port = free_port(), free_port()
    configuration = directory / "nginx.conf"
    configuration.write_text(
        _NGINX.format(
            workers=WORKERS,
            directory=directory,
            port=port,
            tls_port=tls_port,
            cert=certificate.cert,
            key=certificate.key,
            secret=SECRET,
        )
    )
    user = ["-g", "user root;"] if os.getuid() == 0 else []
    log = directory / "out.log"
    with running(["nginx", "-c", str(configuration), *user], log) as process:
        wait_for_port(tls_port if tls else port, process, log)
        yield Nginx(process.pid, directory, f"https://127.0.0.1:{tls_port}" if tls else f"http://127.0.0.1:{port}")


# --- SeaweedFS -------------------------------------------------------------------------------------------------------


class Seaweed:
    """Our buckets are folders of one of its own, each of which would have volumes of its own. `client` is boto3's."""

    name = "SeaweedFS"

    def __init__(self, pid: int, endpoint: str) -> None:
        import boto3
        from botocore.config import Config

        self.pid = pid
        self.endpoint = endpoint
        self._host = urlsplit(endpoint).netloc
        self._since = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        self._scope = f"{self._since[:8]}/us-east-1/s3/aws4_request"
        self._signing_key = b"AWS4" + SECRET.encode()
        for word in self._scope.split("/"):
            self._signing_key = hmac.digest(self._signing_key, word.encode(), "sha256")
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
        )

    def store(self, places: Sequence[Place], body: bytes) -> None:
        store_all([self.link("PUT", *place) for place in places], body)

    def link(self, method: str, bucket: str, key: str, life_s: int = LINK_LIFE_S) -> str:
        """As boto3 would, which takes a hundred times as long. Keys need no encoding."""
        path = f"/{BUCKET}/{bucket}/{key}"
        query = (
            f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={KEY_ID}%2F{self._scope.replace('/', '%2F')}"
            f"&X-Amz-Date={self._since}&X-Amz-Expires={life_s}&X-Amz-SignedHeaders=host"
        )
        canonical = f"{method}\n{path}\n{query}\nhost:{self._host}\n\nhost\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{self._since}\n{self._scope}\n{digest}"
        signature = hmac.digest(self._signing_key, text.encode(), "sha256").hex()
        return f"{self.endpoint}{path}?{query}&X-Amz-Signature={signature}"


@contextmanager
def seaweed(directory: Path) -> Iterator[Seaweed]:
    directory.mkdir(parents=True, exist_ok=True)
    identity = {
        "name": "bench",
        "credentials": [{"accessKey": KEY_ID, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (directory / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3", "g1", "g2", "g3", "g4")}
    command = [
        str(Path(sys.executable).with_name("weed")),
        "server",
        "-ip=127.0.0.1",
        f"-dir={directory}",
        f"-master.port={ports['master']}",
        f"-master.port.grpc={ports['g1']}",
        f"-volume.port={ports['volume']}",
        f"-volume.port.grpc={ports['g2']}",
        f"-filer.port={ports['filer']}",
        f"-filer.port.grpc={ports['g3']}",
        "-s3",
        f"-s3.port={ports['s3']}",
        f"-s3.port.grpc={ports['g4']}",
        f"-s3.config={directory / 's3.json'}",
        "-volume.max=20",
        "-master.volumeSizeLimitMB=1024",
    ]
    log = directory / "out.log"
    with running(command, log) as process:
        wait_for_port(ports["s3"], process, log)
        peer = Seaweed(process.pid, f"http://127.0.0.1:{ports['s3']}")
        _make_bucket(peer)
        yield peer


def _make_bucket(peer: Seaweed) -> None:
    """Its parts find each other some seconds after the port is open."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            peer.client.create_bucket(Bucket=BUCKET)
            peer.client.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
            continue
        return
