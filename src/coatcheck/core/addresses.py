"""Network addresses as text, and which of them the server may be sent to by somebody else's words. Pure; resolving is
not done here."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")  # stands for the IPv4 address in its last four bytes


def read_address(text: str) -> Address | None:
    """An IP address, with or without brackets; None for anything else, a host name among them."""
    try:
        return ipaddress.ip_address(text.removeprefix("[").removesuffix("]").partition("%")[0])
    except ValueError:
        return None


def read_peer_address(text: str) -> Address | None:
    """Who is at the other end; IPv4 written as IPv6 (::ffff:192.0.2.7) is that of IPv4. None for anything else."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def read_network(text: str) -> Network:
    """ "10.0.0.0/8" or a single address. Raises: ValueError, with a sentence for the operator."""
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError as error:
        raise ValueError(f"{text!r} is not a network like 10.0.0.0/8, 192.0.2.7 or fd00::/8: {error}") from None


def may_reach(address: Address, allowed: Iterable[Network]) -> bool:
    """Whether an address is public, or in a network that the operator allows.

    Loopback, private, link-local, multicast and reserved addresses are not public, nor are IPv6 addresses that carry
    such an IPv4 address (mapped, NAT64), nor those of tunnels (6to4, Teredo), which end wherever they say.
    """
    address = _carried(address)
    if any(address in network for network in allowed if network.version == address.version):
        return True
    if isinstance(address, ipaddress.IPv6Address) and (address.sixtofour or address.teredo):
        return False
    return address.is_global and not address.is_multicast


def _carried(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
