"""A process that writes audit rows and counts them, on a data directory, until it is killed.

Run as `python auditing_process.py DATA FIRST`. Every number stands for a row of the link lk_a; "= NUMBER" is said
when it is durable. Ten rows make an hour; hours that are over are completed, indexed, counted and told meanwhile.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from pathlib import Path

from coatcheck.background.audit_run import AuditRun
from coatcheck.background.audit_segments import AuditSegments
from coatcheck.background.link_notices import NoticeFinding
from coatcheck.engines.local import LocalEngines, open_local
from coatcheck.ports.link_audit import AuditRow

ROWS_AN_HOUR = 10
HOUR_MS = 3_600_000


def a_row(number: int, account: str) -> AuditRow:
    at_ms = number // ROWS_AN_HOUR * HOUR_MS + number % ROWS_AN_HOUR
    return AuditRow(
        at_ms, account, "lk_a", "photos", "k", "", "get_object", 200, "", "192.0.2.7", "curl", 1, True, 1, str(number)
    )


async def work(data: Path, first: int) -> None:
    with open_local(data) as engines:
        account = await engines.keyring.root_account()
        one, two = AuditSegments(data / "link-audit"), AuditSegments(data / "link-audit")  # as two workers have them
        counting = asyncio.create_task(count_on(engines, data))
        for number in count(first):
            await asyncio.to_thread((one if number % 2 else two).append, [a_row(number, account)])
            sys.stdout.write(f"= {number}\n")
            sys.stdout.flush()
            if counting.done():
                counting.result()


async def count_on(engines: LocalEngines, data: Path) -> None:
    finding = NoticeFinding(engines.catalog, engines.links)
    while True:
        newest = max((segment.begin_ms for segment in AuditSegments(data / "link-audit").all()), default=0)
        run = AuditRun(AuditSegments(data / "link-audit"), engines.link_totals, finding, days=3650)
        await run.run(newest / 1000)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2])))
