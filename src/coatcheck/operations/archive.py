"""Archived objects: which classes they are in, and when they can be read.

Source: OSS API reference, storage classes, RestoreObject and PutBucketArchiveDirectRead.
"""

from __future__ import annotations

from typing import Final

from coatcheck.configurations import archive_direct_read
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import ListedObject, ObjectRecord

ARCHIVE: Final = "Archive"
COLD_CLASSES: Final = ("ColdArchive", "DeepColdArchive")
ARCHIVE_CLASSES: Final = (ARCHIVE, *COLD_CLASSES)


def is_readable(bucket: Bucket, record: ObjectRecord | ListedObject, now: float, *, at_once: bool = False) -> bool:
    """Whether its content can be had: always, but in an archive class only while it is restored, or where its bucket,
    or `at_once`, gives objects of the class Archive at once."""
    if record.storage_class not in ARCHIVE_CLASSES or _is_restored(record, now):
        return True
    return record.storage_class == ARCHIVE and (at_once or _is_read_directly(bucket))


def _is_restored(record: ObjectRecord | ListedObject, now: float) -> bool:
    return record.restore is not None and record.restore.ready_at <= now < record.restore.until


def _is_read_directly(bucket: Bucket) -> bool:
    document = bucket.configuration(archive_direct_read.NAME)
    return document is not None and archive_direct_read.from_json(document).enabled
