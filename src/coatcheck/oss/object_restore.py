"""RestoreObject, CleanRestoredObject. Source: OSS API reference, the operations of those names.

All classes are kept alike here, so a restore only takes as long as the setting `restore_delay_s` says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.core.errors import (
    MALFORMED_XML,
    NO_SUCH_KEY,
    OPERATION_NOT_SUPPORTED,
    RESTORE_IN_PROGRESS,
    RESTORE_NOT_FINISHED,
    RESTORE_STALE,
)
from coatcheck.core.limits import (
    CONFIGURATION_MAX_BYTES,
    RESTORE_ARCHIVE_MAX_DAYS,
    RESTORE_COLD_MAX_DAYS,
)
from coatcheck.operations.archive import ARCHIVE, ARCHIVE_CLASSES, COLD_CLASSES
from coatcheck.ports.catalog import Gone
from coatcheck.ports.object import ObjectRecord, Restore
from coatcheck.wire.reply import Reply

from .arguments import check_xml, read_body
from .call import Call
from .versions import version_headers

_TIERS: Final = ("Expedited", "Standard", "Bulk")
_DAY_S: Final = 24 * 3600


async def restore_object(call: Call) -> Reply:
    """RestoreObject: 202 when a restore begins, 200 when a restored object stays readable for longer."""
    found = call.this_object
    body = await read_body(call.request, most=CONFIGURATION_MAX_BYTES)
    most = RESTORE_ARCHIVE_MAX_DAYS if found.storage_class == ARCHIVE else RESTORE_COLD_MAX_DAYS
    days, tier = _read_request(body, most)
    now, began = int(call.now), True

    def restore(record: ObjectRecord) -> ObjectRecord:
        nonlocal began
        if record.storage_class not in ARCHIVE_CLASSES:
            raise OPERATION_NOT_SUPPORTED(Key=record.key)
        before = record.restore
        latest = call.now + call.settings.restore_delay_s  # nothing that is under way takes longer
        if before is not None and now < before.ready_at <= latest:
            raise RESTORE_IN_PROGRESS(Key=record.key)
        began = before is None or before.until <= now or before.ready_at > latest  # the clock has gone back since
        if before is not None and not began:
            return replace(record, restore=Restore(before.ready_at, max(before.until, now + days * _DAY_S)))
        ready_at = int(call.now + call.settings.restore_delay_s)
        return replace(record, restore=Restore(ready_at, ready_at + days * _DAY_S))

    try:
        await call.ports.catalog.change_object(call.this_bucket.bucket_id, call.key, found.version_id, restore)
    except Gone:
        raise NO_SUCH_KEY(Key=call.key) from None
    headers = version_headers(call.this_bucket, found.version_id)
    if found.storage_class in COLD_CLASSES:
        headers = (*headers, (b"x-oss-object-restore-priority", tier.encode()))
    return Reply(202 if began else 200, headers)


async def clean_restored_object(call: Call) -> Reply:
    """CleanRestoredObject: a restored object is archived again at once."""
    found, now = call.this_object, int(call.now)

    def clean(record: ObjectRecord) -> ObjectRecord:
        if record.storage_class not in ARCHIVE_CLASSES:
            raise OPERATION_NOT_SUPPORTED(Key=record.key)
        if record.restore is None or record.restore.until <= now:
            raise RESTORE_STALE(Key=record.key)
        if now < record.restore.ready_at:
            raise RESTORE_NOT_FINISHED(Key=record.key)
        return replace(record, restore=None)

    try:
        await call.ports.catalog.change_object(call.this_bucket.bucket_id, call.key, found.version_id, clean)
    except Gone:
        raise NO_SUCH_KEY(Key=call.key) from None
    return Reply(200, version_headers(call.this_bucket, found.version_id))


def _read_request(body: bytes, most_days: int) -> tuple[int, str]:
    """Days and tier; a day, and Standard, when the body doesn't say. Raises: OssError MALFORMED_XML."""
    if not body.strip():
        return 1, "Standard"
    document = check_xml(body, "RestoreRequest")
    text = _one_text(document, "Days") or "1"
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= most_days):
        raise MALFORMED_XML(f"{MALFORMED_XML.message} Days must be 1 to {most_days} for this class.")
    jobs = document.findall("JobParameters")
    tier = _one_text(jobs[0], "Tier") if len(jobs) == 1 else None
    if len(jobs) > 1 or (tier is not None and tier not in _TIERS):
        raise MALFORMED_XML(f"{MALFORMED_XML.message} Tier must be {', '.join(_TIERS)}.")
    return int(text), tier or "Standard"


def _one_text(parent: Element, name: str) -> str | None:
    found = parent.findall(name)
    if len(found) > 1:
        raise MALFORMED_XML(f"{MALFORMED_XML.message} {name} was given twice.")
    return (found[0].text or "").strip() if found else None
