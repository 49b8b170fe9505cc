"""RestoreObject, CleanRestoredObject. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.core.errors import MALFORMED_XML
from coatcheck.core.limits import (
    CONFIGURATION_MAX_BYTES,
    RESTORE_ARCHIVE_MAX_DAYS,
    RESTORE_COLD_MAX_DAYS,
)
from coatcheck.operations import restore
from coatcheck.operations.archive import ARCHIVE, COLD_CLASSES
from coatcheck.wire.reply import Reply

from .arguments import check_xml, read_body
from .call import Call
from .versions import version_headers

_TIERS: Final = ("Expedited", "Standard", "Bulk")


async def restore_object(call: Call) -> Reply:
    """RestoreObject: 202 when a restore begins, 200 when a restored object stays readable for longer."""
    found = call.this_object
    body = await read_body(call.request, most=CONFIGURATION_MAX_BYTES)
    most = RESTORE_ARCHIVE_MAX_DAYS if found.storage_class == ARCHIVE else RESTORE_COLD_MAX_DAYS
    days, tier = _read_request(body, most)
    delay_s = call.settings.restore_delay_s
    began = await restore.restore_object(call.context, call.grant, found.version_id, days=days, delay_s=delay_s)
    headers = version_headers(call.this_bucket, found.version_id)
    if found.storage_class in COLD_CLASSES:
        headers = (*headers, (b"x-oss-object-restore-priority", tier.encode()))
    return Reply(202 if began else 200, headers)


async def clean_restored_object(call: Call) -> Reply:
    """CleanRestoredObject: a restored object is archived again at once."""
    found = call.this_object
    await restore.clean_restored_object(call.context, call.grant, found.version_id)
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
