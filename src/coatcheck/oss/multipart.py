"""InitiateMultipartUpload, CompleteMultipartUpload, AbortMultipartUpload.

Completing moves no bytes: the object takes over the segments of its parts, its CRC is combined from theirs.
Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.access.acl import DEFAULT, read_object_acl
from coatcheck.core.digests import EMPTY_CRC64, combine_crc64, multipart_etag
from coatcheck.core.errors import (
    ENTITY_TOO_SMALL,
    FILE_ALREADY_EXISTS,
    INTERNAL_ERROR,
    INVALID_ARGUMENT,
    INVALID_PART,
    INVALID_PART_ORDER,
    MALFORMED_XML,
    NO_SUCH_BUCKET,
    NO_SUCH_UPLOAD,
    OssError,
)
from coatcheck.core.limits import COMPLETE_MAX_BYTES, PART_MIN_BYTES, PARTS_MAX
from coatcheck.core.percent import encode
from coatcheck.core.xml import Node, read_xml, write_xml
from coatcheck.operations.commit import commit
from coatcheck.operations.put import check_overwrite
from coatcheck.operations.versions import propose_version_id
from coatcheck.ports.catalog import Gone, Stale, Written
from coatcheck.ports.object import NULL_VERSION, ObjectRecord
from coatcheck.ports.upload import Part, Upload
from coatcheck.wire.reply import Reply

from .arguments import read_body, read_encoding_type, refuse_headers
from .call import Call
from .callback import read_callback, reply_after_callback
from .encryption import encryption_headers, read_encryption
from .metadata import read_stored_headers
from .object_put import (
    NOT_BUILT,
    read_forbid_overwrite,
    read_storage_class,
)
from .tagging import read_tagging_header
from .versions import version_headers

_ATTEMPTS: Final = 8  # how often completing starts again because a part came in meanwhile
_ENCRYPTION: Final = ("x-oss-server-side-encryption", "x-oss-server-side-data-encryption")


async def initiate_multipart_upload(call: Call) -> Reply:
    """InitiateMultipartUpload: what the object will have besides content is said here."""
    request = call.request
    refuse_headers(request, NOT_BUILT)
    encoded = read_encoding_type(request.query)
    upload = Upload(
        key=call.key,
        upload_id=secrets.token_hex(16).upper(),
        initiated_at=int(call.now),
        storage_class=read_storage_class(request.headers.get("x-oss-storage-class"), call.this_bucket.storage_class),
        headers=read_stored_headers(request.headers, call.caller, strict=call.settings.strict_link_headers),
        tags=read_tagging_header(request.headers.get("x-oss-tagging")),
        encryption=read_encryption(call),
    )
    if read_forbid_overwrite(call):
        await check_overwrite(call.context, call.grant)
    try:
        await call.ports.catalog.create_upload(call.this_bucket.bucket_id, upload)
    except Gone:
        raise NO_SUCH_BUCKET(BucketName=call.this_bucket.name) from None
    nodes: list[Node] = [
        *((("EncodingType", "url"),) if encoded else ()),
        ("Bucket", call.this_bucket.name),
        ("Key", encode(call.key) if encoded else call.key),
        ("UploadId", upload.upload_id),
    ]
    headers = ((b"Content-Type", b"application/xml"), *encryption_headers(upload.encryption))
    return Reply(200, headers, write_xml("InitiateMultipartUploadResult", nodes))


async def complete_multipart_upload(call: Call) -> Reply:
    """CompleteMultipartUpload: the parts that are named, in order, become the object; all others go."""
    encoded = read_encoding_type(call.request.query)
    refuse_encryption(call)
    callback = read_callback(call)
    acl = read_object_acl(call.request.headers.get("x-oss-object-acl", DEFAULT))
    forbid_overwrite = read_forbid_overwrite(call)
    wanted = await _read_wanted(call)
    record, written = await _complete(call, wanted, acl, forbid_overwrite=forbid_overwrite)
    nodes: list[Node] = [
        *((("EncodingType", "url"),) if encoded else ()),
        ("Location", _location(call)),
        ("Bucket", call.this_bucket.name),
        ("Key", encode(call.key) if encoded else call.key),
        ("ETag", f'"{record.etag}"'),
    ]
    headers = (
        (b"Content-Type", b"application/xml"),
        (b"ETag", b'"%b"' % record.etag.encode()),
        (b"x-oss-hash-crc64ecma", b"%d" % record.crc64),
        *encryption_headers(record.encryption),
        *version_headers(call.this_bucket, written.version_id),
    )
    reply = Reply(200, headers, write_xml("CompleteMultipartUploadResult", nodes))
    return await reply_after_callback(call, callback, record, reply, "CompleteMultipartUpload")


async def abort_multipart_upload(call: Call) -> Reply:
    """AbortMultipartUpload: the parts go."""
    upload_id = read_upload_id(call)
    write = call.ports.catalog.abort_upload(call.this_bucket.bucket_id, call.key, upload_id)
    await commit(call.ports, write, gone=NO_SUCH_UPLOAD(UploadId=upload_id))
    return Reply(204)


def read_upload_id(call: Call) -> str:
    """Raises: OssError NO_SUCH_UPLOAD, for what cannot be one."""
    text = call.request.query.get("uploadId") or ""
    if len(text) > 64 or not (text.isascii() and text.isalnum()):
        raise NO_SUCH_UPLOAD(UploadId=text[:64])
    return text


async def open_upload(call: Call) -> Upload:
    """The upload, to which the caller may add, or of which the caller may make its object, with its tags.

    Raises: OssError NO_SUCH_UPLOAD, or a refusal.
    """
    upload = await find_upload(call)
    call.decide_on_tags(upload.tags)
    return upload


async def find_upload(call: Call) -> Upload:
    """Raises: OssError NO_SUCH_UPLOAD, also for an upload of another key."""
    upload_id = read_upload_id(call)
    upload = await call.ports.catalog.find_upload(call.this_bucket.bucket_id, call.key, upload_id)
    if upload is None:
        raise NO_SUCH_UPLOAD(UploadId=upload_id)
    return upload


def refuse_encryption(call: Call) -> None:
    """How the object is encrypted is said when its upload is initiated. Raises: OssError INVALID_ARGUMENT."""
    for name, value in call.request.headers.items():
        if name.startswith(_ENCRYPTION):
            raise INVALID_ARGUMENT(
                f"The header {name} belongs to InitiateMultipartUpload.", ArgumentName=name, ArgumentValue=value
            )


# --- completing ------------------------------------------------------------------------------------------------------

Wanted = Sequence[tuple[int, str]]  # part number, and ETag in upper case without quotes


async def _read_wanted(call: Call) -> Wanted | None:
    """The parts that the document names; None for all there are.

    Raises: OssError INVALID_ARGUMENT, INVALID_PART_ORDER, MALFORMED_XML.
    """
    body = await read_body(call.request, most=COMPLETE_MAX_BYTES)
    take_all = call.request.headers.get("x-oss-complete-all")
    if take_all is not None:
        if take_all.lower() != "yes":
            raise INVALID_ARGUMENT(
                "x-oss-complete-all must be yes.", ArgumentName="x-oss-complete-all", ArgumentValue=take_all
            )
        if body.strip():
            raise INVALID_ARGUMENT(
                "Should not speficy both complete all header and http body.",
                ArgumentName="x-oss-complete-all",
                ArgumentValue=take_all,
            )
        return None
    wanted = [_read_part(part) for part in read_xml(body, "CompleteMultipartUpload").findall("Part")]
    if not wanted:
        raise MALFORMED_XML(f"{MALFORMED_XML.message} It names no part.", ec="0042-00000205")
    if any(following[0] <= number for (number, _), following in pairwise(wanted)):
        raise INVALID_PART_ORDER()
    return wanted


def _read_part(part: Element) -> tuple[int, str]:
    numbers, etags = part.findall("PartNumber"), part.findall("ETag")
    if len(numbers) != 1 or len(etags) != 1:
        raise MALFORMED_XML(f"{MALFORMED_XML.message} A Part has one PartNumber and one ETag.", ec="0042-00000205")
    return read_part_number((numbers[0].text or "").strip()), (etags[0].text or "").strip().strip('"').upper()


def read_part_number(text: str) -> int:
    """Raises: OssError INVALID_ARGUMENT."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= PARTS_MAX):
        raise INVALID_ARGUMENT(
            f"Part number must be an integer between 1 and {PARTS_MAX}, inclusive.",
            ec="0017-00000220",
            ArgumentName="PartNumber",
            ArgumentValue=text[:64],
        )
    return int(text)


async def _complete(
    call: Call, wanted: Wanted | None, acl: str, *, forbid_overwrite: bool
) -> tuple[ObjectRecord, Written]:
    catalog, bucket = call.ports.catalog, call.this_bucket
    for _ in range(_ATTEMPTS):
        upload = await open_upload(call)
        parts, _ = await catalog.list_parts(bucket.bucket_id, call.key, upload.upload_id, marker=0, limit=PARTS_MAX)
        try:
            record = await asyncio.to_thread(_compose, upload, parts, wanted)
        except OssError:
            await find_upload(call)  # else it was completed or aborted meanwhile, and its parts went with it
            raise
        version_id = propose_version_id() if bucket.versioning else NULL_VERSION
        record = replace(record, version_id=version_id, acl=acl, last_modified=int(call.now))
        try:
            written = await commit(
                call.ports,
                catalog.complete_upload(bucket.bucket_id, upload, record, forbid_overwrite=forbid_overwrite),
                None,
                gone=NO_SUCH_UPLOAD(UploadId=upload.upload_id),
                exists=FILE_ALREADY_EXISTS(ec="0042-00000214", Key=call.key),
            )
        except Stale:
            continue
        return record, written
    raise INTERNAL_ERROR("Parts of this upload come in faster than it can be completed. Try again.")


def _compose(upload: Upload, parts: Sequence[Part], wanted: Wanted | None) -> ObjectRecord:
    """The object of the parts. Thousands take a while, so this runs in a thread.

    Raises: OssError INVALID_PART, ENTITY_TOO_SMALL.
    """
    chosen = parts if wanted is None else _choose(parts, wanted)
    if not chosen:
        raise INVALID_PART("The upload has no parts.")
    for part in chosen[:-1]:
        if part.size < PART_MIN_BYTES:
            raise ENTITY_TOO_SMALL(
                ec="0042-00000213",
                ETag=f'"{part.etag}"',
                MinSizeAllowed=str(PART_MIN_BYTES),
                ProposedSize=str(part.size),
                PartNumber=str(part.number),
            )
    crc64 = EMPTY_CRC64
    for part in chosen:
        crc64 = combine_crc64(crc64, part.crc64, part.size)
    segments = tuple(segment for part in chosen for segment in part.segments)
    return ObjectRecord(
        key=upload.key,
        version_id=NULL_VERSION,
        kind="Multipart",
        size=sum(part.size for part in chosen),
        etag=multipart_etag([part.etag for part in chosen]),
        crc64=crc64,
        last_modified=0,
        acl=DEFAULT,
        storage_class=upload.storage_class,
        headers=upload.headers,
        tags=upload.tags,
        body=None if segments else b"",
        segments=segments,
        encryption=upload.encryption,
    )


def _choose(parts: Sequence[Part], wanted: Wanted) -> list[Part]:
    by_number = {part.number: part for part in parts}
    chosen = []
    for number, etag in wanted:
        part = by_number.get(number)
        if part is None or part.etag != etag:
            raise INVALID_PART(PartNumber=str(number), ETag=etag[:64])
        chosen.append(part)
    return chosen


def _location(call: Call) -> str:
    """The object's address, by the door that the request came through."""
    scheme = "https" if call.request.secure else "http"
    return f"{scheme}://{call.request.host}{call.request.raw_path.decode('utf-8', 'replace')}"
