"""GetObject, HeadObject, GetObjectAttributes, PutObject. Source: S3 reference, sections 4, 5 and 9."""

from __future__ import annotations

from typing import Final

from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import PUT_OBJECT_MAX_BYTES
from coatcheck.core.xml import Node
from coatcheck.operations import put
from coatcheck.operations.overwrite import check_writable
from coatcheck.oss import object_get
from coatcheck.oss.body_in import take_in
from coatcheck.oss.call import Call
from coatcheck.oss.metadata import write_object_headers
from coatcheck.oss.object_put import read_new_object, stored_headers
from coatcheck.oss.versions import version_headers
from coatcheck.wire.reply import RawHeader, Reply
from coatcheck.wire.request import Request

from .body import S3Body
from .conditions import read_write_condition
from .documents import show
from .words import write_storage_class

DEFAULT_CONTENT_TYPE: Final = "binary/octet-stream"
_ATTRIBUTES: Final = frozenset({"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"})


async def get_object(call: Call) -> Reply:
    """GetObject: a range outside of the object is refused, as the standard has it."""
    return await object_get.get_object(_strict(call))


async def head_object(call: Call) -> Reply:
    """HeadObject."""
    return await object_get.head_object(_strict(call))


def _strict(call: Call) -> Call:
    headers = {**call.request.headers, "x-oss-range-behavior": "standard"}
    return call._replace(request=call.request._replace(headers=headers))


async def get_object_attributes(call: Call) -> Reply:
    """GetObjectAttributes: those that the header names and the object has."""
    text = call.request.headers.get("x-amz-object-attributes") or ""
    asked = {name.strip() for name in text.split(",") if name.strip()}
    if not asked or not asked <= _ATTRIBUTES:
        raise INVALID_ARGUMENT("Invalid attribute name specified.", ArgumentName="x-amz-object-attributes")
    found = call.this_object
    nodes: list[Node] = []
    if "ETag" in asked:
        nodes.append(("ETag", found.etag.lower()))
    if "StorageClass" in asked:
        nodes.append(("StorageClass", write_storage_class(found.storage_class)))
    if "ObjectSize" in asked:
        nodes.append(("ObjectSize", found.size))
    moment = tuple(header for header in write_object_headers(found) if header[0] == b"last-modified")
    headers = (*moment, *version_headers(call.this_bucket, found.version_id))
    return show("GetObjectAttributesResponse", nodes, headers)


async def put_object(call: Call) -> Reply:
    """PutObject."""
    request = call.request
    new = read_new_object(call, with_type(request).headers)
    condition = read_write_condition(request.headers)
    new = new._replace(forbid_overwrite=new.forbid_overwrite or condition.only_new, only_if=condition.only_if)
    await check_writable(call.context, call.grant, asked=new.forbid_overwrite, only_if=new.only_if)
    incoming = await take_in(request, call.ports.byte_store, most=PUT_OBJECT_MAX_BYTES, encryption=new.encryption)
    stored = await put.put_object(call.context, call.grant, new, incoming)
    return Reply(200, (*stored_headers(call, stored), *sum_headers(request)))


def with_type(request: Request) -> Request:
    """With S3's type for what has none."""
    if request.headers.get("content-type"):
        return request
    return request._replace(headers={**request.headers, "content-type": DEFAULT_CONTENT_TYPE})


def sum_headers(request: Request) -> tuple[RawHeader, ...]:
    """The checksums that came with a body, which is known to have them."""
    body = request.body
    if not isinstance(body, S3Body) or not body.sums:
        return ()
    headers = [(f"x-amz-checksum-{name}".encode(), value.encode()) for name, value in body.sums.items()]
    return (*headers, (b"x-amz-checksum-type", b"FULL_OBJECT"))
