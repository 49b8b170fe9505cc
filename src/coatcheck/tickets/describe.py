"""What a page says of a ticket, found with the rights of its maker."""

from __future__ import annotations

from typing import Final

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.access.facts import read_request_facts
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import NO_SUCH_KEY, OssError
from coatcheck.core.limits import PAGE_FILES_MAX, PREVIEW_PICTURE_MAX_BYTES, PREVIEW_TEXT_MAX_BYTES
from coatcheck.links.uses import settle
from coatcheck.links.uses_text import read_uses
from coatcheck.operations.context import Context, Ports
from coatcheck.operations.get import inline_content, open_content
from coatcheck.ports.object import DELETE_MARKER, SYMLINK, ObjectRecord
from coatcheck.ports.tickets import Box
from coatcheck.wire.request import Request

from .folder import list_folder
from .objects import name_file
from .presented import Good, find_bucket
from .views import BoxView, FolderView, ObjectView, Preview, TicketView

_PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff"})
_TEXTS: Final = frozenset({"application/json", "application/x-yaml", "application/toml", "application/javascript"})


async def view_object(ports: Ports, good: Good, request: Request, now: float) -> ObjectView:
    """The page of the one object that a ticket names. Raises: OssError, of a maker who may not read it any more."""
    ticket = good.ticket
    bucket = await find_bucket(ports.catalog, good)
    key = ticket.keys[0]
    found = await ports.catalog.find_object(bucket.bucket_id, key, ticket.version_id or None)
    context = Context(ports, good.caller, now, read_request_facts(request))
    grant = context.decide(Action.GET_OBJECT, bucket, key, found, versioned=bool(ticket.version_id))
    if found is None or found.kind == DELETE_MARKER:
        raise NO_SUCH_KEY(Key=key)
    content_type = _type_of(found)
    preview = _choose_preview(ports, good, found, content_type)
    text = ""
    if preview is Preview.TEXT:
        preview, text = await _read_text(context, grant, found)
    size = None if ticket.process or found.kind == SYMLINK else found.size
    return ObjectView(await _view(ports, good, now), name_file(ticket, key), size, content_type, preview, text)


async def view_folder(ports: Ports, good: Good, request: Request, now: float) -> FolderView:
    """A page of what is in a folder or list. Raises: OssError, of a maker who may not list it any more."""
    after = request.query.get("after") or ""
    folder = await list_folder(ports, good, request, now, after=after, most=PAGE_FILES_MAX)
    name = good.ticket.keys[0].rstrip("/").rpartition("/")[2] if len(good.ticket.keys) == 1 else ""
    return FolderView(await _view(ports, good, now), name, folder.files, folder.next, not after)


async def view_box(ports: Ports, good: Good, now: float) -> BoxView:
    box, taken = good.ticket.box or Box(), await ports.arrivals.find_taken(good.ticket.id)
    files_left = None if box.files_max is None else max(0, box.files_max - taken.files)
    bytes_left = None if box.bytes_max is None else max(0, box.bytes_max - taken.size_bytes)
    return BoxView(await _view(ports, good, now), box, files_left, bytes_left)


async def _view(ports: Ports, good: Good, now: float) -> TicketView:
    link = good.link
    left, limit = None, link.limits.downloads
    if limit is not None and good.counts_whole:
        uses = settle(read_uses(await ports.links.register.find_uses(link.id)), now)
        left = max(0, limit - uses.taken)
    return TicketView(good.address, link.note, link.ends_at, left)


def _type_of(found: ObjectRecord) -> str:
    for name, value in found.headers:
        if name == b"content-type":
            return value.decode("utf-8", "replace").partition(";")[0].strip().lower()
    return "application/octet-stream"


def _choose_preview(ports: Ports, good: Good, found: ObjectRecord, content_type: str) -> Preview:
    """Of a link that may be used so often and no more only a small picture is shown: it isn't the file."""
    if good.ticket.process or found.kind == SYMLINK:
        return Preview.NOTHING
    if content_type in _PICTURES and ports.renderer is not None and found.size <= PREVIEW_PICTURE_MAX_BYTES:
        return Preview.PICTURE
    if good.link.limits.downloads is not None:
        return Preview.NOTHING
    kind = content_type.partition("/")[0]
    if kind in ("video", "audio"):
        return Preview(kind)
    if (kind == "text" or content_type in _TEXTS) and found.size <= PREVIEW_TEXT_MAX_BYTES:
        return Preview.TEXT
    return Preview.NOTHING


async def _read_text(context: Context, grant: Grant, found: ObjectRecord) -> tuple[Preview, str]:
    """A short text, whole. What can't be read now (archived, say) has no preview."""
    span = ByteRange(0, found.size)
    try:
        content = inline_content(context, grant, found, span)
        if content is None:
            stream = await open_content(context, grant, found, span)
            try:
                content = b"".join([chunk async for chunk in stream.chunks])
            finally:
                await stream.close()
        return Preview.TEXT, content.decode()
    except (OssError, UnicodeDecodeError):
        return Preview.NOTHING, ""
