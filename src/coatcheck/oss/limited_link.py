"""A request that came by a link, held to what the register of links says; and a download that takes one of its uses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from coatcheck.core.body import Stream, nothing
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import LINK_FOR_PEOPLE
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import Caller
from coatcheck.links.robots import is_robot
from coatcheck.links.standing import Presented, check_standing
from coatcheck.links.uses import Content
from coatcheck.operations.limited import name_receiver
from coatcheck.operations.pacing import paced_content
from coatcheck.ports.links import Limits, Links
from coatcheck.wire.reply import RawHeader, Reply
from coatcheck.wire.target import Target

from .call import Call

_KEEP_NOTHING: tuple[RawHeader, ...] = ((b"cache-control", b"private, no-store"),)


async def hold_to_register(register: Links, exchange: Exchange, target: Target) -> Caller:
    """Who came by a link, with what the register allows it less. Raises: OssError, what `check_standing` refuses."""
    caller = exchange.caller
    assert caller is not None
    standing = await register.find_standing(caller.link, caller.access_key_id, target.bucket or "", target.key or "")
    presented = Presented(caller.account, exchange.signed_at_s, exchange.request.client)
    limits = check_standing(standing, presented, exchange.now)
    return caller if limits is None else caller._replace(limits=limits)


async def count_download(call: Call, reply: Reply, content: Content, span: ByteRange) -> Reply:
    """The reply as a download of a limited link; a reply of any other link, and of no link, as it is.

    Raises: OssError LINK_USED_UP, LINK_FOR_PEOPLE; what the register raises.
    """
    limits, links = call.caller.limits, call.ports.links
    if limits is None or links is None:
        return reply
    body = _paced(reply.body, limits)
    if limits.downloads is None:
        return reply._replace(body=body)
    try:
        agent = call.request.headers.get("user-agent", "")
        if is_robot(agent):
            raise LINK_FOR_PEOPLE()
        receiver = name_receiver(call.request.client, agent)
        download = await links.begin(call.caller.link, limits.downloads, receiver, content, span, call.now)
    except BaseException:
        if isinstance(body, Stream):
            await body.close()
        raise
    headers = tuple(header for header in reply.headers if header[0].lower() != b"cache-control")
    return reply._replace(
        headers=(*headers, *_KEEP_NOTHING),
        body=download.stream(body if isinstance(body, Stream) else _stream(body)),
        when_ended=partial(links.end, download),
    )


def _paced(body: bytes | Stream, limits: Limits) -> bytes | Stream:
    return paced_content(body, limits.rate_bits_per_s) if limits.rate_bits_per_s else body


def _stream(content: bytes) -> Stream:
    return Stream(_one(content), len(content), nothing)


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content
