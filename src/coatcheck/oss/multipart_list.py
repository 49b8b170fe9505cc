"""ListParts, ListMultipartUploads. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

from typing import Final

from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import LIST_MAX_KEYS, PARTS_MAX
from coatcheck.core.percent import encode
from coatcheck.core.times import write_iso
from coatcheck.core.xml import Node, write_xml
from coatcheck.operations import multipart
from coatcheck.operations.list import Selection
from coatcheck.ports.upload import Part, Upload
from coatcheck.wire.query import Query
from coatcheck.wire.reply import Reply

from .arguments import read_encoding_type, read_list_text
from .call import Call
from .multipart import read_upload_id

# What a client that encrypts says of it when it initiates, and gets back.
_CLIENT_ENCRYPTION: Final = {
    b"x-oss-meta-client-side-encryption-key": "ClientEncryptionKey",
    b"x-oss-meta-client-side-encryption-start": "ClientEncryptionStart",
    b"x-oss-meta-client-side-encryption-cek-alg": "ClientEncryptionCekAlg",
    b"x-oss-meta-client-side-encryption-wrap-alg": "ClientEncryptionWrapAlg",
    b"x-oss-meta-client-side-encryption-data-size": "ClientEncryptionDataSize",
    b"x-oss-meta-client-side-encryption-part-size": "ClientEncryptionPartSize",
}


async def list_parts(call: Call) -> Reply:
    """ListParts: a page by part number."""
    query = call.request.query
    encoded = read_encoding_type(query)
    most = _read_number(query, "max-parts", 1, LIST_MAX_KEYS, default=LIST_MAX_KEYS)
    marker = _read_number(query, "part-number-marker", 0, PARTS_MAX, default=0)
    upload, parts, more = await multipart.list_parts(
        call.context, call.grant, read_upload_id(call), marker=marker, limit=most
    )
    nodes: list[Node] = [
        *((("EncodingType", "url"),) if encoded else ()),
        ("Bucket", call.this_bucket.name),
        ("Key", encode(call.key) if encoded else call.key),
        ("UploadId", upload.upload_id),
        ("StorageClass", upload.storage_class),
        ("PartNumberMarker", marker),
        ("NextPartNumberMarker", parts[-1].number if parts else 0),
        ("MaxParts", most),
        ("IsTruncated", "true" if more else "false"),
        *(
            (_CLIENT_ENCRYPTION[name], value.decode("utf-8", "replace"))
            for name, value in upload.headers
            if name in _CLIENT_ENCRYPTION
        ),
        *(("Part", _part(part)) for part in parts),
    ]
    return Reply(200, ((b"Content-Type", b"application/xml"),), write_xml("ListPartsResult", nodes, controls=True))


async def list_multipart_uploads(call: Call) -> Reply:
    """ListMultipartUploads: a page of open uploads by key, a key's by upload id."""
    query = call.request.query
    prefix, delimiter, key_marker = (read_list_text(query, name) for name in ("prefix", "delimiter", "key-marker"))
    upload_id_marker = read_list_text(query, "upload-id-marker") if key_marker else ""
    encoded = read_encoding_type(query)
    most = _read_number(query, "max-uploads", 1, LIST_MAX_KEYS, default=LIST_MAX_KEYS)
    selection, marker = Selection(prefix, delimiter, most), (key_marker, upload_id_marker)
    page = await multipart.list_uploads(call.context, call.grant, selection, marker)
    write_text = encode if encoded else str
    last = page.next_marker or _last(page.uploads)
    nodes: list[Node] = [
        *((("EncodingType", "url"),) if encoded else ()),
        ("Bucket", call.this_bucket.name),
        ("KeyMarker", write_text(key_marker)),
        ("UploadIdMarker", upload_id_marker),
        ("NextKeyMarker", write_text(last[0])),
        ("NextUploadIdMarker", last[1]),
        ("Delimiter", write_text(delimiter)),
        ("Prefix", write_text(prefix)),
        ("MaxUploads", most),
        ("IsTruncated", "false" if page.next_marker is None else "true"),
    ]
    nodes.extend(
        (
            "Upload",
            (
                ("Key", write_text(upload.key)),
                ("UploadId", upload.upload_id),
                ("StorageClass", upload.storage_class),
                ("Initiated", write_iso(upload.initiated_at)),
            ),
        )
        for upload in page.uploads
    )
    nodes.extend(("CommonPrefixes", (("Prefix", write_text(text)),)) for text in page.common_prefixes)
    return Reply(
        200, ((b"Content-Type", b"application/xml"),), write_xml("ListMultipartUploadsResult", nodes, controls=True)
    )


def _last(uploads: tuple[Upload, ...]) -> tuple[str, str]:
    """OSS names the last item also on the last page, and oss2 wants both elements there."""
    return (uploads[-1].key, uploads[-1].upload_id) if uploads else ("", "")


def _part(part: Part) -> tuple[Node, ...]:
    return (
        ("PartNumber", part.number),
        ("LastModified", write_iso(part.last_modified)),
        ("ETag", f'"{part.etag}"'),
        ("HashCrc64ecma", str(part.crc64)),
        ("Size", part.size),
    )


def _read_number(query: Query, name: str, least: int, most: int, *, default: int) -> int:
    """Raises: OssError INVALID_ARGUMENT."""
    text = query.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and least <= int(text) <= most):
        raise INVALID_ARGUMENT(
            f"Argument {name} must be an integer between {least} and {most}.",
            ArgumentName=name,
            ArgumentValue=text[:64],
        )
    return int(text)
