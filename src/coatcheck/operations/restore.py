"""Asking an archived version back, and archiving it again.

All classes are kept alike here, so a restore only takes as long as its caller says.
"""

from __future__ import annotations

from dataclasses import replace

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.errors import (
    OPERATION_NOT_SUPPORTED,
    RESTORE_IN_PROGRESS,
    RESTORE_NOT_FINISHED,
    RESTORE_STALE,
)
from coatcheck.core.times import DAY_S
from coatcheck.ports.object import ObjectRecord, Restore

from .archive import ARCHIVE_CLASSES
from .context import Context
from .record import change_record


async def restore_object(context: Context, grant: Grant, version_id: str, *, days: int, delay_s: float) -> bool:
    """Have an archived version readable for so many days from now, or keep it so for longer.

    Args:
        delay_s: how long it takes until it can be read.
    Returns: whether a restore began; False where it is readable, and stays so.
    Raises: OssError OPERATION_NOT_SUPPORTED (not archived), RESTORE_IN_PROGRESS, NO_SUCH_KEY; NotWritten.
    """
    grant.need(Action.RESTORE_OBJECT)
    began = True

    def change(record: ObjectRecord) -> ObjectRecord:
        nonlocal began
        _check_archived(record)
        restore, began = _restored(record, context.now, days * DAY_S, delay_s)
        return replace(record, restore=restore)

    await change_record(context, grant, version_id, change)
    return began


async def clean_restored_object(context: Context, grant: Grant, version_id: str) -> None:
    """Archive a restored version again at once.

    Raises: OssError OPERATION_NOT_SUPPORTED, RESTORE_STALE (it isn't restored), RESTORE_NOT_FINISHED, NO_SUCH_KEY;
        NotWritten.
    """
    grant.need(Action.CLEAN_RESTORED_OBJECT)
    now = int(context.now)

    def change(record: ObjectRecord) -> ObjectRecord:
        _check_archived(record)
        if record.restore is None or record.restore.until <= now:
            raise RESTORE_STALE(Key=record.key)
        if now < record.restore.ready_at:
            raise RESTORE_NOT_FINISHED(Key=record.key)
        return replace(record, restore=None)

    await change_record(context, grant, version_id, change)


def _restored(record: ObjectRecord, now: float, span_s: int, delay_s: float) -> tuple[Restore, bool]:
    """How the record is restored from now on, and whether that begins now. Raises: OssError RESTORE_IN_PROGRESS."""
    before, latest = record.restore, now + delay_s  # nothing that is under way takes longer
    if before is not None and int(now) < before.ready_at <= latest:
        raise RESTORE_IN_PROGRESS(Key=record.key)
    if before is None or before.until <= int(now) or before.ready_at > latest:  # the clock has gone back since
        ready_at = int(now + delay_s)
        return Restore(ready_at, ready_at + span_s), True
    return Restore(before.ready_at, max(before.until, int(now) + span_s)), False


def _check_archived(record: ObjectRecord) -> None:
    if record.storage_class not in ARCHIVE_CLASSES:
        raise OPERATION_NOT_SUPPORTED(Key=record.key)
