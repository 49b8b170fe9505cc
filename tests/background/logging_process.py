"""A process that notes lines of access logs and delivers them, on a data directory, until it is killed.

Run as `python logging_process.py DATA HOUR`. Every number stands for a line of the bucket photos; "= NUMBER" is said
when it is durable. Ten lines make an hour, and the hours before are delivered meanwhile, into the bucket logs.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from pathlib import Path

from coatcheck.background.log_delivery import LogDelivery
from coatcheck.background.log_segments import HOUR_S, Header, Segments
from coatcheck.background.notices import Notices
from coatcheck.configurations.bucket_logging import Logging, to_json
from coatcheck.core.author import Author
from coatcheck.engines.local import LocalEngines, open_local
from coatcheck.operations.context import Ports

LINES_AN_HOUR = 10


async def deliver(engines: LocalEngines, segments: Segments, hour: int) -> None:
    ports = Ports(engines.catalog, engines.byte_store)
    await LogDelivery(segments, ports, engines.keyring, Notices()).run(hour * HOUR_S)


async def work(data: Path, first_hour: int) -> None:
    with open_local(data) as engines:
        account = await engines.keyring.root_account()
        header = Header("photos", to_json(Logging("logs", "log-", author=Author(account))))
        one, two = Segments(data / "access-log"), Segments(data / "access-log")  # as two workers have them
        for hour in count(first_hour):
            delivering = asyncio.create_task(deliver(engines, one, hour))
            for number in range(hour * LINES_AN_HOUR, (hour + 1) * LINES_AN_HOUR):
                segments = one if number % 2 else two
                await asyncio.to_thread(segments.append, header, [b"%d\n" % number], hour)
                sys.stdout.write(f"= {number}\n")
                sys.stdout.flush()
            await delivering


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2])))
