"""A request that came by a link, held to what the register of links says; and a download that takes one of its uses."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from coatcheck.core.body import Stream, nothing, one_chunk
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import LINK_FOR_PEOPLE
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import Caller
from coatcheck.links.robots import is_robot
from coatcheck.links.uses import Content
from coatcheck.operations.limited import find_limits, name_receiver
from coatcheck.operations.pacing import Meter, paced_content
from coatcheck.ports.links import LimitedPart, Limits, Links
from coatcheck.wire.reply import RawHeader, Reply

from .call import Call

_KEEP_NOTHING: tuple[RawHeader, ...] = ((b"cache-control", b"private, no-store"),)


async def hold_to_register(register: Links, exchange: Exchange) -> Caller:
    """Who came by a link, with what the register allows it less. Raises: OssError, what `check_standing` refuses."""
    assert exchange.link is not None
    caller = exchange.link.caller
    limits = await find_limits(register, exchange.link, exchange.request.client, exchange.now)
    return caller if limits is None else replace(caller, limits=limits)


async def count_download(call: Call, reply: Reply, content: Content, span: ByteRange) -> Reply:
    """The reply as a download of a limited link; a reply of any other link, and of no link, as it is.

    Raises: OssError LINK_USED_UP, LINK_FOR_PEOPLE; what the register raises.
    """
    limits, links = call.caller.limits, call.ports.links
    if limits is None:
        return reply
    body = _paced(reply.body, limits)
    if limits.downloads is None:
        return replace(reply, body=body)
    try:
        agent = call.request.headers.get("user-agent", "")
        if is_robot(agent):
            raise LINK_FOR_PEOPLE()
        receiver = name_receiver(call.request.client, agent)
        counted = LimitedPart(call.caller.link, call.caller.part)
        download = await links.begin(counted, limits.downloads, receiver, content, span, call.now)
    except BaseException:
        if isinstance(body, Stream):
            await body.close()
        raise
    headers = tuple(header for header in reply.headers if header[0].lower() != b"cache-control")
    return replace(
        reply,
        headers=(*headers, *_KEEP_NOTHING),
        body=download.stream(body if isinstance(body, Stream) else _stream(body)),
        when_ended=partial(links.end, download),
    )


def _paced(body: bytes | Stream, limits: Limits) -> bytes | Stream:
    return paced_content(body, (Meter(limits.rate_bits_per_s),)) if limits.rate_bits_per_s else body


def _stream(content: bytes) -> Stream:
    return Stream(one_chunk(content), len(content), nothing)
