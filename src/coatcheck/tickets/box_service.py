"""The routes of an upload box: its page, files in the body of a PUT or a form, uploads in pieces."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from coatcheck.core.errors import METHOD_NOT_ALLOWED, OssError
from coatcheck.exchange import Exchange
from coatcheck.operations.context import Ports
from coatcheck.wire.browser import is_navigation
from coatcheck.wire.reply import Reply

from .box import BoxDesk, BoxPorts, Received, StillGood, Upload
from .describe import view_box
from .objects import write_json
from .presented import Good, as_ticket
from .views import Pages

_ALLOW: Final = ((b"Allow", b"GET, HEAD, POST, PUT"),)
_UPLOAD: Final = "upload"


async def answer_box(box: BoxPorts, pages: Pages, exchange: Exchange, good: Good, still_good: StillGood) -> Reply:
    """One request to a box whose password was given. Raises: OssError."""
    request, query = exchange.request, exchange.request.query
    if request.method in ("GET", "HEAD"):
        if _UPLOAD not in query:
            return pages.write_box(request, await view_box(box.ports, good, exchange.now), exchange.now)
        return write_json(_say_upload(await BoxDesk(box, exchange, good, still_good).find(query.get(_UPLOAD) or "")))
    if request.method not in ("POST", "PUT"):
        raise METHOD_NOT_ALLOWED(Method=request.method, headers=_ALLOW)
    desk = BoxDesk(box, exchange, good, still_good)
    if request.method == "PUT":
        if _UPLOAD in query:
            return write_json(_say_upload(await desk.add(query.get(_UPLOAD) or "", query.get("at") or "")))
        return write_json(_say_received(await desk.put(good.path or query.get("name") or "")), 201)
    if _UPLOAD in query:
        sent = (query.get(name) or "" for name in ("name", "type", "size"))
        return write_json(_say_upload(await desk.begin(*sent)), 201)
    return await _take_form(box.ports, pages, exchange, good, desk)


async def _take_form(ports: Ports, pages: Pages, exchange: Exchange, good: Good, desk: BoxDesk) -> Reply:
    """People see a page again that says what came, and what didn't and why; programs get JSON, or the refusal."""
    request, received = exchange.request, []
    refusal: OssError | None = None
    try:
        async for file in desk.take_form():
            received.append(file)
    except OssError as error:
        if not is_navigation(request):
            raise
        refusal = as_ticket(error).with_traceback(None)  # which would hold this frame: a circle
        exchange.note_refusal(refusal)
    if not is_navigation(request):
        return write_json({"files": [_say_received(file) for file in received]}, 201)
    view = await view_box(ports, good, exchange.now)
    names = tuple(file.name for file in received)
    page = pages.write_box(request, view._replace(received=names, refusal=refusal), exchange.now)
    return page if refusal is None else replace(page, status=refusal.status)


def _say_received(file: Received) -> dict[str, Any]:
    return file._asdict()


def _say_upload(upload: Upload) -> dict[str, Any]:
    return upload._asdict() | {"done": upload.is_done}
