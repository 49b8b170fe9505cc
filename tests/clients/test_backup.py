"""The backup that docs/storage-format.md describes, word for word, of a server that runs: what it gives back."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from coatcheck.engines.local import audit
from coatcheck.signing.presigner import Presigner

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, a_presigner
from ..server_process import ServerProcess, clean_environment
from .programs import need
from .raw import send

PAGE: Final = (Path(__file__).parents[2] / "docs" / "storage-format.md").read_text("utf-8")
SECTION: Final = PAGE.partition("\n## Backup\n")[2].partition("\n## ")[0]
BACKUP, RESTORE = re.findall(r"^```sh\n(.*?)^```$", SECTION, re.DOTALL | re.MULTILINE)
SERVE: Final = 'coatcheck serve --data "$RESTORED"\n'
ENCRYPTED: Final = {"x-oss-server-side-encryption": "AES256"}
OBJECTS: Final[dict[str, tuple[bytes, dict[str, str]]]] = {
    "small": (b"small", {}),
    "large": (os.urandom(200_000), {}),
    "secret/small": (b"secret", ENCRYPTED),
    "secret/large": (os.urandom(200_000), ENCRYPTED),
}


def run(script: str, **places: Path) -> None:
    variables = clean_environment(**{name: str(path) for name, path in places.items()})
    done = subprocess.run(["sh", "-eu", "-c", script], env=variables, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_the_page_has_two_scripts_of_which_the_second_starts_a_server() -> None:
    assert RESTORE.endswith(SERVE)


def test_documented_backup_restores(tmp_path: Path) -> None:
    need("sqlite3")
    data, backup, restored = tmp_path / "data", tmp_path / "backup", tmp_path / "restored"
    server = ServerProcess(data, workers=1)
    try:
        links: dict[str, str] = {}
        presigner = a_presigner(server.endpoint)
        assert send(presigner.presign("PUT", "kept", None).url, "PUT", body=b"").status == 200
        for key, (body, headers) in OBJECTS.items():
            link = presigner.presign("PUT", "kept", key, headers=headers).url
            assert send(link, "PUT", headers, body).status == 200
            links[key] = presigner.presign("GET", "kept", key).url
        made = server.command("key", "create")
        key_id, secret = re.findall("=(.*)", made.stdout)
        stored = Presigner(key_id, secret, region="cn-hangzhou", endpoint=server.endpoint)
        links["of a stored key"] = stored.presign("GET", "kept", "small").url
        callback_key = send(f"{server.endpoint}/.coatcheck/callback-key.pem").body
        run(BACKUP, DATA=data, BACKUP=backup)
        server.stop()
    finally:
        server.kill()
    files = [backup, *backup.rglob("*")]
    assert [str(path) for path in files if path.stat().st_mode & 0o077] == []
    run(RESTORE.removesuffix(SERVE), BACKUP=backup, RESTORED=restored)
    again = ServerProcess(restored, workers=1)
    try:
        for key, (body, _) in OBJECTS.items():
            assert send(links[key], connect_to=again).body == body
        assert send(links["of a stored key"], connect_to=again).body == b"small"
        assert send(f"{again.endpoint}/.coatcheck/callback-key.pem").body == callback_key
        assert send(a_presigner(again.endpoint).presign("PUT", "kept", "new").url, "PUT", body=b"new").status == 200
        again.stop()
    finally:
        again.kill()
    assert audit(restored).clean


@pytest.mark.parametrize("name", ["secret.key", "encryption.key", "callback.key"])
def test_backup_without_a_key_does_not_start(tmp_path: Path, name: str) -> None:
    """As one that was made by another page would be."""
    need("sqlite3")
    data, backup = tmp_path / "data", tmp_path / "backup"
    server = ServerProcess(data, workers=1)
    try:
        assert send(f"{server.endpoint}/.coatcheck/callback-key.pem").status == 200
        run(BACKUP, DATA=data, BACKUP=backup)
        server.stop()
    finally:
        server.kill()
    (backup / name).unlink()
    words = [sys.executable, "-m", "coatcheck", *shlex.split(SERVE.replace("$RESTORED", str(backup)))[1:]]
    environment = clean_environment(OSS_ACCESS_KEY_ID=ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET=ACCESS_KEY_SECRET)
    refused = subprocess.run(
        [*words, "--listen", "127.0.0.1:0"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (refused.returncode, f"{name} is missing" in refused.stderr) == (2, True), refused.stderr
