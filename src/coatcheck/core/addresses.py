"""Network addresses as text, and to which of them the server may connect when a client asks for it. Pure; names are
resolved elsewhere."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_V4: Final = 0xFFFF_FFFF

# IPv4 that no server of the public Internet has. Source: IANA, IPv4 Special-Purpose Address Registry; RFC 5771 and 1112
# (224.0.0.0/3); the metadata services of clouds that stand at public addresses.
_V4_RESERVED: Final = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # shared by carriers; 100.100.100.200 is Alibaba Cloud's metadata service
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's host, seen from its machines
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",  # 192.0.0.192 is Oracle's metadata service
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
        ),
    )
)

# Public IPv6 is 2000::/3 without these. Source: IANA, IPv6 Global Unicast and Special-Purpose Address Registries. All
# else is reserved, local (fc00::/7, fe80::/10, fec0::/10), multicast, or a form of an IPv4 address.
_V6_PUBLIC: Final = ipaddress.IPv6Network("2000::/3")
_V6_RESERVED: Final = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # protocols, Teredo among them, whose tunnels end wherever the address says
            "2001:db8::/32",
            "2002::/16",  # 6to4: as Teredo
            "3fff::/20",
        ),
    )
)
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)  # RFC 5214: the third quarter of an address whose fourth is an IPv4 one

# Forms of an IPv4 address, each with the four bytes at its end: mapped (RFC 4291) and NAT64's well-known prefix (RFC
# 6052). Other forms (compatible ::/96, translated ::ffff:0:0:0/96, NAT64's local 64:ff9b:1::/48) are never public.
_CARRIERS: Final = (ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96"))

# Names by which machines in a cloud know its metadata service; the address behind them may be any.
_METADATA_NAMES: Final = frozenset(
    {
        "instance-data",
        "instance-data.ec2.internal",
        "metadata",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.tencentyun.com",
    }
)


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


@lru_cache(maxsize=4096)
def name_client(peer: str) -> str:
    """The name under which what a client takes is counted: its IPv4 address, or its /64 of IPv6."""
    address = read_peer_address(peer.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address) if address is not None else peer


def read_network(text: str) -> Network:
    """ "10.0.0.0/8" or a single address. Raises: ValueError, with a sentence for the operator."""
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError as error:
        raise ValueError(f"{text!r} is not a network like 10.0.0.0/8, 192.0.2.7 or fd00::/8: {error}") from None


def is_metadata_name(name: str) -> bool:
    """Whether a host name is that of a cloud's metadata service, which gives keys to whoever reaches it."""
    return name.lower().rstrip(".") in _METADATA_NAMES


def may_reach(address: Address, allowed: Iterable[Network]) -> bool:
    """Whether an address is public, or in a network that the operator allows.

    Loopback, private, link-local, multicast and reserved addresses are not public, nor are IPv6 addresses that carry
    such an IPv4 address in any of the known forms, nor those of tunnels (6to4, Teredo), which end wherever they say.
    """
    address = _carried(address)
    if any(address in network for network in allowed if network.version == address.version):
        return True
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _V4_RESERVED)
    if address not in _V6_PUBLIC or any(address in network for network in _V6_RESERVED):
        return False
    number = int(address)
    return number >> 32 & _V4 not in _ISATAP or may_reach(ipaddress.IPv4Address(number & _V4), allowed)


def _carried(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv6Address) and any(address in network for network in _CARRIERS):
        return ipaddress.IPv4Address(int(address) & _V4)
    return address
