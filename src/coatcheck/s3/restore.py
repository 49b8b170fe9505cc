"""RestoreObject, and what needs none: GLACIER_IR.

Source: Amazon S3 API reference, RestoreObject; S3 reference, section 9.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from msgspec.structs import replace

from coatcheck.configurations.elements import find_choice, find_one, need_text, texts
from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import CONFIGURATION_MAX_BYTES
from coatcheck.core.s3_errors import S3_NOT_ARCHIVED
from coatcheck.core.xml import read_xml
from coatcheck.operations import restore as operation
from coatcheck.operations.archive import ARCHIVE_CLASSES
from coatcheck.oss.arguments import read_body
from coatcheck.oss.call import Call
from coatcheck.oss.object_restore import most_days, read_days
from coatcheck.oss.versions import version_headers
from coatcheck.wire.reply import Reply

from .documents import refuse_unbuilt

_ROOT: Final = "RestoreRequest"
_SHAPE: Final = texts("Days", "Description", "Tier", GlacierJobParameters=texts("Tier"))
_TIERS: Final = ("Standard", "Bulk", "Expedited")
_NOT_BUILT: Final = {
    name: f"{name} of a restore is not built." for name in ("OutputLocation", "SelectParameters", "Type")
}


def reading_at_once(call: Call) -> Call:
    """The call, to which objects of GLACIER_IR are given; OSS goes by their bucket."""
    return replace(call, context=replace(call.context, archive_at_once=True))


async def restore_object(call: Call) -> Reply:
    """RestoreObject: 202 when a restore begins, 200 when a restored object stays readable for longer.

    All tiers take as long here.
    """
    document = read_xml(await read_body(call.request, most=CONFIGURATION_MAX_BYTES), _ROOT)
    found = call.this_object
    if found.storage_class not in ARCHIVE_CLASSES:
        raise S3_NOT_ARCHIVED(Key=call.key)
    days = _read_days(document, most_days(found.storage_class))
    delay_s = call.settings.restore_delay_s
    began = await operation.restore_object(call.context, call.grant, found.version_id, days=days, delay_s=delay_s)
    return Reply(202 if began else 200, version_headers(call.this_bucket, found.version_id))


def _read_days(document: Element, most: int) -> int:
    """Raises: OssError S3_NOT_BUILT, MALFORMED_XML, INVALID_ARGUMENT."""
    refuse_unbuilt(document, _NOT_BUILT)
    _SHAPE.check(document)
    for place in (document, find_one(document, "GlacierJobParameters")):
        if place is not None:
            find_choice(place, "Tier", _TIERS)
    text = need_text(document, "Days")
    days = read_days(text, most)
    if days is None:
        raise INVALID_ARGUMENT(
            f"Days must be 1 to {most} for this class.", ArgumentName="Days", ArgumentValue=text[:64]
        )
    return days
