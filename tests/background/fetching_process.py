"""A process that carries out the async fetches of a data directory, until it is killed or nothing is left.

Run as `python fetching_process.py DATA`. "begun" is said before the first attempt.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from coatcheck.background import fetch_run
from coatcheck.background.fetch_run import FetchDoer
from coatcheck.background.task_runs import TaskRuns
from coatcheck.engines.fetcher import HttpFetcher
from coatcheck.engines.local import open_local
from coatcheck.operations.context import Ports
from tests.origin import LOOPBACK


async def work(data: Path) -> None:
    with open_local(data) as engines:
        ports = Ports(engines.catalog, engines.byte_store, fetcher=HttpFetcher(LOOPBACK))
        runs = TaskRuns(engines.catalog, fetch_run.KIND, FetchDoer(ports, engines.keyring), time.time)
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        await runs.run(time.time())


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
