"""Searching an object: a query carried out on its bytes while they are read, without ever holding it whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from coatcheck.access.decide import Grant
from coatcheck.core.addresses import name_client
from coatcheck.core.body import let_go
from coatcheck.core.byte_range import ByteRange
from coatcheck.ports.object import ObjectRecord
from coatcheck.ports.selector import Found, Selecting
from coatcheck.queries.options import Query
from coatcheck.queries.text import write_query

from .context import Context
from .get import inline_content, open_content

_PIECE_BYTES: Final = 128 * 1024


async def select(context: Context, grant: Grant, record: ObjectRecord, query: Query) -> AsyncIterator[Found]:
    """What each piece of the object brings, and at last what the end brings. Close it to leave earlier.

    Args:
        record: what was found under the grant's key; of a link, what it shows.
    Raises:
        OssError: INVALID_OBJECT_STATE, INTERNAL_ERROR, what the selector finds wrong with the statement or the data.
        ReplacedMeanwhile: before anything came. Damaged.
    """
    selecting = await context.ports.selector.open(
        write_query(query), name_client(context.request.client), grant.this_bucket.name
    )
    pieces = _pieces(context, grant, record)
    try:
        done = False
        async for piece in pieces:
            async for found in _whole(selecting, await selecting.feed(piece)):
                done = found.done
                yield found
            if done:
                break
        async for found in _whole(selecting, await selecting.end()):
            yield found
    finally:
        selecting.close()
        await let_go(pieces)


async def _whole(selecting: Selecting, found: Found) -> AsyncIterator[Found]:
    yield found
    while found.unfinished:
        found = await selecting.go_on()
        yield found


async def _pieces(context: Context, grant: Grant, record: ObjectRecord) -> AsyncIterator[bytes | bytearray]:
    """The object, in pieces that take the selector a moment each."""
    span = ByteRange(0, record.size)
    inline = inline_content(context, grant, record, span)
    if inline is not None:
        yield inline  # it lies in the object's row, so it is small
        return
    content = await open_content(context, grant, record, span)
    try:
        async for chunk in content.chunks:
            for start in range(0, len(chunk), _PIECE_BYTES):
                yield chunk[start : start + _PIECE_BYTES]
    finally:
        await let_go(content.chunks)
        await content.close()
