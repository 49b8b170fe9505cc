"""Archived objects: which classes they are in, and when they can be read.

Source: OSS API reference, storage classes and RestoreObject.
"""

from __future__ import annotations

from typing import Final

from coatcheck.ports.object import ObjectRecord

ARCHIVE: Final = "Archive"
COLD_CLASSES: Final = ("ColdArchive", "DeepColdArchive")
ARCHIVE_CLASSES: Final = (ARCHIVE, *COLD_CLASSES)


def is_readable(record: ObjectRecord, now: float) -> bool:
    """Whether its content can be had: always, but in an archive class only while it is restored."""
    if record.storage_class not in ARCHIVE_CLASSES:
        return True
    return record.restore is not None and record.restore.ready_at <= now < record.restore.until
