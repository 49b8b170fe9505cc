"""kill -9 while audit rows are written, counted and told: each that was durable is there, counts once, is told once."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from coatcheck.background.audit_reading import AuditReading
from coatcheck.background.audit_run import AuditRun
from coatcheck.background.audit_segments import AuditSegments
from coatcheck.background.link_notices import NoticeFinding
from coatcheck.core.author import Author
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.links.notices import Event, Signing, Target, write_target
from coatcheck.operations.link_notices import TARGET, list_waiting
from coatcheck.ports.bucket import Bucket, NewBucket
from coatcheck.ports.link_audit import AuditRow, Question
from coatcheck.ports.links import Link

from ..audit import audit
from ..server_process import clean_environment
from ..soak import count
from .auditing_process import HOUR_MS, ROWS_AN_HOUR

pytestmark = pytest.mark.live

SCRIPT = Path(__file__).parent / "auditing_process.py"
KILLS = count(100)
FIRST = 4_900_000  # rows; ten of them an hour since 1970


async def a_scene(engines: LocalEngines) -> None:
    account = await engines.keyring.root_account()
    link = Link("lk_a", account, "K", "photos", "k", 0)
    await engines.links.change_link("lk_a", lambda _: link)
    new = NewBucket("photos", account, "cn-hangzhou", "private", "Standard", "LRS", 0)
    bucket = await engines.catalog.create_bucket(new, most=9)
    target = Target("nt_1", "", "", "https://a.example/", (Event.USE,), Signing.HMAC, "x", "", Author(account), 0)
    await engines.catalog.put_entries(bucket.bucket_id, TARGET, [("nt_1", write_target(target))])


async def all_rows(data: Path, account: str) -> list[AuditRow]:
    rows: list[AuditRow] = []
    reading, place = AuditReading(AuditSegments(data / "link-audit"), is_on=True), "first"
    while place:
        after = "" if place == "first" else place
        page = await reading.list_rows(Question(account, newest_first=False), after=after, most=1000)
        rows += page.rows
        place = page.place
    return rows


async def told_in(engines: LocalEngines) -> int:
    bucket = await engines.catalog.find_bucket("photos")
    assert isinstance(bucket, Bucket)
    (waiting,) = await list_waiting(engines.catalog, bucket)
    return waiting.notice.counts["use"]


@pytest.mark.soak(KILLS)
async def test_a_kill_loses_no_row_that_was_durable_and_counts_none_twice(tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepare_local(data).close()
    with open_local(data) as engines:
        await a_scene(engines)
    promised: list[int] = []
    first = FIRST
    for seed in range(KILLS):
        words = [sys.executable, str(SCRIPT), str(data), str(first)]
        with subprocess.Popen(words, env=clean_environment(), stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout is not None
            for _ in range(random.Random(seed).randint(1, 60)):
                promised.append(int(run.stdout.readline().removeprefix("= ")))
            run.kill()
            promised += [int(line.removeprefix("= ")) for line in run.stdout if line.endswith("\n")]
        prepare_local(data).close()  # recovery
        first = promised[-1] + 2 * ROWS_AN_HOUR
    with open_local(data) as engines:
        finding = NoticeFinding(engines.catalog, engines.links)
        audit_run = AuditRun(AuditSegments(data / "link-audit"), engines.link_totals, finding, days=3650)
        for _ in range(2):
            await audit_run.run((first + 99) // ROWS_AN_HOUR * HOUR_MS / 1000)
        account = await engines.keyring.root_account()
        found = Counter(int(row.request_id) for row in await all_rows(data, account))
        totals = (await engines.link_totals.find(["lk_a"]))["lk_a"]
        told = await told_in(engines)
    assert set(promised) - set(found) == set()
    assert max(found.values()) == 1
    assert (totals.uses, totals.sent_bytes, told) == (len(found), len(found), len(found))
    assert not list((data / "link-audit").glob("*.rows"))
    assert audit(data).clean
