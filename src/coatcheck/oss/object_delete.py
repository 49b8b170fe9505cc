"""DeleteObject, DeleteMultipleObjects. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from coatcheck.configurations.elements import find_switch, find_text
from coatcheck.core.errors import MALFORMED_XML, USER_KEY_MUST_BE_SPECIFIED
from coatcheck.core.limits import MULTI_DELETE_MAX_BYTES, MULTI_DELETE_MAX_KEYS
from coatcheck.core.names import check_object_key
from coatcheck.core.percent import encode
from coatcheck.core.xml import Node, read_xml, write_xml
from coatcheck.operations import delete
from coatcheck.operations.delete import Named
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Deleted
from coatcheck.ports.object import OnlyIf
from coatcheck.wire.reply import Reply

from .arguments import read_body, read_encoding_type
from .call import Call
from .retention import bypasses_governance
from .versions import asked_version, marker_headers, read_version_id, version_headers


async def delete_object(call: Call) -> Reply:
    """DeleteObject: 204 whether or not there was one. A versioned bucket keeps its versions under a delete marker,
    unless the request names one, which then goes for good."""
    return await delete_only_if(call, None)


async def delete_only_if(call: Call, only_if: OnlyIf | None) -> Reply:
    """The same, unless there is another object than the one that is meant. Raises: OssError PRECONDITION_FAILED."""
    asked, bypass = asked_version(call.request.query, call.bucket), bypasses_governance(call)
    deleted = await delete.delete_object(
        call.context, call.grant, asked, found=call.found, only_if=only_if, bypass_governance=bypass
    )
    if deleted.marker:
        return Reply(204, marker_headers(deleted.version_id))
    named = deleted.version_id or asked
    return Reply(204, version_headers(call.this_bucket, named) if named else ())


async def delete_multiple_objects(call: Call) -> Reply:
    """DeleteMultipleObjects: up to 1,000 keys or versions in one transaction; missing ones count as deleted,
    and what is retained or held isn't listed."""
    encoded = read_encoding_type(call.request.query)
    document = read_xml(await read_body(call.request, most=MULTI_DELETE_MAX_BYTES), "Delete", controls=True)
    named = [_read_item(item, call.this_bucket) for item in document.findall("Object")]
    if not 1 <= len(named) <= MULTI_DELETE_MAX_KEYS:
        raise MALFORMED_XML(f"{MALFORMED_XML.message} A Delete names 1 to {MULTI_DELETE_MAX_KEYS} objects.")
    quiet = find_switch(document, "Quiet")
    bypass = bypasses_governance(call)
    deleted = await delete.delete_objects(call.context, call.grant, named, bypass_governance=bypass)
    if quiet:
        return Reply(200)
    nodes: list[Node] = [("EncodingType", "url")] if encoded else []
    write_key = encode if encoded else str
    nodes.extend(
        ("Deleted", _deleted(write_key(one.key), one.version_id, outcome))
        for one, outcome in zip(named, deleted, strict=True)
        if not outcome.immutable
    )
    return Reply(200, ((b"Content-Type", b"application/xml"),), write_xml("DeleteResult", nodes, controls=True))


def _deleted(key: str, version_id: str | None, outcome: Deleted) -> tuple[Node, ...]:
    nodes: tuple[Node, ...] = (("Key", key),)
    if version_id:
        nodes = (*nodes, ("VersionId", version_id))
    if outcome.marker:
        nodes = (*nodes, ("DeleteMarker", "true"), ("DeleteMarkerVersionId", outcome.version_id))
    return nodes


def _read_item(item: Element, bucket: Bucket) -> Named:
    """The key and the version id of an Object element.

    Raises: OssError MALFORMED_XML, USER_KEY_MUST_BE_SPECIFIED, INVALID_ARGUMENT, or one of `check_object_key`'s.
    """
    key = find_text(item, "Key", trimmed=False) or ""
    if not key:
        raise USER_KEY_MUST_BE_SPECIFIED()
    check_object_key(key, len(key.encode()))
    version_id = find_text(item, "VersionId")
    return Named(key, read_version_id(version_id, bucket) if version_id else None)
