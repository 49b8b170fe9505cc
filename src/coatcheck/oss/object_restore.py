"""RestoreObject, CleanRestoredObject. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.core.errors import INVALID_ARGUMENT, MALFORMED_XML
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

_ROOT: Final = "RestoreRequest"
_STANDARD: Final = "Standard"
_TIERS: Final = ("Expedited", _STANDARD, "Bulk")


async def restore_object(call: Call) -> Reply:
    """RestoreObject: 202 when a restore begins, 200 when a restored object stays readable for longer."""
    document = await _read_document(call)
    found = call.this_object
    days, tier = _read_request(document, found.storage_class)
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


async def _read_document(call: Call) -> Element:
    """The request's body; an empty document if there is none. Raises: OssError MALFORMED_XML."""
    body = await read_body(call.request, most=CONFIGURATION_MAX_BYTES)
    return check_xml(body, _ROOT) if body.strip() else Element(_ROOT)


def most_days(storage_class: str) -> int:
    """How many days at most a restored object of that class is readable."""
    return RESTORE_ARCHIVE_MAX_DAYS if storage_class == ARCHIVE else RESTORE_COLD_MAX_DAYS


def read_days(text: str, most: int) -> int | None:
    """None for what isn't 1 to `most`."""
    is_short = text.isascii() and text.isdigit() and len(text) <= 4
    return int(text) if is_short and 1 <= int(text) <= most else None


def _read_request(document: Element, storage_class: str) -> tuple[int, str]:
    """Days and tier; a day, and Standard, when the body doesn't say.

    Raises: OssError MALFORMED_XML, also for a tier of a class that has none; INVALID_ARGUMENT for a tier that is none.
    """
    most = most_days(storage_class)
    days = read_days(_one_text(document, "Days") or "1", most)
    if days is None:
        raise MALFORMED_XML(f"{MALFORMED_XML.message} Days must be 1 to {most} for this class.")
    jobs = document.findall("JobParameters")
    if len(jobs) > (0 if storage_class == ARCHIVE else 1):
        raise MALFORMED_XML(f"{MALFORMED_XML.message} JobParameters are for the cold classes, and given once.")
    return days, _read_tier(jobs[0]) if jobs else _STANDARD


def _read_tier(jobs: Element) -> str:
    tier = _one_text(jobs, "Tier") or _STANDARD
    if tier not in _TIERS:
        raise INVALID_ARGUMENT(f"Tier must be {', '.join(_TIERS)}.", ArgumentName="Tier", ArgumentValue=tier[:64])
    return tier


def _one_text(parent: Element, name: str) -> str | None:
    found = parent.findall(name)
    if len(found) > 1:
        raise MALFORMED_XML(f"{MALFORMED_XML.message} {name} was given twice.")
    return (found[0].text or "").strip() if found else None
