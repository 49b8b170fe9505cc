"""The routes of what waits in an upload box: see it, accept it, refuse it."""

from __future__ import annotations

from typing import Any, Final

from coatcheck.access.actions import Action
from coatcheck.access.link_rights import LinkAction
from coatcheck.core.errors import INVALID_ARGUMENT, LINK_UNKNOWN, NO_SUCH_BUCKET, OssError
from coatcheck.core.limits import BOX_ANSWERED_MAX
from coatcheck.core.page_size import read_page_size
from coatcheck.core.ticket_errors import ARRIVAL_UNKNOWN, NOT_A_BOX, TICKET_WITHOUT_MAKER
from coatcheck.core.times import write_iso
from coatcheck.identity.acting import NoAuthor, act_by_key
from coatcheck.identity.caller import Caller
from coatcheck.operations.arrivals import accept, open_waiting, remove, write_record
from coatcheck.operations.context import Context
from coatcheck.ports.arrivals import Arrival
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.links import Link
from coatcheck.ports.tickets import Names, Ticket
from coatcheck.wire.reply import Reply

from .deciding import decide_on_link
from .documents import Document, read_document, read_flag
from .service import Asked, Route

Answer = tuple[int, Any]

_AS_BYTES: Final = (
    (b"Content-Type", b"application/octet-stream"),
    (b"Content-Disposition", b"attachment"),
    (b"Cache-Control", b"no-store"),
)
MEMBERS: Final = frozenset({"ids", "refuse"})


async def list_arrivals(asked: Asked) -> Answer:
    """GET tickets/{id}/arrivals: a page of what waits, the oldest first."""
    link, _ = await _find_box(asked)
    await decide_on_link(asked, LinkAction.LIST, link)
    query = asked.request.query.first
    most = read_page_size(query.get("limit"))
    found = await asked.ports.operations.arrivals.list_arrivals(link.id, after=query.get("after", ""), most=most + 1)
    page = found[:most]
    return 200, {"arrivals": [write_arrival(each) for each in page], "next": page[-1].id if len(found) > most else None}


async def answer_arrivals(asked: Asked) -> Answer:
    """POST tickets/{id}/arrivals: accept what waits, or refuse it, BOX_ANSWERED_MAX at once. Each by itself: what fails
    is told beside what was done."""
    document = read_document(asked.body, MEMBERS)
    ids, refuse = _read_ids(document), read_flag(document, "refuse")
    link, ticket = await _find_box(asked)
    await decide_on_link(asked, LinkAction.CREATE, link)
    maker = None if refuse else await _find_maker(asked, link, ticket)
    return 200, {"arrivals": [await _answer(asked, link, arrival_id, maker) for arrival_id in ids]}


async def read_arrival(asked: Asked) -> tuple[int, Reply]:
    """GET arrivals/{id}: the bytes of a file that waits, for who may read the object that it would become."""
    ports = asked.ports.operations
    arrival = await ports.arrivals.find_arrival(asked.name)
    if arrival is None or not arrival.is_whole:
        raise ARRIVAL_UNKNOWN()
    link, _ = await _find_box(asked._replace(name=arrival.link_id))
    await decide_on_link(asked, LinkAction.LIST, link)
    bucket = await _find_bucket(asked, link, arrival)
    context = Context(ports, asked.caller, asked.now, asked.facts)
    record = write_record(arrival, bucket, asked.now)
    grant = context.decide(Action.GET_OBJECT, bucket, arrival.key, record)
    content = await open_waiting(context, grant, arrival)
    return 200, Reply(200, _AS_BYTES, content)


ARRIVAL_ROUTES: Final = (
    Route("GET", "arrivals/{id}", read_arrival),
    Route("GET", "tickets/{id}/arrivals", list_arrivals),
    Route("POST", "tickets/{id}/arrivals", answer_arrivals),
)


def write_arrival(arrival: Arrival) -> dict[str, Any]:
    return {
        "id": arrival.id,
        "name": arrival.file_name,
        "key": arrival.key,
        "size": arrival.size,
        "content_type": arrival.content_type,
        "sender": arrival.sender,
        "started_at": write_iso(arrival.started_at),
        "ends_at": write_iso(arrival.ends_at),
    }


async def _answer(asked: Asked, link: Link, arrival_id: str, maker: Caller | None) -> dict[str, Any]:
    """One of them: accepted with the rights of the box's maker, or refused (None)."""
    ports = asked.ports.operations
    try:
        arrival = await ports.arrivals.find_arrival(arrival_id)
        if arrival is None or arrival.link_id != link.id or not arrival.is_whole:
            raise ARRIVAL_UNKNOWN()
        if maker is None:
            if not await remove(ports, arrival):
                raise ARRIVAL_UNKNOWN()
        else:
            bucket = await _find_bucket(asked, link, arrival)
            context = Context(ports, maker, asked.now, asked.facts)
            grant = context.decide(Action.PUT_OBJECT, bucket, arrival.key)
            await accept(context, grant, arrival)
    except OssError as error:
        return {"id": arrival_id, "key": None, "error": error.code, "message": error.message}
    return {"id": arrival_id, "key": arrival.key, "error": None, "message": None}


async def _find_box(asked: Asked) -> tuple[Link, Ticket]:
    found = await asked.ports.tickets.find_ticket(asked.name)
    if found is None or found[0].account != asked.caller.account:
        raise LINK_UNKNOWN()
    if found[1].names is not Names.BOX:
        raise NOT_A_BOX()
    return found


async def _find_bucket(asked: Asked, link: Link, arrival: Arrival) -> Bucket:
    """The bucket that the file came into; not a later one of its name. Raises: OssError NO_SUCH_BUCKET."""
    bucket = await asked.ports.catalog.find_bucket(link.bucket)
    if bucket is None or bucket.bucket_id != arrival.bucket_id:
        raise NO_SUCH_BUCKET(BucketName=link.bucket)
    return bucket


async def _find_maker(asked: Asked, link: Link, ticket: Ticket) -> Caller:
    try:
        return await act_by_key(ticket.author, link.access_key_id, asked.ports.keyring)
    except NoAuthor:
        raise TICKET_WITHOUT_MAKER("Whoever made this link may not store files any more.") from None


def _read_ids(document: Document) -> list[str]:
    """Raises: OssError INVALID_ARGUMENT."""
    ids = document.get("ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= BOX_ANSWERED_MAX or not all(_is_id(each) for each in ids):
        message = f"ids has to be a list of 1 to {BOX_ANSWERED_MAX} ids of files that wait."
        raise INVALID_ARGUMENT(message, ArgumentName="ids")
    return ids


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 32 and value.isascii() and value.isalnum()
