"""AppendObject, SealAppendObject. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

from collections.abc import Mapping

from coatcheck.core.errors import INVALID_ARGUMENT, MISSING_ARGUMENT
from coatcheck.core.times import write_http_date
from coatcheck.operations.append import Misplaced, append, seal
from coatcheck.wire.query import Query
from coatcheck.wire.reply import RawHeader, Reply

from .arguments import refuse_headers
from .body_in import read_arriving
from .call import Call
from .object_put import NOT_BUILT, read_new_object, stored_headers
from .traffic_limit import UP, find_pace
from .versions import version_headers


async def append_object(call: Call) -> Reply:
    """AppendObject: bytes behind those that are there."""
    position = read_position(call.request.query)
    refuse_headers(call.request, NOT_BUILT)
    new = read_new_object(call, _read_heeded(call))
    body = read_arriving(call.request, find_pace(call, UP))
    try:
        stored = await append(call.context, call.grant, new, position, body, call.found)
    except Misplaced as refusal:
        refusal.headers = (_next_position(refusal.length),)
        raise
    return Reply(200, (*stored_headers(call, stored), _next_position(stored.record.size)))


async def seal_append_object(call: Call) -> Reply:
    """SealAppendObject: no more appends. Sealing again says when it was done."""
    position, found = read_position(call.request.query), call.this_object
    try:
        sealed_at = await seal(call.context, call.grant, found.version_id, position)
    except Misplaced as refusal:
        refusal.headers = (_next_position(refusal.length),)
        raise
    sealed = (b"x-oss-sealed-time", write_http_date(sealed_at).encode())
    return Reply(200, (sealed, *version_headers(call.this_bucket, found.version_id)))


def _read_heeded(call: Call) -> Mapping[str, str]:
    """The headers that count: of the append that makes the object all; later, whether one may be there."""
    headers = call.request.headers
    if call.found is None:
        return headers
    return {name: value for name, value in headers.items() if name == "x-oss-forbid-overwrite"}


def read_position(query: Query) -> int:
    """Raises: OssError MISSING_ARGUMENT, INVALID_ARGUMENT."""
    text = query.get("position")
    if text is None:
        raise MISSING_ARGUMENT("The parameter position is missing.", ec="0016-00000501", ArgumentName="position")
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise INVALID_ARGUMENT(
            "The position must be a number of bytes.",
            ArgumentName="position",
            ArgumentValue=text[:64],
        )
    return int(text)


def _next_position(length: int) -> RawHeader:
    return (b"x-oss-next-append-position", b"%d" % length)
