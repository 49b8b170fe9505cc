"""A ticket that somebody presents: whether there is such a one, and whether it is good now and for them."""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec.structs import replace

from coatcheck.core.addresses import name_client
from coatcheck.core.errors import LINK_CANCELLED, LINK_USED_UP, NO_SUCH_BUCKET, Fault, OssError
from coatcheck.core.limits import TICKET_GUESSES_MAX
from coatcheck.core.link_ids import is_code, name_link
from coatcheck.core.percent import decode
from coatcheck.core.ticket_errors import (
    TICKET_CANCELLED,
    TICKET_ENDED,
    TICKET_FILE_UNKNOWN,
    TICKET_GUESSED,
    TICKET_UNKNOWN,
    TICKET_USED_UP,
    TICKET_WITHOUT_MAKER,
)
from coatcheck.core.times import write_iso
from coatcheck.identity.acting import Keys, NoAuthor, act_by_key
from coatcheck.identity.caller import Caller
from coatcheck.links.standing import Presented, check_standing
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Catalog
from coatcheck.ports.links import Link, Links
from coatcheck.ports.tickets import Names, Ticket, Tickets
from coatcheck.wire.request import Request

from .address import PREFIX

_GUESSERS_MAX: Final = 10_000
_MINUTE_S: Final = 60


class Address(NamedTuple):
    """What a path below /t/ says.

    Attributes:
        path: behind the code's slash, decoded; "" for the ticket itself.
        has_slash: a slash follows the code.
    """

    code: str
    path: str
    has_slash: bool


class Good(NamedTuple):
    """A ticket that is good, for the one who presents it.

    Attributes:
        caller: with the rights of the ticket's maker, as they are now, and its limits.
        path: see `Address`.
        has_slash: see `Address`.
    """

    link: Link
    ticket: Ticket
    caller: Caller
    path: str
    has_slash: bool

    @property
    def bucket(self) -> str:
        return self.link.bucket

    @property
    def counts_whole(self) -> bool:
        """Its uses are those of one object, not counted for each of several."""
        return self.ticket.names is Names.OBJECT

    @property
    def address(self) -> str:
        """Where the ticket is, as the path of a URL."""
        return f"/t/{self.caller.signature}"


def read_ticket_path(raw_path: bytes) -> Address:
    """Raises: OssError TICKET_UNKNOWN (no code), TICKET_FILE_UNKNOWN (a path that isn't UTF-8)."""
    code, slash, rest = raw_path.removeprefix(PREFIX).partition(b"/")
    text = code.decode("ascii", "replace")
    if not is_code(text):
        raise TICKET_UNKNOWN()
    try:
        path = decode(rest.decode("ascii"))
        path.encode()
    except UnicodeError:
        raise TICKET_FILE_UNKNOWN() from None
    return Address(text, path, bool(slash))


class Guesses:
    """How often an address has asked for what isn't there, in this worker and this minute."""

    def __init__(self) -> None:
        self._minute = 0
        self._wrong: dict[str, int] = {}

    def check(self, client: str, now: float) -> None:
        """Raises: OssError TICKET_GUESSED."""
        if self._wrong and self._of(now).get(client, 0) >= TICKET_GUESSES_MAX:
            raise TICKET_GUESSED(headers=((b"Retry-After", b"60"),))

    def note(self, client: str, now: float) -> None:
        wrong = self._of(now)
        if client in wrong or len(wrong) < _GUESSERS_MAX:
            wrong[client] = wrong.get(client, 0) + 1

    def _of(self, now: float) -> dict[str, int]:
        minute = int(now // _MINUTE_S)
        if minute != self._minute:
            self._minute, self._wrong = minute, {}
        return self._wrong


class TicketBook(NamedTuple):
    """Where tickets are looked up."""

    tickets: Tickets
    register: Links
    keys: Keys
    guesses: Guesses


async def find_good(book: TicketBook, request: Request, now: float) -> Good:
    """The ticket of a request; that its password was given is another matter.

    Raises: OssError: a row of `core.ticket_errors`; LINK_NOT_STARTED, LINK_WRONG_ADDRESS; what the register raises.
    """
    client = name_client(request.client)
    book.guesses.check(client, now)
    try:
        address = read_ticket_path(request.raw_path)
    except OssError:
        book.guesses.note(client, now)
        raise
    found = await book.tickets.find_ticket(name_link(address.code))
    if found is None:
        book.guesses.note(client, now)
        raise TICKET_UNKNOWN()
    link, ticket = found
    key = _key_of(ticket, address.path)
    if link.cancelled_at is not None:
        raise TICKET_CANCELLED()
    if link.ends_at is not None and link.ends_at < now:
        raise TICKET_ENDED(Expires=write_iso(link.ends_at))
    standing = await book.register.find_standing(link.id, link.access_key_id, link.bucket, key)
    try:
        limits = check_standing(standing, Presented(link.account, link.registered_at, request.client), now)
    except OssError as error:
        raise as_ticket(error) from None
    try:
        maker = await act_by_key(ticket.author, link.access_key_id, book.keys)
    except NoAuthor:
        raise TICKET_WITHOUT_MAKER() from None
    caller = replace(maker, by_link=True, signature=address.code, limits=limits, ticket=link.id)
    return Good(link, ticket, caller, address.path, address.has_slash)


async def find_bucket(catalog: Catalog, good: Good) -> Bucket:
    """The bucket that a ticket leads into. Raises: OssError NO_SUCH_BUCKET."""
    bucket = await catalog.find_bucket(good.bucket)
    if bucket is None:
        raise NO_SUCH_BUCKET(BucketName=good.bucket)
    return bucket


def as_ticket(error: OssError) -> OssError:
    """A refusal of the register in the words, and with the status, that it has for tickets."""
    row = _AS_TICKET.get(error.fault)
    return error if row is None else row(headers=error.headers, **error.facts)


_AS_TICKET: Final[dict[Fault, Fault]] = {LINK_CANCELLED: TICKET_CANCELLED, LINK_USED_UP: TICKET_USED_UP}


def _key_of(ticket: Ticket, path: str) -> str:
    """The key that rules look at."""
    if ticket.names is Names.PREFIX:
        return ticket.keys[0] + path
    return path if ticket.names is Names.LIST else ticket.keys[0]
