"""A store moved under a running server: reads go on, writes are refused, and a kill in the middle costs nothing."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from coatcheck.core.digests import EMPTY_CRC64, update_crc64
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.ports.object import ObjectRecord, Segment

from ..builders import a_presigner
from ..patience import HANG_S, wait_until
from ..ports.byte_store_contract import a_blob
from ..ports.catalog_contract import a_bucket, an_object
from ..postgres_server import PostgresServer, postgres_server
from ..seaweed import Seaweed, seaweed
from ..server_process import ServerProcess, clean_environment
from ..soak import SOAKING
from .raw import Answer, send

OBJECTS: Final = 100_000 if SOAKING else 5000
BLOBS: Final = 1024 if SOAKING else 24  # of 1 MiB
MIB: Final = 1024**2
BUCKET: Final = "photos"
_AT_ONCE: Final = 500


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def bytes_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    with seaweed(tmp_path_factory.mktemp("moved") / "store") as store:
        yield store


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    prepare_local(data).close()
    with open_local(data) as engines:
        asyncio.run(fill(engines))
    return data


async def fill(engines: LocalEngines) -> None:
    (owner,) = await engines.identities.list_accounts()
    await engines.catalog.create_bucket(a_bucket(name=BUCKET, owner=owner.uid), most=1)
    for first in range(0, OBJECTS, _AT_ONCE):
        records = [a_small(number) for number in range(first, first + _AT_ONCE)]
        await asyncio.gather(*(engines.catalog.put_object(1, record) for record in records))
    for number in range(BLOBS):
        blob_id = await a_blob(engines.byte_store, large(number))
        await engines.catalog.put_object(1, a_large(number, blob_id))


def a_small(number: int) -> ObjectRecord:
    return an_object(small_key(number), body=small(number), crc64=update_crc64(small(number), EMPTY_CRC64))


def a_large(number: int, blob_id: str) -> ObjectRecord:
    segments, crc64 = (Segment(blob_id, 0, MIB),), update_crc64(large(number), EMPTY_CRC64)
    return an_object(large_key(number), body=None, size=MIB, segments=segments, crc64=crc64)


def small(number: int) -> bytes:
    return b"%06d" % number * 20


def large(number: int) -> bytes:
    return random.Random(number).randbytes(MIB)


def small_key(number: int) -> str:
    return f"small/{number:06}"


def large_key(number: int) -> str:
    return f"large/{number:06}"


def ask(server: ServerProcess, method: str, key: str, body: bytes | None = None) -> Answer:
    return send(a_presigner(server.endpoint).presign(method, BUCKET, key).url, method, body=body)


def is_read(server: ServerProcess) -> bool:
    number = random.randrange(BLOBS)
    return ask(server, "GET", small_key(number)).body == small(number) and ask(
        server, "GET", large_key(number)
    ).body == large(number)


def migrate(data: Path, *words: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "coatcheck", "migrate", "--data", str(data), "--json", *words],
        env=clean_environment(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def moved(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What it says when it is done."""
    out, said = process.communicate(timeout=10 * HANG_S)
    assert process.returncode == 0, said
    facts: dict[str, Any] = json.loads(out.splitlines()[-1])
    return facts


def is_killed_in_the_middle(process: subprocess.Popen[str], data: Path, what: str) -> bool:
    """Kill it once it copies. False if it was done before, on a machine that has other things to do."""
    said = process.stderr
    assert said is not None
    assert "Writes will be refused for about" in said.readline()
    if what != "catalog":
        wait_until(lambda: any((data / "migrate").glob("*/first*")), "nothing was copied")
    else:
        assert "writes are refused" in said.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.mark.soak(OBJECTS + BLOBS)
@pytest.mark.parametrize("what", ["catalog", "bytes", "both"] if SOAKING else ["both"])
def test_a_store_is_moved_and_comes_back(
    data: Path, database: PostgresServer, bytes_store: Seaweed, what: str, tmp_path: Path
) -> None:
    s3 = bytes_store.environment() | {"AWS_DEFAULT_REGION": "us-east-1"}
    with database.database() as name:
        store, place = ["--store", database.url(name)], ["--bytes", bytes_store.url("moved")]
        there = {"catalog": store, "bytes": place, "both": store + place}[what]
        back = [word if word.startswith("--") else "file:" for word in there]
        server = ServerProcess(data, environment=s3)
        try:
            begun = time.monotonic()
            if is_killed_in_the_middle(migrate(data, *there, "--verify", environment=s3), data, what):
                assert is_read(server)
                moving = migrate(data, *there, "--verify", environment=s3)
                while moving.poll() is None:
                    assert is_read(server)
                print(f"{what}: {moved(moving)}, {time.monotonic() - begun:.1f} s with the part that was killed")
            else:
                assert not SOAKING
            refused = ask(server, "PUT", "late", b"x")
            assert (refused.status, refused.error["Code"]) == (503, "ServiceUnavailable")
            assert ask(server, "DELETE", small_key(0)).status == 503
            assert is_read(server)
        finally:
            server.stop()
        if what != "bytes":
            with pytest.raises(AssertionError, match="was moved to postgresql://"):
                ServerProcess(data)
        now = {"COATCHECK_STORE": database.url(name)} if what != "bytes" else {}
        server = ServerProcess(data, environment=s3 | now)
        try:
            assert is_read(server)
            assert ask(server, "PUT", "new", large(1)).status == 200
            moved(migrate(data, *back, "--verify", environment=s3 | now))
            assert ask(server, "DELETE", "new").status == 503
        finally:
            server.stop()
        server = ServerProcess(data)
        try:
            assert is_read(server)
            assert ask(server, "GET", "new").body == large(1)
            assert ask(server, "DELETE", "new").status == 204
        finally:
            server.stop()
        assert server.command("check").stdout == ""
