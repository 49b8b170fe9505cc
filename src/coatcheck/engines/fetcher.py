"""Fetching by HTTP: redirects followed one by one, time bounded. See `ports.fetcher`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from ..core.addresses import Network
from ..core.limits import FETCH_ANSWER_S, FETCH_SILENCE_S, FETCH_TIME_MAX_S
from ..ports.fetcher import Fetched, Source
from ..ports.notifier import Unreachable
from .outgoing import Outgoing, Sending, as_unreachable

if TYPE_CHECKING:
    import httpx

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PLAIN: Final = {"Accept": "*/*", "Accept-Encoding": "identity"}


class HttpFetcher:
    """See `ports.fetcher`.

    Args:
        allowed: networks that are allowed though they aren't public.
    """

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._outgoing = Outgoing(allowed)

    def may_reach(self, host: str) -> bool:
        return self._outgoing.may_reach(host)

    @asynccontextmanager
    async def fetch(self, source: Source) -> AsyncIterator[Fetched]:
        deadline = asyncio.get_running_loop().time() + FETCH_TIME_MAX_S
        async with AsyncExitStack() as opened:
            answer = await self._open(source, opened)
            headers = {name.lower(): value for name, value in answer.headers.multi_items()}
            yield Fetched(answer.status_code, headers, _size(headers), _chunks(answer, deadline))

    async def _open(self, source: Source, opened: AsyncExitStack) -> httpx.Response:
        """The answer that is no redirect, or the first that isn't followed."""
        url, own = source.url, {**({"Host": source.host} if source.host else {}), **dict(source.headers)}
        for left in range(source.redirects, -1, -1):
            headers = {**_PLAIN, **own, **dict(source.marks)}
            answer = await self._head(Sending("GET", url, headers, silence_s=FETCH_SILENCE_S), opened)
            target = answer.headers.get("location")
            if answer.status_code not in _REDIRECTS or not target or not source.redirects:
                return answer
            if not left:
                break
            moved = _join(url, target)
            if urlsplit(moved)[:2] != urlsplit(url)[:2]:
                own = {}
            url = moved
            await opened.aclose()
        raise Unreachable(f"it redirects more than {source.redirects} times")

    async def _head(self, sending: Sending, opened: AsyncExitStack) -> httpx.Response:
        try:
            async with asyncio.timeout(FETCH_ANSWER_S):
                return await opened.enter_async_context(self._outgoing.open(sending))
        except TimeoutError:
            raise Unreachable(f"no answer within {FETCH_ANSWER_S:g} seconds") from None


async def _chunks(answer: httpx.Response, deadline: float) -> AsyncIterator[bytes]:
    now = asyncio.get_running_loop().time
    with as_unreachable():
        pieces = answer.aiter_raw()
    while True:
        with as_unreachable():
            piece = await anext(pieces, None)
        if piece is None:
            return
        if now() > deadline:
            raise Unreachable(f"its content takes longer than {FETCH_TIME_MAX_S:g} seconds")
        yield piece


def _size(headers: dict[str, str]) -> int | None:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _join(url: str, target: str) -> str:
    """Raises: Unreachable."""
    try:
        return urljoin(url, target)
    except ValueError:
        raise Unreachable("it redirects to what is no address") from None
