"""Listings of objects, versions and uploads. Source: S3 reference, section 8."""

from __future__ import annotations

from collections.abc import Callable

from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.times import write_iso
from coatcheck.core.xml import Node
from coatcheck.operations import list as pages
from coatcheck.operations import multipart
from coatcheck.operations.list import Selection
from coatcheck.oss.arguments import read_encoding_type, read_list_text, read_token, write_token
from coatcheck.oss.call import Call
from coatcheck.ports.object import DELETE_MARKER, ListedObject, ListedVersion, ListPage, VersionPage
from coatcheck.ports.upload import UploadPage
from coatcheck.wire.reply import Reply

from .checksums import algorithm_nodes, wanted_nodes
from .documents import owner, quoted, read_number, show, write_name
from .words import write_storage_class

Write = Callable[[str], str]


async def list_objects(call: Call) -> Reply:
    """ListObjects."""
    query = call.request.query
    prefix, delimiter, marker = (read_list_text(query, name) for name in ("prefix", "delimiter", "marker"))
    most, encoded, write = _read_page(call, "max-keys")
    page = await _objects(call, Selection(prefix, delimiter, most), marker)
    nodes: list[Node] = [
        ("Name", call.this_bucket.name),
        ("Prefix", write(prefix)),
        ("Marker", write(marker)),
        ("MaxKeys", most),
        *_delimiter(delimiter, write),
        *_encoding(encoded),
        ("IsTruncated", "false" if page.next_marker is None else "true"),
    ]
    if page.next_marker is not None and delimiter:
        nodes.append(("NextMarker", write(page.next_marker)))
    return show("ListBucketResult", nodes + _items(page, write, owner(call.this_bucket.owner)))


async def list_objects_v2(call: Call) -> Reply:
    """ListObjectsV2."""
    query = call.request.query
    if query.get("list-type") != "2":
        raise INVALID_ARGUMENT("Invalid List Type specified in Request", ArgumentName="list-type")
    prefix, delimiter, start_after = (read_list_text(query, name) for name in ("prefix", "delimiter", "start-after"))
    token = query.get("continuation-token")
    if token == "":
        raise INVALID_ARGUMENT("The continuation token provided is incorrect", ArgumentName="continuation-token")
    most, encoded, write = _read_page(call, "max-keys")
    page = await _objects(call, Selection(prefix, delimiter, most), read_token(token) if token else start_after)
    nodes: list[Node] = [
        ("Name", call.this_bucket.name),
        ("Prefix", write(prefix)),
        *((("StartAfter", write(start_after)),) if start_after else ()),
        ("MaxKeys", most),
        *_delimiter(delimiter, write),
        *_encoding(encoded),
        ("KeyCount", len(page.objects) + len(page.common_prefixes)),
        ("IsTruncated", "false" if page.next_marker is None else "true"),
    ]
    if token:
        nodes.append(("ContinuationToken", token))
    if page.next_marker is not None:
        nodes.append(("NextContinuationToken", write_token(page.next_marker)))
    shown = owner(call.this_bucket.owner) if query.get("fetch-owner") == "true" else None
    return show("ListBucketResult", nodes + _items(page, write, shown))


async def list_object_versions(call: Call) -> Reply:
    """ListObjectVersions."""
    query = call.request.query
    prefix, delimiter, key_marker = (read_list_text(query, name) for name in ("prefix", "delimiter", "key-marker"))
    version_id_marker = read_list_text(query, "version-id-marker")
    if version_id_marker and not key_marker:
        raise INVALID_ARGUMENT(
            "A version-id marker cannot be specified without a key marker.", ArgumentName="version-id-marker"
        )
    most, encoded, write = _read_page(call, "max-keys")
    page = VersionPage((), (), None)
    if most:
        selection = Selection(prefix, delimiter, most)
        page = await pages.list_versions(call.context, call.grant, selection, (key_marker, version_id_marker))
    nodes: list[Node] = [
        ("Name", call.this_bucket.name),
        ("Prefix", write(prefix)),
        ("KeyMarker", write(key_marker)),
        ("VersionIdMarker", version_id_marker),
        ("MaxKeys", most),
        *_delimiter(delimiter, write),
        *_encoding(encoded),
        ("IsTruncated", "false" if page.next_marker is None else "true"),
    ]
    if page.next_marker is not None:
        nodes += [("NextKeyMarker", write(page.next_marker[0])), ("NextVersionIdMarker", page.next_marker[1])]
    shown = owner(call.this_bucket.owner)
    nodes += [_version(listed, write, shown) for listed in page.versions]
    nodes += _prefixes(page.common_prefixes, write)
    return show("ListVersionsResult", nodes)


async def list_multipart_uploads(call: Call) -> Reply:
    """ListMultipartUploads."""
    query = call.request.query
    prefix, delimiter, key_marker = (read_list_text(query, name) for name in ("prefix", "delimiter", "key-marker"))
    upload_id_marker = read_list_text(query, "upload-id-marker") if key_marker else ""
    most, encoded, write = _read_page(call, "max-uploads")
    page = UploadPage((), (), None)
    if most:
        selection = Selection(prefix, delimiter, most)
        page = await multipart.list_uploads(call.context, call.grant, selection, (key_marker, upload_id_marker))
    nodes: list[Node] = [
        ("Bucket", call.this_bucket.name),
        ("KeyMarker", write(key_marker)),
        ("UploadIdMarker", upload_id_marker),
        *_delimiter(delimiter, write),
        ("Prefix", write(prefix)),
        *_encoding(encoded),
        ("MaxUploads", most),
        ("IsTruncated", "false" if page.next_marker is None else "true"),
    ]
    if page.next_marker is not None:
        nodes += [("NextKeyMarker", write(page.next_marker[0])), ("NextUploadIdMarker", page.next_marker[1])]
    uid = call.this_bucket.owner
    nodes += [
        (
            "Upload",
            (
                ("Key", write(upload.key)),
                ("UploadId", upload.upload_id),
                owner(uid, "Initiator"),
                owner(uid),
                ("StorageClass", write_storage_class(upload.storage_class)),
                ("Initiated", write_iso(upload.initiated_at)),
                *wanted_nodes(upload.checksum),
            ),
        )
        for upload in page.uploads
    ]
    return show("ListMultipartUploadsResult", nodes + _prefixes(page.common_prefixes, write))


def _read_page(call: Call, name: str) -> tuple[int, bool, Write]:
    """How many, whether names are to be encoded, and what writes one."""
    query = call.request.query
    encoded = read_encoding_type(query)
    return read_number(query, name), encoded, write_name if encoded else str


async def _objects(call: Call, selection: Selection, marker: str) -> ListPage:
    """None at all were asked for is a page too, and the last."""
    if not selection.limit:
        return ListPage((), (), None)
    return await pages.list_objects(call.context, call.grant, selection, marker)


def _encoding(encoded: bool) -> tuple[Node, ...]:
    return (("EncodingType", "url"),) if encoded else ()


def _delimiter(delimiter: str, write: Write) -> tuple[Node, ...]:
    return (("Delimiter", write(delimiter)),) if delimiter else ()


def _items(page: ListPage, write: Write, shown: Node | None) -> list[Node]:
    items: list[Node] = [("Contents", _contents(listed, write, shown)) for listed in page.objects]
    return items + _prefixes(page.common_prefixes, write)


def _prefixes(prefixes: tuple[str, ...], write: Write) -> list[Node]:
    return [("CommonPrefixes", (("Prefix", write(prefix)),)) for prefix in prefixes]


def _contents(listed: ListedObject, write: Write, shown: Node | None) -> tuple[Node, ...]:
    nodes: tuple[Node, ...] = (
        ("Key", write(listed.key)),
        ("LastModified", write_iso(listed.last_modified)),
        ("ETag", quoted(listed.etag)),
        *algorithm_nodes(listed.checksum),
        ("Size", listed.size),
        ("StorageClass", write_storage_class(listed.storage_class)),
    )
    return nodes if shown is None else (*nodes, shown)


def _version(listed: ListedVersion, write: Write, shown: Node) -> Node:
    nodes: list[Node] = [
        ("Key", write(listed.key)),
        ("VersionId", listed.version_id),
        ("IsLatest", "true" if listed.is_latest else "false"),
        ("LastModified", write_iso(listed.last_modified)),
    ]
    if listed.kind == DELETE_MARKER:
        return ("DeleteMarker", (*nodes, shown))
    nodes += [
        ("ETag", quoted(listed.etag)),
        *algorithm_nodes(listed.checksum),
        ("Size", listed.size),
        ("StorageClass", write_storage_class(listed.storage_class)),
        shown,
    ]
    return ("Version", tuple(nodes))
