"""The routes of the admin listener. They take GET and HEAD, know nobody's key, and tell nobody's objects."""

from __future__ import annotations

import asyncio
import json
import platform
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from coatcheck import __version__
from coatcheck.exchange import Exchange
from coatcheck.metrics.exposition import CONTENT_TYPE, write_metrics
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

from .health import Health
from .looking import Watched

_METHODS: Final = frozenset({"GET", "HEAD"})
Route = Callable[[], Awaitable[Reply]]


class Admin:
    """The routes, as a pipeline."""

    def __init__(self, watched: Watched, health: Health) -> None:
        self._watched = watched
        self._health = health
        self._routes: Mapping[bytes, Route] = {
            b"/metrics": self._metrics,
            b"/health/live": self._live,
            b"/health/ready": self._ready,
            b"/version": self._version,
        }

    def begin(self, request: Request, request_id: str, now: float) -> Exchange:
        """An exchange that nobody counts or logs."""
        return Exchange(request, request_id, now, self.answer)

    async def answer(self, exchange: Exchange) -> Reply:
        request = exchange.request
        route = self._routes.get(request.raw_path)
        if route is None:
            return _write_text(404, f"There are {', '.join(path.decode() for path in self._routes)}.")
        if request.method not in _METHODS:
            reply = _write_text(405, "It takes GET and HEAD.")
            return replace(reply, headers=(*reply.headers, (b"Allow", b"GET, HEAD")))
        return await route()

    async def _metrics(self) -> Reply:
        self._watched.sample()
        body = await asyncio.to_thread(self._write_metrics)
        return Reply(200, ((b"Content-Type", CONTENT_TYPE), _NO_STORE), body)

    def _write_metrics(self) -> bytes:
        cells = self._watched.cells
        return write_metrics(cells.layout, cells.totals(), self._watched.look())

    async def _live(self) -> Reply:
        """Whoever gets this has met an event loop that runs."""
        return _write_json(200, {"live": True})

    async def _ready(self) -> Reply:
        found, workers = await self._health.look(), self._watched.pulse.taking()
        ready = not found.reads and workers > 0
        said = {"ready": ready, "reads": _write_answer(found.reads), "writes": _write_answer(found.writes)}
        return _write_json(200 if ready else 503, {**said, "workers": workers})

    async def _version(self) -> Reply:
        return _write_json(200, {"version": __version__, "python": platform.python_version()})


_NO_STORE: Final = (b"Cache-Control", b"no-store")


def _write_answer(trouble: str) -> str:
    return f"no, {trouble}" if trouble else "yes"


def _write_json(status: int, document: Mapping[str, Any]) -> Reply:
    headers = ((b"Content-Type", b"application/json"), _NO_STORE)
    return Reply(status, headers, json.dumps(document).encode() + b"\n")


def _write_text(status: int, text: str) -> Reply:
    return Reply(status, ((b"Content-Type", b"text/plain; charset=utf-8"), _NO_STORE), text.encode() + b"\n")
