"""GetObject, HeadObject, GetObjectMeta. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

from msgspec.structs import replace

from coatcheck.core.byte_range import ByteRange
from coatcheck.links.uses import Content
from coatcheck.operations.commit import ATTEMPTS, ReplacedMeanwhile, repeated
from coatcheck.operations.get import inline_content, open_content
from coatcheck.operations.pacing import paced_content
from coatcheck.operations.symlink import follow
from coatcheck.ports.object import SYMLINK, ObjectRecord
from coatcheck.wire.conditions import is_same
from coatcheck.wire.ranges import RangeBehaviour, read_range, write_content_range
from coatcheck.wire.reply import Reply, Stream
from coatcheck.wire.request import Request
from coatcheck.wire.target import is_path_style

from .access_monitor import last_access_headers
from .call import Call
from .gzip_reply import compress
from .handlers import object_process
from .limited_link import count_download
from .metadata import write_object_headers
from .object_headers import SANDBOX, describe, is_run
from .traffic_limit import DOWN, find_pace
from .versions import version_headers


async def get_object(call: Call) -> Reply:
    """GetObject: the content, whole or one range of it; or, where x-oss-process asks for it, what is made of it."""
    try:  # nearly always the only attempt
        return await _get_object(call)
    except ReplacedMeanwhile:
        pass
    again = await call.look_again()
    return await repeated(again, _get_object, Call.look_again, attempts=ATTEMPTS - 1)


async def _get_object(call: Call) -> Reply:
    read = call.target.key or ""
    if call.found is not None and call.found.kind == SYMLINK:
        read = call.found.symlink_target
        call = replace(call, found=await follow(call.context, call.this_bucket, call.found))
    if process := call.request.query.get("x-oss-process"):
        return await object_process.get_processed_object(call, process)
    record, headers, unmodified = describe(call)
    if unmodified:
        return unmodified
    pace = find_pace(call, DOWN)
    span = _read_span(call.request, record)
    status = 200
    if span is None:
        span = ByteRange(0, record.size)
    else:
        status = 206
        headers.append((b"content-range", write_content_range(span, record.size)))
    if not call.settings.pages_host and is_run(headers) and is_path_style(call.request, call.target):
        headers.append(SANDBOX)  # pages of links have the same origin
    content: bytes | Stream | None = inline_content(call.context, call.grant, record, span)
    if content is None:
        content = await open_content(call.context, call.grant, record, span)
    if call.this_bucket.configurations and not call.facts.versioned:
        call.ports.accesses.note(call.this_bucket, read, call.now)
    if pace is not None:
        content = paced_content(content, pace)
    elif call.settings.gzip and call.caller.limits is None:
        headers, content = compress(call.request, record, headers, content)
    reply = Reply(status, tuple(headers), content)
    if call.caller.limits is None:
        return reply
    return await count_download(call, reply, Content(_version(record), record.size), span)


async def head_object(call: Call) -> Reply:
    """HeadObject: what GetObject would say of the whole object, without saying it."""
    if call.found is not None and call.found.kind == SYMLINK:
        call = replace(call, found=await follow(call.context, call.this_bucket, call.found))
    record, headers, unmodified = describe(call)
    return unmodified or Reply(200, (*headers, *await last_access_headers(call)), content_length=record.size)


async def get_object_meta(call: Call) -> Reply:
    """GetObjectMeta: ETag, length (of a HEAD; a GET has no body here) and time; no user metadata."""
    record = call.this_object
    kept = (b"etag", b"last-modified", b"x-oss-hash-crc64ecma")
    headers = tuple(header for header in write_object_headers(record) if header[0] in kept)
    headers += version_headers(call.this_bucket, record.version_id)
    headers += await last_access_headers(call)
    return Reply(200, headers, content_length=record.size if call.request.method == "HEAD" else None)


def _version(record: ObjectRecord) -> str:
    """What tells it from all that may come to stand under its key."""
    return f"{record.version_id} {record.etag} {record.last_modified}"


def _read_span(request: Request, record: ObjectRecord) -> ByteRange | None:
    text = request.headers.get("range")
    if text is None:
        return None
    if_range = request.headers.get("if-range")
    if if_range is not None and not is_same(if_range, record.etag, record.last_modified):
        return None
    standard = request.headers.get("x-oss-range-behavior") == "standard"
    return read_range(text, record.size, RangeBehaviour.STANDARD if standard else RangeBehaviour.LENIENT)
