"""Links of official SDKs, unchanged, cancelled and limited on a running server, through both of its workers."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import alibabacloud_oss_v2 as oss_v2
import oss2
import pytest

from coatcheck import Links, Presigner
from coatcheck.client.errors import ClientError
from coatcheck.client.link_info import find_link_id

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..patience import HANG_S, wait_until
from ..server_process import ServerProcess

pytestmark = pytest.mark.live

MIB = 1024 * 1024
REGION = "cn-hangzhou"
LARGE = os.urandom(MIB) * 64


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("links") / "data")
    try:
        bucket = bucket_of(server)
        bucket.create_bucket()
        bucket.put_object("2026/small.txt", b"0123456789")
        bucket.put_object("2026/large.bin", LARGE)
        yield server
        server.stop()
    finally:
        server.kill()


@pytest.fixture
def links(server: ServerProcess) -> Iterator[Links]:
    with Links(ACCESS_KEY_ID, ACCESS_KEY_SECRET, endpoint=server.endpoint, region=REGION) as links:
        yield links


def bucket_of(server: ServerProcess) -> oss2.Bucket:
    return oss2.Bucket(oss2.Auth(ACCESS_KEY_ID, ACCESS_KEY_SECRET), server.endpoint, "photos", is_path_style=True)


def link(server: ServerProcess, key: str, expires: int = 3600) -> str:
    presigner = Presigner(ACCESS_KEY_ID, ACCESS_KEY_SECRET, region=REGION, endpoint=server.endpoint)
    return presigner.presign("GET", "photos", key, expires=expires).url


def by_oss2_v1(server: ServerProcess, key: str) -> str:
    return str(bucket_of(server).sign_url("GET", key, 3600, slash_safe=True))


def by_oss2_v4(server: ServerProcess, key: str) -> str:
    auth = oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    bucket = oss2.Bucket(auth, server.endpoint, "photos", region=REGION, is_path_style=True)
    return str(bucket.sign_url("GET", key, 3600, slash_safe=True))


def by_v2(server: ServerProcess, key: str) -> str:
    config = oss_v2.config.load_default()
    config.credentials_provider = oss_v2.credentials.StaticCredentialsProvider(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    config.region, config.endpoint, config.use_path_style = REGION, server.endpoint, True
    signed = oss_v2.Client(config).presign(oss_v2.GetObjectRequest("photos", key))
    return str(signed.url)


def get(url: str, **headers: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=HANG_S)
    connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("sign", [by_oss2_v1, by_oss2_v4, by_v2])
def test_an_sdks_link_is_good_for_one_download(server: ServerProcess, links: Links, sign: object) -> None:
    url = sign(server, "2026/small.txt")  # type: ignore[operator]
    registered = links.register(url, downloads=1, note="once")
    assert get(url) == (200, b"0123456789")
    for _ in range(8):  # whichever worker takes it
        status, body = get(url)
        assert (status, b"9000-00000002" in body) == (403, True)
    assert links.show(registered.id).state == "used up"
    assert find_link_id(url) == registered.id


def test_a_cancelled_link_is_refused_by_both_workers(server: ServerProcess, links: Links) -> None:
    url = link(server, "2026/small.txt", 1000)
    assert get(url)[0] == 200
    assert links.cancel(url).state == "cancelled"
    assert {get(url)[0] for _ in range(10)} == {403}
    assert any(known.state == "cancelled" for known in links.list_links(bucket="photos"))


def test_a_rule_cancels_links_that_nobody_has_seen(server: ServerProcess, links: Links) -> None:
    bucket_of(server).put_object("2025/old.txt", b"old")
    unseen = [link(server, "2025/old.txt", 900), by_oss2_v1(server, "2025/old.txt")]
    links.cancel_all(bucket="photos", prefix="2025/")
    assert [get(url)[0] for url in unseen] == [403, 403]
    links.remove_rule(bucket="photos", prefix="2025/")
    assert [get(url)[0] for url in unseen] == [200, 200]


class Reader:
    """Somebody who takes a download slowly."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self.socket.connect((parts.hostname, parts.port))
        self.socket.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        self.taken = len(self.socket.recv(4096))
        self.was_reset = self.leaves = False
        self.ended = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with self.socket:
            try:
                while not self.leaves and (piece := self.socket.recv(1024)):
                    self.taken += len(piece)
                    time.sleep(0.1)
            except ConnectionResetError:
                self.was_reset = True
        self.ended.set()

    def leave(self) -> None:
        self.leaves = True
        assert self.ended.wait(HANG_S)


def test_running_downloads_end_when_their_link_is_cancelled(server: ServerProcess, links: Links) -> None:
    """In every worker, within a second; and no byte of what the kernel has buffered goes out afterwards."""
    url = link(server, "2026/large.bin", 2000)
    other = link(server, "2026/large.bin", 2001)
    readers, unaffected = [Reader(url) for _ in range(8)], Reader(other)
    links.cancel(url)
    for reader in readers:
        assert reader.ended.wait(HANG_S)
        assert reader.was_reset
        assert reader.taken < len(LARGE)
    taken = unaffected.taken
    wait_until(lambda: unaffected.taken > taken)
    assert not unaffected.ended.is_set()
    unaffected.leave()


def test_what_the_kernel_has_taken_whole_ends_too(server: ServerProcess, links: Links) -> None:
    """The server is done with it, and the client hasn't read it yet."""
    bucket_of(server).put_object("2026/medium.bin", LARGE[: 256 * 1024])
    url = link(server, "2026/medium.bin", 2002)
    reader = Reader(url)
    links.cancel(url)
    assert reader.ended.wait(HANG_S)
    assert reader.was_reset
    assert reader.taken < 256 * 1024


def test_a_small_download_that_breaks_off_gives_its_use_back(server: ServerProcess, links: Links) -> None:
    """The kernel had taken all of it at once; the client took little, and went."""
    bucket_of(server).put_object("2026/medium.bin", LARGE[: 4 * MIB])
    url = link(server, "2026/medium.bin", 2003)
    registered = links.register(url, downloads=1)
    reader = Reader(url)
    assert links.show(registered.id).downloads_taken == 1
    reader.leave()
    wait_until(lambda: links.show(registered.id).downloads_taken == 0)
    assert get(url, **{"User-Agent": "another"}) == (200, LARGE[: 4 * MIB])
    wait_until(lambda: links.show(registered.id).state == "used up")
    assert get(url)[0] == 403


def test_all_of_it_survives_a_crash(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    try:
        bucket = bucket_of(server)
        bucket.create_bucket()
        bucket.put_object("a.txt", b"0123456789")
        cancelled, used, free = (link(server, "a.txt", seconds) for seconds in (100, 200, 300))
        with Links(ACCESS_KEY_ID, ACCESS_KEY_SECRET, endpoint=server.endpoint, region=REGION) as links:
            links.cancel(cancelled)
            links.register(used, downloads=1)
            links.register(free, downloads=1)
        assert get(used)[0] == 200
        server.kill()
        server = ServerProcess(tmp_path / "data", port=server.port)
        assert [get(url)[0] for url in (cancelled, used, free, free)] == [403, 403, 200, 403]
        server.stop()
    finally:
        server.kill()


def test_others_have_no_say(server: ServerProcess) -> None:
    server.command("account", "create", "other")
    made = json.loads(server.command("key", "create", "--account", "other", "--json").stdout)
    url = link(server, "2026/small.txt", 3000)
    with (
        Links(made["access_key_id"], made["access_key_secret"], endpoint=server.endpoint, region=REGION) as links,
        pytest.raises(ClientError, match="AccessDenied"),
    ):
        links.cancel(url)
    assert get(url)[0] == 200
