"""Links that only some addresses may use: x-oss-ac-source-ip, x-oss-ac-subnet-mask, x-oss-ac-vpc-id.

OSS does not compare addresses: it puts the caller's own network into the text that is signed, so a caller from
elsewhere gets a signature that doesn't match. Source: signing reference, 2.5.

Behind a proxy of ours there are two callers, the proxy and its client. The link's word is meant for the one that
connects, unless it also says x-oss-ac-forward-allow=true: then for the client that the proxy names.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Final

from coatcheck.core.addresses import Address, read_peer_address
from coatcheck.core.errors import QUERY_AUTHORIZATION_INVALID
from coatcheck.wire.query import Parameter, Parameters, Query

SOURCE_IP: Final = "x-oss-ac-source-ip"
SUBNET_MASK: Final = "x-oss-ac-subnet-mask"
VPC_ID: Final = "x-oss-ac-vpc-id"
FORWARD_ALLOW: Final = "x-oss-ac-forward-allow"


def is_restricted(query: Query) -> bool:
    """Whether a link names the addresses that may use it."""
    first = query.first
    return SUBNET_MASK in first or SOURCE_IP in first or VPC_ID in first


def restricted_readings(query: Query, client: str, peer: str = "") -> list[Parameters]:
    """The parameters as the signer must have had them if the caller is one who may use the link.

    Args:
        client: the address of who asks.
        peer: the address of the trusted proxy that brought the request, if one did.
    Returns:
        First with the caller's network in place of the source address. Second, as sent, if the caller lies within the
        address and mask that the link itself names: a signer may have written an address whose host bits are set. None
        for a link bound to a VPC (we have none), if the caller's address isn't known, or is of the other kind of IP.
    Raises:
        OssError: INVALID_ARGUMENT for a mask that is not a number of bits.
    """
    forwarded = query.first.get(FORWARD_ALLOW, "").lower() == "true"
    address = read_peer_address(client if forwarded else peer or client)
    named = read_peer_address(query.first.get(SOURCE_IP, ""))
    mask_bits = _read_mask(query.first.get(SUBNET_MASK), named or address)
    if address is None or VPC_ID in query.first or (named is not None and named.version != address.version):
        return []
    network = ip_network((address, address.max_prefixlen if mask_bits is None else mask_bits), strict=False)
    readings = [_with_source_ip(query.parameters, str(network.network_address))]
    if named is not None and named in network:
        readings.append(query.parameters)
    return readings


def _read_mask(text: str | None, address: Address | None) -> int | None:
    """The number of leading one bits; without a mask, None, the address itself is meant."""
    if text is None:
        return None
    widest = 32 if address is None else address.max_prefixlen
    if len(text) <= 3 and text.isascii() and text.isdigit() and int(text) <= widest:
        return int(text)
    raise QUERY_AUTHORIZATION_INVALID(
        f"{SUBNET_MASK} must be a number of bits from 0 to {widest}.",
        ec="0002-00000601",
        ArgumentName=SUBNET_MASK,
        ArgumentValue=text,
    )


def _with_source_ip(parameters: Parameters, address: str) -> Parameters:
    kept = tuple(parameter for parameter in parameters if parameter.name != SOURCE_IP)
    return (*kept, Parameter(SOURCE_IP, address))
