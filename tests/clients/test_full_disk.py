"""A data directory without room: uploads are refused, nothing is left of them, and the server goes on."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ..audit import audit
from ..builders import a_presigner
from ..patience import wait_until
from ..server_process import ServerProcess
from .raw import Answer, send

BUCKET: Final = "full"
ROOM_BYTES: Final = 32 * 1024**2  # of which 16 MiB stay reserved for deletes


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory with little room. Mounting one takes root."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM_BYTES},nr_inodes=2000", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"MISSING: cannot mount a small file system: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def put(server: ServerProcess, key: str, body: bytes) -> Answer:
    return send(a_presigner(server.endpoint).presign("PUT", BUCKET, key).url, "PUT", body=body)


def get(server: ServerProcess, key: str) -> Answer:
    return send(a_presigner(server.endpoint).presign("GET", BUCKET, key).url)


def ready(server: ServerProcess) -> tuple[int, str, str]:
    answer = send(f"{server.admin}/health/ready")
    said = json.loads(answer.body)
    return answer.status, said["reads"], said["writes"]


def keys(server: ServerProcess) -> set[str]:
    query = {"max-keys": "1000"}
    answer = send(a_presigner(server.endpoint).presign("GET", BUCKET, None, query=query).url)
    return set(re.findall("<Key>(.*?)</Key>", answer.body.decode()))


def assert_refused(answer: Answer) -> None:
    assert (answer.status, answer.error["Code"]) == (503, "ServiceUnavailable"), answer


def test_upload_that_does_not_fit_is_refused_and_leaves_nothing(small_disk: Path) -> None:
    data = small_disk / "data"
    server = ServerProcess(data, "--admin", "127.0.0.1:0")
    try:
        assert send(a_presigner(server.endpoint).presign("PUT", BUCKET, None).url, "PUT", body=b"").status == 200
        assert ready(server) == (200, "yes", "yes")
        kept = {"large": os.urandom(1_000_000), "small": b"small", "over": os.urandom(300_000)}
        for key, body in kept.items():
            assert put(server, key, body).status == 200
        for key in ("large", "new"):  # more than there is room for: the old content stays
            assert_refused(put(server, key, os.urandom(20_000_000)))
        assert audit(data).clean
        number = 0  # fill it up with objects in the catalog, until even those don't fit
        while (answer := put(server, f"fill/{number}", os.urandom(60_000))).status == 200:
            number += 1
            kept[f"fill/{number - 1}"] = b""
        assert_refused(answer)
        wait_until(lambda: ready(server) == (200, "yes", "no, disk full"))
        assert_refused(put(server, "small", os.urandom(60_000)))
        assert_refused(put(server, "new", os.urandom(500_000)))
        assert keys(server) == set(kept)
        for key in ("large", "small", "over"):
            assert get(server, key).body == kept[key]
        assert audit(data).clean
        # What is deleted makes room again.
        for key in [key for key in kept if key.startswith("fill/")]:
            deleted = send(a_presigner(server.endpoint).presign("DELETE", BUCKET, key).url, "DELETE")
            assert deleted.status == 204
        assert put(server, "small", b"again").status == 200
        server.stop()
        server = ServerProcess(data)
        assert get(server, "small").body == b"again"
        assert get(server, "large").body == kept["large"]
        assert audit(data).clean
        server.stop()
    finally:
        server.kill()
