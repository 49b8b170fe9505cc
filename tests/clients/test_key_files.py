"""A real server and key files that are missing, foreign or cut short: one line with the next step, and exit code 2; and
the data directory of one that runs is for its owner alone."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, a_presigner
from ..server_process import ServerProcess, clean_environment
from .raw import send

ROOT: Final = {"OSS_ACCESS_KEY_ID": ACCESS_KEY_ID, "OSS_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET}
FOREIGN: Final = base64.b64encode(bytes(32)).decode()


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a server that has been in use, with every kind of key."""
    data = tmp_path_factory.mktemp("used") / "data"
    server = ServerProcess(data, "--tls-self-signed", workers=1)
    try:
        assert server.command("key", "create").returncode == 0
        trust = ssl.create_default_context(cafile=str(data / "tls" / "ca.pem"))
        with urllib.request.urlopen(f"{server.endpoint}/.coatcheck/callback-key.pem", context=trust) as answer:
            assert answer.read().startswith(b"-----BEGIN PUBLIC KEY-----")
        server.stop()
    finally:
        server.kill()
    (data / "root-credentials.json").write_text(
        json.dumps({"access_key_id": ACCESS_KEY_ID, "access_key_secret": ACCESS_KEY_SECRET})
    )
    (data / "root-credentials.json").chmod(0o600)
    return data


@pytest.fixture
def data(used: Path, tmp_path: Path) -> Path:
    shutil.copytree(used, tmp_path / "data")
    return tmp_path / "data"


def coatcheck(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "coatcheck", *words]
    return subprocess.run(line, env=clean_environment(**variables), capture_output=True, text=True, timeout=60)


def serve(data: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Only for servers that don't start."""
    return coatcheck("serve", "--data", str(data), "--listen", "127.0.0.1:0", "--tls-self-signed", **variables)


def remove(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    path.write_text(FOREIGN)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


KEYS: Final = ("secret.key", "encryption.key", "callback.key", "tls/ca.key", "root-credentials.json")


@pytest.mark.parametrize("spoil", [remove, replace, cut_short])
@pytest.mark.parametrize("name", KEYS)
def test_server_refuses_to_start_with_one_line(data: Path, name: str, spoil: Callable[[Path], None]) -> None:
    before = sorted(path.name for path in data.rglob("*"))
    spoil(data / name)
    refused = serve(data)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr
    assert (str(data / name) in refused.stderr, "Traceback" in refused.stderr) == (True, False)
    assert re.search(r"[Rr]estore it from", refused.stderr)
    after = sorted(path.name for path in data.rglob("*"))
    assert [found for found in after if found not in before] == []
    assert (data / name).exists() is (spoil is not remove)


@pytest.mark.parametrize("variable", ["COATCHECK_SECRET_KEY", "COATCHECK_ENCRYPTION_KEY"])
def test_server_refuses_a_foreign_key_of_the_environment(data: Path, variable: str) -> None:
    refused = serve(data, **{variable: FOREIGN})
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert f"{variable} is not the key" in refused.stderr


@pytest.mark.parametrize("name", ["secret.key", "encryption.key"])
@pytest.mark.parametrize("spoil", [remove, replace, cut_short])
@pytest.mark.parametrize("verb", ["key list", "user list", "encryption rotate"])
def test_verbs_refuse_likewise(data: Path, name: str, spoil: Callable[[Path], None], verb: str) -> None:
    spoil(data / name)
    refused = coatcheck(*verb.split(), "--data", str(data))
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1), refused.stderr
    assert str(data / name) in refused.stderr


def test_a_lost_key_is_replaced_on_purpose(data: Path) -> None:
    for name in KEYS:
        (data / name).unlink()
    for name in ("secret", "encryption", "root", "callback", "tls"):
        accepted = coatcheck("accept-key", name, "--data", str(data))
        if name == "secret":
            assert (accepted.returncode, "--yes" in accepted.stderr) == (1, True)
            accepted = coatcheck("accept-key", name, "--yes", "--data", str(data))
        assert accepted.returncode == 0, accepted.stderr
    server = ServerProcess(data, "--tls-self-signed", workers=1)
    server.stop()


def test_first_key_is_told_though_a_start_before_it_failed(tmp_path: Path) -> None:
    """It is made when nothing else is in the way, and shown at that start."""
    data = tmp_path / "data"
    server = ServerProcess(tmp_path / "other", workers=1)
    try:
        failed = coatcheck("serve", "--data", str(data), "--listen", f"127.0.0.1:{server.port}")
        assert (failed.returncode, (data / "root-credentials.json").exists()) == (2, False)
    finally:
        server.kill()


def test_everything_in_a_directory_in_use_is_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    umask = os.umask(0)
    try:
        server = ServerProcess(data, workers=1)
    finally:
        os.umask(umask)
    try:
        for key, body in ((None, b""), ("small", b"1"), ("large", bytes(200_000))):
            assert send(a_presigner(server.endpoint).presign("PUT", "modes", key).url, "PUT", body=body).status == 200
        assert server.command("key", "create").returncode == 0
        assert send(f"{server.endpoint}/.coatcheck/callback-key.pem").status == 200
        modes = {path.relative_to(data): path.stat().st_mode & 0o777 for path in (data, *data.rglob("*"))}
        assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}
        assert f"{data} was open to others" in server.log.read_text()
        server.stop()
    finally:
        server.kill()
