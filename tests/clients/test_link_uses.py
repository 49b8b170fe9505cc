"""What counts as a use of a limited link: links that official SDKs signed, programs that resume, robots that look."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as oss_v2
import oss2
import pytest

from coatcheck import Links, Presigner

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..patience import HANG_S, wait_until
from ..server_process import ServerProcess, clean_environment
from .builds import go_program, java_sdk
from .programs import need, run_node
from .raw import Answer, send
from .test_links import REGION, Reader, bucket_of, by_oss2_v1, by_oss2_v4, by_v2
from .test_more_sdks import run_sdk

pytestmark = pytest.mark.live

MIB = 1024 * 1024
LARGE = os.urandom(MIB) * 32
SIGNERS = ("oss2 V1", "oss2 V4", "Python V2", "ali-oss V4", "ali-oss V1", "Go", "Java")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("uses") / "data")
    try:
        bucket = bucket_of(server)
        bucket.create_bucket()
        bucket.put_object("large.bin", LARGE)
        yield server
        server.stop()
    finally:
        server.kill()


def links_of(server: ServerProcess) -> Links:
    return Links(ACCESS_KEY_ID, ACCESS_KEY_SECRET, endpoint=server.endpoint, region=REGION)


def sign(signer: str, server: ServerProcess) -> tuple[str, str]:
    """A link by an unmodified SDK, and the key that it is for; the object is there."""
    if signer in ("Go", "Java"):
        words = [go_program("sdk")] if signer == "Go" else java_sdk()
        told = run_sdk(words, server, "photos", "http://cdn.example.com")
        return told["link"], told["list"]
    key = f"{signer.lower()}/once.txt"
    bucket_of(server).put_object(key, f"hello from {signer}")
    match signer:
        case "oss2 V1":
            return by_oss2_v1(server, key), key
        case "oss2 V4":
            return by_oss2_v4(server, key), key
        case "Python V2":
            return by_v2(server, key), key
        case _:
            told = run_node("links.js", "ali-oss", server, bucket="photos", key=key)[0]
            return told[signer.rpartition(" ")[2].lower()], key


def outcome(answer: Answer) -> tuple[int, str]:
    """Status, and the body or the finer code."""
    return answer.status, answer.headers.get("x-oss-ec") or answer.body.decode()


@pytest.mark.parametrize("signer", SIGNERS)
def test_an_sdks_link_is_used_once_and_cancelled_unseen_also_after_a_crash(tmp_path: Path, signer: str) -> None:
    server = ServerProcess(tmp_path / "data")
    used_up, cancelled = (403, "9000-00000002"), (403, "9000-00000001")
    try:
        bucket_of(server).create_bucket()
        url, key = sign(signer, server)
        with links_of(server) as links:
            registered = links.register(url, downloads=1)
            assert outcome(send(url, connect_to=server)) == (200, f"hello from {signer}")
            wait_until(lambda: links.show(registered.id).state == "used up")
            assert {outcome(send(url, connect_to=server)) for _ in range(6)} == {used_up}
        server.kill()
        server = ServerProcess(tmp_path / "data", port=server.port)
        assert {outcome(send(url, connect_to=server)) for _ in range(6)} == {used_up}
        unseen, _ = sign(signer, server)
        with links_of(server) as links:
            links.cancel_all(bucket="photos", prefix=key.partition("/")[0] + "/")
        assert {outcome(send(unseen, connect_to=server)) for _ in range(6)} == {cancelled}
        server.kill()
        server = ServerProcess(tmp_path / "data", port=server.port)
        assert {outcome(send(unseen, connect_to=server)) for _ in range(6)} == {cancelled}
        server.stop()
    finally:
        server.kill()


# --- programs that come back for the rest ---------------------------------------------------------------------------


class Limited:
    """A link to the large object that may be used three times."""

    def __init__(
        self, server: ServerProcess, links: Links, note: str, key: str = "large.bin", rate_bits_per_s: int | None = None
    ) -> None:
        presigner = Presigner(ACCESS_KEY_ID, ACCESS_KEY_SECRET, region=REGION, endpoint=server.endpoint)
        self.url = presigner.presign("GET", "photos", key, query={"x-coatcheck-id": note}).url
        self._links = links
        self._id = links.register(self.url, downloads=3, note=note, rate_bits_per_s=rate_bits_per_s).id

    def taken(self) -> int | None:
        return self._links.show(self._id).downloads_taken


@pytest.fixture
def links(server: ServerProcess) -> Iterator[Links]:
    with links_of(server) as links:
        yield links


def break_off(words: list[str], file: Path, least: int = MIB) -> None:
    """Run a download until some of it is there, and kill it."""
    with subprocess.Popen(words, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as ran:
        wait_until(lambda: file.exists() and file.stat().st_size >= least)
        ran.kill()
    assert least <= file.stat().st_size < len(LARGE)


def fetch(words: list[str]) -> None:
    subprocess.run(words, env=clean_environment(), capture_output=True, check=True, timeout=HANG_S)


def test_curl_that_resumes_is_one_use(server: ServerProcess, links: Links, tmp_path: Path) -> None:
    link, file = Limited(server, links, "curl"), tmp_path / "out"
    curl = [need("curl"), "--disable", "--silent", "-C", "-", "-o", str(file), link.url]
    break_off([*curl, "--limit-rate", "4M"], file)
    assert link.taken() in (0, 1)
    fetch(curl)
    assert file.read_bytes() == LARGE
    wait_until(lambda: link.taken() == 1)


def test_wget_that_continues_is_one_use(server: ServerProcess, links: Links, tmp_path: Path) -> None:
    link, file = Limited(server, links, "wget"), tmp_path / "out"
    wget = [need("wget"), "--no-config", "--quiet", "-c", "-O", str(file), link.url]
    break_off([*wget, "--limit-rate=4m"], file)
    fetch(wget)
    assert file.read_bytes() == LARGE
    wait_until(lambda: link.taken() == 1)


def test_aria2_with_eight_connections_is_one_use(server: ServerProcess, links: Links, tmp_path: Path) -> None:
    link, file = Limited(server, links, "aria2"), tmp_path / "out"
    words = ["--no-conf", "--quiet", "-x8", "-s8", "-k1M", "-d", str(tmp_path), "-o", "out", link.url]
    fetch([need("aria2c"), *words])
    assert file.read_bytes() == LARGE
    wait_until(lambda: link.taken() == 1)


def chromium(script: str, server: ServerProcess, **facts: str) -> dict[str, Any]:
    return run_node(script, "playwright-core", server, chromium=need("chromium"), **facts)[0]


def test_a_video_player_that_seeks_is_one_use(server: ServerProcess, links: Links) -> None:
    """Chromium's own, in a page of another origin: it asks for the start, for the end, and for what it is sent to."""
    size = 24 * MIB
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8, b"data", size
    )
    bucket_of(server).put_object("sound.wav", header + bytes(size), headers={"Content-Type": "audio/wav"})
    link = Limited(server, links, "player", "sound.wav")
    seen = chromium("browser_media.js", server, url=link.url)
    assert (seen["error"], round(seen["duration"])) == (None, 3146)
    assert len(seen["ranges"]) > 1
    assert link.taken() in (0, 1)  # 0 where it has given back what it broke off


def test_a_browsers_download_that_is_paused_and_resumed_is_one_use(
    server: ServerProcess, links: Links, tmp_path: Path
) -> None:
    link = Limited(server, links, "browser", rate_bits_per_s=32_000_000)  # so that there is something to pause
    seen = chromium(
        "browser_resume.js", server, url=link.url, profile=str(tmp_path / "profile"), file=str(tmp_path / "out")
    )
    assert seen["failure"] is None
    assert (tmp_path / "out").read_bytes() == LARGE
    wait_until(lambda: link.taken() == 1)


# --- robots ---------------------------------------------------------------------------------------------------------

ROBOTS = {  # as they come
    "Slack": {
        "User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Accept": "*/*",
        "Range": "bytes=0-32767",
    },
    "WhatsApp": {"User-Agent": "WhatsApp/2.23.20.0 A", "Accept": "*/*", "Accept-Language": "en"},
    "Facebook": {
        "User-Agent": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Accept": "*/*",
        "Range": "bytes=0-524287",
        "Accept-Encoding": "deflate, gzip",
    },
    "Telegram": {"User-Agent": "TelegramBot (like TwitterBot)", "Accept": "text/html,*/*;q=0.8"},
    "Discord": {
        "User-Agent": "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
        "Range": "bytes=0-",
    },
}


def test_robots_use_nothing_up(server: ServerProcess, links: Links) -> None:
    link = Limited(server, links, "robots")
    for headers in ROBOTS.values():
        assert [outcome(send(link.url, headers=headers)) for _ in range(3)] == [(403, "9000-00000006")] * 3
    assert link.taken() == 0


# --- cancelled while it runs ----------------------------------------------------------------------------------------


def test_downloads_of_a_gibibyte_in_both_workers_end_within_a_second(server: ServerProcess, links: Links) -> None:
    """Readers of 10 KiB/s. What their kernels have when the connection is over is all they get."""
    bucket = bucket_of(server)
    upload = bucket.init_multipart_upload("gibibyte.bin").upload_id
    parts = []
    for number in range(1, 33):
        made = bucket.upload_part_copy("photos", "large.bin", (0, len(LARGE) - 1), "gibibyte.bin", upload, number)
        parts.append(oss2.models.PartInfo(number, made.etag))
    bucket.complete_multipart_upload("gibibyte.bin", upload, parts)
    presigner = Presigner(ACCESS_KEY_ID, ACCESS_KEY_SECRET, region=REGION, endpoint=server.endpoint)
    took_s = []
    for life in (1000, 1001, 1002):  # a busy machine may be late; it isn't so every time
        url = presigner.presign("GET", "photos", "gibibyte.bin", expires=life).url
        readers = [Reader(url) for _ in range(8)]
        links.cancel(url)
        began = time.monotonic()
        wait_until(lambda readers=readers: all(map(is_closed, readers)))  # type: ignore[misc]
        took_s.append(time.monotonic() - began)
        there = [waiting(reader) + reader.taken for reader in readers]
        for reader in readers:
            assert reader.ended.wait(HANG_S)
            assert reader.was_reset
        assert all(reader.taken <= most for reader, most in zip(readers, there, strict=True))
        if took_s[-1] < 1:
            break
    assert min(took_s) < 1


def is_closed(reader: Reader) -> bool:
    """Whether the receiver's kernel knows that the connection is over."""
    return reader.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE


def waiting(reader: Reader) -> int:
    """Bytes that the receiver's kernel has, and the receiver hasn't read yet."""
    return int(struct.unpack("i", fcntl.ioctl(reader.socket, termios.FIONREAD, bytes(4)))[0])


_TCP_CLOSE = 7  # Linux: include/net/tcp_states.h


# --- what SDKs make of a hint ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of another region than the SDKs sign for."""
    server = ServerProcess(tmp_path_factory.mktemp("elsewhere") / "data", "--region", "cn-beijing")
    yield server
    server.stop()


def ask_by(sdk: str, server: ServerProcess) -> tuple[str, str]:
    """A refused request: the code that the SDK read, and the request id."""
    match sdk:
        case "oss2":
            auth = oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
            with pytest.raises(oss2.exceptions.ServerError) as refused:
                oss2.Bucket(auth, server.endpoint, "photos", region=REGION, is_path_style=True).get_object("none")
            return refused.value.code, refused.value.request_id
        case "Python V2":
            config = oss_v2.config.load_default()
            config.credentials_provider = oss_v2.credentials.StaticCredentialsProvider(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
            config.region, config.endpoint, config.use_path_style = REGION, server.endpoint, True
            with pytest.raises(oss_v2.exceptions.OperationError) as failed:
                oss_v2.Client(config).get_object(oss_v2.GetObjectRequest("photos", "none"))
            error = failed.value.unwrap()
            return error.code, error.request_id
        case "ali-oss":
            told = run_node("links.js", "ali-oss", server, bucket="photos", key="none", refused=True)[0]
            return told["code"], told["requestId"]
        case _:
            words = [go_program("sdk")] if sdk == "Go" else java_sdk()
            done = subprocess.run(
                [*words, server.endpoint, "photos", "http://oss-cn-hangzhou.aliyuncs.com", "http://cdn.example.com"],
                env=clean_environment(OSS_ACCESS_KEY_ID=ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET=ACCESS_KEY_SECRET),
                capture_output=True,
                text=True,
                timeout=HANG_S,
            )
            said = done.stdout + done.stderr
            found = [word.strip(",.\"'[]") for word in said.replace(":", " ").replace("=", " ").split()]
            request_id = next(word for word in found if len(word) == 24 and word.isupper() and word.isalnum())
            return ("InvalidArgument" if "InvalidArgument" in found else said), request_id


@pytest.mark.parametrize("sdk", ["oss2", "Python V2", "ali-oss", "Go", "Java"])
def test_sdks_read_a_refusal_with_a_hint_as_any_other(elsewhere: ServerProcess, sdk: str) -> None:
    """One hint a second for an address: asked again until the refusal that it read had one, as `explain` tells."""
    said = "It is signed for region cn-hangzhou, which isn't the one here: sign it for the bucket's region."
    hints: list[str | None] = []

    def has_hint() -> bool:
        code, request_id = ask_by(sdk, elsewhere)
        assert code == "InvalidArgument"
        wait_until(lambda: elsewhere.command("explain", request_id, "--json").returncode == 0)
        hints.append(json.loads(elsewhere.command("explain", request_id, "--json").stdout)["hint"])
        return hints[-1] is not None

    wait_until(has_hint)
    assert hints[-1] == said
