"""What is looked up when somebody asks for the metrics: workers, files, the disk."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from coatcheck import __version__
from coatcheck.metrics.cells import Cells
from coatcheck.metrics.exposition import Looked
from coatcheck.metrics.table import BUILD_INFO, CATALOG_BYTES, DISK_FREE, DISK_SIZE, START_TIME, WORKERS
from coatcheck.pulse import Pulse

_CATALOG: Final = ("catalog.sqlite", "catalog.sqlite-wal")


class Watched(Struct, frozen=True):
    """All of a server that can be seen from one worker.

    Attributes:
        sample: brings this worker's own cells up to date.
        data: the data directory.
        started: Unix seconds.
    """

    cells: Cells
    pulse: Pulse
    sample: Callable[[], None]
    data: Path
    started: float

    def look(self) -> Looked:
        disk = os.statvfs(self.data)
        return {
            WORKERS: [((), self.pulse.taking())],
            CATALOG_BYTES: [((name,), _size_of(self.data / name)) for name in _CATALOG],
            DISK_FREE: [((), disk.f_bavail * disk.f_frsize)],
            DISK_SIZE: [((), disk.f_blocks * disk.f_frsize)],
            START_TIME: [((), self.started)],
            BUILD_INFO: [((__version__, platform.python_version()), 1)],
        }


def _size_of(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size  # opening it would cost SQLite its locks
    return 0
