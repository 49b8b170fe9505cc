"""GetObject, HeadObject, GetObjectMeta. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from coatcheck.access.actions import Action
from coatcheck.core.errors import INTERNAL_ERROR, INVALID_OBJECT_STATE, PRECONDITION_FAILED, OssError
from coatcheck.operations.archive import is_readable
from coatcheck.operations.commit import ReplacedMeanwhile, repeated
from coatcheck.operations.encryption import inline_body
from coatcheck.operations.pacing import paced
from coatcheck.ports.byte_store import BlobGone, BlobReader
from coatcheck.ports.object import ObjectRecord, Segment, slice_segments
from coatcheck.wire.conditions import CONDITIONAL_HEADERS, is_same, is_unmodified
from coatcheck.wire.ranges import ByteRange, RangeBehaviour, read_range, write_content_range
from coatcheck.wire.reply import RawHeader, Reply, Stream
from coatcheck.wire.request import Request

from .bucket_lifecycle import expiration_headers
from .call import Call
from .encryption import encryption_headers
from .lifecycle_rules import SETTING as LIFECYCLE_SETTING
from .metadata import apply_overrides, force_download, write_object_headers
from .restoring import write_restore
from .symlink import SYMLINK, follow
from .traffic_limit import read_traffic_limit
from .versions import version_headers

_CONDITIONAL: Final = frozenset(CONDITIONAL_HEADERS)
_KEPT_BY_304: Final = (b"etag", b"last-modified")
_OPEN_ATTEMPTS: Final = 3  # a row can be replaced between our reading it and our opening its bytes


async def get_object(call: Call) -> Reply:
    """GetObject: the content, whole or one range of it; or, where x-oss-process asks for it, what is made of it."""
    return await repeated(call, _get_object, Call.look_again)


async def _get_object(call: Call) -> Reply:
    if call.found is not None and call.found.kind == SYMLINK:
        call = call._replace(found=await follow(call, call.found))
    if process := call.request.query.get("x-oss-process"):
        from .object_process import get_processed_object  # stands on this module

        return await get_processed_object(call, process)
    record, headers, unmodified = describe(call)
    if unmodified:
        return unmodified
    if not is_readable(record, call.now):
        raise INVALID_OBJECT_STATE(Key=call.key)
    rate_bits_per_s = read_traffic_limit(call.request)
    span = _read_span(call.request, record)
    status = 200
    if span is None:
        span = ByteRange(0, record.size)
    else:
        status = 206
        headers.append((b"content-range", write_content_range(span, record.size)))
    if record.body is not None and rate_bits_per_s is None:
        body = record.body
        if record.encryption or record.damaged:
            body = inline_body(call.ports.byte_store, call.origin(record)) or b""
        return Reply(status, tuple(headers), body[span.start : span.stop])
    return Reply(status, tuple(headers), await _open_body(call, record, span, rate_bits_per_s))


async def head_object(call: Call) -> Reply:
    """HeadObject: what GetObject would say of the whole object, without saying it."""
    if call.found is not None and call.found.kind == SYMLINK:
        call = call._replace(found=await follow(call, call.found))
    record, headers, unmodified = describe(call)
    return unmodified or Reply(200, tuple(headers), content_length=record.size)


async def get_object_meta(call: Call) -> Reply:
    """GetObjectMeta: ETag, length (of a HEAD; a GET has no body here) and time; no user metadata."""
    record = call.this_object
    kept = (b"etag", b"last-modified", b"x-oss-hash-crc64ecma")
    headers = tuple(header for header in write_object_headers(record) if header[0] in kept)
    headers += version_headers(call.this_bucket, record.version_id)
    return Reply(200, headers, content_length=record.size if call.request.method == "HEAD" else None)


def describe(call: Call) -> tuple[ObjectRecord, list[RawHeader], Reply | None]:
    """The object and its headers, and the 304 if the client has it already."""
    request = call.request
    record = call.this_object
    headers = write_object_headers(record)
    if record.tags and not _may_see_tags(call):
        headers = [header for header in headers if header[0] != b"x-oss-tagging-count"]
    headers = apply_overrides(headers, request.query, call.caller)
    if call.settings.force_download and not call.target.own_domain:
        headers = force_download(headers)
    if record.encryption:
        headers.extend(encryption_headers(record.encryption))
    if call.this_bucket.settings and (rules := call.this_bucket.setting(LIFECYCLE_SETTING)) is not None:
        headers.extend(expiration_headers(rules, record))
    if call.this_bucket.versioning:
        headers.extend(version_headers(call.this_bucket, record.version_id))
    if record.restore is not None and (restored := write_restore(record.restore, call.now)) is not None:
        headers.append((b"x-oss-restore", restored.encode()))
    if _CONDITIONAL.isdisjoint(request.headers):
        return record, headers, None
    try:
        unmodified = is_unmodified(request.headers, record.etag, record.last_modified)
    except OssError as error:
        if error.fault is PRECONDITION_FAILED:
            error.headers = _kept(headers)
        raise
    return record, headers, Reply(304, _kept(headers)) if unmodified else None


def _may_see_tags(call: Call) -> bool:
    """How many tags there are is told to those who may read them."""
    if not call.context.needs_object(call.this_bucket):
        return True
    try:
        call.context.decide(
            Action.GET_OBJECT_TAGGING,
            call.this_bucket,
            call.key,
            call.found,
            versioned=call.facts.versioned,
        )
    except OssError:
        return False
    return True


def _kept(headers: list[RawHeader]) -> tuple[RawHeader, ...]:
    return tuple(header for header in headers if header[0] in _KEPT_BY_304 or header[0].startswith(b"x-oss-"))


def _read_span(request: Request, record: ObjectRecord) -> ByteRange | None:
    text = request.headers.get("range")
    if text is None:
        return None
    if_range = request.headers.get("if-range")
    if if_range is not None and not is_same(if_range, record.etag, record.last_modified):
        return None
    standard = request.headers.get("x-oss-range-behavior") == "standard"
    return read_range(text, record.size, RangeBehaviour.STANDARD if standard else RangeBehaviour.LENIENT)


async def _open_body(call: Call, record: ObjectRecord, span: ByteRange, rate_bits_per_s: int | None) -> Stream:
    reader: BlobReader | _InlineReader
    body = inline_body(call.ports.byte_store, call.origin(record))
    start = span.start
    if body is not None:
        reader = _InlineReader(body)
    elif len(record.segments) > 1 and span.size < record.size:  # of many files only those that are needed
        start, segments = 0, slice_segments(record.segments, span.start, span.stop)
        reader = await open_record(call, record, segments)
    else:
        reader = await open_record(call, record)
    chunks = reader.chunks(start, start + span.size)
    if rate_bits_per_s is not None:
        return Stream(paced(chunks, rate_bits_per_s), span.size, reader.close)
    return Stream(chunks, span.size, reader.close)


async def open_record(call: Call, record: ObjectRecord, segments: Sequence[Segment] | None = None) -> BlobReader:
    """The record's bytes, or those of some of its segments.

    Raises: ReplacedMeanwhile, if it was replaced and left no bytes; Damaged.
    """
    origin = call.origin(record)
    for _ in range(_OPEN_ATTEMPTS):
        try:
            return await call.ports.byte_store.open(record.segments if segments is None else segments, origin)
        except BlobGone:
            again = await call.ports.catalog.find_object(call.this_bucket.bucket_id, record.key, record.version_id)
            if again is None or again.segments != record.segments:
                raise ReplacedMeanwhile from None
    raise INTERNAL_ERROR("The bytes of this object are missing on the server's disk.")


class _InlineReader:
    """An inline body, read the way a blob is."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def chunks(self, start: int, stop: int) -> AsyncIterator[bytes | bytearray]:
        yield self._body[start:stop]

    async def close(self) -> None:
        return
