"""DeleteObject, DeleteObjects. Source: S3 reference, section 9."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.configurations.elements import find_switch, find_text
from coatcheck.core.errors import MALFORMED_XML, PRECONDITION_FAILED, USER_KEY_MUST_BE_SPECIFIED, OssError
from coatcheck.core.limits import MULTI_DELETE_MAX_BYTES, MULTI_DELETE_MAX_KEYS
from coatcheck.core.names import check_s3_object_key
from coatcheck.core.s3_errors import S3_NO_BUCKET_DIGEST
from coatcheck.core.xml import Node, read_xml
from coatcheck.operations import delete
from coatcheck.operations.delete import Named
from coatcheck.oss.arguments import read_body
from coatcheck.oss.call import Call
from coatcheck.oss.object_delete import delete_only_if
from coatcheck.oss.retention import bypasses_governance
from coatcheck.oss.versions import read_version_id
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Deleted
from coatcheck.wire.reply import Reply

from .body import S3Body
from .conditions import read_delete_condition, read_only_if
from .documents import show

_IMMUTABLE: Final = (("Code", "AccessDenied"), ("Message", "Access Denied because object protected by object lock."))
_UNMET: Final = (("Code", PRECONDITION_FAILED.code), ("Message", PRECONDITION_FAILED.message))


async def delete_object(call: Call) -> Reply:
    """DeleteObject: 204 whether or not there was one; with conditions, unless there is another one."""
    return await delete_only_if(call, read_delete_condition(call.request.headers))


async def delete_multiple_objects(call: Call) -> Reply:
    """DeleteObjects: the body comes with a digest of itself. What may not be deleted is an Error of its own."""
    request = call.request
    if not (isinstance(request.body, S3Body) and request.body.has_digest):
        raise S3_NO_BUCKET_DIGEST()
    document = read_xml(await read_body(request, most=MULTI_DELETE_MAX_BYTES), "Delete", controls=True)
    named = [_read_item(item, call.this_bucket) for item in document.findall("Object")]
    if not 1 <= len(named) <= MULTI_DELETE_MAX_KEYS:
        raise MALFORMED_XML(f"{MALFORMED_XML.message} A Delete names 1 to {MULTI_DELETE_MAX_KEYS} objects.")
    quiet, bypass = find_switch(document, "Quiet"), bypasses_governance(call)
    deleted = await delete.delete_allowed(call.context, call.grant, named, bypass_governance=bypass)
    nodes: list[Node] = []
    for one, outcome in zip(named, deleted, strict=True):
        if isinstance(outcome, OssError):
            nodes.append(("Error", _refused(one, (("Code", outcome.code), ("Message", outcome.message)))))
        elif outcome.immutable or outcome.unmet:
            nodes.append(("Error", _refused(one, _IMMUTABLE if outcome.immutable else _UNMET)))
        elif not quiet:
            nodes.append(("Deleted", _deleted(one, outcome)))
    return show("DeleteResult", nodes)


def _refused(one: Named, why: tuple[Node, ...]) -> tuple[Node, ...]:
    nodes: tuple[Node, ...] = (("Key", one.key),)
    if one.version_id:
        nodes = (*nodes, ("VersionId", one.version_id))
    return (*nodes, *why)


def _deleted(one: Named, outcome: Deleted) -> tuple[Node, ...]:
    nodes: tuple[Node, ...] = (("Key", one.key),)
    if one.version_id:
        nodes = (*nodes, ("VersionId", one.version_id))
    if outcome.marker:
        nodes = (*nodes, ("DeleteMarker", "true"), ("DeleteMarkerVersionId", outcome.version_id))
    return nodes


def _read_item(item: Element, bucket: Bucket) -> Named:
    """The key, the version id, and which object is meant. Raises: OssError."""
    key = find_text(item, "Key", trimmed=False) or ""
    if not key:
        raise USER_KEY_MUST_BE_SPECIFIED()
    check_s3_object_key(key, len(key.encode()))
    version_id = find_text(item, "VersionId")
    only_if = read_only_if(*(find_text(item, name) for name in ("ETag", "Size", "LastModifiedTime")))
    return Named(key, read_version_id(version_id, bucket) if version_id else None, only_if)
