"""Upload boxes, used by curl, a form and Chromium; raced for by two workers, cancelled under way, after a kill."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import oss2
import pytest

from coatcheck import Links

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..patience import HANG_S, wait_until
from ..server_process import ServerProcess, clean_environment
from .programs import curl, need, run_node
from .test_browser import a_picture
from .test_link_pages import REGION, links_of, status

pytestmark = pytest.mark.live

MIB = 1024**2
PICTURE = a_picture()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("boxes") / "data")
    try:
        bucket_of(server).create_bucket()
        yield server
        server.stop()
    finally:
        server.kill()


@pytest.fixture
def links(server: ServerProcess) -> Iterator[Links]:
    with links_of(server) as links:
        yield links


def bucket_of(server: ServerProcess) -> oss2.Bucket:
    return oss2.Bucket(oss2.Auth(ACCESS_KEY_ID, ACCESS_KEY_SECRET), server.endpoint, "inbox", is_path_style=True)


def contents(server: ServerProcess, prefix: str) -> dict[str, str]:
    """MD5 of what is stored below a prefix, by the name that its sender gave it."""
    bucket = bucket_of(server)
    keys = [found.key for found in oss2.ObjectIterator(bucket, prefix=prefix)]
    return {key.partition("-")[2]: hashlib.md5(bucket.get_object(key).read()).hexdigest() for key in keys}


def md5_of(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def a_file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_curl_leaves_files(server: ServerProcess, links: Links, tmp_path: Path) -> None:
    box = links.create("inbox", prefix="curl/", box={"dated": False, "file_bytes": 5 * MIB}, password="sword fish")
    large = a_file(tmp_path, "Über 上海.bin", os.urandom(5 * MIB))
    assert status(f"{box.url}/", "-T", str(large)) == 401
    key = ("--user", ":sword fish")
    assert status(f"{box.url}/", *key, "-T", str(large)) == 201
    form = curl(
        "--fail", *key, "-F", f"file=@{large};filename=form.bin", "-F", "file=hi;filename=hi.txt", f"{box.url}/"
    )
    assert b'"hi.txt"' in form.stdout
    assert status(f"{box.url}/", *key, "-T", str(a_file(tmp_path, "over", os.urandom(5 * MIB + 1)))) == 413
    chunked = ("-H", "Transfer-Encoding: chunked", "-H", "Expect:")
    assert status(f"{box.url}/", *key, *chunked, "-T", str(tmp_path / "over")) == 413
    assert contents(server, "curl/") == {}
    assert {file.name for file in links.list_arrivals(box.link.id)} == {"Über 上海.bin", "form.bin", "hi.txt"}
    assert [done.error for done in links.accept(box.link.id)] == [None] * 3
    assert contents(server, "curl/") == {
        "Über 上海.bin": md5_of(large),
        "form.bin": md5_of(large),
        "hi.txt": hashlib.md5(b"hi").hexdigest(),
    }


def test_people_leave_files_and_go_on_after_a_reload(server: ServerProcess, links: Links, tmp_path: Path) -> None:
    chromium = need("chromium")
    box = links.create("inbox", prefix="people/", box={"dated": False}, note="for Ben")
    rules = {"types": ["image/*"], "names": ["*.png"], "files": 20, "file_bytes": MIB, "bytes": 4 * MIB}
    ruled = links.create("inbox", prefix="ruled/", box=rules, note="Pictures of the <b>party</b>, please")
    small = a_file(tmp_path, "cat.png", PICTURE)
    large = a_file(tmp_path, "film.bin", os.urandom(20 * MIB))
    last = a_file(tmp_path, "empty.txt", b"")
    outcomes = run_node(
        "upload_box.js",
        "axe-core",
        server,
        chromium=chromium,
        box=box.url,
        ruled=ruled.url,
        small=str(small),
        large=str(large),
        last=str(last),
        refused=str(a_file(tmp_path, "page.png", b"<script>alert(1)</script>")),
        pictures=os.environ.get("COATCHECK_PICTURES", ""),
    )
    pages = [outcome for outcome in outcomes if outcome["what"] == "page"]
    assert [(page["problems"], page["wide"], page["wrong"]) for page in pages] == [([], False, [])] * 2
    assert pages[0]["list"] == [
        ["done", "cat.png Received"],
        ["wrong", "page.png Files of this type are not taken here."],
    ]
    assert pages[1]["heading"] == "在此上传文件"
    assert pages[1]["news"] == "page.png: 此处不接收该类型的文件。"
    said = {outcome["what"]: outcome for outcome in outcomes}
    assert said["stopped"]["list"] == ["cat.png Received"]
    assert said["reloaded"]["list"] == [
        "film.bin Not complete. Choose the same file again to go on where it stopped",
    ]
    assert said["resumed"]["asked"] == [
        "GET ?upload=ID",
        "PUT ?upload=ID&at=8388608",
        "PUT ?upload=ID&at=16777216",
        "PUT ?name=empty.txt",
    ]
    assert said["kept"]["memory"] == "{}"
    assert said["plain"]["list"] == ["cat.png Received", "empty.txt Received"]
    links.accept(box.link.id)
    assert contents(server, "people/") == {
        "cat.png": md5_of(small),
        "film.bin": md5_of(large),
        "empty.txt": md5_of(last),
    }


def test_their_owner_sees_looks_and_answers(server: ServerProcess, links: Links, tmp_path: Path) -> None:
    box = links.create("inbox", prefix="owner/", box={"dated": False})
    for name in ("a.txt", "b.txt", "c.txt"):
        assert status(f"{box.url}/{name}", "-X", "PUT", "--data-binary", name) == 201
    lines = [json.loads(line) for line in link(server, "arrivals", box.link.id, "--json").stdout.splitlines()]
    assert [line["name"] for line in lines] == ["a.txt", "b.txt", "c.txt"]
    saved = tmp_path / "saved"
    link(server, "arrivals", box.link.id, "--get", lines[0]["id"], "-o", str(saved))
    assert saved.read_bytes() == b"a.txt"
    accepted = link(server, "accept", box.link.id, lines[0]["id"]).stdout
    assert accepted == f"Accepted {lines[0]['key']}\n"
    assert link(server, "accept", box.link.id, lines[0]["id"]).returncode == 1
    refused = link(server, "accept", "--refuse", box.link.id).stdout
    assert refused == f"Refused {lines[1]['key']}\nRefused {lines[2]['key']}\n"
    assert "0 files" in link(server, "arrivals", box.link.id).stderr
    assert list(contents(server, "owner/")) == ["a.txt"]


def link(server: ServerProcess, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `coatcheck link`, as the owner."""
    environment = clean_environment(OSS_ACCESS_KEY_ID=ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET=ACCESS_KEY_SECRET)
    line = [sys.executable, "-m", "coatcheck", "link", *words, "--endpoint", server.endpoint, "--region", REGION]
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=HANG_S)


def test_two_workers_race_for_the_last_place(server: ServerProcess, links: Links) -> None:
    box = links.create("inbox", prefix="race/", box={"files": 3, "bytes": 250_000})

    def send(number: int) -> int:
        return status(f"{box.url}/{number}", "--data-binary", "x" * 100_000, "-X", "PUT")

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(send, range(12)))
    assert statuses == [201] * 2 + [403] * 10
    assert sum(file.size for file in links.list_arrivals(box.link.id)) == 200_000


def test_a_running_upload_ends_when_its_box_is_cancelled(server: ServerProcess, links: Links) -> None:
    box = links.create("inbox", prefix="cancelled/", box={"quarantine": False, "files": 2})
    parts = urlsplit(box.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), HANG_S) as connection:
        head = f"PUT {parts.path}/slow HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 100000\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 50_000)
        wait_until(lambda: b"1 more file" in curl(box.url).stdout)
        links.cancel(box.link.id)
        with pytest.raises(ConnectionResetError):
            connection.recv(1000)
    assert status(f"{box.url}/again", "-X", "PUT", "--data-binary", "x") == 410
    assert contents(server, "cancelled/") == {}


def test_an_upload_that_breaks_off_gives_its_place_back(server: ServerProcess, links: Links) -> None:
    box = links.create("inbox", prefix="broken/", box={"files": 2})
    parts = urlsplit(box.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), HANG_S) as connection:
        head = f"PUT {parts.path}/slow HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 100000\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 50_000)
        wait_until(lambda: b"1 more file" in curl(box.url).stdout)
    wait_until(lambda: b"2 more files" in curl(box.url).stdout)


def test_what_waits_is_there_after_a_kill(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    try:
        bucket_of(server).create_bucket()
        with links_of(server) as links:
            box = links.create("inbox", prefix="in/", box={"files": 2, "dated": False})
            body = a_file(tmp_path, "a.bin", os.urandom(3 * MIB))
            assert status(f"{box.url}/", "-T", str(body)) == 201
        server.kill()
        server = ServerProcess(tmp_path / "data", port=server.port)
        with links_of(server) as links:
            assert [file.name for file in links.list_arrivals(box.link.id)] == ["a.bin"]
            assert [done.error for done in links.accept(box.link.id)] == [None]
            assert contents(server, "in/") == {"a.bin": md5_of(body)}
            assert status(f"{box.url}/b", "-T", str(body)) == 201
            assert status(f"{box.url}/c", "-T", str(body)) == 403
        server.stop()
    finally:
        server.kill()
