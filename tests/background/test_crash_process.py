"""kill -9 while pictures are made after the reply: each task ends, and its picture is whole."""

from __future__ import annotations

import asyncio
import hashlib
import random
import sys
from pathlib import Path

import pytest

from coatcheck.configurations import process_task
from coatcheck.configurations.process_task import ProcessTask
from coatcheck.configurations.task import new_task_name
from coatcheck.core.author import Author
from coatcheck.core.digests import update_crc64
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.ports.object import ObjectRecord

from ..audit import audit
from ..patience import HANG_S
from ..ports.catalog_contract import an_object
from ..server_process import clean_environment
from ..soak import count
from .processing_process import made_of
from .test_crash_fetch import run_and_kill
from .test_crash_logs import a_bucket

pytestmark = pytest.mark.live

SCRIPT = Path(__file__).parent / "processing_process.py"
KILLS = count(30)
PLANS = [f"image/resize,w_10{number}" for number in range(6)]


async def set_up(engines: LocalEngines, bucket_id: int) -> list[str]:
    await engines.catalog.put_object(bucket_id, an_object("a.jpg", b"the picture", crc64=update_crc64(b"the picture")))
    author, names = Author(await engines.keyring.root_account(), at=1), []
    for number, plan in enumerate(PLANS):
        names.append(new_task_name(number))
        task = process_task.to_json(ProcessTask("a.jpg", plan, "photos", f"made-{number}", author))
        await engines.catalog.put_entries(bucket_id, process_task.WAITING, [(names[-1], task)])
    return names


@pytest.mark.soak(KILLS)
async def test_every_picture_is_made_however_often_its_process_is_killed(tmp_path: Path) -> None:
    chance = random.Random(12)
    for round_ in range(max(KILLS // 3, 1)):
        data = tmp_path / f"data{round_}"
        prepare_local(data).close()
        with open_local(data) as engines:
            bucket_id = await a_bucket(engines, "photos")
            names = await set_up(engines, bucket_id)
        for _ in range(3):  # fewer than a task may have attempts
            await run_and_kill(data, chance, SCRIPT)
            prepare_local(data).close()  # recovery
        async with asyncio.timeout(HANG_S):
            process = await asyncio.create_subprocess_exec(
                sys.executable, str(SCRIPT), str(data), env=clean_environment()
            )
            assert await process.wait() == 0
        with open_local(data) as engines:
            assert await engines.catalog.count_entries(bucket_id, process_task.WAITING) == 0
            for number, name in enumerate(names):
                document = await engines.catalog.find_entry(bucket_id, process_task.DONE, name)
                assert process_task.from_json(document or "").progress.state == "Success"
                found = await engines.catalog.find_object(bucket_id, f"made-{number}")
                assert isinstance(found, ObjectRecord)
                assert found.etag == hashlib.md5(made_of(PLANS[number])).hexdigest().upper()
        assert audit(data).clean
