"""cp and sync against the real server: what was interrupted goes on, what is the same isn't moved."""

from __future__ import annotations

import filecmp
import io
import json
import os
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from ..patience import HANG_S, wait_until
from ..relay import stopping_relay
from ..soak import SOAKING
from .test_live import ENVIRONMENT, coatcheck, endpoint, marked_bytes

pytestmark = pytest.mark.live
FILES = 10_000 if SOAKING else 500
SMALL = ("--parts-above", "1M", "--part-size", "1M")
UPLOAD_BYTES, SIZES = (1024**3, ()) if SOAKING else (24_000_000, SMALL)
DOWNLOAD_BYTES = 1024**3 if SOAKING else 40_000_000
UNMARKED_BYTES = 17_500_000  # four connections, each with 4 MiB and what one read brings
_ = endpoint


def facts(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def write_random(file: Path, size_bytes: int) -> None:
    piece = os.urandom(1024**2)
    with file.open("wb") as out:
        for number in range(size_bytes // len(piece)):
            out.write(number.to_bytes(8, "big") + piece[8:])
        out.write(piece[: size_bytes % len(piece)])


@pytest.mark.soak(1)
def test_upload_in_parts_that_was_killed_goes_on(endpoint: str, tmp_path: Path) -> None:
    write_random(tmp_path / "big", UPLOAD_BYTES)
    state = tmp_path / "state"
    environment = {**ENVIRONMENT, "XDG_STATE_HOME": str(state)}
    coatcheck(endpoint, tmp_path, "mb", "oss://parts")
    with stopping_relay(endpoint, 6_000) as relay:  # some replies to parts, of 400 bytes or more, of the 23 or 64
        words = [sys.executable, "-m", "coatcheck", "cp", "big", "oss://parts", *SIZES, "--json"]
        environment["OSS_ENDPOINT"] = relay.endpoint
        with subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL) as running:
            wait_until(lambda: sum(file.read_text().count("\n") for file in state.rglob("*.upload")) > 3)
            running.kill()
            running.wait(HANG_S)
        relay.go_on()
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    (first, _) = facts(done.stdout)
    resumed = first["resumed_bytes"]
    assert isinstance(resumed, int)
    assert 3 * 1024**2 <= resumed < UPLOAD_BYTES
    assert list(state.rglob("*.upload")) == []
    coatcheck(endpoint, tmp_path, "cp", "oss://parts/big", "copy", *SIZES)
    assert filecmp.cmp(tmp_path / "copy", tmp_path / "big", shallow=False)


@pytest.mark.soak(1)
def test_download_that_was_killed_goes_on_within_its_ranges(endpoint: str, tmp_path: Path) -> None:
    write_random(tmp_path / "big", DOWNLOAD_BYTES)
    coatcheck(endpoint, tmp_path, "mb", "oss://films2")
    coatcheck(endpoint, tmp_path, "cp", "big", "oss://films2")
    stop = DOWNLOAD_BYTES * 17 // 20
    with stopping_relay(endpoint, stop) as relay:
        words = [sys.executable, "-m", "coatcheck", "cp", "oss://films2/big", "copy", *SMALL]
        environment = {**ENVIRONMENT, "OSS_ENDPOINT": relay.endpoint}
        with subprocess.Popen(words, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as running:
            wait_until(lambda: marked_bytes(tmp_path / "copy.part.json") >= stop - UNMARKED_BYTES)
            running.kill()
            running.wait(HANG_S)
    kept = marked_bytes(tmp_path / "copy.part.json")
    done = coatcheck(endpoint, tmp_path, "cp", "oss://films2/big", "copy", *SMALL, "--json")
    assert facts(done.stdout)[0]["resumed_bytes"] == kept
    assert filecmp.cmp(tmp_path / "copy", tmp_path / "big", shallow=False)


@pytest.mark.soak(FILES)
def test_second_sync_of_many_files_moves_nothing(endpoint: str, tmp_path: Path) -> None:
    for number in range(FILES):
        file = tmp_path / "tree" / f"{number % 10}" / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"file {number}\n")
    coatcheck(endpoint, tmp_path, "mb", "oss://synced")
    first = coatcheck(endpoint, tmp_path, "sync", "tree", "oss://synced/p", "--json")
    assert facts(first.stdout)[-1]["summary"]["files"] == FILES  # type: ignore[index]
    second = coatcheck(endpoint, tmp_path, "sync", "tree", "oss://synced/p", "--json")
    (summary,) = facts(second.stdout)
    assert {**summary["summary"], "seconds": 0} == {  # type: ignore[dict-item]
        "files": 0,
        "bytes": 0,
        "seconds": 0,
        "failed": 0,
        "skipped": 0,
        "unchanged": FILES,
    }
    coatcheck(endpoint, tmp_path, "sync", "oss://synced/p", "back")
    differs = subprocess.run(["diff", "-r", "tree", "back"], cwd=tmp_path, check=False)
    assert differs.returncode == 0


def test_verbs_find_the_server_by_its_data_directory(endpoint: str, tmp_path: Path) -> None:
    """Its port is any; nothing is set but COATCHECK_DATA."""
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "OSS_ENDPOINT"}
    words = [sys.executable, "-m", "coatcheck", "stat", "oss://found-by-file", "--json"]
    coatcheck(endpoint, tmp_path, "mb", "oss://found-by-file")
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["bucket"] == "found-by-file"


def test_server_copies_large_objects_in_parts_with_what_they_say_of_themselves(endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(os.urandom(300_000))
    coatcheck(endpoint, tmp_path, "mb", "oss://copies")
    coatcheck(endpoint, tmp_path, "cp", "f", "oss://copies/a", "--header", "x-oss-meta-by: ada")
    program = (
        "from coatcheck.client.connection import Connection\n"
        "from coatcheck.client.objects import ObjectAddress, copy_object\n"
        "from coatcheck.client.profile import Options, read_profile\n"
        "from coatcheck.client.transfer import Unwatched\n"
        "import os, pathlib\n"
        "with Connection(read_profile(Options(), os.environ, pathlib.Path.home())) as connection:\n"
        "    copy_object(connection, ObjectAddress('copies', 'a'), ObjectAddress('copies', 'b'), Unwatched(),\n"
        "                part_bytes=128 * 1024, above_bytes=200_000)\n"
    )
    subprocess.run([sys.executable, "-c", program], env={**ENVIRONMENT, "OSS_ENDPOINT": endpoint}, check=True)
    stated = json.loads(coatcheck(endpoint, tmp_path, "stat", "oss://copies/b", "--json").stdout)
    assert (stated["headers"]["x-oss-meta-by"], stated["etag"][-2:]) == ("ada", "-3")
    coatcheck(endpoint, tmp_path, "cp", "oss://copies/b", "g")
    assert (tmp_path / "g").read_bytes() == (tmp_path / "f").read_bytes()


def test_share_has_a_key_of_its_own_that_can_be_disabled(endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("hello")
    link = coatcheck(endpoint, tmp_path, "share", "f").stdout.strip()
    data = Path(ENVIRONMENT["COATCHECK_DATA"])
    key = json.loads((data / "share-credentials.json").read_text())["access_key_id"]
    root = json.loads((data / "root-credentials.json").read_text())["access_key_id"]
    assert key in link
    listed = {row["access_key_id"]: row for row in facts(coatcheck(endpoint, tmp_path, "key", "list", "--json").stdout)}
    assert {root, key} <= listed.keys()
    refused = coatcheck(endpoint, tmp_path, "key", "disable", root, check=False)
    assert (refused.returncode, "is the server's root key" in refused.stderr) == (1, True)
    coatcheck(endpoint, tmp_path, "key", "disable", key)
    assert coatcheck(endpoint, tmp_path, "get", link, "-o", "g", check=False).returncode == 1
    again = coatcheck(endpoint, tmp_path, "share", "f", check=False)
    assert (again.returncode, f"coatcheck key enable {key}" in again.stderr) == (1, True)
    coatcheck(endpoint, tmp_path, "key", "enable", key)
    assert coatcheck(endpoint, tmp_path, "get", link, "-o", "-").stdout == "hello"


def test_shared_folder_is_one_link_to_all_in_it(endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "album" / "sub").mkdir(parents=True)
    (tmp_path / "album" / "sub" / "a.txt").write_text("hello")
    made = coatcheck(endpoint, tmp_path, "share", "album", "--json")
    (link,) = facts(made.stdout)
    with urllib.request.urlopen(str(link["url"])) as answer, zipfile.ZipFile(io.BytesIO(answer.read())) as archive:
        assert [name.rpartition("sub/")[2] for name in archive.namelist()] == ["a.txt"]
