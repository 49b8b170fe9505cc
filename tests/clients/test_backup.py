"""The commands of docs/operate.md, word for word: a server under load, its disk lost, and what a restore gives back."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from pathlib import Path
from typing import Final

import pytest

from coatcheck.signing.presigner import Presigner

from ..builders import a_presigner
from ..patience import wait_until
from ..server_process import ServerProcess
from .programs import run_script
from .raw import send

PAGE: Final = (Path(__file__).parents[2] / "docs" / "operate.md").read_text("utf-8")
BLOCKS: Final = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
BACKUP, RESTORE, SERVE, CHECK, SCRUB = BLOCKS
ENCRYPTED: Final = {"x-oss-server-side-encryption": "AES256"}
OBJECTS: Final[dict[str, tuple[bytes, dict[str, str]]]] = {
    "small": (b"small", {}),
    "large": (os.urandom(200_000), {}),
    "secret/small": (b"secret", ENCRYPTED),
    "secret/large": (os.urandom(200_000), ENCRYPTED),
}


class Load:
    """Writers that put, replace and delete until they are stopped, and know what was acknowledged when."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._ending = threading.Event()
        self._turn = threading.Lock()
        self.kept: dict[str, bytes] = {}  # written once, acknowledged
        self.rounds = 0
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(3)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def acknowledged(self) -> dict[str, bytes]:
        with self._turn:
            return dict(self.kept)

    def stop(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _write(self, writer: int) -> None:
        presigner, number = a_presigner(self._server.endpoint), 0
        while not self._ending.is_set():
            number += 1
            body = os.urandom(100_000 if number % 3 else 3000)
            try:
                for key in (f"kept/{writer}/{number}", f"replaced/{writer}/{number % 3}"):
                    if send(presigner.presign("PUT", "bucket", key).url, "PUT", body=body).status == 200:
                        with self._turn:
                            self.rounds += 1
                            if key.startswith("kept"):
                                self.kept[key] = body
                send(presigner.presign("DELETE", "bucket", f"replaced/{writer}/{(number + 1) % 3}").url, "DELETE")
            except OSError:
                return  # the server was killed


@pytest.mark.parametrize("where", ["beside", "copied"])
def test_what_was_acknowledged_before_a_backup_comes_back_from_it(tmp_path: Path, where: str) -> None:
    data, backup, restored = tmp_path / "data", tmp_path / "backup", tmp_path / "restored"
    server = ServerProcess(data, workers=2)
    load = Load(server)
    try:
        links: dict[str, str] = {}
        presigner = a_presigner(server.endpoint)
        assert send(presigner.presign("PUT", "bucket", None).url, "PUT", body=b"").status == 200
        for key, (body, headers) in OBJECTS.items():
            link = presigner.presign("PUT", "bucket", key, headers=headers).url
            assert send(link, "PUT", headers, body).status == 200
            links[key] = presigner.presign("GET", "bucket", key).url
        key_id, secret = re.findall("=(.*)", server.command("key", "create").stdout)
        stored = Presigner(key_id, secret, region="cn-hangzhou", endpoint=server.endpoint)
        links["of a stored key"] = stored.presign("GET", "bucket", "small").url
        callback_key = send(f"{server.endpoint}/.coatcheck/callback-key.pem").body
        load.start()
        wait_until(lambda: load.rounds > 60)
        for _ in range(2):  # the second moves only what is new
            before = load.acknowledged()
            script = BACKUP.replace("backup ", "backup --copy ", 1) if where == "copied" else BACKUP
            taken = run_script(script.rstrip() + " --json\n", tmp_path, DATA=data, BACKUP=backup)
            assert (taken.returncode, taken.stderr) == (0, ""), taken.stderr
            beside = run_script(CHECK, tmp_path, DATA=data)
            assert (beside.returncode, beside.stdout, beside.stderr) == (0, "", "")
        facts = json.loads(taken.stdout)
        assert facts["damaged"] == []
        assert facts["blobs"]["kept"] >= 2
        scrubbed = run_script(SCRUB, tmp_path, DATA=data)
        assert (scrubbed.returncode, scrubbed.stderr) == (0, "")
        assert scrubbed.stdout.endswith(": 0 problems.\n")
    finally:
        server.kill()
        load.stop()
    shutil.rmtree(data)
    done = run_script(RESTORE, tmp_path, BACKUP=backup, RESTORED=restored)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.endswith(f"Next: coatcheck check --data {restored}, then coatcheck serve --data {restored}\n")
    assert SERVE == 'coatcheck serve --data "$RESTORED"\n'
    again = ServerProcess(restored, workers=1)
    try:
        for key, (body, _) in OBJECTS.items():
            assert send(links[key], connect_to=again).body == body
        assert send(links["of a stored key"], connect_to=again).body == b"small"
        assert len(before) > 20
        presigner = a_presigner(again.endpoint)
        for key, body in before.items():
            assert send(presigner.presign("GET", "bucket", key).url).body == body, key
        assert send(f"{again.endpoint}/.coatcheck/callback-key.pem").body == callback_key
        assert send(presigner.presign("PUT", "bucket", "new").url, "PUT", body=b"new").status == 200
        again.stop()
    finally:
        again.kill()
    silent = run_script(CHECK, tmp_path, DATA=restored)
    assert (silent.returncode, silent.stdout, silent.stderr) == (0, "", "")


def test_restoring_into_a_directory_that_is_in_use_is_refused_in_one_line(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", workers=1)
    try:
        assert run_script(BACKUP, tmp_path, DATA=server.data, BACKUP=tmp_path / "backup").returncode == 0
        refused = run_script(RESTORE, tmp_path, BACKUP=tmp_path / "backup", RESTORED=server.data)
        assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
        assert f"{server.data} is not empty." in refused.stderr
        server.stop()
    finally:
        server.kill()


def test_the_server_finishes_a_scrub_that_was_broken_off_and_says_what_it_found(tmp_path: Path) -> None:
    data = tmp_path / "data"
    server = ServerProcess(data, workers=2)
    try:
        presigner = a_presigner(server.endpoint)
        assert send(presigner.presign("PUT", "bucket", None).url, "PUT", body=b"").status == 200
        assert send(presigner.presign("PUT", "bucket", "rots").url, "PUT", body=b"x" * 100_000).status == 200
        wait_until((data / "scrub.json").exists)
        assert json.loads((data / "scrub.json").read_text())["phase"] == ""
        server.kill()
        (blob,) = (data / "blobs").glob("*/*")
        blob.write_bytes(b"x" * 99_999 + b"y")
        (data / "scrub.json").write_text('{"phase": "catalog", "after": [], "began_at": 1.0}')
        server = ServerProcess(data, workers=2)
        wait_until(lambda: "scrubbed bytes=100000 problems=1" in server.log.read_text())
        named = f"damaged blob {blob.name}: its CRC-64 is another one; it is moved aside (bucket=bucket key='rots'"
        assert named in server.log.read_text()
        assert send(a_presigner(server.endpoint).presign("GET", "bucket", "rots").url).status == 500
        server.stop()
    finally:
        server.kill()
