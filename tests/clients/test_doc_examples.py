"""The programs of docs/clients.md and README.md do what the text around them says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, a_presigner
from ..patience import HANG_S
from ..server_process import ServerProcess, clean_environment
from .builds import GO, java_sdk
from .conftest import Put
from .programs import NODE_FOLDER, need, need_node
from .raw import send

ROOT: Final = Path(__file__).parents[2]
BODY: Final = os.urandom(300_000)
KEY: Final = "a b/图 1.jpg"
LANGUAGES: Final = ("sh", "python", "js", "java", "go")


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)


def program(language: str, source: str, folder: Path) -> list[str]:
    """Put the source into a file, and how to run it. Java and Go are skipped where they aren't installed."""
    if language in ("java", "go") and shutil.which(language) is None:
        pytest.skip(f"MISSING: {language}")
    name = {"java": "Download.java"}.get(language, f"program.{language}")
    file = folder / name
    file.write_text(source, "utf-8")
    match language:
        case "sh":
            need("curl")
            return ["sh", str(file)]
        case "python":
            return [sys.executable, str(file)]
        case "js":
            return [need_node("ali-oss"), str(file)]
        case "java":
            return ["java", "-XX:TieredStopAtLevel=1", str(file)]
        case _:
            return ["go", "run", str(file)]


def run(words: list[str], server: ServerProcess, folder: Path) -> str:
    environment = clean_environment(
        OSS_ACCESS_KEY_ID=ACCESS_KEY_ID,
        OSS_ACCESS_KEY_SECRET=ACCESS_KEY_SECRET,
        OSS_ENDPOINT=server.endpoint,
        NODE_PATH=str(NODE_FOLDER / "node_modules"),
        GOFLAGS="-mod=readonly",
    )
    done = subprocess.run(words, env=environment, cwd=folder, capture_output=True, text=True, timeout=HANG_S)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_holder_of_a_link_downloads_with_the_documented_program(
    live_server: ServerProcess, bucket: str, put: Put, tmp_path: Path, language: str
) -> None:
    put(KEY, BODY)
    link = a_presigner(live_server.endpoint).presign("GET", bucket, KEY).url
    words = program(language, blocks("docs/clients.md", language)[0], tmp_path)
    run([*words, link, str(tmp_path / "out")], live_server, tmp_path)
    assert (tmp_path / "out").read_bytes() == BODY


@pytest.mark.parametrize(("language", "place"), [("python", 1), ("python", 2), ("js", 1)])
def test_owner_makes_a_link_with_the_documented_program(
    live_server: ServerProcess, bucket: str, put: Put, tmp_path: Path, language: str, place: int
) -> None:
    words = program(language, blocks("docs/clients.md", language)[place], tmp_path)
    check_link(words, live_server, bucket, put, tmp_path)


def test_owner_makes_a_link_with_the_documented_program_in_java(
    live_server: ServerProcess, bucket: str, put: Put, tmp_path: Path
) -> None:
    (_, source) = blocks("docs/clients.md", "java")
    file = tmp_path / "Link.java"
    file.write_text(source, "utf-8")
    check_link([*java_sdk()[:-1], str(file)], live_server, bucket, put, tmp_path)


@pytest.mark.parametrize("place", [1, 2])
def test_owner_makes_a_link_with_the_documented_program_in_go(
    live_server: ServerProcess, bucket: str, put: Put, tmp_path: Path, place: int
) -> None:
    """Run where go.mod names the SDKs."""
    words = program("go", blocks("docs/clients.md", "go")[place], tmp_path)
    check_link(words, live_server, bucket, put, GO)


def check_link(words: list[str], server: ServerProcess, bucket: str, put: Put, folder: Path) -> None:
    put(KEY, BODY)
    answer = send(run([*words, bucket, KEY], server, folder))
    assert (answer.status, answer.body) == (200, BODY)


@pytest.mark.parametrize("page", ["README.md", "docs/presigned-urls.md", "docs/from-mocks.md"])
def test_python_of_the_page_runs_as_it_stands(live_server: ServerProcess, tmp_path: Path, page: str) -> None:
    found = blocks(page, "python")
    assert found
    for source in found:
        run(program("python", source, tmp_path), live_server, tmp_path)


@pytest.mark.parametrize(("language", "place"), [("python", 2), ("python", 3), ("js", 0)])
def test_a_documented_program_makes_the_same_link_for_an_hour(
    live_server: ServerProcess, tmp_path: Path, language: str, place: int
) -> None:
    """Twice, in processes of their own, seconds apart; the hour may change in between, once."""
    bucket = a_presigner(live_server.endpoint)
    send(bucket.presign("PUT", "examplebucket", None).url, "PUT")
    assert send(bucket.presign("PUT", "examplebucket", "exampleobject.txt").url, "PUT", body=BODY).status == 200
    words = program(language, blocks("docs/presigned-urls.md", language)[place], tmp_path)
    while True:
        hour = time.time() // 3600
        first, second = run(words, live_server, tmp_path), run(words, live_server, tmp_path)
        if time.time() // 3600 == hour:
            break
    assert first == second
    answer = send(first)
    assert (answer.status, answer.body) == (200, BODY)
