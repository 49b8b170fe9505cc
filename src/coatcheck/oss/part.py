"""UploadPart, UploadPartCopy. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

from coatcheck.core.byte_range import ByteRange
from coatcheck.core.digests import write_content_md5
from coatcheck.core.errors import PRECONDITION_FAILED
from coatcheck.core.times import write_iso
from coatcheck.core.xml import write_xml
from coatcheck.operations import part as parts
from coatcheck.operations.source import Source
from coatcheck.ports.upload import Part
from coatcheck.wire.conditions import CONDITIONAL_HEADERS
from coatcheck.wire.ranges import RangeBehaviour, read_range, write_content_range
from coatcheck.wire.reply import RawHeader, Reply

from .arguments import refuse_headers
from .body_in import read_arriving
from .call import Call
from .copy_source import is_source_unmodified, read_copy_source, source_headers
from .encryption import encryption_headers
from .multipart import read_part_number, read_upload_id, refuse_encryption, upload_refused_as
from .traffic_limit import UP, find_pace


async def upload_part(call: Call) -> Reply:
    """UploadPart: the bytes of one number, in place of those it had. Sizes are looked at when the upload completes."""
    number = read_part_number(call.request.query.get("partNumber") or "")
    refuse_headers(call.request, CONDITIONAL_HEADERS)
    refuse_encryption(call)
    with upload_refused_as("0042-00000104"):
        upload_id = read_upload_id(call)
        body = read_arriving(call.request, find_pace(call, UP))
        stored = await parts.upload_part(call.context, call.grant, upload_id, number, body)
    md5 = (b"Content-MD5", write_content_md5(stored.part.etag))
    return Reply(200, (*_headers(stored.part), md5, *encryption_headers(stored.encryption)))


async def upload_part_copy(call: Call) -> Reply:
    """UploadPartCopy: a part of the bytes that an object has; they are shared, and read once to be hashed."""
    number = read_part_number(call.request.query.get("partNumber") or "")
    refuse_encryption(call)
    name = read_copy_source(call.request.headers)

    def choose(source: Source) -> ByteRange:
        if is_source_unmodified(call.request.headers, source.record):
            raise PRECONDITION_FAILED(Condition="If-None-Match")
        return _read_span(call, source) or ByteRange(0, source.record.size)

    with upload_refused_as("0042-00000311"):
        copied = await parts.copy_part(call.context, call.grant, read_upload_id(call), number, name, choose)
    part, source = copied.part, copied.source
    headers: tuple[RawHeader, ...] = (*_headers(part), *source_headers(source))
    if (span := _read_span(call, source)) is not None:
        headers = (*headers, (b"Content-Range", write_content_range(span, source.record.size)))
    nodes = [("LastModified", write_iso(part.last_modified)), ("ETag", f'"{part.etag}"')]
    return Reply(200, ((b"Content-Type", b"application/xml"), *headers), write_xml("CopyPartResult", nodes))


def _read_span(call: Call, source: Source) -> ByteRange | None:
    """Which of the source's bytes are meant; None for all."""
    text = call.request.headers.get("x-oss-copy-source-range")
    return None if text is None else read_range(text, source.record.size, RangeBehaviour.LENIENT)


def _headers(part: Part) -> tuple[RawHeader, ...]:
    return (b"ETag", b'"%b"' % part.etag.encode()), (b"x-oss-hash-crc64ecma", b"%d" % part.crc64)
