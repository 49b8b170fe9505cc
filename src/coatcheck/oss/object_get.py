"""GetObject, HeadObject, GetObjectMeta. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from coatcheck.access.actions import Action
from coatcheck.core.errors import INTERNAL_ERROR, INVALID_OBJECT_STATE, PRECONDITION_FAILED, OssError
from coatcheck.ports.byte_store import BlobGone, BlobReader
from coatcheck.ports.object import ObjectRecord, Segment, slice_segments
from coatcheck.wire.conditions import CONDITIONAL_HEADERS, is_same, is_unmodified
from coatcheck.wire.ranges import ByteRange, RangeBehaviour, read_range, write_content_range
from coatcheck.wire.reply import RawHeader, Reply, Stream
from coatcheck.wire.request import Request

from .archive import is_readable, write_restore
from .bucket_lifecycle import expiration_headers
from .context import Context
from .encryption import encryption_headers, inline_body
from .lifecycle_rules import SETTING as LIFECYCLE_SETTING
from .metadata import apply_overrides, force_download, write_object_headers
from .pacing import paced, read_traffic_limit
from .repeating import ReplacedMeanwhile, repeated
from .symlink import SYMLINK, follow
from .versions import version_headers

_CONDITIONAL: Final = frozenset(CONDITIONAL_HEADERS)
_KEPT_BY_304: Final = (b"etag", b"last-modified")
_OPEN_ATTEMPTS: Final = 3  # a row can be replaced between our reading it and our opening its bytes


async def get_object(ctx: Context) -> Reply:
    """GetObject: the content, whole or one range of it; or, where x-oss-process asks for it, what is made of it."""
    return await repeated(ctx, _get_object)


async def _get_object(ctx: Context) -> Reply:
    if ctx.found is not None and ctx.found.kind == SYMLINK:
        ctx = ctx._replace(found=await follow(ctx, ctx.found))
    if process := ctx.request.query.get("x-oss-process"):
        from .object_process import get_processed_object  # stands on this module

        return await get_processed_object(ctx, process)
    record, headers, unmodified = describe(ctx)
    if unmodified:
        return unmodified
    if not is_readable(record, ctx.now):
        raise INVALID_OBJECT_STATE(Key=ctx.key)
    rate_bits_per_s = read_traffic_limit(ctx.request)
    span = _read_span(ctx.request, record)
    status = 200
    if span is None:
        span = ByteRange(0, record.size)
    else:
        status = 206
        headers.append((b"content-range", write_content_range(span, record.size)))
    if record.body is not None and rate_bits_per_s is None:
        body = record.body
        if record.encryption or record.damaged:
            body = inline_body(ctx.ports.byte_store, ctx.origin(record)) or b""
        return Reply(status, tuple(headers), body[span.start : span.stop])
    return Reply(status, tuple(headers), await _open_body(ctx, record, span, rate_bits_per_s))


async def head_object(ctx: Context) -> Reply:
    """HeadObject: what GetObject would say of the whole object, without saying it."""
    if ctx.found is not None and ctx.found.kind == SYMLINK:
        ctx = ctx._replace(found=await follow(ctx, ctx.found))
    record, headers, unmodified = describe(ctx)
    return unmodified or Reply(200, tuple(headers), content_length=record.size)


async def get_object_meta(ctx: Context) -> Reply:
    """GetObjectMeta: ETag, length (of a HEAD; a GET has no body here) and time; no user metadata."""
    record = ctx.this_object
    kept = (b"etag", b"last-modified", b"x-oss-hash-crc64ecma")
    headers = tuple(header for header in write_object_headers(record) if header[0] in kept)
    headers += version_headers(ctx.this_bucket, record.version_id)
    return Reply(200, headers, content_length=record.size if ctx.request.method == "HEAD" else None)


def describe(ctx: Context) -> tuple[ObjectRecord, list[RawHeader], Reply | None]:
    """The object and its headers, and the 304 if the client has it already."""
    request = ctx.request
    record = ctx.this_object
    headers = write_object_headers(record)
    if record.tags and not _may_see_tags(ctx):
        headers = [header for header in headers if header[0] != b"x-oss-tagging-count"]
    headers = apply_overrides(headers, request.query, ctx.caller)
    if ctx.settings.force_download and not ctx.target.own_domain:
        headers = force_download(headers)
    if record.encryption:
        headers.extend(encryption_headers(record.encryption))
    if ctx.this_bucket.settings and (rules := ctx.this_bucket.setting(LIFECYCLE_SETTING)) is not None:
        headers.extend(expiration_headers(rules, record))
    if ctx.this_bucket.versioning:
        headers.extend(version_headers(ctx.this_bucket, record.version_id))
    if record.restore is not None and (restored := write_restore(record.restore, ctx.now)) is not None:
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


def _may_see_tags(ctx: Context) -> bool:
    """How many tags there are is told to those who may read them."""
    if not ctx.needs_object(ctx.this_bucket):
        return True
    try:
        ctx.decide(
            Action.GET_OBJECT_TAGGING, ctx.this_bucket, ctx.key, ctx.found, versioned="versionId" in ctx.request.query
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


async def _open_body(ctx: Context, record: ObjectRecord, span: ByteRange, rate_bits_per_s: int | None) -> Stream:
    reader: BlobReader | _InlineReader
    body = inline_body(ctx.ports.byte_store, ctx.origin(record))
    start = span.start
    if body is not None:
        reader = _InlineReader(body)
    elif len(record.segments) > 1 and span.size < record.size:  # of many files only those that are needed
        start, segments = 0, slice_segments(record.segments, span.start, span.stop)
        reader = await open_record(ctx, record, segments)
    else:
        reader = await open_record(ctx, record)
    chunks = reader.chunks(start, start + span.size)
    if rate_bits_per_s is not None:
        return Stream(paced(chunks, rate_bits_per_s), span.size, reader.close)
    return Stream(chunks, span.size, reader.close)


async def open_record(ctx: Context, record: ObjectRecord, segments: Sequence[Segment] | None = None) -> BlobReader:
    """The record's bytes, or those of some of its segments.

    Raises: ReplacedMeanwhile, if it was replaced and left no bytes; Damaged.
    """
    origin = ctx.origin(record)
    for _ in range(_OPEN_ATTEMPTS):
        try:
            return await ctx.ports.byte_store.open(record.segments if segments is None else segments, origin)
        except BlobGone:
            again = await ctx.ports.catalog.find_object(ctx.this_bucket.bucket_id, record.key, record.version_id)
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
