"""PutObjectRetention, GetObjectRetention, PutObjectLegalHold, GetObjectLegalHold, and the headers that say the same.

Source: OSS API reference, the operations of those names; PutObject, x-oss-object-worm-*.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.configurations.elements import malformed, need_text
from coatcheck.configurations.object_worm import MODES
from coatcheck.core.errors import INVALID_ARGUMENT, NO_SUCH_RETENTION, OssError
from coatcheck.core.times import read_iso, write_iso
from coatcheck.core.xml import write_xml
from coatcheck.operations import retention
from coatcheck.operations.retention import FREE, Held, need_held
from coatcheck.ports.object import ObjectRecord, Retention
from coatcheck.wire.reply import RawHeader, Reply

from .arguments import read_document, read_switch
from .call import Call
from .versions import version_headers

ROOT: Final = "Retention"
HOLD_ROOT: Final = "LegalHold"

MODE: Final = "x-oss-object-worm-mode"
UNTIL: Final = "x-oss-object-worm-retain-until-date"
HOLD: Final = "x-oss-object-worm-legal-hold"
HEADERS: Final = frozenset((MODE, UNTIL, HOLD))
_BYPASS: Final = "x-oss-bypass-governance-retention"
_HOLDS: Final = {"ON": True, "OFF": False}


async def put_object_retention(call: Call) -> Reply:
    """PutObjectRetention: longer and stricter at any time; less only under GOVERNANCE, by who may bypass it."""
    return await retain(call, read_retention(await read_document(call.request, ROOT)))


async def retain(call: Call, wanted: Retention | None) -> Reply:
    """Give the version this retention, or none any more."""
    found, bypass = call.this_object, bypasses_governance(call)
    await retention.put_retention(call.context, call.grant, found, wanted, bypass_governance=bypass)
    return Reply(200, version_headers(call.this_bucket, found.version_id))


def read_retention(document: Element) -> Retention:
    """Raises: OssError MALFORMED_XML."""
    mode, until = need_text(document, "Mode"), read_iso(need_text(document, "RetainUntilDate"))
    if mode not in MODES:
        raise malformed(f"Mode must be one of {', '.join(MODES)}.")
    if until is None:
        raise malformed("RetainUntilDate must be a moment such as 2026-03-05T07:08:09.000Z.")
    return Retention(mode, until)


async def get_object_retention(call: Call) -> Reply:
    """GetObjectRetention: also one that is over."""
    found = call.this_object
    if found.retention is None:
        raise NO_SUCH_RETENTION(Key=found.key)
    nodes = [("Mode", found.retention.mode), ("RetainUntilDate", write_iso(found.retention.until))]
    return _show(call, found, write_xml(ROOT, nodes))


async def put_object_legal_hold(call: Call) -> Reply:
    """PutObjectLegalHold."""
    document, found = await read_document(call.request, HOLD_ROOT), call.this_object
    status = need_text(document, "Status")
    if status not in _HOLDS:
        raise malformed("Status must be ON or OFF.")
    await retention.put_legal_hold(call.context, call.grant, found, on=_HOLDS[status])
    return Reply(200, version_headers(call.this_bucket, found.version_id))


async def get_object_legal_hold(call: Call) -> Reply:
    """GetObjectLegalHold: OFF where none was ever put."""
    found = call.this_object
    return _show(call, found, write_xml(HOLD_ROOT, [("Status", "ON" if found.legal_hold else "OFF")]))


def read_held(call: Call, named: Mapping[str, str]) -> Held:
    """What a write says of retention and hold, by headers or by the fields of a form that mean the same.

    Raises: OssError INVALID_ARGUMENT, INVALID_REQUEST (not in this bucket), or a refusal.
    """
    if HEADERS.isdisjoint(named):
        return FREE
    mode, date, hold = named.get(MODE), named.get(UNTIL), named.get(HOLD, "OFF")
    if hold not in _HOLDS:
        raise _bad(HOLD, hold, "must be ON or OFF")
    if mode is None and date is None:
        return need_held(call.context, call.grant, call.facts.found, Held(None, _HOLDS[hold]))
    if mode not in MODES:
        raise _bad(MODE, mode or "", f"must be one of {', '.join(MODES)}, beside {UNTIL}")
    until = read_iso(date or "")
    if until is None:
        raise _bad(UNTIL, date or "", f"must be a moment such as 2026-03-05T07:08:09.000Z, beside {MODE}")
    return need_held(call.context, call.grant, call.facts.found, Held(Retention(mode, until), _HOLDS[hold]))


def bypasses_governance(call: Call) -> bool:
    """Raises: OssError INVALID_ARGUMENT."""
    return read_switch(call.request.headers, _BYPASS)


@lru_cache(maxsize=1024)
def held_headers(retention: Retention | None, legal_hold: bool) -> tuple[RawHeader, ...]:
    """What a reply says of how a version is held."""
    held = ((HOLD.encode(), b"ON"),) if legal_hold else ()
    if retention is None:
        return held
    mode, until = retention.mode.encode(), write_iso(retention.until).encode()
    return ((MODE.encode(), mode), (UNTIL.encode(), until), *held)


def _show(call: Call, found: ObjectRecord, document: bytes) -> Reply:
    headers = ((b"Content-Type", b"application/xml"), *version_headers(call.this_bucket, found.version_id))
    return Reply(200, headers, document)


def _bad(name: str, value: str, why: str) -> OssError:
    return INVALID_ARGUMENT(f"{name} {why}.", ArgumentName=name, ArgumentValue=value[:64])
