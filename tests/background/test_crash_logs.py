"""kill -9 while lines are written and delivered: each line that was durable is in one object, once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from coatcheck.background.log_delivery import LogDelivery
from coatcheck.background.log_segments import HOUR_S, Segments
from coatcheck.background.notices import Notices
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.operations.context import Ports
from coatcheck.ports.bucket import NewBucket

from ..audit import audit
from ..builders import a_presigner
from ..clients.raw import send
from ..oss.test_bucket_logging import enabled
from ..patience import wait_until
from ..server_process import ServerProcess, clean_environment
from ..soak import count

pytestmark = pytest.mark.live

SCRIPT = Path(__file__).parent / "logging_process.py"
KILLS = count(100)
FIRST_HOUR = 500_000


async def a_bucket(engines: LocalEngines, name: str = "logs") -> int:
    account = await engines.keyring.root_account()
    new = NewBucket(name, account, "cn-hangzhou", "private", "Standard", "LRS", 0)
    return (await engines.catalog.create_bucket(new, most=9)).bucket_id


async def lines_in(engines: LocalEngines, bucket_id: int) -> list[bytes]:
    """Of all objects; none is larger than what lies in a row."""
    lines: list[bytes] = []
    marker: str | None = ""
    while marker is not None:
        page = await engines.catalog.list_objects(bucket_id, prefix="", delimiter="", marker=marker, limit=1000)
        for listed in page.objects:
            record = await engines.catalog.find_object(bucket_id, listed.key)
            assert record is not None
            assert record.body is not None
            lines += record.body.splitlines()
        marker = page.next_marker
    return lines


@pytest.mark.soak(KILLS)
async def test_a_kill_loses_no_hour_and_doubles_none(tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepare_local(data).close()
    with open_local(data) as engines:
        bucket_id = await a_bucket(engines)
    promised: list[int] = []
    hour = FIRST_HOUR
    for seed in range(KILLS):
        words = [sys.executable, str(SCRIPT), str(data), str(hour)]
        with subprocess.Popen(words, env=clean_environment(), stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout is not None
            for _ in range(random.Random(seed).randint(1, 60)):
                promised.append(int(run.stdout.readline().removeprefix("= ")))
            run.kill()
            promised += [int(line.removeprefix("= ")) for line in run.stdout if line.endswith("\n")]
        prepare_local(data).close()  # recovery
        hour = promised[-1] // 10 + 2
    with open_local(data) as engines:
        ports = Ports(engines.catalog, engines.byte_store)
        await LogDelivery(Segments(data / "access-log"), ports, engines.keyring, Notices()).run((hour + 9) * HOUR_S)
        found = Counter(map(int, await lines_in(engines, bucket_id)))
    assert set(promised) - set(found) == set()
    assert {number for number, times in found.items() if times > 1} == set()
    assert list((data / "access-log").iterdir()) == []
    assert audit(data).clean


async def test_a_server_that_is_killed_keeps_what_it_had_a_second_for(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    try:
        link = a_presigner(server.endpoint).presign
        for bucket in ("photos", "logs"):
            assert send(link("PUT", bucket, None).url, "PUT", body=b"").status == 200
        url = link("PUT", "photos", None, query={"logging": ""}).url
        assert send(url, "PUT", body=enabled("logs")).status == 200
        for number in range(20):
            assert send(link("GET", "photos", f"k{number}").url, "GET").status == 404
        directory = server.data / "access-log"
        wait_until(lambda: sum(path.read_bytes().count(b"NoSuchKey") for path in directory.glob("*.log")) == 20)
        server.kill()
    finally:
        server.kill()
    with open_local(server.data) as engines:
        ports = Ports(engines.catalog, engines.byte_store)
        delivery = LogDelivery(Segments(directory), ports, engines.keyring, Notices())
        assert await delivery.run(time.time() + HOUR_S) > 0
        logs = await engines.catalog.find_bucket("logs")
        assert logs is not None
        lines = await lines_in(engines, logs.bucket_id)
    assert sum(b'"GetObject" "photos" "k' in line for line in lines) == 20
    assert {line.split()[0] for line in lines} == {b"127.0.0.1"}
