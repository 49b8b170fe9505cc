"""What a sender does with an upload box: give it files, whole (PUT, forms) or in pieces that survive a reload.

Nobody who has the link lists, reads or overwrites anything. Each request is decided on with the right of the box's
maker to put an object where the file goes.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, NamedTuple

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.access.facts import read_request_facts
from coatcheck.core.errors import INVALID_ARGUMENT, MISSING_CONTENT_LENGTH, NOT_IMPLEMENTED, OssError
from coatcheck.core.ticket_errors import BOX_TYPE_REFUSED, BOX_UPLOAD_UNKNOWN
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import Caller, UsedLink
from coatcheck.operations.arrivals import OpenBox, Sent, add_piece, begin, give_up, take_whole
from coatcheck.operations.box_rules import Place, choose_piece_bytes, choose_place
from coatcheck.operations.capacity import admit_bytes, has_quota
from coatcheck.operations.context import Context, Ports
from coatcheck.operations.pacing import Meter, paced
from coatcheck.ports.arrivals import Arrival
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.tickets import Box
from coatcheck.wire.body_digests import compared_chunks
from coatcheck.wire.form import FormMemory, read_files
from coatcheck.wire.request import Request

from .presented import Good, find_bucket

_UPLOAD_ID: Final = re.compile(r"[0-9a-f]{32}")
_SIZE_MAX_DIGITS: Final = 16

AdmitUpload = Callable[[Bucket, Request, Caller], None]
StillGood = Callable[[], Awaitable[Good]]


class BoxPorts(NamedTuple):
    """What a box stands on.

    Attributes:
        admit: whether a bucket lets itself be asked so: over HTTPS, from that page.
    """

    ports: Ports
    forms: FormMemory
    admit: AdmitUpload


class Upload(NamedTuple):
    """How far an upload in pieces is.

    Attributes:
        received, size, piece_bytes: in bytes; each piece but the last has so many.
    """

    id: str
    received: int
    size: int
    piece_bytes: int

    @property
    def is_done(self) -> bool:
        return self.received == self.size


class Received(NamedTuple):
    """A file that came in."""

    name: str
    size: int


class BoxDesk:
    """One request to a box. Its exchange has the link from here on, so that a cancellation ends what runs.

    Args:
        still_good: presents the ticket once more, before a file counts: bodies take their time.
    """

    def __init__(self, house: BoxPorts, exchange: Exchange, good: Good, still_good: StillGood) -> None:
        self._house = house
        self._good = good
        self._box = good.ticket.box or Box()
        self._exchange = exchange
        self._request = exchange.request
        self._still_good = still_good
        self._context = Context(house.ports, good.caller, exchange.now, read_request_facts(exchange.request))
        exchange.link = UsedLink(good.caller, good.bucket, good.ticket.keys[0], good.link.registered_at)

    async def put(self, name: str) -> Received:
        """A whole file as the body. Raises: OssError."""
        request = self._request
        sent_type = request.headers.get("content-type", "")
        return await self._take(name, sent_type, read_length(request), compared_chunks(request))

    async def take_form(self) -> AsyncIterator[Received]:
        """The files of a form, in turn. Raises: OssError, from the iterator; those before it are there."""
        bucket = await find_bucket(self._house.ports.catalog, self._good)
        await self._find_room(bucket, read_length(self._request) or 0)
        with self._house.forms.share() as share:
            async for part in read_files(self._request, share):
                yield await self._take(part.name, part.type, None, part.file.chunks())

    async def begin(self, name: str, content_type: str, size: str) -> Upload:
        """Begin an upload in pieces. Raises: OssError."""
        if not (size.isascii() and size.isdigit() and len(size) <= _SIZE_MAX_DIGITS and int(size)):
            raise INVALID_ARGUMENT("size has to be the file's size in bytes, 1 or more.", ArgumentName="size")
        place, grant = await self._decide(name)
        await self._find_room(grant.this_bucket, int(size))
        sent = Sent(place, content_type[:255], int(size), self._request.client)
        return _describe(await begin(self._context, grant, self._into, sent, in_pieces=True))

    async def find(self, upload_id: str) -> Upload:
        """How far one is. Raises: OssError BOX_UPLOAD_UNKNOWN."""
        return _describe(await self._find(upload_id, also_whole=True))

    async def add(self, upload_id: str, at: str) -> Upload:
        """The body is the next piece. Raises: OssError."""
        if not (at.isascii() and at.isdigit() and len(at) <= _SIZE_MAX_DIGITS):
            raise INVALID_ARGUMENT("at has to be how many bytes came before.", ArgumentName="at")
        arrival, request = await self._find(upload_id), self._request
        grant = await self._decide_on(arrival.key)
        chunks = self._checked(self._paced(compared_chunks(request)))
        try:
            arrived = await add_piece(self._context, grant, self._into, arrival, int(at), chunks, read_length(request))
        except OssError as error:
            if error.fault is BOX_TYPE_REFUSED:  # it will never fit: others may have its place
                await give_up(self._house.ports, arrival)
            raise
        if arrived.is_whole:
            self._note(arrived)
        return _describe(arrived)

    @property
    def _into(self) -> OpenBox:
        return OpenBox(self._good.ticket.id, self._box)

    async def _take(self, name: str, content_type: str, size: int | None, chunks: AsyncIterator[bytes]) -> Received:
        place, grant = await self._decide(name)
        await self._find_room(grant.this_bucket, size or 0)
        sent = Sent(place, content_type[:255], size, self._request.client)
        arrival = await begin(self._context, grant, self._into, sent)
        checked = self._checked(self._paced(chunks))
        arrived = await take_whole(self._context, grant, self._into, arrival, checked, size)
        self._note(arrived)
        return Received(arrived.file_name, arrived.size)

    def _note(self, arrived: Arrival) -> None:
        """Let the audit say that a file is whole, waiting or an object already: by its rows owners are told."""
        self._exchange.operation, self._exchange.key = "ticket_upload", arrived.key

    async def _checked(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same bytes; behind the last one the ticket is good still, or the file doesn't count."""
        async for chunk in chunks:
            yield chunk
        await self._still_good()

    def _paced(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        limits = self._good.caller.limits
        if limits is None or not limits.rate_bits_per_s:
            return chunks
        return paced(chunks, (Meter(limits.rate_bits_per_s),))

    async def _decide(self, name: str) -> tuple[Place, Grant]:
        """Where a file goes, and that the box's maker may put it there now. Raises: OssError."""
        place = choose_place(self._box, self._good.ticket.keys[0], name, self._context.now)
        return place, await self._decide_on(place.key)

    async def _decide_on(self, key: str) -> Grant:
        bucket = await find_bucket(self._house.ports.catalog, self._good)
        if bucket.configurations:
            self._house.admit(bucket, self._request, self._good.caller)
        return self._context.decide(Action.PUT_OBJECT, bucket, key)

    async def _find_room(self, bucket: Bucket, size: int) -> None:
        """Whether there is room for so much. Raises: OssError QUOTA_EXCEEDED."""
        if has_quota(bucket):
            await admit_bytes(self._house.ports.catalog, bucket, size)

    async def _find(self, upload_id: str, *, also_whole: bool = False) -> Arrival:
        """One of this box. Raises: OssError BOX_UPLOAD_UNKNOWN."""
        if _UPLOAD_ID.fullmatch(upload_id):
            found = await self._house.ports.arrivals.find_arrival(upload_id)
            is_ours = found is not None and found.link_id == self._good.ticket.id
            if found is not None and is_ours and (also_whole or not found.is_whole):
                return found
        raise BOX_UPLOAD_UNKNOWN()


def read_length(request: Request) -> int | None:
    """Content-Length; None for a body in chunks. Raises: OssError MISSING_CONTENT_LENGTH, NOT_IMPLEMENTED."""
    text = request.headers.get("content-length")
    if text is None:
        if "transfer-encoding" not in request.headers:
            raise MISSING_CONTENT_LENGTH()
        if request.headers["transfer-encoding"].lower() != "chunked":
            raise NOT_IMPLEMENTED("The only Transfer-Encoding here is chunked.", Header="Transfer-Encoding")
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise INVALID_ARGUMENT("Content-Length must be a number.", ArgumentName="Content-Length")
    return int(text)


def _describe(arrival: Arrival) -> Upload:
    return Upload(arrival.id, arrival.received, arrival.size, choose_piece_bytes(arrival.size))
