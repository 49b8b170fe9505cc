"""kill -9 while objects change and are copied: the target ends as its source is, whatever was under way."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from coatcheck.background.notices import Notices
from coatcheck.background.replication_run import Replications
from coatcheck.configurations.replication import NAME, Rule, to_json
from coatcheck.core.author import Author
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.operations.context import Ports
from coatcheck.ports.bucket import JOURNAL

from ..audit import audit
from ..server_process import clean_environment
from ..soak import count
from .test_crash_logs import a_bucket

pytestmark = pytest.mark.live

SCRIPT = Path(__file__).parent / "replicating_process.py"
KILLS = count(60)
NOW = 1_772_694_489


async def contents(engines: LocalEngines, name: str) -> dict[str, bytes | None]:
    bucket = await engines.catalog.find_bucket(name)
    assert bucket is not None
    page = await engines.catalog.list_objects(bucket.bucket_id, prefix="", delimiter="", marker="", limit=1000)
    records = [await engines.catalog.find_object(bucket.bucket_id, listed.key) for listed in page.objects]
    return {record.key: record.body for record in records if record is not None}


@pytest.mark.soak(KILLS)
async def test_a_target_ends_as_its_source_however_often_it_is_killed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepare_local(data).close()
    with open_local(data) as engines:
        source, _ = await a_bucket(engines, "photos"), await a_bucket(engines, "copies")
        author = Author(await engines.keyring.root_account(), at=1)
        rule = Rule("one", "copies", "oss-cn-hangzhou", author=author)
        await engines.catalog.set_configuration(source, NAME, to_json(rule))
    for seed in range(KILLS):
        words = [sys.executable, str(SCRIPT), str(data), str(seed)]
        with subprocess.Popen(words, env=clean_environment(), stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout is not None
            for _ in range(random.Random(seed).randint(5, 80)):
                assert run.stdout.readline().startswith("= ")
            run.kill()
        prepare_local(data).close()  # recovery
    with open_local(data) as engines:
        runs = Replications(Ports(engines.catalog, engines.byte_store), engines.keyring, Notices())
        await runs.run(NOW)
        there = await contents(engines, "photos")
        assert there
        assert await contents(engines, "copies") == there
        assert await engines.catalog.count_entries(source, JOURNAL) == 0
        assert await runs.run(NOW) == 0
    assert audit(data).clean
