"""What is in a ticket's folder or list: pages of files, seen with the rights of the ticket's maker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.access.facts import read_request_facts
from coatcheck.core.errors import OssError
from coatcheck.core.limits import LINK_PAGE_MAX
from coatcheck.operations.context import Context, Ports
from coatcheck.operations.list import Selection, list_objects
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import DELETE_MARKER
from coatcheck.ports.tickets import Names
from coatcheck.wire.request import Request

from .presented import Good, find_bucket


class File(NamedTuple):
    """One file of a folder.

    Attributes:
        path: below the ticket.
        size: in bytes.
        modified_at: Unix seconds.
    """

    path: str
    key: str
    size: int
    modified_at: float


class Folder(NamedTuple):
    """A page of files, in the order of their keys; `next` is None on the last one."""

    files: Sequence[File]
    next: str | None


async def list_folder(
    ports: Ports, good: Good, request: Request, now: float, *, after: str = "", most: int = LINK_PAGE_MAX
) -> Folder:
    """The page behind a path.

    Raises: OssError, of a maker who may not list any more; NO_SUCH_BUCKET.
    """
    bucket = await find_bucket(ports.catalog, good)
    ticket = good.ticket
    prefix = ticket.keys[0] if ticket.names is Names.PREFIX else ""
    facts = replace(read_request_facts(request), prefix=prefix)
    context = Context(ports, good.caller, now, facts)
    if ticket.names is Names.LIST:
        return await _list_named(context, bucket, [key for key in sorted(ticket.keys) if key > after], most)
    grant = context.decide(Action.LIST_OBJECTS, bucket)
    page = await list_objects(context, grant, Selection(prefix, "", most), prefix + after if after else "")
    files = [
        File(found.key.removeprefix(prefix), found.key, found.size, found.last_modified)
        for found in page.objects
        if found.key != prefix
    ]
    return Folder(files, None if page.next_marker is None else page.next_marker.removeprefix(prefix))


async def _list_named(context: Context, bucket: Bucket, keys: Sequence[str], most: int) -> Folder:
    """Of the list those that are there, and that the maker may read."""
    files = []
    for key in keys[:most]:
        found = await context.ports.catalog.find_object(bucket.bucket_id, key)
        try:
            context.decide(Action.GET_OBJECT, bucket, key, found)
        except OssError:
            continue
        if found is not None and found.kind != DELETE_MARKER:
            files.append(File(key, key, found.size, found.last_modified))
    return Folder(files, keys[most - 1] if len(keys) > most else None)
