"""A server with its own authority, on another port and in another region, found by what it writes beside its data."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..server_process import ServerProcess, clean_environment

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    work = tmp_path_factory.mktemp("tls")
    server = ServerProcess(work / "data", "--tls-self-signed", "--region", "cn-beijing", workers=1, own_root_key=False)
    yield server.data
    server.stop()


def verb(work: Path, data: Path, *words: str) -> str:
    """What a verb prints that knows nothing but the data directory."""
    words = (sys.executable, "-m", "coatcheck", *words)
    environment = clean_environment(COATCHECK_DATA=str(data), HOME=str(work))
    return subprocess.run(words, cwd=work, env=environment, capture_output=True, text=True, check=True).stdout


def test_verbs_trust_the_authority_of_the_server_beside_them(data: Path, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("hello")
    verb(tmp_path, data, "mb", "oss://over-tls")
    verb(tmp_path, data, "cp", "f", "oss://over-tls")
    listed = json.loads(verb(tmp_path, data, "ls", "oss://over-tls", "--json"))
    assert (listed["key"], listed["size_bytes"]) == ("f", 5)
    assert verb(tmp_path, data, "cat", "oss://over-tls/f") == "hello"


def test_links_of_it_are_followed_and_explained(data: Path, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("hello")
    link = verb(tmp_path, data, "share", "f").strip()
    assert link.startswith("https://127.0.0.1:")
    assert "%2Fcn-beijing%2Foss%2F" in link
    assert verb(tmp_path, data, "get", link, "-o", "-") == "hello"
    explained = json.loads(verb(tmp_path, data, "explain", link, "--json"))
    assert (explained["works"], explained["object_is_there"]) == (True, True)
