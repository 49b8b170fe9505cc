"""Bytes that rotted, as clients of a running server see them."""

from __future__ import annotations

import http.client
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ..builders import a_presigner
from ..server_process import ServerProcess
from .conftest import Put
from .raw import send

pytestmark = pytest.mark.blob_files

SMALL = 300_000
LARGE = 20 * 1024**2


def flip(path: Path, at: int) -> None:
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))  # clocks of files are coarse


def newest_blob(server: ServerProcess) -> Path:
    return max((server.data / "blobs").glob("*/*"), key=lambda path: path.stat().st_ctime_ns)


def test_a_small_object_is_refused_before_its_head(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("small", os.urandom(SMALL))
    blob = newest_blob(live_server)
    link = a_presigner(live_server.endpoint).presign("GET", bucket, "small").url
    assert send(link).status == 200
    flip(blob, 100)
    for _ in range(3):
        answer = send(link)
        assert answer.status == 500
        assert answer.error["Code"] == "InternalError"
        assert answer.error["Message"] == "The stored bytes of this object are damaged."
    named = f"damaged bucket={bucket} key='small' version=null blob={blob.name}: its CRC-64 is another one"
    assert named in live_server.log.read_text()
    flip(blob, 100)
    assert send(link).status == 200


@pytest.mark.parametrize("at", [0, LARGE // 2, LARGE - 1])
def test_a_large_object_never_comes_whole(live_server: ServerProcess, bucket: str, put: Put, at: int) -> None:
    key = f"large-{at}"
    put(key, os.urandom(LARGE))
    blob = newest_blob(live_server)
    flip(blob, at)
    link = a_presigner(live_server.endpoint).presign("GET", bucket, key).url
    parts = urlsplit(link)
    connection = http.client.HTTPConnection(live_server.host, live_server.port, timeout=60)
    connection.request("GET", f"{parts.path}?{parts.query}")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):  # a reset may overtake what was sent before it
        connection.getresponse().read()
    connection.close()
    assert f"damaged bucket={bucket} key='{key}' version=null blob={blob.name}" in live_server.log.read_text()
    assert send(a_presigner(live_server.endpoint).presign("HEAD", bucket, key).url, "HEAD").status == 200


def test_a_file_cut_short_ends_no_worker(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("cut", os.urandom(LARGE))
    blob = newest_blob(live_server)
    link = a_presigner(live_server.endpoint).presign("GET", bucket, "cut").url
    assert len(send(link).body) == LARGE
    os.truncate(blob, LARGE // 2)
    for _ in range(4):
        assert send(link).status == 500
