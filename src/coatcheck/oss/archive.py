"""Archived objects: which classes they are in, and when they can be read.

Source: OSS API reference, storage classes and RestoreObject.
"""

from __future__ import annotations

from typing import Final

from coatcheck.core.times import write_http_date
from coatcheck.ports.object import ObjectRecord, Restore

ARCHIVE: Final = "Archive"
COLD_CLASSES: Final = ("ColdArchive", "DeepColdArchive")
ARCHIVE_CLASSES: Final = (ARCHIVE, *COLD_CLASSES)


def is_readable(record: ObjectRecord, now: float) -> bool:
    """Whether its content can be had: always, but in an archive class only while it is restored."""
    if record.storage_class not in ARCHIVE_CLASSES:
        return True
    return record.restore is not None and record.restore.ready_at <= now < record.restore.until


def write_restore(restore: Restore, now: float) -> str | None:
    """The text of x-oss-restore and RestoreInfo; None when the time is over."""
    if now < restore.ready_at:
        return 'ongoing-request="true"'
    if now < restore.until:
        return f'ongoing-request="false", expiry-date="{write_http_date(restore.until)}"'
    return None
