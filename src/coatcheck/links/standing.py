"""What the register's word on a link means for one request: go on, or why not."""

from __future__ import annotations

from ipaddress import ip_network
from typing import NamedTuple

from coatcheck.core.addresses import read_peer_address
from coatcheck.core.errors import LINK_CANCELLED, LINK_NOT_REGISTERED, LINK_NOT_STARTED, LINK_WRONG_ADDRESS
from coatcheck.core.times import write_iso
from coatcheck.ports.links import Limits, Link, Standing


class Presented(NamedTuple):
    """A link whose signature held.

    Attributes:
        account: uid of the account whose key signed it.
        signed_at: Unix seconds; None where the signature doesn't say (V1, V2).
        address: of whoever presents it.
    """

    account: str
    signed_at: int | None
    address: str


def check_standing(standing: Standing, presented: Presented, now: float) -> Limits | None:
    """The link's limits, if it has a row; a row that names another account isn't this link's.

    A link that doesn't say when it was signed is taken to be older than any rule.

    Raises: OssError LINK_CANCELLED, LINK_NOT_REGISTERED, LINK_NOT_STARTED, LINK_WRONG_ADDRESS.
    """
    link = standing.link if standing.link is not None and standing.link.account == presented.account else None
    if _is_cancelled(link, standing.cancelled_before, presented.signed_at):
        raise LINK_CANCELLED()
    if standing.registered_only and (link is None or not link.access_key_id):
        raise LINK_NOT_REGISTERED()
    if link is None:
        return None
    if now < link.limits.starts_at:
        raise LINK_NOT_STARTED(ValidFrom=write_iso(link.limits.starts_at))
    if not _is_within(link.limits.networks, presented.address):
        raise LINK_WRONG_ADDRESS()
    return link.limits


def _is_cancelled(link: Link | None, cancelled_before: int, signed_at: int | None) -> bool:
    if link is not None and link.cancelled_at is not None:
        return True
    return cancelled_before > 0 and (signed_at is None or signed_at < cancelled_before)


def _is_within(networks: tuple[str, ...], address: str) -> bool:
    """Whether an address is in one of the networks; what is no address (a client behind a socket file) is in none."""
    if not networks:
        return True
    read = read_peer_address(address)
    return read is not None and any(read in ip_network(network) for network in networks)
