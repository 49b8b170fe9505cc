"""kill -9 while objects are fetched: each task ends, and what it says is true of the object."""

from __future__ import annotations

import asyncio
import hashlib
import random
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from coatcheck.configurations import fetch_task
from coatcheck.configurations.fetch_task import FetchTask
from coatcheck.configurations.task import new_task_name
from coatcheck.core.author import Author
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.ports.object import ObjectRecord

from ..audit import audit
from ..origin import Origin, an_origin, ok
from ..patience import HANG_S
from ..server_process import clean_environment
from ..soak import count
from .test_crash_logs import a_bucket

pytestmark = pytest.mark.live

SCRIPT = Path(__file__).parent / "fetching_process.py"
KILLS = count(40)
TASKS = 6
BODIES = [bytes([number]) * (10 if number % 2 else 300_000) for number in range(TASKS)]


async def set_up(engines: LocalEngines, bucket_id: int, origin: Origin) -> list[str]:
    author, names = Author(await engines.keyring.root_account(), at=1), []
    for number in range(TASKS):
        task = FetchTask(origin.url(f"/{number}"), f"k{number}", ignore_same_key=number < 3, author=author)
        names.append(new_task_name(number))
        await engines.catalog.put_entries(
            bucket_id, fetch_task.WAITING, [(names[-1], fetch_task.to_json(replace(task)))]
        )
    return names


async def run_and_kill(data: Path, chance: random.Random, script: Path = SCRIPT) -> bool:
    """Whether it had come to its end before."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), str(data), env=clean_environment(), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun\n"
    try:
        async with asyncio.timeout(chance.uniform(0, 0.25)):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        return False
    return process.returncode == 0


@pytest.mark.soak(KILLS)
async def test_every_task_ends_however_often_its_process_is_killed(tmp_path: Path) -> None:
    chance = random.Random(11)
    for round_ in range(max(KILLS // 4, 1)):
        data = tmp_path / f"data{round_}"
        prepare_local(data).close()
        async with an_origin(**{str(number): ok(body) for number, body in enumerate(BODIES)}) as origin:
            with open_local(data) as engines:
                bucket_id = await a_bucket(engines, "photos")
                names = await set_up(engines, bucket_id, origin)
            for _ in range(3):  # fewer than a task may have attempts
                await run_and_kill(data, chance)
                prepare_local(data).close()  # recovery
            async with asyncio.timeout(HANG_S):
                process = await asyncio.create_subprocess_exec(
                    sys.executable, str(SCRIPT), str(data), env=clean_environment()
                )
                assert await process.wait() == 0
        with open_local(data) as engines:
            assert await engines.catalog.count_entries(bucket_id, fetch_task.WAITING) == 0
            for number, name in enumerate(names):
                document = await engines.catalog.find_entry(bucket_id, fetch_task.DONE, name)
                assert fetch_task.from_json(document or "").progress.state == "Success"
                found = await engines.catalog.find_object(bucket_id, f"k{number}")
                assert isinstance(found, ObjectRecord)
                assert found.etag == hashlib.md5(BODIES[number]).hexdigest().upper()
        assert audit(data).clean
