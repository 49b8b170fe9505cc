"""One part of an object, as partNumber asks for it: its bytes are a range of the object's.

Parts are counted by their place in the object, whatever their numbers were in the upload.

Source: S3 reference, section 9.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec.structs import replace

from coatcheck.core.byte_range import ByteRange
from coatcheck.core.checksums import Checksum
from coatcheck.core.s3_errors import S3_BAD_PART_NUMBER, S3_RANGE_OF_PART
from coatcheck.operations.get import find_parts
from coatcheck.oss import object_get
from coatcheck.oss.call import Call
from coatcheck.oss.multipart import read_part_number
from coatcheck.ports.object import KeptPart
from coatcheck.wire.ranges import write_content_range
from coatcheck.wire.reply import RawHeader, Reply

PARAMETER: Final = "partNumber"
_GUARDS: Final = frozenset({"if-match", "if-unmodified-since"})


class AskedPart(NamedTuple):
    """
    Attributes:
        span: of the object's bytes.
        parts: how many parts there are; 0 for an object that came in one piece, which is its own first part.
    """

    span: ByteRange
    parts: int
    checksum: Checksum | None

    @property
    def headers(self) -> tuple[RawHeader, ...]:
        return ((b"x-amz-mp-parts-count", b"%d" % self.parts),) if self.parts else ()


async def find_part(call: Call) -> AskedPart:
    """The part that the request names.

    Raises: OssError S3_RANGE_OF_PART, S3_BAD_PART_NUMBER, INVALID_ARGUMENT, NO_SUCH_KEY.
    """
    number = read_part_number(call.request.query.get(PARAMETER) or "")
    if "range" in call.request.headers:
        raise S3_RANGE_OF_PART()
    found = call.this_object
    parts = await find_parts(call.context, call.grant, found)
    known = parts or (KeptPart(found.size, found.checksum),)
    if number > len(known):
        raise S3_BAD_PART_NUMBER(PartNumberRequested=str(number), ActualPartCount=str(len(known)))
    start = sum([part.size for part in known[: number - 1]])
    size, checksum = known[number - 1]
    return AskedPart(ByteRange(start, start + size), len(parts), checksum)


async def get_part(call: Call, part: AskedPart) -> Reply:
    """GetObject of one part; of that very object, should it be replaced meanwhile."""
    headers = call.request.headers
    if not part.span.size:
        reply = await head_part(call, part)
        return replace(reply, content_length=None)
    ranged = {**headers, "range": f"bytes={part.span.start}-{part.span.stop - 1}"}
    if _GUARDS.isdisjoint(headers):
        ranged["if-match"] = call.this_object.etag
    ranged.pop("if-range", None)
    reply = await object_get.get_object(replace(call, request=replace(call.request, headers=ranged)))
    return replace(reply, headers=(*reply.headers, *part.headers))


async def head_part(call: Call, part: AskedPart) -> Reply:
    """HeadObject of one part."""
    reply = await object_get.head_object(call)
    if reply.status != 200:
        return reply
    record, headers = call.this_object, (*reply.headers, *part.headers)
    if not record.size:
        return replace(reply, headers=headers)
    if part.span.size:
        headers = (*headers, (b"content-range", write_content_range(part.span, record.size)))
    return replace(reply, status=206, headers=headers, content_length=part.span.size)
