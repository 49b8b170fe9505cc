"""A data directory of the first release, under this program: everything is there, and answers as it did."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ..server_process import ServerProcess, clean_environment
from .make import ARCHIVE, CONTENTS, LARGE, Client, read_contents

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def contents() -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(CONTENTS.read_text("utf-8"))
    return stored


def unpack(place: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(place, filter="data")
    (place / "data").chmod(0o700)
    return place / "data"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """The first release's directory, served; with the root key that lies in it."""
    server = ServerProcess(unpack(tmp_path), own_root_key=False)
    try:
        yield server
        server.stop()
    finally:
        server.kill()


def root_key(data: Path) -> tuple[str, str]:
    stored = json.loads((data / "root-credentials.json").read_text())
    return stored["access_key_id"], stored["access_key_secret"]


def test_all_that_was_stored_is_answered_as_it_was(server: ServerProcess, contents: dict[str, Any]) -> None:
    found = read_contents(Client(server.endpoint, *root_key(server.data)))
    for part in ("keys", "objects", "uploads", "configurations"):
        assert found[part] == contents[part], part
    assert [list(marker) for marker in found["markers"]] == contents["markers"]


def test_what_was_begun_can_be_finished(server: ServerProcess, contents: dict[str, Any]) -> None:
    client = Client(server.endpoint, *root_key(server.data))
    (upload_id,) = contents["uploads"]
    body = {"x-oss-complete-all": "yes"}
    client.need("POST", f"/plain/unfinished.bin?uploadId={upload_id}", headers=body)
    assert client.need("GET", "/plain/unfinished.bin") == LARGE + LARGE * 2
    client.need("POST", f"/plain/log?append&position={6 + len(LARGE)}", b" last")
    assert client.need("GET", "/plain/log") == b"first " + LARGE + b" last"


def test_its_users_and_keys_are_known(server: ServerProcess, contents: dict[str, Any]) -> None:
    identities = contents["identities"]
    alice = Client(server.endpoint, *identities["user_key"])
    assert alice.need("GET", "/plain/private") == b"mine"
    assert alice.ask("PUT", "/plain/private", b"hers")[0] == 403
    assert alice.ask("GET", "/versioned/b.txt")[0] == 403
    root = Client(server.endpoint, *root_key(server.data))
    assert root.ask("GET", "/secure/?acl")[0] == 403  # plain HTTP
    assert root.need("GET", "/.coatcheck/callback-key.pem").decode() == contents["callback_key"]


def test_a_second_start_and_an_audit_find_nothing_to_mend(tmp_path: Path) -> None:
    from coatcheck.engines.upkeep.check import check

    from ..audit import audit

    data = unpack(tmp_path)
    for _ in range(2):
        server = ServerProcess(data, own_root_key=False)
        server.stop()
    assert audit(data).clean
    assert list(check(data)) == []


def test_its_documents_are_stored_as_todays_are(tmp_path: Path) -> None:
    data = unpack(tmp_path)
    ServerProcess(data, own_root_key=False).stop()
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        rows = dict(connection.execute("SELECT name, document FROM bucket_setting"))
    assert set(rows) == {
        *("cors", "encryption", "https", "https-only", "lifecycle", "policy", "publicAccessBlock", "referer"),
        *("style/grey.x", "style/small", "tagging", "website"),
    }
    assert all(name == "policy" or json.loads(document)["v"] == 1 for name, document in rows.items())


def test_an_older_program_is_told_in_a_line(tmp_path: Path) -> None:
    """As this program is told of a directory of a newer one: the number of the schema decides."""
    data = unpack(tmp_path)
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 1000")
    words = [sys.executable, "-m", "coatcheck", "serve", "--data", str(data), "--listen", "127.0.0.1:0"]
    refused = subprocess.run(words, env=clean_environment(), capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: The catalog has version 1000; this coatcheck knows versions up to ")
    assert len(refused.stderr.splitlines()) == 1


def test_an_upgrade_may_die_at_any_statement(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.released.dying_upgrade", str(unpack(tmp_path)), str(tmp_path / "copies")]
    done = subprocess.run(words, env=clean_environment(), capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    statements, survived = map(int, done.stdout.split())
    assert statements > 20
    assert survived == statements
