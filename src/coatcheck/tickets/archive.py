"""All of a folder or a list as one ZIP."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.access.facts import AccessFacts, Decision, read_request_facts
from coatcheck.core.byte_range import ByteRange
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import UsedLink
from coatcheck.operations.archive_download import ArchiveDownload
from coatcheck.operations.archive_members import Archive, Named, members_of, members_under
from coatcheck.operations.context import Context, Ports
from coatcheck.operations.limited import name_receiver
from coatcheck.operations.limited_archive import LimitedArchive, Receiver
from coatcheck.oss.archive_reply import WhenEnded, reply_with_archive
from coatcheck.ports.tickets import Names
from coatcheck.wire.reply import Reply

from .objects import add_headers
from .presented import Good, find_bucket


async def serve_archive(ports: Ports, exchange: Exchange, good: Good) -> Reply:
    """GET or HEAD of the ZIP. Raises: OssError."""
    bucket = await find_bucket(ports.catalog, good)
    ticket, request = good.ticket, exchange.request
    is_folder = ticket.names is Names.PREFIX
    key = ticket.keys[0] if is_folder else ""
    exchange.operation, exchange.key = "ticket_archive", key
    exchange.link = UsedLink(good.caller, good.bucket, key, good.link.registered_at)
    facts = replace(read_request_facts(request), prefix=key)
    context = Context(ports, good.caller, exchange.now, facts)
    action, of_key = (Action.LIST_OBJECTS, None) if is_folder else (Action.GET_OBJECT, ticket.keys[0])
    exchange.decided = Decision(good.caller, action, AccessFacts(bucket, of_key, request=facts, now=exchange.now))
    folder, _, _ = key.rstrip("/").rpartition("/")

    async def gather() -> Archive:
        if is_folder:
            context.decide(Action.LIST_OBJECTS, bucket)
            return await members_under(context, bucket, key, root=f"{folder}/" if folder else "")
        return await members_of(context, [Named(bucket, named, None, named) for named in ticket.keys])

    limits = good.caller.limits
    limit = None if limits is None else limits.downloads

    async def take_uses(download: ArchiveDownload, span: ByteRange) -> WhenEnded | None:
        if limit is None:
            return None
        name = name_receiver(request.client, request.headers.get("user-agent", ""))
        uses = LimitedArchive(ports.links.register, Receiver(good.link.id, limit, name), download, span, exchange.now)
        await uses.begin()
        ports.links.note(uses)
        return partial(ports.links.end, uses)

    name = key.rstrip("/").rpartition("/")[2] or good.bucket
    return add_headers(await reply_with_archive(context, request, gather, name, take_uses))
