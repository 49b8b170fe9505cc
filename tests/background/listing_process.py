"""A process that writes the inventories of a data directory that are due, in small files, and says each page it reads.

Run as `python listing_process.py DATA NOW`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import coatcheck.background.inventory_run as inventory_run
from coatcheck.background.inventory_run import InventoryRuns
from coatcheck.background.notices import Notices
from coatcheck.engines.local import open_local
from coatcheck.engines.sqlite.catalog import SqliteCatalog
from coatcheck.operations.context import Ports

PAGE = 20


async def main(data: Path, now: int) -> None:
    changing: Any = inventory_run  # pages and files are small, so that a kill finds many places
    changing.LIST_MAX_KEYS, changing.INVENTORY_FILE_MAX_BYTES = PAGE, 2 * PAGE * 18
    changing_catalog: Any = SqliteCatalog
    listing = SqliteCatalog.list_versions

    async def told(*arguments: Any, **named: Any) -> Any:
        page = await listing(*arguments, **named)
        sys.stdout.write(f"page behind {named['marker']}\n")
        sys.stdout.flush()
        return page

    changing_catalog.list_versions = told
    with open_local(data) as engines:
        ports = Ports(engines.catalog, engines.byte_store)
        done = await InventoryRuns(ports, engines.keyring, Notices()).run(now)
        sys.stdout.write(f"done {done}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
