"""The routes of tickets: make one, see it with its address, change what may change."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.access.decide import decide
from coatcheck.access.facts import AccessFacts
from coatcheck.access.link_rights import LinkAction, Place
from coatcheck.core.errors import LINK_UNKNOWN, NO_SUCH_BUCKET, NO_SUCH_KEY
from coatcheck.core.ticket_errors import TICKET_BUSY
from coatcheck.identity.author import author_of
from coatcheck.identity.session import read_session
from coatcheck.links.uses import Uses
from coatcheck.operations import link_register, ticket_register
from coatcheck.operations.ticket_register import Maker, Wanted
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.links import Link
from coatcheck.ports.object import DELETE_MARKER
from coatcheck.ports.passwords import TooManyPasswords
from coatcheck.ports.tickets import Names, Ticket

from . import deciding
from .deciding import decide_on_link
from .documents import read_document
from .service import Asked, Route
from .ticket_documents import CHANGES, WANTED, read_changes, read_password, read_wanted, write_address, write_ticket

Answer = tuple[int, Any]


async def make_ticket(asked: Asked) -> Answer:
    """POST tickets: a new link, with its address."""
    document, now = read_document(asked.body, WANTED), int(asked.now)
    wanted = read_wanted(document, now)
    bucket = await asked.ports.catalog.find_bucket(wanted.bucket)
    if bucket is None:
        raise NO_SUCH_BUCKET(BucketName=wanted.bucket)
    places = [Place(bucket.owner, wanted.bucket, key) for key in wanted.keys]
    grants = [deciding.decide(asked, LinkAction.CREATE, place) for place in places]
    await _check_reach(asked, bucket, wanted)
    password = await _keep_password(asked, read_password(document) or "")
    maker = Maker(author_of(asked.caller, asked.now), asked.caller.access_key_id, _session_end(asked))
    made = await ticket_register.make_ticket(
        asked.ports.tickets, asked.ports.keyring, grants, maker, wanted._replace(password=password), now
    )
    return 200, write_ticket(made.link, made.ticket, asked.now) | {"url": _address(asked, made.code)}


async def show_ticket(asked: Asked) -> Answer:
    """GET tickets/{id}: what is known of it; its address too, for those who may make such a link."""
    link, ticket = await _find(asked)
    grant = await decide_on_link(asked, LinkAction.LIST, link)
    uses = Uses()
    if ticket.names is Names.OBJECT:
        uses = await link_register.find_uses(asked.ports.links, grant, link.id, asked.now)
    owner = await decide_on_link(asked, LinkAction.CREATE, link)
    code = ticket_register.find_code(asked.ports.keyring, owner, ticket)
    return 200, write_ticket(link, ticket, asked.now, uses) | {"url": _address(asked, code) if code else None}


async def change_ticket(asked: Asked) -> Answer:
    """POST tickets/{id}: another end, limits, password or note."""
    document = read_document(asked.body, CHANGES)
    link, _ = await _find(asked)
    grant = await decide_on_link(asked, LinkAction.CREATE, link)
    changes, password = read_changes(document, int(asked.now)), read_password(document)
    if password is not None:
        changes = changes._replace(password=await _keep_password(asked, password))
    changed = await ticket_register.change_ticket(asked.ports.tickets, grant, link.id, changes)
    return 200, write_ticket(*changed, asked.now)


TICKET_ROUTES: Final = (
    Route("POST", "tickets", make_ticket),
    Route("GET", "tickets/{id}", show_ticket),
    Route("POST", "tickets/{id}", change_ticket),
)


async def _check_reach(asked: Asked, bucket: Bucket, wanted: Wanted) -> None:
    """Whether its maker may do what the link is for, today: what never works is better refused now.

    Raises: OssError, the refusal; NO_SUCH_KEY.
    """
    facts = AccessFacts(bucket, request=asked.facts, now=asked.now)
    if wanted.names is Names.BOX:
        decide(asked.caller, Action.PUT_OBJECT, replace(facts, key=wanted.keys[0] or "file"))
        return
    if wanted.names is Names.PREFIX:
        listing = replace(asked.facts, prefix=wanted.keys[0])
        decide(asked.caller, Action.LIST_OBJECTS, replace(facts, request=listing))
        return
    for key in wanted.keys:
        found = await asked.ports.catalog.find_object(bucket.bucket_id, key, wanted.version_id or None)
        named = replace(facts, key=key, found=found, versioned=bool(wanted.version_id))
        decide(asked.caller, Action.GET_OBJECT, named)
        if found is None or found.kind == DELETE_MARKER:
            raise NO_SUCH_KEY(Key=key)


async def _find(asked: Asked) -> tuple[Link, Ticket]:
    found = await asked.ports.tickets.find_ticket(asked.name)
    if found is None:
        raise LINK_UNKNOWN()
    return found


async def _keep_password(asked: Asked, password: str) -> str:
    try:
        return await asked.ports.passwords.hash(password) if password else ""
    except TooManyPasswords:
        raise TICKET_BUSY(headers=((b"Retry-After", b"1"),)) from None


def _session_end(asked: Asked) -> int | None:
    """When the session of whoever asks ends."""
    token = asked.request.headers.get("x-oss-security-token")
    text = asked.ports.keyring.open_token(token) if token else None
    return None if text is None else read_session(text).expires_s


def _address(asked: Asked, code: str) -> str:
    request = asked.request
    return write_address(code, asked.ports.pages_host or request.host, secure=request.secure)
