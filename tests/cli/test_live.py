"""The verbs against the real server, each in a process of its own, with no settings but the data directory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..patience import HANG_S, wait_until
from ..relay import stopping_relay

pytestmark = pytest.mark.live

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("OSS_", "COATCHECK_"))},
    "PYTHONPATH": os.pathsep.join(sys.path),
}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on a free port; its data directory is where the verbs look for the root key."""
    work = tmp_path_factory.mktemp("live")
    words = [sys.executable, "-m", "coatcheck", "serve", "--listen", "127.0.0.1:0", "--workers", "1", "--json"]
    with subprocess.Popen(words, cwd=work, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        ready = json.loads(server.stdout.readline())
        ENVIRONMENT["COATCHECK_DATA"] = ready["data"]
        yield ready["endpoint"]
        server.send_signal(signal.SIGTERM)
        server.wait(HANG_S)


def coatcheck(endpoint: str, work: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "coatcheck", *words],
        cwd=work,
        env={**ENVIRONMENT, "OSS_ENDPOINT": endpoint},
        capture_output=True,
        text=True,
        check=check,
    )


def marked_bytes(state: Path) -> int:
    """How much of a download is known to have come."""
    return sum(stop - start for start, stop in json.loads(state.read_text())["done"]) if state.exists() else 0


def test_shared_file_comes_back_byte_for_byte_by_anyone(endpoint: str, tmp_path: Path) -> None:
    body = os.urandom(20_000_000)  # more than the first range
    (tmp_path / "ü 1.bin").write_bytes(body)
    link = coatcheck(endpoint, tmp_path, "share", "ü 1.bin", "--download-as", "文.bin").stdout.strip()
    with urllib.request.urlopen(link) as answer:
        assert answer.read() == body
    done = coatcheck(endpoint, tmp_path, "get", link, "--json")
    assert json.loads(done.stdout) == {
        "file": "文.bin",
        "size_bytes": 20_000_000,
        "crc64": json.loads(done.stdout)["crc64"],
        "verified": True,
        "resumed_bytes": 0,
    }
    assert (tmp_path / "文.bin").read_bytes() == body
    assert coatcheck(endpoint, tmp_path, "explain", link).stdout.startswith("This link works")


def test_without_the_link_nobody_reads_it(endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("hello")
    link = coatcheck(endpoint, tmp_path, "share", "f").stdout.strip()
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(link.partition("?")[0])
    caught.value.close()
    assert caught.value.code == 403


def test_expired_link_is_refused_in_words(endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("hello")
    link = coatcheck(endpoint, tmp_path, "share", "f", "--expires", "1s").stdout.strip()
    time.sleep(2.1)
    refused = coatcheck(endpoint, tmp_path, "get", link, "-o", "g", check=False)
    assert refused.returncode == 1
    assert "Request has expired" in refused.stderr
    assert "ask for a new one" in refused.stderr


def test_a_day_with_buckets_and_trees(endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "a+b %.txt").write_text("1")
    (tmp_path / "d" / "e" / "文").write_text("2")
    coatcheck(endpoint, tmp_path, "mb", "oss://box")
    coatcheck(endpoint, tmp_path, "put", "-r", "d", "oss://box/x")
    listed = coatcheck(endpoint, tmp_path, "ls", "-r", "oss://box", "--json").stdout.splitlines()
    assert [json.loads(line)["key"] for line in listed] == ["x/d/a+b %.txt", "x/d/e/文"]
    assert coatcheck(endpoint, tmp_path, "get", "oss://box/x/d/a+b %.txt", "-o", "-").stdout == "1"
    links = coatcheck(endpoint, tmp_path, "presign", "--prefix", "oss://box/x").stdout.split()
    bodies = []
    for link in links:
        with urllib.request.urlopen(link) as answer:
            bodies.append(answer.read())
    assert bodies == [b"1", b"2"]
    coatcheck(endpoint, tmp_path, "rm", "-r", "--yes", "oss://box")
    assert coatcheck(endpoint, tmp_path, "ls", "oss://box", check=False).returncode == 3


def _heed_interrupts() -> None:
    """Whatever the tests were started by: a shell lets its background jobs ignore them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_interrupted_get_goes_on_with_a_new_link(endpoint: str, tmp_path: Path) -> None:
    body = os.urandom(40_000_000)
    (tmp_path / "big").write_bytes(body)
    coatcheck(endpoint, tmp_path, "mb", "oss://films")
    coatcheck(endpoint, tmp_path, "put", "big", "oss://films")
    link = coatcheck(endpoint, tmp_path, "presign", "oss://films/big").stdout.strip()
    with stopping_relay(endpoint, 34_000_000) as relay:  # more than four ranges that aren't whole, less than all five
        words = [sys.executable, "-m", "coatcheck", "get", link.replace(endpoint, relay.endpoint), "-o", "copy"]
        with subprocess.Popen(
            words, cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, preexec_fn=_heed_interrupts
        ) as running:
            wait_until(lambda: marked_bytes(tmp_path / "copy.part.json") >= 8 * 1024**2)
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=HANG_S)
    assert running.returncode == 130
    assert not (tmp_path / "copy").exists()
    done = json.loads(coatcheck(endpoint, tmp_path, "get", link, "-o", "copy", "--json").stdout)
    assert done["resumed_bytes"] >= 8 * 1024**2
    assert (tmp_path / "copy").read_bytes() == body
