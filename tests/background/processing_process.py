"""A process that makes the pictures that AsyncProcessObject left to be made, until it is killed or nothing is left.

Run as `python processing_process.py DATA`. "begun" is said before the first attempt. What renders is a stand-in, which
takes its time and gives bytes that follow from the plan alone.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from coatcheck.background import process_run
from coatcheck.background.process_run import ProcessDoer
from coatcheck.background.task_runs import TaskRuns
from coatcheck.engines.local import open_local
from coatcheck.operations.context import Ports
from coatcheck.ports.renderer import Job, Rendered

LARGE = 300_000  # bytes, a blob; others lie in their row


class SlowRenderer:
    """See `ports.renderer`."""

    async def render(self, job: Job) -> Rendered:
        await asyncio.sleep(0.02)
        body = made_of(job.process)
        return Rendered("image/png", len(body), body)


def made_of(plan: str) -> bytes:
    """Of every second plan a large picture."""
    return plan.encode() * (LARGE // len(plan) if int(plan[-1]) % 2 else 1)


async def work(data: Path) -> None:
    with open_local(data) as engines:
        ports = Ports(engines.catalog, engines.byte_store, renderer=SlowRenderer())
        runs = TaskRuns(engines.catalog, process_run.KIND, ProcessDoer(ports, engines.keyring), time.time)
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        await runs.run(time.time())


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
