"""The service at /t/: a ticket's object, its folder, its password. Programs get bytes, people get pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import parse_qs

from msgspec.structs import replace

from coatcheck.core.errors import ENTITY_TOO_LARGE, INTERNAL_ERROR, INVALID_ARGUMENT, METHOD_NOT_ALLOWED, OssError
from coatcheck.core.limits import LINK_PAGE_MAX
from coatcheck.core.page_size import read_page_size
from coatcheck.core.ticket_errors import TICKET_FILE_UNKNOWN, TICKET_USED_UP
from coatcheck.core.times import write_iso
from coatcheck.exchange import Exchange
from coatcheck.links.robots import is_robot
from coatcheck.operations.context import Ports
from coatcheck.ports.damage import Damaged
from coatcheck.ports.tickets import Names
from coatcheck.wire.browser import is_navigation
from coatcheck.wire.form import FormMemory
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import BodyFailed, Request

from .address import PREFIX
from .archive import serve_archive
from .box import AdmitUpload, BoxPorts
from .box_service import answer_box
from .describe import view_folder, view_object
from .folder import list_folder
from .lock import Lock
from .objects import ServeObject, Way, add_headers, name_file, serve_object, write_json
from .presented import Good, TicketBook, as_ticket, find_good
from .views import Pages, Preview

_FORM_MAX_BYTES: Final = 4096
_FORM: Final = "application/x-www-form-urlencoded"
_ALLOW: Final = ((b"Allow", b"GET, HEAD"),)


class TicketPorts(NamedTuple):
    """What the service stands on.

    Attributes:
        clock: Unix seconds.
        admit: whether a bucket lets itself be asked so.
    """

    book: TicketBook
    lock: Lock
    ports: Ports
    serve: ServeObject
    pages: Pages
    clock: Callable[[], float]
    admit: AdmitUpload


class TicketService:
    """Answers what is asked below /t/."""

    def __init__(self, ports: TicketPorts) -> None:
        self._ports = ports
        self._forms = FormMemory()

    async def answer(self, exchange: Exchange) -> Reply:
        """The reply. The code stands in the path, so the exchange forgets the path: nothing of it is logged."""
        request = exchange.request
        exchange.operation = "ticket"
        try:
            return await self._answer(exchange)
        except OssError as error:
            return self._refuse(exchange, request, as_ticket(error))
        except Damaged:  # which object, and why, is in the log
            damaged = INTERNAL_ERROR("The stored bytes of this object are damaged.")
            return self._refuse(exchange, request, damaged)
        finally:
            if exchange.request is request:
                exchange.request = replace(request, raw_path=PREFIX)

    def _refuse(self, exchange: Exchange, request: Request, error: OssError) -> Reply:
        """By its status for programs, in a sentence for people."""
        if is_navigation(request):
            exchange.note_refusal(error)
            return self._ports.pages.write_refusal(request, error, exchange.request_id, exchange.now)
        return add_headers(exchange.refuse(error))

    async def _answer(self, exchange: Exchange) -> Reply:
        request, now = exchange.request, exchange.now
        good = await find_good(self._ports.book, request, now)
        exchange.bucket, exchange.access_key_id = good.bucket, good.caller.access_key_id
        try:
            if request.method == "POST" and _is_form(request):
                return await self._unlock(exchange, good)
            await self._ports.lock.check(good, request, now)
        except OssError as error:
            if not is_navigation(request):
                raise
            exchange.note_refusal(error)
            return self._ports.pages.write_password(request, good.address, error)
        if good.ticket.names is Names.BOX:
            return await self._answer_box(exchange, good)
        if request.method not in ("GET", "HEAD"):
            raise METHOD_NOT_ALLOWED(Method=request.method, headers=_ALLOW)
        match good.ticket.names:
            case Names.OBJECT:
                return await self._give_object(exchange, good)
            case _:
                return await self._give_folder(exchange, good)

    async def _answer_box(self, exchange: Exchange, good: Good) -> Reply:
        request, clock = exchange.request, self._ports.clock

        async def find_again() -> Good:
            return await find_good(self._ports.book, request, clock())

        box = BoxPorts(self._ports.ports, self._forms, self._ports.admit)
        return await answer_box(box, self._ports.pages, exchange, good, find_again)

    async def _unlock(self, exchange: Exchange, good: Good) -> Reply:
        """The form with the password. Right: back to where it was sent, with a cookie."""
        request = exchange.request
        password = (await _read_form(request)).get("password", "")
        await self._ports.lock.try_password(good, password, request.client, exchange.now)
        cookie = self._ports.lock.make_cookie(good, exchange.now, secure=request.secure)
        return add_headers(Reply(303, ((b"Location", request.raw_path), cookie)))

    async def _give_object(self, exchange: Exchange, good: Good) -> Reply:
        request, ports = exchange.request, self._ports
        key, way = good.ticket.keys[0], _read_way(request)
        if good.path not in ("", name_file(good.ticket, key)):
            raise TICKET_FILE_UNKNOWN()
        if way is None and not good.path and _wants_page(request):
            view = await view_object(ports.ports, good, request, exchange.now)
            if view.ticket.downloads_left == 0:
                raise TICKET_USED_UP()
            return ports.pages.write_object(request, view, exchange.now)
        if way is Way.PREVIEW:
            view = await view_object(ports.ports, good, request, exchange.now)
            if view.preview is not Preview.PICTURE:
                raise TICKET_FILE_UNKNOWN()
        return await serve_object(ports.serve, exchange, good, key, way)

    async def _give_folder(self, exchange: Exchange, good: Good) -> Reply:
        request, ports = exchange.request, self._ports
        path = good.path or request.query.get("file") or ""
        if path:
            way = _read_way(request)
            key = find_key(good, path)
            return await serve_object(ports.serve, exchange, good, key, None if way is Way.PREVIEW else way)
        if _wants_page(request) and not {"list", "zip"} & request.query.first.keys():
            view = await view_folder(ports.ports, good, request, exchange.now)
            return ports.pages.write_folder(request, view, exchange.now)
        if "list" in request.query:
            return await self._list(exchange, good)
        return await serve_archive(ports.ports, exchange, good)

    async def _list(self, exchange: Exchange, good: Good) -> Reply:
        """For programs."""
        request = exchange.request
        most = read_page_size(request.query.get("limit"), LINK_PAGE_MAX)
        after = request.query.get("after") or ""
        folder = await list_folder(self._ports.ports, good, request, exchange.now, after=after, most=most)
        files = [
            {"path": file.path, "size": file.size, "modified_at": write_iso(int(file.modified_at))}
            for file in folder.files
        ]
        return write_json({"files": files, "next": folder.next})


def find_key(good: Good, path: str) -> str:
    """The object of a folder or list that a path names; never one outside. Raises: OssError TICKET_FILE_UNKNOWN."""
    ticket = good.ticket
    if ticket.names is Names.PREFIX:
        return ticket.keys[0] + path
    if ticket.names is Names.LIST and path in ticket.keys:
        return path
    raise TICKET_FILE_UNKNOWN()


def _wants_page(request: Request) -> bool:
    """Programs that show previews of links see the page, and use nothing up."""
    return is_navigation(request) or is_robot(request.headers.get("user-agent", ""))


def _read_way(request: Request) -> Way | None:
    for way in Way:
        if way.value in request.query:
            return way
    return None


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM


async def _read_form(request: Request) -> dict[str, str]:
    body = bytearray()
    try:
        async for chunk in request.body.chunks():
            body += chunk
            if len(body) > _FORM_MAX_BYTES:
                raise ENTITY_TOO_LARGE()
    except BodyFailed:
        raise INVALID_ARGUMENT("The form broke off.") from None
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=16)
    except ValueError:
        raise INVALID_ARGUMENT("The form has too many fields.") from None
    return {name: values[0] for name, values in fields.items()}
