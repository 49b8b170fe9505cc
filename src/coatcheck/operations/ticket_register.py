"""What owners do to tickets: make one, change what may change, get its code back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from coatcheck.access.link_rights import LinkAction, LinkGrant
from coatcheck.core.author import Author
from coatcheck.core.errors import LINK_OF_ANOTHER_ACCOUNT, LINK_UNKNOWN
from coatcheck.core.link_ids import name_link, new_code
from coatcheck.ports.keyring import KeyUse
from coatcheck.ports.links import Limits, Link
from coatcheck.ports.tickets import Box, Names, Ticket, Tickets

_PURPOSE = "ticket-code"


class Wanted(NamedTuple):
    """A ticket that is to be made; see `ports.tickets.Ticket` and `ports.links.Link`.

    Attributes:
        ends_at: Unix seconds; None for never.
        password: as it is kept; "" for none.
    """

    names: Names
    bucket: str
    keys: tuple[str, ...]
    ends_at: int | None
    limits: Limits = Limits()
    note: str = ""
    version_id: str = ""
    process: str = ""
    file_name: str = ""
    inline: bool = False
    password: str = ""
    box: Box | None = None


class Maker(NamedTuple):
    """Who makes it.

    Attributes:
        access_key_id: it ends with this key.
        ends_at: Unix seconds when their session ends, and the ticket with it; None without a session.
    """

    author: Author
    access_key_id: str
    ends_at: int | None = None


class Made(NamedTuple):
    link: Link
    ticket: Ticket
    code: str


async def make_ticket(
    tickets: Tickets, keyring: KeyUse, grants: Sequence[LinkGrant], maker: Maker, wanted: Wanted, now: int
) -> Made:
    """A new ticket.

    Args:
        grants: for each key that it names.
    """
    for grant, key in zip(grants, wanted.keys, strict=True):
        _need(grant, LinkAction.CREATE, wanted.bucket, key)
    code = new_code()
    link_id = name_link(code)
    ends = [end for end in (wanted.ends_at, maker.ends_at) if end is not None]
    key = wanted.keys[0] if wanted.names is not Names.LIST else ""
    link = Link(
        *(link_id, maker.author.account, maker.access_key_id, wanted.bucket, key, now, min(ends, default=None)),
        limits=wanted.limits,
        note=wanted.note,
    )
    ticket = Ticket(
        link_id,
        wanted.names,
        wanted.keys,
        maker.author,
        keyring.seal_token(code, _PURPOSE),
        wanted.version_id,
        wanted.process,
        wanted.file_name,
        wanted.inline,
        wanted.password,
        wanted.box,
        maker.ends_at,
    )
    await tickets.change_ticket(link_id, lambda *_: (link, ticket))
    return Made(link, ticket, code)


class Changes(NamedTuple):
    """What is to be different; None leaves it.

    Attributes:
        ends_at: Unix seconds; 0 for never.
        password: as it is kept; "" for none.
    """

    ends_at: int | None = None
    limits: Limits | None = None
    note: str | None = None
    password: str | None = None


async def change_ticket(tickets: Tickets, grant: LinkGrant, link_id: str, changes: Changes) -> tuple[Link, Ticket]:
    """What it names never changes, nor what was used. Raises: OssError LINK_UNKNOWN, LINK_OF_ANOTHER_ACCOUNT."""
    if grant.action is not LinkAction.CREATE:
        raise TypeError(f"a grant for {grant.action.name} is none for CREATE")

    def change(link: Link | None, ticket: Ticket | None) -> tuple[Link, Ticket]:
        if link is None or ticket is None:
            raise LINK_UNKNOWN()
        if link.account != grant.place.owner:
            raise LINK_OF_ANOTHER_ACCOUNT()
        if changes.ends_at is not None:
            ends = [end for end in (changes.ends_at or None, ticket.latest_end) if end is not None]
            link = replace(link, ends_at=min(ends, default=None))
        if changes.limits is not None:
            link = replace(link, limits=changes.limits)
        if changes.note is not None:
            link = replace(link, note=changes.note)
        if changes.password is not None:
            ticket = replace(ticket, password=changes.password)
        return link, ticket

    return await tickets.change_ticket(link_id, change)


def find_code(keyring: KeyUse, grant: LinkGrant, ticket: Ticket) -> str:
    """The code, for its owner. "" where it was sealed with a key that is no longer there."""
    if grant.action is not LinkAction.CREATE:  # who may see the code may hand the link out
        raise TypeError(f"a grant for {grant.action.name} is none for CREATE")
    return keyring.open_token(ticket.sealed_code, _PURPOSE) or ""


def _need(grant: LinkGrant, action: LinkAction, bucket: str, key: str) -> None:
    """Raises: TypeError, when this is a grant for something else: the mistake is in the code."""
    if grant.action is not action or (grant.place.bucket, grant.place.key) != (bucket, key):
        raise TypeError(f"a grant for {grant.action.name} on {grant.place} is none for this")
