"""Uploads in parts. Source: S3 reference, sections 5 and 9."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.core.byte_range import ByteRange
from coatcheck.core.digests import s3_multipart_etag
from coatcheck.core.errors import (
    INVALID_PART_ORDER,
    MALFORMED_XML,
    PRECONDITION_FAILED,
)
from coatcheck.core.limits import COMPLETE_MAX_BYTES, LIST_MAX_KEYS
from coatcheck.core.times import write_iso
from coatcheck.core.xml import Node, read_xml
from coatcheck.operations import multipart
from coatcheck.operations import part as parts
from coatcheck.operations.multipart import Completion, Wanted
from coatcheck.operations.source import Source
from coatcheck.oss.arguments import read_body
from coatcheck.oss.body_in import read_arriving
from coatcheck.oss.call import Call
from coatcheck.oss.copy_source import is_source_unmodified, read_copy_source, source_headers
from coatcheck.oss.encryption import encryption_headers
from coatcheck.oss.multipart import read_part_number, read_upload_id
from coatcheck.oss.object_put import stored_headers
from coatcheck.wire.ranges import RangeBehaviour, read_range
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

from .body import S3Body
from .checksums import (
    checksum_nodes,
    read_of_part,
    read_wanted,
    read_whole,
    value_headers,
    value_nodes,
    wanted_headers,
    wanted_nodes,
)
from .conditions import read_write_condition
from .customer_keys import bring_keys
from .documents import owner, quoted, read_bytes, read_number, show
from .objects import read_new, with_type
from .owners import check_source_owner
from .restore import reading_at_once
from .words import write_storage_class

_SIZE: Final = "x-amz-mp-object-size"


async def initiate_multipart_upload(call: Call) -> Reply:
    """CreateMultipartUpload."""
    call, brought = bring_keys(call)
    new = brought.encrypting(await read_new(call, with_type(call.request).headers))
    wanted = read_wanted(call.request.headers)
    upload = await multipart.initiate_upload(call.context, call.grant, new, checksum=wanted)
    nodes: list[Node] = [
        ("Bucket", call.this_bucket.name),
        ("Key", call.key),
        ("UploadId", upload.upload_id),
    ]
    headers = (*encryption_headers(upload.encryption), *brought.headers, *wanted_headers(wanted))
    return show("InitiateMultipartUploadResult", nodes, headers)


async def upload_part(call: Call) -> Reply:
    """UploadPart."""
    number = read_part_number(call.request.query.get("partNumber") or "")
    arrived = call.request.body
    body = read_arriving(call.request)._replace(summed=arrived if isinstance(arrived, S3Body) else None)
    call, brought = bring_keys(call)
    stored = await parts.upload_part(call.context, call.grant, read_upload_id(call), number, body, brought.judge_upload)
    headers = (
        (b"ETag", quoted(stored.part.etag).encode()),
        *encryption_headers(stored.encryption),
        *brought.headers,
        *value_headers(stored.part.checksum),
    )
    return Reply(200, headers)


async def upload_part_copy(call: Call) -> Reply:
    """UploadPartCopy."""
    number = read_part_number(call.request.query.get("partNumber") or "")
    call, brought = bring_keys(reading_at_once(call))
    name, text = read_copy_source(call.request.headers, s3=True), call.request.headers.get("x-oss-copy-source-range")

    def choose(source: Source) -> ByteRange:
        check_source_owner(call.request.headers, source.bucket)
        if is_source_unmodified(call.request.headers, source.record):
            raise PRECONDITION_FAILED(Condition="x-amz-copy-source-If-None-Match")
        brought.judge_source(source)
        whole = ByteRange(0, source.record.size)
        return whole if text is None else read_range(text, source.record.size, RangeBehaviour.STANDARD) or whole

    copied = await parts.copy_part(
        call.context, call.grant, read_upload_id(call), number, name, choose, brought.judge_upload
    )
    part = copied.part
    nodes = [("LastModified", write_iso(part.last_modified)), ("ETag", quoted(part.etag)), *value_nodes(part.checksum)]
    return show("CopyPartResult", nodes, (*brought.headers, *source_headers(copied.source)))


async def complete_multipart_upload(call: Call) -> Reply:
    """CompleteMultipartUpload."""
    wishes = await _read_completion(call.request)
    stored = await multipart.complete_upload(call.context, call.grant, read_upload_id(call), wishes)
    scheme = "https" if call.request.secure else "http"
    nodes: list[Node] = [
        ("Location", f"{scheme}://{call.request.host}{call.request.raw_path.decode('utf-8', 'replace')}"),
        ("Bucket", call.this_bucket.name),
        ("Key", call.key),
        ("ETag", quoted(stored.record.etag)),
        *checksum_nodes(stored.record.checksum),
    ]
    headers = tuple(header for header in stored_headers(call, stored) if header[0] != b"ETag")
    return show("CompleteMultipartUploadResult", nodes, headers)


async def _read_completion(request: Request) -> Completion:
    """Raises: OssError MALFORMED_XML, INVALID_PART_ORDER, INVALID_ARGUMENT, S3_BAD_CHECKSUM."""
    headers = request.headers
    condition, whole, size = read_write_condition(headers), read_whole(headers), headers.get(_SIZE)
    document = read_xml(await read_body(request, most=COMPLETE_MAX_BYTES), "CompleteMultipartUpload")
    elements = document.findall("Part")
    wanted = _read_wanted(elements)
    checksums = {number: read_of_part(element) for (number, _), element in zip(wanted, elements, strict=True)}
    return Completion(
        wanted=wanted,
        forbid_overwrite=condition.only_new,
        only_if=condition.only_if,
        write_etag=s3_multipart_etag,
        size=None if size is None else read_bytes(size, _SIZE),
        checksum=whole,
        checksums={number: checksum for number, checksum in checksums.items() if checksum is not None},
    )


def _read_wanted(elements: Sequence[Element]) -> Wanted:
    """Raises: OssError MALFORMED_XML, INVALID_PART_ORDER, INVALID_ARGUMENT."""
    wanted = [_read_part(element) for element in elements]
    if not wanted:
        raise MALFORMED_XML()
    if any(following[0] <= number for (number, _), following in pairwise(wanted)):
        raise INVALID_PART_ORDER()
    return wanted


def _read_part(element: Element) -> tuple[int, str]:
    numbers, etags = element.findall("PartNumber"), element.findall("ETag")
    if len(numbers) != 1 or len(etags) != 1:
        raise MALFORMED_XML()
    return read_part_number((numbers[0].text or "").strip()), (etags[0].text or "").strip()


async def list_parts(call: Call) -> Reply:
    """ListParts."""
    query = call.request.query
    most = max(read_number(query, "max-parts", LIST_MAX_KEYS), 1)
    marker = read_number(query, "part-number-marker", _ANY) if query.get("part-number-marker") else 0
    upload, found, more = await multipart.list_parts(
        call.context, call.grant, read_upload_id(call), marker=marker, limit=most
    )
    uid = call.this_bucket.owner
    nodes: list[Node] = [
        ("Bucket", call.this_bucket.name),
        ("Key", call.key),
        ("UploadId", upload.upload_id),
        owner(uid, "Initiator"),
        owner(uid),
        ("StorageClass", write_storage_class(upload.storage_class)),
        *wanted_nodes(upload.checksum),
        ("PartNumberMarker", marker),
        ("NextPartNumberMarker", found[-1].number if found else 0),
        ("MaxParts", most),
        ("IsTruncated", "true" if more else "false"),
    ]
    nodes += [
        (
            "Part",
            (
                ("PartNumber", each.number),
                ("LastModified", write_iso(each.last_modified)),
                ("ETag", quoted(each.etag)),
                ("Size", each.size),
                *value_nodes(each.checksum),
            ),
        )
        for each in found
    ]
    return show("ListPartsResult", nodes)


_ANY: Final = 1 << 31
