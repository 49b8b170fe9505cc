"""GetObject, HeadObject, GetObjectAttributes, PutObject. Source: S3 reference, sections 4, 5 and 9."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from coatcheck.core.checksums import Checksum
from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import LIST_MAX_KEYS, PUT_OBJECT_MAX_BYTES
from coatcheck.core.tag_rules import S3_OBJECT_TAGS
from coatcheck.core.xml import Node
from coatcheck.operations import put
from coatcheck.operations.archive import ARCHIVE
from coatcheck.operations.encryption import need_key
from coatcheck.operations.get import find_parts
from coatcheck.operations.overwrite import check_writable
from coatcheck.operations.put import NewObject
from coatcheck.oss import object_get
from coatcheck.oss.body_in import take_in
from coatcheck.oss.call import Call
from coatcheck.oss.metadata import write_object_headers
from coatcheck.oss.object_put import read_new_object, stored_headers
from coatcheck.oss.versions import version_headers
from coatcheck.ports.object import KeptPart
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Body, Request

from . import object_parts
from .acl import find_object_acl
from .body import S3Body
from .checksums import asks_for_checksums, checksum_headers, checksum_nodes, value_nodes
from .conditions import read_write_condition
from .customer_keys import BroughtKeys, bring_keys, bring_reading_key
from .documents import read_count, show
from .object_parts import AskedPart
from .redirects import read_redirect
from .restore import reading_at_once
from .words import write_storage_class

DEFAULT_CONTENT_TYPE: Final = "binary/octet-stream"
_ATTRIBUTES: Final = frozenset({"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"})


async def get_object(call: Call) -> Reply:
    """GetObject: a range outside of the object is refused, as the standard has it."""
    call, brought = bring_reading_key(_strict(call))
    if call.found is not None and call.found.storage_class == ARCHIVE:
        call = reading_at_once(call)
    if object_parts.PARAMETER not in call.request.query.first:
        return _described(call, await object_get.get_object(call), brought)
    part = await object_parts.find_part(call)
    return _described(call, await object_parts.get_part(call, part), brought, part)


async def head_object(call: Call) -> Reply:
    """HeadObject."""
    call, brought = bring_reading_key(call)
    if object_parts.PARAMETER not in call.request.query.first:
        return _described(call, await object_get.head_object(call), brought)
    part = await object_parts.find_part(call)
    return _described(call, await object_parts.head_part(call, part), brought, part)


def _described(call: Call, reply: Reply, brought: BroughtKeys, part: AskedPart | None = None) -> Reply:
    """With what only S3 says of what is sent."""
    if brought.key is not None and reply.status in (200, 206):
        reply = replace(reply, headers=(*reply.headers, *brought.headers))
    return _with_checksum(call, reply, part)


def _with_checksum(call: Call, reply: Reply, part: AskedPart | None = None) -> Reply:
    """With the checksum of what is sent, if it is asked for and known: of the whole object, or of a part. What is sent
    compressed, or is another object by now, has none of these."""
    if not asks_for_checksums(call.request.headers):
        return reply
    found = call.found
    if found is None or reply.status not in (200, 206):
        return reply
    if (b"etag", b'"%b"' % found.etag.encode()) not in reply.headers:
        return reply
    if part is not None:
        checksum = part.checksum
    elif reply.status == 200:
        checksum = found.checksum
    else:
        return reply
    return replace(reply, headers=(*reply.headers, *checksum_headers(checksum)))


def _strict(call: Call) -> Call:
    if "range" not in call.request.headers:
        return call
    headers = {**call.request.headers, "x-oss-range-behavior": "standard"}
    return replace(call, request=replace(call.request, headers=headers))


async def get_object_attributes(call: Call) -> Reply:
    """GetObjectAttributes: those that the header names and the object has."""
    text = call.request.headers.get("x-amz-object-attributes") or ""
    asked = {name.strip() for name in text.split(",") if name.strip()}
    if not asked or not asked <= _ATTRIBUTES:
        raise INVALID_ARGUMENT("Invalid attribute name specified.", ArgumentName="x-amz-object-attributes")
    call, brought = bring_reading_key(call)
    found = call.this_object
    need_key(call.ports.byte_store, found.encryption)
    nodes: list[Node] = []
    if "ETag" in asked:
        nodes.append(("ETag", found.etag.lower()))
    if "Checksum" in asked and found.checksum is not None:
        nodes.append(("Checksum", checksum_nodes(found.checksum)))
    if "ObjectParts" in asked and (parts := await find_parts(call.context, call.grant, found)):
        nodes.append(("ObjectParts", _parts_page(call.request, parts)))
    if "StorageClass" in asked:
        nodes.append(("StorageClass", write_storage_class(found.storage_class)))
    if "ObjectSize" in asked:
        nodes.append(("ObjectSize", found.size))
    moment = tuple(header for header in write_object_headers(found) if header[0] == b"last-modified")
    headers = (*moment, *version_headers(call.this_bucket, found.version_id), *brought.headers)
    return show("GetObjectAttributesResponse", nodes, headers)


def _parts_page(request: Request, parts: Sequence[KeptPart]) -> tuple[Node, ...]:
    """Some parts by their place. Those without a checksum are counted, but not shown."""
    headers = request.headers
    most = read_count(headers.get("x-amz-max-parts"), "x-amz-max-parts", LIST_MAX_KEYS)
    marker = read_count(headers.get("x-amz-part-number-marker"), "x-amz-part-number-marker", len(parts), absent=0)
    stop = min(marker + most, len(parts))
    nodes: list[Node] = [
        ("PartsCount", len(parts)),
        ("PartNumberMarker", marker),
        ("NextPartNumberMarker", stop),
        ("MaxParts", most),
        ("IsTruncated", "true" if stop < len(parts) else "false"),
    ]
    for number, part in enumerate(parts[marker:stop], marker + 1):
        if part.checksum is not None:
            nodes.append(("Part", (("PartNumber", number), ("Size", part.size), *value_nodes(part.checksum))))
    return tuple(nodes)


async def put_object(call: Call) -> Reply:
    """PutObject."""
    request = call.request
    call, brought = bring_keys(call)
    new = brought.encrypting(await read_new(call, with_type(request).headers))
    condition = read_write_condition(request.headers)
    new = new._replace(forbid_overwrite=new.forbid_overwrite or condition.only_new, only_if=condition.only_if)
    await check_writable(call.context, call.grant, asked=new.forbid_overwrite, only_if=new.only_if)
    incoming = await take_in(request, call.ports.byte_store, most=PUT_OBJECT_MAX_BYTES, encryption=new.encryption)
    new = new._replace(checksum=sent_checksum(request.body))
    stored = await put.put_object(call.context, call.grant, new, incoming)
    return Reply(200, (*stored_headers(call, stored), *brought.headers, *checksum_headers(new.checksum)))


async def read_new(call: Call, named: Mapping[str, str]) -> NewObject:
    """What an upload says of its object, by headers or by the fields of a form. Raises: OssError."""
    new = read_new_object(call, named, S3_OBJECT_TAGS)
    return new._replace(acl=await find_object_acl(call), headers=(*new.headers, *read_redirect(named)))


def with_type(request: Request) -> Request:
    """With S3's type for what has none."""
    if request.headers.get("content-type"):
        return request
    return replace(request, headers={**request.headers, "content-type": DEFAULT_CONTENT_TYPE})


def sent_checksum(body: Body) -> Checksum | None:
    """What came with a body that has ended, and held."""
    return body.checksum if isinstance(body, S3Body) else None
