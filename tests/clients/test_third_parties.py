"""Nine clients that know nothing of OSS: each downloads the same link, and tells a refusal for what it is."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import requests

from ..builders import FROZEN, a_presigner
from ..patience import HANG_S
from ..server_process import ServerProcess, clean_environment
from .builds import go_program, java_third_parties, objective_c_download
from .conftest import make_bucket
from .programs import NODE_FOLDER, curl, need, run_node
from .raw import send

CONTENT: Final = os.urandom(3_000_001)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client made of a link: the status, and a refusal's document or words."""

    status: int
    told: str = ""


Client = Callable[[str, Path], Seen]


def run(words: list[str], file: Path) -> Seen:
    """A program that is given URL and FILE, and prints the status."""
    done = subprocess.run(words, env=clean_environment(), capture_output=True, text=True, timeout=HANG_S)
    assert done.returncode == 0, done.stderr
    return Seen(int(done.stdout), file.read_bytes().decode(errors="replace") if done.stdout.strip() != "200" else "")


def with_curl(url: str, file: Path) -> Seen:
    status = int(curl("--output", str(file), "--write-out", "%{http_code}", url).stdout)
    return Seen(status, "" if status == 200 else file.read_text())


def with_java(url: str, file: Path) -> Seen:
    return run([*java_third_parties(), "Download", url, str(file)], file)


def with_node(url: str, file: Path) -> Seen:
    return run([need("node"), str(NODE_FOLDER / "download.js"), url, str(file)], file)


def with_requests(url: str, file: Path) -> Seen:
    with requests.get(url, stream=True, timeout=HANG_S) as reply, file.open("wb") as out:
        for chunk in reply.iter_content(65536):
            out.write(chunk)
    return Seen(reply.status_code, "" if reply.ok else file.read_text())


def with_go(url: str, file: Path) -> Seen:
    return run([go_program("download"), url, str(file)], file)


def with_android(url: str, file: Path) -> Seen:
    return run([*java_third_parties(), "AndroidDownload", url, str(file)], file)


def with_objective_c(url: str, file: Path) -> Seen:
    return run([objective_c_download(), url, str(file)], file)


def with_coatcheck(url: str, file: Path) -> Seen:
    words = [sys.executable, "-m", "coatcheck", "get", url, "-o", str(file)]
    done = subprocess.run(words, env=clean_environment(), capture_output=True, text=True, timeout=HANG_S)
    return Seen({0: 200, 1: 403}[done.returncode], done.stderr)


@pytest.fixture(scope="module")
def with_chromium(live_server: ServerProcess) -> Client:
    def download(url: str, file: Path) -> Seen:
        chromium = need("chromium")
        seen = run_node(
            "browser_download.js", "playwright-core", live_server, chromium=chromium, url=url, file=str(file)
        )[0]
        assert "failed" not in seen, seen
        assert seen["requestId"], "the page may read what the rules expose"
        return Seen(seen["status"], f"{seen.get('code')}: {seen.get('message')}")

    return download


CLIENTS: Final[dict[str, Client | None]] = {
    "curl": with_curl,
    "Java HttpURLConnection": with_java,
    "Node https": with_node,
    "Python requests": with_requests,
    "Go net/http": with_go,
    "browser fetch": None,
    "Android AsyncTask": with_android,
    "Objective-C NSURLConnection": with_objective_c,
    "coatcheck get": with_coatcheck,
}


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest, with_chromium: Client) -> Client:
    return CLIENTS[request.param] or with_chromium


@pytest.fixture(scope="module")
def third_party_bucket(live_server: ServerProcess) -> str:
    """A private bucket whose rules let pages of this machine read, and that holds the content."""
    bucket = make_bucket(live_server)
    rules = (
        "<CORSConfiguration><CORSRule><AllowedOrigin>http://127.0.0.1:*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
        "<ExposeHeader>ETag</ExposeHeader><ExposeHeader>x-oss-request-id</ExposeHeader></CORSRule></CORSConfiguration>"
    )
    signer = a_presigner(live_server.endpoint)
    assert send(signer.presign("PUT", bucket, None, query={"cors": ""}).url, "PUT", body=rules.encode()).status == 200
    assert send(signer.presign("PUT", bucket, "coat é.bin").url, "PUT", body=CONTENT).status == 200
    return bucket


def test_there_are_nine() -> None:
    assert len(CLIENTS) == 9


def test_client_downloads_the_link(
    live_server: ServerProcess, third_party_bucket: str, client: Client, tmp_path: Path
) -> None:
    link = a_presigner(live_server.endpoint).presign("GET", third_party_bucket, "coat é.bin").url
    assert client(link, tmp_path / "got").status == 200
    assert hashlib.sha256((tmp_path / "got").read_bytes()).digest() == hashlib.sha256(CONTENT).digest()


def test_client_tells_that_the_link_has_expired(
    live_server: ServerProcess, third_party_bucket: str, client: Client, tmp_path: Path
) -> None:
    link = a_presigner(live_server.endpoint).presign("GET", third_party_bucket, "coat é.bin", now=FROZEN).url
    seen = client(link, tmp_path / "got")
    assert (seen.status, "AccessDenied" in seen.told) == (403, True), seen
    assert "Request has expired." in seen.told
