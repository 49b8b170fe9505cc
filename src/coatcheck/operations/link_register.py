"""What owners do to links: register and limit, cancel one or many, look."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from coatcheck.access.link_rights import LinkAction, LinkGrant
from coatcheck.core.errors import LINK_OF_ANOTHER_ACCOUNT, RULE_UNKNOWN
from coatcheck.links.uses import Uses, settle
from coatcheck.links.uses_text import read_uses
from coatcheck.ports.catalog import Gone
from coatcheck.ports.links import Limits, Link, Links, Rule, Scope


class NamedLink(NamedTuple):
    """A link whose signature held.

    Attributes:
        account: uid of the account whose key signed it.
        ends_at: Unix seconds; None where it doesn't say.
    """

    id: str
    account: str
    access_key_id: str
    bucket: str
    key: str
    ends_at: int | None


async def register(links: Links, grant: LinkGrant, named: NamedLink, limits: Limits, note: str, now: int) -> Link:
    """Give a link a row, or its row other limits and another note. One that was cancelled stays so."""
    _need(grant, LinkAction.CREATE)

    def change(row: Link | None) -> Link:
        fresh = _row_of(named, now)
        if row is not None:
            fresh = replace(fresh, registered_at=row.registered_at, cancelled_at=row.cancelled_at)
        return replace(fresh, limits=limits, note=note)

    return await links.change_link(named.id, change)


async def cancel(links: Links, grant: LinkGrant, named: NamedLink, now: int) -> Link:
    """From the next request on nobody can use it. What is known of it stays; cancelling again changes nothing."""
    _need(grant, LinkAction.CANCEL)

    def change(row: Link | None) -> Link:
        if row is None or not row.access_key_id:
            row = replace(_row_of(named, now), cancelled_at=None if row is None else row.cancelled_at)
        return row if row.cancelled_at is not None else replace(row, cancelled_at=now)

    return await links.change_link(named.id, change)


async def cancel_unseen(links: Links, grant: LinkGrant, link_id: str, now: int) -> Link:
    """Cancel a link of which nothing but its id is known: it counts for links of the granted account's keys.

    Raises: OssError LINK_OF_ANOTHER_ACCOUNT, for an id that has another account's row.
    """
    _need(grant, LinkAction.CANCEL)
    account = grant.place.owner

    def change(row: Link | None) -> Link:
        if row is None:
            return Link(link_id, account, "", "", "", now, cancelled_at=now)
        if row.account != account:
            raise LINK_OF_ANOTHER_ACCOUNT()
        return row if row.cancelled_at is not None else replace(row, cancelled_at=now)

    return await links.change_link(link_id, change)


async def cancel_by_rule(links: Links, grant: LinkGrant, scope: Scope, signed_before: int, now: int) -> Rule:
    """Cancel all links of a scope that were signed before then, whether or not anybody has seen them."""
    _need(grant, LinkAction.CANCEL)
    return await links.put_rule(Rule(scope, grant.place.owner, cancelled_before=signed_before, made_at=now))


async def need_registration(links: Links, grant: LinkGrant, scope: Scope, now: int) -> Rule:
    """From now on links of a scope work only when they have a row."""
    _need(grant, LinkAction.CREATE)
    return await links.put_rule(Rule(scope, grant.place.owner, registered_only=True, made_at=now))


async def remove_rule(links: Links, grant: LinkGrant, scope: Scope) -> None:
    """Links that it cancelled work again. Raises: OssError RULE_UNKNOWN."""
    _need(grant, LinkAction.CREATE)
    try:
        await links.remove_rule(scope)
    except Gone:
        raise RULE_UNKNOWN() from None


async def find_uses(links: Links, grant: LinkGrant, link_id: str, now: float) -> Uses:
    """The account of a link's uses as it is now."""
    _need(grant, LinkAction.LIST)
    return settle(read_uses(await links.find_uses(link_id)), now)


def _row_of(named: NamedLink, now: int) -> Link:
    return Link(named.id, named.account, named.access_key_id, named.bucket, named.key, now, named.ends_at)


def _need(grant: LinkGrant, action: LinkAction) -> None:
    """Raises: TypeError, when this is a grant for something else: the mistake is in the code."""
    if grant.action is not action:
        raise TypeError(f"a grant for {grant.action.name} is none for {action.name}")
