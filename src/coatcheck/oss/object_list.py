"""ListObjects (V1) and ListObjectsV2. Source: OSS API reference, GetBucket and ListObjectsV2."""

from __future__ import annotations

from collections.abc import Callable

from coatcheck.core.percent import encode
from coatcheck.core.times import write_iso
from coatcheck.core.xml import Node, write_xml
from coatcheck.operations import list as pages
from coatcheck.operations.list import Selection
from coatcheck.ports.object import ListedObject, ListPage, Restore
from coatcheck.wire.reply import Reply

from .arguments import read_encoding_type, read_list_text, read_max_keys, read_token, write_token
from .call import Call
from .owner import owner_node
from .restoring import write_restore

WriteText = Callable[[str], str]


async def list_objects(call: Call) -> Reply:
    """ListObjects: a page behind `marker`."""
    query = call.request.query
    prefix, delimiter, marker = (read_list_text(query, name) for name in ("prefix", "delimiter", "marker"))
    most, encoded = read_max_keys(query), read_encoding_type(query)
    page = await pages.list_objects(call.context, call.grant, Selection(prefix, delimiter, most), marker)
    write_text = encode if encoded else str
    nodes: list[Node] = [
        ("Name", call.this_bucket.name),
        ("Prefix", write_text(prefix)),
        ("Marker", write_text(marker)),
        ("MaxKeys", most),
        ("Delimiter", write_text(delimiter)),
        *_encoding_node(encoded),
        ("IsTruncated", "false" if page.next_marker is None else "true"),
    ]
    if page.next_marker is not None:
        nodes.append(("NextMarker", write_text(page.next_marker)))
    owner = owner_node(call.this_bucket.owner)
    nodes.extend(_items(page, write_text, owner, call.now))
    return _reply(nodes)


async def list_objects_v2(call: Call) -> Reply:
    """ListObjectsV2: a page behind `continuation-token`, or behind `start-after`."""
    query = call.request.query
    prefix, delimiter, start_after = (read_list_text(query, name) for name in ("prefix", "delimiter", "start-after"))
    token = query.get("continuation-token")
    most, encoded = read_max_keys(query), read_encoding_type(query)
    marker = read_token(token) if token else start_after
    page = await pages.list_objects(call.context, call.grant, Selection(prefix, delimiter, most), marker)
    write_text = encode if encoded else str
    nodes: list[Node] = [("Name", call.this_bucket.name), ("Prefix", write_text(prefix))]
    if "start-after" in query:
        nodes.append(("StartAfter", write_text(start_after)))
    nodes += [("MaxKeys", most), ("Delimiter", write_text(delimiter)), *_encoding_node(encoded)]
    nodes.append(("IsTruncated", "false" if page.next_marker is None else "true"))
    if token:
        nodes.append(("ContinuationToken", token))
    if page.next_marker is not None:
        nodes.append(("NextContinuationToken", write_token(page.next_marker)))
    owner = owner_node(call.this_bucket.owner) if query.get("fetch-owner") == "true" else None
    nodes.extend(_items(page, write_text, owner, call.now))
    nodes.append(("KeyCount", len(page.objects) + len(page.common_prefixes)))
    return _reply(nodes)


def _encoding_node(encoded: bool) -> tuple[Node, ...]:
    return (("EncodingType", "url"),) if encoded else ()


def _items(page: ListPage, write_text: WriteText, owner: Node | None, now: float) -> list[Node]:
    nodes: list[Node] = [("Contents", _contents(listed, write_text, owner, now)) for listed in page.objects]
    nodes.extend(("CommonPrefixes", (("Prefix", write_text(prefix)),)) for prefix in page.common_prefixes)
    return nodes


def _contents(listed: ListedObject, write_text: WriteText, owner: Node | None, now: float) -> tuple[Node, ...]:
    nodes: tuple[Node, ...] = (
        ("Key", write_text(listed.key)),
        ("LastModified", write_iso(listed.last_modified)),
        ("ETag", f'"{listed.etag}"'),
        ("Type", listed.kind),
        ("Size", listed.size),
        ("StorageClass", listed.storage_class),
        *(() if listed.restore is None else restore_nodes(listed.restore, now)),
    )
    return nodes if owner is None else (*nodes, owner)


def restore_nodes(restore: Restore | None, now: float) -> tuple[Node, ...]:
    """RestoreInfo, for an archived object that is on its way back, or back."""
    text = None if restore is None else write_restore(restore, now)
    return () if text is None else (("RestoreInfo", text),)


def _reply(nodes: list[Node]) -> Reply:
    return Reply(200, ((b"Content-Type", b"application/xml"),), write_xml("ListBucketResult", nodes, controls=True))
