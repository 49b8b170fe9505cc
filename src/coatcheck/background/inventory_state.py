"""How far an inventory's list has come, and when the next is due. Pure; kept beside the inventory, as another entry.

A list is made of data files. What is remembered is what is complete: the files that are stored, and behind which
version the next begins. A run that dies begins that file again, under the same name.
"""

from __future__ import annotations

import json
import time
from calendar import monthrange
from typing import Final

from msgspec import Struct

from coatcheck.configurations.inventory import Inventory
from coatcheck.configurations.stored import read_stored, write_stored
from coatcheck.core.times import DAY_S

_VERSION: Final = "2019-09-01"  # of manifests


class DataFile(Struct, frozen=True):
    """One that is stored; `md5` in upper-case hex, as ETags are."""

    key: str
    size: int
    md5: str


class Run(Struct, frozen=True):
    """One list of an inventory.

    Attributes:
        set_at: when the inventory was set up, Unix seconds: one that was set up anew begins anew.
        period: the day, week or month that the list is of, counted from 1970; see `period_of`.
        begun_at: Unix seconds.
        token: what its data files are called.
        key, version_id: of the last version that is in a file; "" before the first.
        objects: how many are listed.
        done: the manifest is stored.
    """

    set_at: int
    period: int
    begun_at: int
    token: str
    key: str = ""
    version_id: str = ""
    objects: int = 0
    files: tuple[DataFile, ...] = ()
    done: bool = False


def to_json(run: Run) -> str:
    return write_stored(run)


def from_json(text: str) -> Run:
    return read_stored(Run, text)


def period_of(inventory: Inventory, now: float) -> int:
    """The period that a moment lies in. Days and weeks begin at midnight UTC, weeks on Monday; a month begins on the
    inventory's day, or on its own last day where it has no such one."""
    day = int(now) // DAY_S
    match inventory.frequency:
        case "Daily":
            return day
        case "Weekly":
            return (day + 3) // 7  # 1970 began on a Thursday
        case "Monthly":
            moment = time.gmtime(now)
            begins = min(inventory.day_of_month or 1, monthrange(moment.tm_year, moment.tm_mon)[1])
            return moment.tm_year * 12 + moment.tm_mon - (moment.tm_mday < begins)
        case _:
            return 0


def is_due(inventory: Inventory, run: Run | None, now: float) -> bool:
    """Whether a list is to be begun: the last is of an earlier period, or of one that only a wrong clock explains."""
    if run is None or run.set_at != set_at(inventory):
        return True
    period = period_of(inventory, now)
    return run.done and not period <= run.period <= period + 1


def set_at(inventory: Inventory) -> int:
    return 0 if inventory.author is None else inventory.author.at


# --- names and the manifest ------------------------------------------------------------------------------------------


def folder_of(inventory: Inventory, source: str) -> str:
    """Where everything of an inventory lies, in its target bucket."""
    prefix = inventory.target.prefix or ""
    return f"{prefix}{'/' if prefix and not prefix.endswith('/') else ''}{source}/{inventory.inventory_id}"


def next_file(inventory: Inventory, source: str, run: Run) -> str:
    """The key of the data file behind those that are stored."""
    number = f"-{len(run.files)}" if run.files else ""
    return f"{folder_of(inventory, source)}/data/{run.token}{number}.csv.gz"


def manifest_folder(inventory: Inventory, source: str, run: Run) -> str:
    begun = time.strftime("%Y-%m-%dT%H-%MZ", time.gmtime(run.begun_at))
    return f"{folder_of(inventory, source)}/{begun}"


def write_manifest(inventory: Inventory, source: str, run: Run, columns: tuple[str, ...]) -> bytes:
    """manifest.json."""
    manifest = {
        "creationTimestamp": str(run.begun_at),
        "destinationBucket": inventory.target.bucket,
        "fileFormat": "CSV",
        "fileSchema": ", ".join(columns),
        "files": [{"MD5checksum": file.md5, "key": file.key, "size": file.size} for file in run.files],
        "sourceBucket": source,
        "version": _VERSION,
    }
    return json.dumps(manifest, ensure_ascii=False, indent=4).encode()
