"""Object lock: what OSS calls object WORM, in S3's words. The modes and what they hold are the same (`ports/worm.py`).

Source: S3 reference, section 11.4; Amazon S3 API reference, PutObjectLockConfiguration and its kin.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from coatcheck.access.actions import Action
from coatcheck.configurations import object_worm
from coatcheck.configurations.elements import texts
from coatcheck.core.errors import INVALID_REQUEST, NO_SUCH_OBJECT_WORM, NO_SUCH_RETENTION
from coatcheck.core.s3_errors import S3_BAD_RETENTION
from coatcheck.core.times import write_iso
from coatcheck.operations import bucket_worm
from coatcheck.oss import retention as oss
from coatcheck.oss.call import Call
from coatcheck.oss.row import Level, Row
from coatcheck.oss.versions import version_headers
from coatcheck.ports.object import ObjectRecord
from coatcheck.wire.reply import Reply

from .documents import read_document, show

_ROOT: Final = "ObjectLockConfiguration"
_ENABLED: Final = "ObjectLockEnabled"
_RETENTION: Final = texts("Mode", "RetainUntilDate")
_SHAPE: Final = texts(_ENABLED, Rule=texts(DefaultRetention=texts("Mode", "Days", "Years")))


async def put_object_lock_configuration(call: Call) -> Reply:
    """PutObjectLockConfiguration: there is no way back; what versions get by default may change."""
    document = await read_document(call.request, _ROOT, _SHAPE)
    for enabled in document.findall(_ENABLED):
        enabled.tag = "ObjectWormEnabled"
    for name in ("Days", "Years"):
        for span in document.iter(name):
            text = (span.text or "").strip()
            if text.removeprefix("-").isdecimal() and (text[0] == "-" or not text.strip("0")):
                raise S3_BAD_RETENTION(Value=text[:32])
    await bucket_worm.put_object_worm(call.context, call.grant, object_worm.read(document))
    return Reply(200)


async def get_object_lock_configuration(call: Call) -> Reply:
    """GetObjectLockConfiguration."""
    stored = call.this_bucket.configuration(object_worm.NAME)
    if stored is None:
        raise NO_SUCH_OBJECT_WORM(BucketName=call.this_bucket.name)
    enabled, *rules = object_worm.write(object_worm.from_json(stored))
    return show(_ROOT, [(_ENABLED, enabled[1]), *rules])


async def put_object_retention(call: Call) -> Reply:
    """PutObjectRetention. The empty document takes one away that is over, or that the caller may bypass."""
    document = await read_document(call.request, oss.ROOT, _RETENTION)
    return await oss.retain(call, oss.read_retention(document) if len(document) else None)


async def get_object_retention(call: Call) -> Reply:
    """GetObjectRetention: also one that is over."""
    found = _need_lock(call)
    if found.retention is None:
        raise NO_SUCH_RETENTION(Key=found.key)
    nodes = [("Mode", found.retention.mode), ("RetainUntilDate", write_iso(found.retention.until))]
    return show(oss.ROOT, nodes, version_headers(call.this_bucket, found.version_id))


async def get_object_legal_hold(call: Call) -> Reply:
    """GetObjectLegalHold: OFF where none was ever put."""
    found = _need_lock(call)
    nodes = [("Status", "ON" if found.legal_hold else "OFF")]
    return show(oss.HOLD_ROOT, nodes, version_headers(call.this_bucket, found.version_id))


def _need_lock(call: Call) -> ObjectRecord:
    """The object. Raises: OssError INVALID_REQUEST."""
    if call.this_bucket.configuration(object_worm.NAME) is None:
        raise INVALID_REQUEST("Bucket is missing Object Lock Configuration")
    return call.this_object


def rows() -> Iterator[Row]:
    put, get = Action.PUT_BUCKET_OBJECT_WORM_CONFIGURATION, Action.GET_BUCKET_OBJECT_WORM_CONFIGURATION
    yield Row("PUT", Level.BUCKET, "object-lock", put_object_lock_configuration, put)
    yield Row("GET", Level.BUCKET, "object-lock", get_object_lock_configuration, get)
    for method, name, handler, action in (
        ("PUT", "retention", put_object_retention, Action.PUT_OBJECT_RETENTION),
        ("GET", "retention", get_object_retention, Action.GET_OBJECT_RETENTION),
        ("PUT", "legal-hold", oss.put_object_legal_hold, Action.PUT_OBJECT_LEGAL_HOLD),
        ("GET", "legal-hold", get_object_legal_hold, Action.GET_OBJECT_LEGAL_HOLD),
    ):
        yield Row(method, Level.OBJECT, name, handler, action, reads_object=True)
