"""The commands of README.md, docs/start.md, docs/from-minio.md and docs/from-mocks.md, word for word."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..server_process import ServerProcess, clean_environment
from .programs import need, run_script
from .raw import send
from .test_doc_examples import blocks

boto3 = pytest.importorskip("boto3")
APP_KEY = {"APP_KEY_ID": "OldAppKey", "APP_KEY_SECRET": "old-app-secret"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path / "data", workers=1, own_root_key=False)
    yield server
    server.stop()


def a_client(endpoint: str, key_id: str, secret: str) -> Any:
    path_style = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=path_style,
    )


def test_a_newcomer_gets_from_a_server_to_a_link(server: ServerProcess, tmp_path: Path) -> None:
    need("curl")
    (tmp_path / "holiday.jpg").write_bytes(b"a picture")
    serve, share = blocks("docs/start.md", "sh")
    assert serve == 'coatcheck serve --data "$DATA"\n'  # as the fixture has done
    done = run_script(share, tmp_path, DATA=server.data, HOME=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "from-the-link.jpg").read_bytes() == b"a picture"


def test_what_the_first_page_shows_is_what_happens(server: ServerProcess, tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"a picture")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("hello")
    (tmp_path / "coatcheck-data").symlink_to(server.data)  # as if it had been started in this directory
    done = run_script("".join(blocks("README.md", "sh")), tmp_path, HOME=tmp_path, WORD="a word for the receiver")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "copy.jpg").read_bytes() == b"a picture"
    assert "This link works" in done.stdout
    assert "Copied 1 file" in done.stderr


def test_objects_keys_and_policies_come_from_another_store(
    live_server: ServerProcess, server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old store is a coatcheck, asked by S3; the page's bucket has the name that is free in no other test."""
    need("rclone")
    for name in ("AWS_CA_BUNDLE", "AWS_PROFILE"):  # a developer's own
        monkeypatch.delenv(name, raising=False)
    old = a_client(live_server.endpoint, ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    old.create_bucket(Bucket="photos")
    old.put_object(Bucket="photos", Key="2026/图 1.txt", Body=b"hello", ContentType="text/x-old")
    root = json.loads((server.data / "root-credentials.json").read_text())
    done = run_script(
        "".join(blocks("docs/from-minio.md", "sh")),
        tmp_path,
        **APP_KEY,
        DATA=server.data,
        HOME=tmp_path,
        OLD_ENDPOINT=live_server.endpoint,
        OLD_KEY_ID=ACCESS_KEY_ID,
        OLD_KEY_SECRET=ACCESS_KEY_SECRET,
        NEW_ENDPOINT=server.endpoint,
        NEW_KEY_ID=root["access_key_id"],
        NEW_KEY_SECRET=root["access_key_secret"],
    )
    assert done.returncode == 0, done.stderr
    assert "1 matching files" in done.stderr
    app = a_client(server.endpoint, *APP_KEY.values())
    assert app.get_object(Bucket="photos", Key="2026/图 1.txt")["ContentType"] == "text/x-old"
    link = app.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "2026/图 1.txt"})
    assert send(link).body == b"hello"
    with pytest.raises(app.exceptions.ClientError, match="AccessDenied"):
        app.put_object(Bucket="photos", Key="more.txt", Body=b"")


def test_a_server_for_one_run_says_where_it_is() -> None:
    (command,) = blocks("docs/from-mocks.md", "sh")
    words = [sys.executable, "-m", *command.split()]
    with subprocess.Popen(words, env=clean_environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
        finally:
            process.terminate()
    assert {"endpoint", "region", "access_key_id", "access_key_secret"} <= said.keys()
