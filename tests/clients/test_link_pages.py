"""Links that the server made, followed by people and programs: Chromium, curl, after a kill, through two workers."""

from __future__ import annotations

import hashlib
import os
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import oss2
import pytest

from coatcheck import Links, Presigner

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..server_process import ServerProcess
from .programs import curl, need, run_node
from .test_browser import a_picture

pytestmark = pytest.mark.live

REGION = "cn-hangzhou"
PICTURE = a_picture()
NOTE = "%C3%9Cber%20%E4%B8%8A%E6%B5%B7/note.txt"
EVIL = b"""<!doctype html><title>harmless</title><script>
document.title = 'evil ran';
console.log('evil ran');
fetch('/t/').then(() => console.log('evil fetched'));
navigator.serviceWorker.register('/photos/evil.js').then(() => console.log('evil stays'));
</script>"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("pages") / "data")
    try:
        fill(server)
        yield server
        server.stop()
    finally:
        server.kill()


def fill(server: ServerProcess) -> None:
    bucket = oss2.Bucket(oss2.Auth(ACCESS_KEY_ID, ACCESS_KEY_SECRET), server.endpoint, "photos", is_path_style=True)
    bucket.create_bucket()
    bucket.put_object("2026/cat.png", PICTURE, headers={"Content-Type": "image/png"})
    bucket.put_object("2026/Über 上海/note.txt", b"hello", headers={"Content-Type": "text/plain"})
    bucket.put_object("evil.html", EVIL, headers={"Content-Type": "text/html"})
    bucket.put_object("evil.js", b"1", headers={"Content-Type": "application/javascript"})


def links_of(server: ServerProcess) -> Links:
    return Links(ACCESS_KEY_ID, ACCESS_KEY_SECRET, endpoint=server.endpoint, region=REGION)


@pytest.fixture
def links(server: ServerProcess) -> Iterator[Links]:
    with links_of(server) as links:
        yield links


def in_a_day() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def test_people_see_pages_that_they_can_use(server: ServerProcess, links: Links, tmp_path: Path) -> None:
    chromium = need("chromium")
    cancelled = links.create("photos", key="2026/cat.png")
    links.cancel(cancelled.url)
    used_up = links.create("photos", key="2026/cat.png", downloads=1)
    assert curl("--fail", used_up.url).stdout == PICTURE
    presigner = Presigner(ACCESS_KEY_ID, ACCESS_KEY_SECRET, region=REGION, endpoint=server.endpoint)
    earlier = datetime.now(UTC) - timedelta(minutes=4)
    expired = presigner.presign("GET", "photos", "2026/cat.png", expires=60, now=earlier)
    pages = {
        "object": links.create("photos", key="2026/cat.png", note="for Ben", downloads=1).url,
        "text": links.create("photos", key="2026/Über 上海/note.txt", forever=True).url,
        "folder": links.create("photos", prefix="2026/", ends_at=in_a_day()).url,
        "password": links.create("photos", key="2026/cat.png", password="swordfish").url,
        "cancelled": cancelled.url,
        "used-up": used_up.url,
        "unknown": f"{server.endpoint}/t/nothing",
        "expired": expired.url,
    }
    locked = links.create("photos", key="2026/cat.png", password="swordfish", file_name="Katze.png")
    tried = links.create("photos", key="2026/cat.png", password="swordfish")
    for number in range(20):
        curl("--user", f":{number}", tried.url)
    evil = presigner.presign("GET", "photos", "evil.html")
    outcomes = run_node(
        "link_pages.js",
        "axe-core",
        server,
        chromium=chromium,
        pages=pages,
        locked=locked.url,
        evil=evil.url,
        tried=tried.url,
        zip=str(tmp_path / "all.zip"),
        pictures=os.environ.get("COATCHECK_PICTURES", ""),
    )
    shown = [outcome for outcome in outcomes if outcome["what"] == "page"]
    assert len(shown) == 4 * len(pages)
    assert [page for page in shown if page["problems"]] == []
    assert [page for page in shown if page["wide"]] == []
    assert all(page["lang"] == page["language"] for page in shown)
    status = {(page["name"], page["status"]) for page in shown}
    assert status == {
        *(("object", 200), ("text", 200), ("folder", 200), ("password", 401)),
        *(("cancelled", 410), ("used-up", 410), ("unknown", 404), ("expired", 403)),
    }
    headings = {(page["name"], page["language"]): page["heading"] for page in shown}
    assert headings["expired", "en"] == "This link ended 3 minutes ago"
    assert headings["used-up", "zh"] == "此链接的下载次数已用完"
    assert [
        outcome for outcome in outcomes if outcome["what"] == "asked" and (outcome["elsewhere"] or outcome["wrong"])
    ] == []
    said = {outcome["what"]: outcome for outcome in outcomes}
    assert said["wrong"]["text"] == "That password is wrong."
    assert said["right"]["heading"] == "Katze.png"
    assert said["downloaded"] == {
        "what": "downloaded",
        "name": "Katze.png",
        "md5": hashlib.md5(PICTURE).hexdigest(),
    }
    assert said["too often"]["text"].startswith("Too many passwords were tried.")
    assert said["zip"]["name"] == "2026.zip"
    assert unpacked(tmp_path / "all.zip") == {"2026/cat.png": PICTURE, "2026/Über 上海/note.txt": b"hello"}
    assert said["confined"] == {"what": "confined", "title": "harmless", "told": []}


def unpacked(archive: Path) -> dict[str, bytes]:
    """What `unzip` and Python make of it, which has to be the same."""
    folder = archive.with_suffix("")
    subprocess.run([need("unzip"), "-q", str(archive), "-d", str(folder)], check=True)
    by_unzip = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with zipfile.ZipFile(archive) as read:
        assert {name: read.read(name) for name in read.namelist()} == by_unzip
    return by_unzip


def test_programs_get_bytes(links: Links, tmp_path: Path) -> None:
    ticket = links.create("photos", key="2026/cat.png", password="sword fish")
    assert b"401" in curl("--write-out", "%{http_code}", ticket.url).stdout
    assert curl("--fail", "--user", ":sword fish", ticket.url).stdout == PICTURE
    curl(
        "--fail",
        "--user",
        ":sword fish",
        "--remote-name",
        "--remote-header-name",
        "--output-dir",
        str(tmp_path),
        ticket.url,
    )
    assert (tmp_path / "cat.png").read_bytes() == PICTURE
    folder = links.create("photos", prefix="2026/")
    assert curl("--fail", f"{folder.url}/{NOTE}").stdout == b"hello"


def test_all_of_it_is_there_after_a_kill(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    try:
        fill(server)
        with links_of(server) as links:
            once = links.create("photos", key="2026/cat.png", downloads=1, password="swordfish")
            cancelled = links.create("photos", key="2026/cat.png")
            links.cancel(cancelled.link.id)
            folder = links.create("photos", prefix="2026/", downloads=1, forever=True)
        assert curl("--fail", f"{folder.url}/cat.png").stdout == PICTURE
        for number in range(20):
            curl("--user", f":{number}", once.url)
        server.kill()
        server = ServerProcess(tmp_path / "data", port=server.port)
        assert status(once.url, "--user", ":swordfish") == 429  # the tries of before still count
        assert status(cancelled.url) == 410
        assert status(f"{folder.url}/cat.png") == 410
        assert status(f"{folder.url}/{NOTE}") == 200
        with links_of(server) as links:
            assert links.show_ticket(once.link.id).url == once.url
        server.stop()
    finally:
        server.kill()


def status(url: str, *words: str) -> int:
    return int(curl("--output", "/dev/null", "--write-out", "%{http_code}", *words, url).stdout)
