"""Files that come in by upload boxes: taken in whole or in pieces, each rule held while they stream; then objects at
once, or waiting until somebody accepts or refuses them.

What is on its way keeps its place free: a row that says how much, written before the first byte is read. Bytes are
durable before the row names them, and the object of a file takes over its blobs in the commit that removes the row.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final, NamedTuple

from msgspec import structs
from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.body import Stream
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.digests import combine_crc64, multipart_etag
from coatcheck.core.errors import FILE_ALREADY_EXISTS
from coatcheck.core.limits import BOX_KEPT_S, BOX_LEASE_S, BOX_UPLOAD_IDLE_S
from coatcheck.core.ticket_errors import (
    ARRIVAL_UNKNOWN,
    BOX_BYTES_FULL,
    BOX_FILE_TOO_LARGE,
    BOX_PIECE_MISPLACED,
    BOX_TYPE_REFUSED,
    BOX_UPLOAD_UNKNOWN,
)
from coatcheck.ports.arrivals import Arrival, Taken
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Gone, NotWritten, Unknown
from coatcheck.ports.object import DEFAULT_ACL, ObjectRecord
from coatcheck.ports.tickets import Box

from .box_rules import Place, choose_piece_bytes, find_most, reserve, settle
from .commit import ReplacedMeanwhile, commit
from .context import Context, Ports
from .encryption import bucket_encryption
from .file_types import HEAD_BYTES, OCTETS, find_type
from .get import inline_content, open_content
from .intake import Incoming, receive
from .versions import version_id_for

_TYPE: Final = b"content-type"
_DISPOSITION: Final = b"content-disposition"
_ANY_SIZE: Final = 2**63  # somebody else counts


class Sent(NamedTuple):
    """What a sender says of a file.

    Attributes:
        content_type: "" if they don't say.
        size: bytes; None if they don't say.
        sender: their address.
    """

    place: Place
    content_type: str
    size: int | None
    sender: str


class OpenBox(NamedTuple):
    """A box that somebody may put files into now."""

    link_id: str
    box: Box


async def begin(context: Context, grant: Grant, into: OpenBox, sent: Sent, *, in_pieces: bool = False) -> Arrival:
    """Keep room for a file. Raises: OssError, of a rule that it breaks; NotWritten, Unknown."""
    grant.need(Action.PUT_OBJECT)
    now = int(context.now)
    arrival = Arrival(
        id=f"{int(context.now * 1000):011x}{secrets.token_hex(11)[:21]}",
        link_id=into.link_id,
        bucket_id=grant.this_bucket.bucket_id,
        key=grant.this_key,
        file_name=sent.place.file_name,
        content_type=sent.content_type,
        size=sent.size or 0,
        started_at=now,
        ends_at=now + (BOX_UPLOAD_IDLE_S if in_pieces else BOX_LEASE_S),
        sender=sent.sender,
        encryption=bucket_encryption(grant.this_bucket),
    )

    def keep_free(_: Arrival | None, taken: Taken) -> tuple[Arrival, Taken]:
        return arrival, reserve(into.box, taken, sent.size)

    await commit(context.ports, context.ports.arrivals.change_arrival(arrival.link_id, arrival.id, keep_free))
    return arrival


async def give_up(ports: Ports, arrival: Arrival) -> None:
    """Give back what a file that didn't come kept free; where that can't be, the sweep does it later."""

    def give_back(found: Arrival | None, taken: Taken) -> tuple[None, Taken]:
        if found is None or found.is_whole:  # the answer to its commit was lost, and it stands
            raise Gone(arrival.id)
        return None, _without(taken, found)

    with suppress(Gone, NotWritten, Unknown):
        await commit(ports, ports.arrivals.change_arrival(arrival.link_id, arrival.id, give_back))


async def take_whole(
    context: Context, grant: Grant, into: OpenBox, arrival: Arrival, chunks: AsyncIterator[bytes], announced: int | None
) -> Arrival:
    """The bytes of a file that was begun; it waits, or is an object, when this returns.

    Raises: OssError, of a rule that they break; BodyFailed's faults; NotWritten. Nothing is kept of it then.
    """
    try:
        taken = await context.ports.arrivals.find_taken(into.link_id)
        most = find_most(into.box, taken, arrival.size)
        watched = _Watched(context, into.box, arrival, chunks, most)
        incoming = await _receive(context, arrival, watched, announced)
        arrived = _add(replace(arrival, content_type=watched.content_type), incoming)
        return await _finish(context, grant, into, arrival, arrived, incoming)
    except BaseException:
        await give_up(context.ports, arrival)
        raise


async def add_piece(
    context: Context,
    grant: Grant,
    into: OpenBox,
    arrival: Arrival,
    at: int,
    chunks: AsyncIterator[bytes],
    announced: int | None,
) -> Arrival:
    """The next piece of a file that comes in pieces; with the last one it waits, or is an object.

    Args:
        at: where the piece begins: what has been received.
    Raises: OssError BOX_PIECE_MISPLACED, or of a rule that it breaks; BOX_UPLOAD_UNKNOWN; NotWritten. A piece that
        breaks off is not kept, and can be sent again.
    """
    due = min(choose_piece_bytes(arrival.size), arrival.size - arrival.received)
    if at != arrival.received or announced not in (None, due):
        raise BOX_PIECE_MISPLACED(Received=str(arrival.received), PieceSize=str(due))
    if arrival.received:
        incoming = await _receive(context, arrival, chunks, due)
        arrived = _add(arrival, incoming)
    else:
        watched = _Watched(context, into.box, arrival, chunks, _ANY_SIZE)
        incoming = await _receive(context, arrival, watched, due)
        arrived = _add(replace(arrival, content_type=watched.content_type), incoming)
    arrived = replace(arrived, size=arrival.size, ends_at=int(context.now) + BOX_UPLOAD_IDLE_S)
    if arrived.received == arrival.size:
        return await _finish(context, grant, into, arrival, arrived, incoming)

    def put(found: Arrival | None, taken: Taken) -> tuple[Arrival, Taken]:
        _check_same(found, arrival)
        return arrived, taken

    write = context.ports.arrivals.change_arrival(arrival.link_id, arrival.id, put)
    await commit(context.ports, write, incoming.blob, gone=BOX_UPLOAD_UNKNOWN())
    return arrived


async def accept(context: Context, grant: Grant, arrival: Arrival) -> Arrival:
    """Make the object of a file that waits, with the caller's right to put it there. Raises: OssError ARRIVAL_UNKNOWN,
    FILE_ALREADY_EXISTS, FILE_IMMUTABLE; NotWritten."""
    grant.need(Action.PUT_OBJECT)

    def let_go(found: Arrival | None, taken: Taken) -> tuple[None, Taken]:
        if found is None or not found.is_whole:
            raise Gone(arrival.id)
        return None, taken

    record = write_record(arrival, grant.this_bucket, context.now)
    write = context.ports.arrivals.make_object(arrival.link_id, arrival.id, let_go, record)
    await commit(context.ports, write, gone=ARRIVAL_UNKNOWN(), exists=FILE_ALREADY_EXISTS(Key=arrival.key))
    return arrival


async def open_waiting(context: Context, grant: Grant, arrival: Arrival) -> bytes | Stream:
    """The bytes of a file that waits, for who may read the object that it would become. Raises: OssError
    ARRIVAL_UNKNOWN, INVALID_OBJECT_STATE; Damaged."""
    record = write_record(arrival, grant.this_bucket, context.now)
    span = ByteRange(0, record.size)
    content = inline_content(context, grant, record, span)
    if content is not None:
        return content
    try:
        return await open_content(context, grant, record, span)
    except ReplacedMeanwhile:
        raise ARRIVAL_UNKNOWN() from None


async def remove(ports: Ports, arrival: Arrival, *, ended_before: int | None = None) -> bool:
    """Remove a file that waits, or that is on its way; whether it was there. Raises: NotWritten, Unknown.

    Args:
        ended_before: only if its end is still before that.
    """

    def let_go(found: Arrival | None, taken: Taken) -> tuple[None, Taken]:
        if found is None or (ended_before is not None and found.ends_at >= ended_before):
            raise Gone(arrival.id)
        return None, taken if found.is_whole else _without(taken, found)

    try:
        await commit(ports, ports.arrivals.change_arrival(arrival.link_id, arrival.id, let_go))
    except Gone:
        return False
    return True


def _without(taken: Taken, arrival: Arrival) -> Taken:
    return Taken(taken.files - 1, taken.size_bytes - arrival.size, taken.under_way - 1)


# --- what comes in ---------------------------------------------------------------------------------------------------


class _Watched:
    """The bytes of a file, held to the rules: never more than there is room for, and of a type that is allowed."""

    def __init__(self, context: Context, box: Box, arrival: Arrival, chunks: AsyncIterator[bytes], most: int) -> None:
        self.content_type = OCTETS
        self._context = context
        self._box = box
        self._arrival = arrival
        self._chunks = chunks
        self._most = most
        self._renewed_at = asyncio.get_running_loop().time()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._watch()

    async def _watch(self) -> AsyncIterator[bytes]:
        head: bytearray | None = bytearray()
        size = 0
        async for chunk in self._chunks:
            size += len(chunk)
            if size > self._most:
                raise self._too_large()
            if head is None:
                await self._renew()
                yield chunk
                continue
            head += chunk
            if len(head) >= HEAD_BYTES:
                self._judge(head)
                yield bytes(head)
                head = None
        if head is not None:
            self._judge(head)
            yield bytes(head)

    def _too_large(self) -> Exception:
        if self._most < self._box.file_bytes_max:
            return BOX_BYTES_FULL(BytesLeft=str(self._most))
        return BOX_FILE_TOO_LARGE(MaxSizeAllowed=str(self._most))

    def _judge(self, head: bytearray) -> None:
        declared, name = self._arrival.content_type, self._arrival.file_name
        kind = find_type(name, declared, bytes(head[:HEAD_BYTES]), self._box.types)
        if kind is None:
            raise BOX_TYPE_REFUSED(FileName=name)
        self.content_type = kind

    async def _renew(self) -> None:
        """A slow upload keeps its place for as long as it goes on."""
        now = asyncio.get_running_loop().time()
        if now - self._renewed_at < BOX_LEASE_S / 2 or self._arrival.segments:
            return
        later = int(self._context.now) + int(now - self._renewed_at) + BOX_LEASE_S
        self._context = structs.replace(self._context, now=self._context.now + now - self._renewed_at)
        self._renewed_at = now

        def keep(found: Arrival | None, taken: Taken) -> tuple[Arrival, Taken]:
            if found is None:
                raise Gone(self._arrival.id)
            return replace(found, ends_at=max(found.ends_at, later)), taken

        write = self._context.ports.arrivals.change_arrival(self._arrival.link_id, self._arrival.id, keep)
        await commit(self._context.ports, write, gone=BOX_UPLOAD_UNKNOWN())


async def _receive(
    context: Context, arrival: Arrival, chunks: AsyncIterator[bytes] | _Watched, announced: int | None
) -> Incoming:
    """What arrives, as a blob; nothing at all needs none."""
    return await receive(
        aiter(chunks),
        context.ports.byte_store,
        most=_ANY_SIZE if announced is None else announced,
        announced=announced,
        inline_most=0,
        encryption=arrival.encryption,
    )


def _add(arrival: Arrival, incoming: Incoming) -> Arrival:
    """With what came in behind what is here."""
    crc64 = combine_crc64(arrival.crc64, incoming.crc64, incoming.size) if arrival.segments else incoming.crc64
    return replace(
        arrival,
        size=arrival.received + incoming.size,
        segments=(*arrival.segments, *incoming.segments),
        etags=(*arrival.etags, incoming.etag),
        crc64=crc64,
    )


async def _finish(
    context: Context, grant: Grant, into: OpenBox, before: Arrival, arrived: Arrival, incoming: Incoming
) -> Arrival:
    """It is whole: it waits, or it is an object. The commit holds it against the rules once more."""
    whole = replace(arrived, is_whole=True, ends_at=int(context.now) + BOX_KEPT_S)

    def count(found: Arrival | None, taken: Taken) -> Taken:
        _check_same(found, before)
        return settle(into.box, taken, before.size, whole.size)._replace(under_way=taken.under_way - 1)

    arrivals, gone = context.ports.arrivals, BOX_UPLOAD_UNKNOWN()
    if into.box.quarantine:
        write = arrivals.change_arrival(before.link_id, before.id, lambda found, taken: (whole, count(found, taken)))
        await commit(context.ports, write, incoming.blob, gone=gone)
        return whole
    record = write_record(whole, grant.this_bucket, context.now)
    making = arrivals.make_object(before.link_id, before.id, lambda found, taken: (None, count(found, taken)), record)
    await commit(context.ports, making, incoming.blob, gone=gone, exists=FILE_ALREADY_EXISTS(Key=whole.key))
    return whole


def _check_same(found: Arrival | None, arrival: Arrival) -> None:
    """Raises: Gone; OssError BOX_PIECE_MISPLACED, if another piece came first."""
    if found is None or found.is_whole:
        raise Gone(arrival.id)
    if found.segments != arrival.segments:
        raise BOX_PIECE_MISPLACED(Received=str(found.received))


def write_record(arrival: Arrival, bucket: Bucket, now: float) -> ObjectRecord:
    """The object that a whole file becomes."""
    headers: tuple[tuple[bytes, bytes], ...] = ((_TYPE, arrival.content_type.encode()),)
    if arrival.content_type == OCTETS:
        headers = (*headers, (_DISPOSITION, b"attachment"))
    in_one = len(arrival.etags) == 1
    return ObjectRecord(
        key=arrival.key,
        version_id=version_id_for(bucket),
        kind="Normal" if in_one else "Multipart",
        size=arrival.size,
        etag=arrival.etags[0] if in_one else multipart_etag(arrival.etags),
        crc64=arrival.crc64,
        last_modified=int(now),
        acl=DEFAULT_ACL,
        storage_class=bucket.storage_class,
        headers=headers,
        body=None if arrival.segments else b"",
        segments=arrival.segments,
        encryption=arrival.encryption,
    )
