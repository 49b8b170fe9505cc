"""SelectObject and CreateSelectObjectMeta: an object searched where it lies. Source: OSS API reference, of those names.

The first piece of the object is searched before the reply begins, so most of what is wrong is an ordinary refusal. What
goes wrong later is told in the end frame; where no frames are wanted, the connection ends before the body does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.core.body import UNKNOWN_SIZE, let_go
from coatcheck.core.errors import Broken, OssError
from coatcheck.core.limits import SELECT_ALIVE_S, SELECT_REQUEST_MAX_BYTES
from coatcheck.operations.commit import repeated
from coatcheck.operations.select import select
from coatcheck.operations.symlink import follow
from coatcheck.ports.object import SYMLINK
from coatcheck.ports.selector import Found
from coatcheck.queries.options import Query
from coatcheck.wire.reply import Reply, Stream

from .arguments import read_document, refuse_headers
from .call import Call
from .select_frames import continuous_frame, csv_meta_frame, data_frame, end_frame, json_meta_frame
from .select_request import META_ROOTS, SELECT_ROOT, read_meta, read_select

_CONTENT_TYPE: Final = (b"content-type", b"application/octet-stream")
_DONE: Final = 206

log: Final = logging.getLogger("coatcheck")


async def select_object(call: Call) -> Reply:
    """SelectObject: rows in frames, or, with OutputRawData, as they are."""
    refuse_headers(call.request, ("range",))
    document, kind = await _read(call, SELECT_ROOT)
    asked = read_select(document, kind)
    first, rest = await _begin(call, asked.query)
    chunks = _raw(first, rest) if asked.raw else _framed(first, rest)
    headers = (_CONTENT_TYPE, (b"x-oss-select-output-raw", b"true" if asked.raw else b"false"))
    return Reply(206, headers, Stream(chunks, UNKNOWN_SIZE, partial(_close, chunks, rest)))


async def create_select_object_meta(call: Call) -> Reply:
    """CreateSelectObjectMeta: how many rows, columns and splits there are. Nothing is kept of it: ranges need none."""
    kind = _kind(call)
    document, _ = await _read(call, META_ROOTS[kind])
    query = read_meta(document, kind)
    first, rest = await _begin(call, query)
    chunks = _counted(first, rest, kind)
    return Reply(200, (_CONTENT_TYPE,), Stream(chunks, UNKNOWN_SIZE, partial(_close, chunks, rest)))


def _kind(call: Call) -> str:
    return (call.request.query.get("x-oss-process") or "").partition("/")[0]


async def _read(call: Call, root: str) -> tuple[Element, str]:
    return await read_document(call.request, root, most=SELECT_REQUEST_MAX_BYTES), _kind(call)


async def _begin(call: Call, query: Query) -> tuple[Found, AsyncIterator[Found]]:
    """What the first piece brings, and the others. Raises: OssError."""
    return await repeated(call, partial(_begin_on, query=query), Call.look_again)


async def _begin_on(call: Call, query: Query) -> tuple[Found, AsyncIterator[Found]]:
    record = call.this_object
    if record.kind == SYMLINK:
        record = await follow(call.context, call.this_bucket, record)
    rest = select(call.context, call.grant, record, query)
    try:
        return await anext(rest), rest
    except BaseException:
        await let_go(rest)
        raise


async def _close(chunks: AsyncIterator[bytes], rest: AsyncIterator[Found]) -> None:
    await let_go(chunks)
    await let_go(rest)


async def _raw(first: Found, rest: AsyncIterator[Found]) -> AsyncIterator[bytes]:
    """Raises: Broken, since nothing that could be sent now would be taken for anything but rows."""
    if first.output:
        yield first.output
    try:
        async for found in rest:
            if found.output:
                yield found.output
    except OssError as error:
        log.info("a query without frames is broken off: %s", error.code)
        raise Broken from None


async def _framed(first: Found, rest: AsyncIterator[Found]) -> AsyncIterator[bytes]:
    found = first
    try:
        if found.output:
            yield data_frame(found.scanned, found.output)
        async for each in _with_signs_of_life(rest):
            if each is None:
                yield continuous_frame(found.scanned)
                continue
            found = each
            if found.output:
                yield data_frame(found.scanned, found.output)
    except OssError as error:
        yield end_frame(found.scanned, error.status, error.code, error.message)
    else:
        yield end_frame(found.scanned, _DONE, "", found.note)


async def _counted(first: Found, rest: AsyncIterator[Found], kind: str) -> AsyncIterator[bytes]:
    found = first
    try:
        async for each in _with_signs_of_life(rest):
            if each is None:
                yield continuous_frame(found.scanned)
            else:
                found = each
    except OssError as error:
        yield end_frame(found.scanned, error.status, error.code, error.message)
        return
    if kind == "csv":
        yield csv_meta_frame(found.scanned, found.splits, found.rows, found.columns)
    else:
        yield json_meta_frame(found.scanned, found.splits, found.rows)


async def _with_signs_of_life(rest: AsyncIterator[Found]) -> AsyncIterator[Found | None]:
    """What comes, and None whenever nothing with rows in it has come for a while."""
    loop = asyncio.get_running_loop()
    due = loop.time() + SELECT_ALIVE_S
    coming: asyncio.Task[Found] | None = None
    try:
        while True:
            if coming is None:
                coming = asyncio.ensure_future(anext(rest))
            await asyncio.wait({coming}, timeout=max(0.0, due - loop.time()))
            if not coming.done():
                yield None
                due = loop.time() + SELECT_ALIVE_S
                continue
            try:
                found = coming.result()
            except StopAsyncIteration:
                return
            finally:
                coming = None
            if found.output or loop.time() >= due:
                due = loop.time() + SELECT_ALIVE_S
                if not found.output:
                    yield None
            yield found
    finally:
        if coming is not None:
            coming.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration, OssError):
                await coming
