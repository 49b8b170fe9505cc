"""InitiateMultipartUpload, CompleteMultipartUpload, AbortMultipartUpload.

Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.access.acl import read_object_acl
from coatcheck.core.errors import INVALID_ARGUMENT, INVALID_PART_ORDER, MALFORMED_XML, NO_SUCH_UPLOAD, OssError
from coatcheck.core.limits import COMPLETE_MAX_BYTES, PARTS_MAX
from coatcheck.core.percent import encode
from coatcheck.core.xml import Node, read_xml, write_xml
from coatcheck.operations import multipart
from coatcheck.operations.multipart import Wanted
from coatcheck.operations.put import NewObject
from coatcheck.wire.conditions import CONDITIONAL_HEADERS
from coatcheck.wire.reply import Reply

from .arguments import read_body, read_encoding_type, refuse_headers
from .call import Call
from .callback import read_callback, reply_after_callback
from .encryption import encryption_headers
from .object_put import NOT_BUILT, read_forbid_overwrite, read_new_object, stored_headers

_ENCRYPTION: Final = ("x-oss-server-side-encryption", "x-oss-server-side-data-encryption")


async def initiate_multipart_upload(call: Call) -> Reply:
    """InitiateMultipartUpload: what the object will have besides content is said here."""
    refuse_headers(call.request, NOT_BUILT)
    encoded = read_encoding_type(call.request.query)
    sequential = "sequential" in call.request.query
    upload = await multipart.initiate_upload(call.context, call.grant, _read_new_upload(call), sequential=sequential)
    nodes: list[Node] = [
        *((("EncodingType", "url"),) if encoded else ()),
        ("Bucket", call.this_bucket.name),
        ("Key", encode(call.key) if encoded else call.key),
        ("UploadId", upload.upload_id),
    ]
    headers = ((b"Content-Type", b"application/xml"), *encryption_headers(upload.encryption))
    return Reply(200, headers, write_xml("InitiateMultipartUploadResult", nodes, controls=True))


def _read_new_upload(call: Call) -> NewObject:
    """What PutObject's headers say; the ACL is said when the upload completes."""
    named = {name: value for name, value in call.request.headers.items() if name != "x-oss-object-acl"}
    return read_new_object(call, named)


async def complete_multipart_upload(call: Call) -> Reply:
    """CompleteMultipartUpload: the parts that are named, in order, become the object; all others go."""
    encoded = read_encoding_type(call.request.query)
    refuse_headers(call.request, CONDITIONAL_HEADERS)
    refuse_encryption(call)
    callback = read_callback(call)
    acl = call.request.headers.get("x-oss-object-acl")
    stored = await multipart.complete_upload(
        call.context,
        call.grant,
        read_upload_id(call),
        multipart.Completion(
            wanted=await _read_wanted(call),
            acl=None if acl is None else read_object_acl(acl),
            forbid_overwrite=read_forbid_overwrite(call),
        ),
    )
    record = stored.record
    nodes: list[Node] = [
        *((("EncodingType", "url"),) if encoded else ()),
        ("Location", _location(call)),
        ("Bucket", call.this_bucket.name),
        ("Key", encode(call.key) if encoded else call.key),
        ("ETag", f'"{record.etag}"'),
    ]
    headers = (
        (b"Content-Type", b"application/xml"),
        *stored_headers(call, stored),
    )
    reply = Reply(200, headers, write_xml("CompleteMultipartUploadResult", nodes, controls=True))
    return await reply_after_callback(call, callback, record, reply, "CompleteMultipartUpload")


async def abort_multipart_upload(call: Call) -> Reply:
    """AbortMultipartUpload: the parts go."""
    await multipart.abort_upload(call.context, call.grant, read_upload_id(call))
    return Reply(204)


def read_upload_id(call: Call) -> str:
    """Raises: OssError NO_SUCH_UPLOAD, for what cannot be one."""
    text = call.request.query.get("uploadId") or ""
    if len(text) > 64 or not (text.isascii() and text.isalnum()):
        raise NO_SUCH_UPLOAD(UploadId=text[:64])
    return text


@contextmanager
def upload_refused_as(ec: str) -> Iterator[None]:
    """Give NO_SUCH_UPLOAD the finer code that the operation has of its own."""
    try:
        yield
    except OssError as error:
        if error.fault is NO_SUCH_UPLOAD:
            error.ec = ec
        raise


def refuse_encryption(call: Call) -> None:
    """How the object is encrypted is said when its upload is initiated. Raises: OssError INVALID_ARGUMENT."""
    for name, value in call.request.headers.items():
        if name.startswith(_ENCRYPTION):
            raise INVALID_ARGUMENT(
                f"The header {name} belongs to InitiateMultipartUpload.", ArgumentName=name, ArgumentValue=value
            )


async def _read_wanted(call: Call) -> Wanted | None:
    """The parts that the document names, none for an empty object (so Go uploads an empty stream); None for all there
    are.

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
                ec="0042-00000216",
                ArgumentName="x-oss-complete-all",
                ArgumentValue=take_all,
            )
        return None
    wanted = [_read_part(part) for part in read_xml(body, "CompleteMultipartUpload").findall("Part")]
    if any(following[0] <= number for (number, _), following in pairwise(wanted)):
        raise INVALID_PART_ORDER()
    return wanted


def _read_part(part: Element) -> tuple[int, str]:
    numbers, etags = part.findall("PartNumber"), part.findall("ETag")
    if len(numbers) != 1 or len(etags) != 1:
        raise MALFORMED_XML(f"{MALFORMED_XML.message} A Part has one PartNumber and one ETag.", ec="0042-00000205")
    return read_part_number((numbers[0].text or "").strip()), (etags[0].text or "").strip()


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


def _location(call: Call) -> str:
    """The object's address, under the endpoint that the request was sent to."""
    scheme = "https" if call.request.secure else "http"
    return f"{scheme}://{call.request.host}{call.request.raw_path.decode('utf-8', 'replace')}"
