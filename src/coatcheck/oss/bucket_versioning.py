"""PutBucketVersioning, GetBucketVersioning, ListObjectVersions. Source: OSS API reference, those operations."""

from __future__ import annotations

from dataclasses import replace

from coatcheck.configurations import versioning
from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.percent import encode
from coatcheck.core.times import write_iso
from coatcheck.core.xml import Node, write_xml
from coatcheck.operations.bucket_worm import check_versioning
from coatcheck.operations.list import Selection, list_versions
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import DELETE_MARKER, ListedVersion
from coatcheck.wire.reply import Reply

from .arguments import read_document, read_encoding_type, read_list_text, read_max_keys
from .call import Call
from .configuration import show
from .documents_kept import change_bucket
from .object_list import WriteText, restore_nodes
from .owner import owner_node


async def put_bucket_versioning(call: Call) -> Reply:
    """PutBucketVersioning: Enabled or Suspended; there is no way back to neither."""
    status = versioning.read(await read_document(call.request, versioning.ROOT))

    def change(bucket: Bucket) -> Bucket:
        check_versioning(bucket, status, call.ports.catalog.moments())
        return replace(bucket, versioning=status)

    await change_bucket(call, call.this_bucket, change)
    return Reply(200)


async def get_bucket_versioning(call: Call) -> Reply:
    """GetBucketVersioning: without Status when it was never set."""
    return show(versioning.ROOT, versioning.write(call.this_bucket.versioning))


async def list_object_versions(call: Call) -> Reply:
    """ListObjectVersions (GetBucketVersions): by key, a key's newest first, delete markers among them."""
    query = call.request.query
    prefix, delimiter, key_marker = (read_list_text(query, name) for name in ("prefix", "delimiter", "key-marker"))
    version_id_marker = read_list_text(query, "version-id-marker")
    if version_id_marker and not key_marker:
        raise INVALID_ARGUMENT(
            "A version-id marker cannot be specified without a key marker.",
            ArgumentName="version-id-marker",
            ArgumentValue=version_id_marker,
        )
    most, encoded = read_max_keys(query), read_encoding_type(query)
    selection, marker = Selection(prefix, delimiter, most), (key_marker, version_id_marker)
    page = await list_versions(call.context, call.grant, selection, marker)
    write_text = encode if encoded else str
    nodes: list[Node] = [
        ("Name", call.this_bucket.name),
        ("Prefix", write_text(prefix)),
        ("KeyMarker", write_text(key_marker)),
        ("VersionIdMarker", version_id_marker),
        ("MaxKeys", most),
        ("Delimiter", write_text(delimiter)),
        *((("EncodingType", "url"),) if encoded else ()),
        ("IsTruncated", "false" if page.next_marker is None else "true"),
    ]
    if page.next_marker is not None:
        next_key, next_version_id = page.next_marker
        nodes += [("NextKeyMarker", write_text(next_key)), ("NextVersionIdMarker", next_version_id)]
    owner = owner_node(call.this_bucket.owner)
    nodes.extend(_item(call, listed, write_text, owner) for listed in page.versions)
    nodes.extend(("CommonPrefixes", (("Prefix", write_text(text)),)) for text in page.common_prefixes)
    return Reply(200, ((b"Content-Type", b"application/xml"),), write_xml("ListVersionsResult", nodes, controls=True))


def _item(call: Call, listed: ListedVersion, write_text: WriteText, owner: Node) -> Node:
    nodes: list[Node] = [
        ("Key", write_text(listed.key)),
        ("VersionId", listed.version_id),
        ("IsLatest", "true" if listed.is_latest else "false"),
        ("LastModified", write_iso(listed.last_modified)),
    ]
    if listed.kind == DELETE_MARKER:
        return ("DeleteMarker", (*nodes, owner))
    nodes += [
        ("ETag", f'"{listed.etag}"'),
        ("Type", listed.kind),
        ("Size", listed.size),
        ("StorageClass", listed.storage_class),
        *restore_nodes(listed.restore, call.now),
        owner,
    ]
    return ("Version", nodes)
