"""Getting what another server has, from an address that a client named. The rules are those of `notifier`: each name is
looked up once and its address checked before it is connected to, that of every redirect too; what isn't public is
refused unless the operator allows it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from msgspec import Struct

from .notifier import Forbidden


class Source(Struct, frozen=True):
    """What to ask for.

    Attributes:
        url: http or https, without user and password.
        host: for the Host header; "" for the URL's own.
        headers: further ones; another server than the first, to which that redirects, is told none of them.
        marks: the same, which every server is told.
        redirects: how many are followed.
    """

    url: str
    host: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    marks: tuple[tuple[str, str], ...] = ()
    redirects: int = 0


class Fetched(NamedTuple):
    """What came back, its content still on its way.

    Attributes:
        headers: by names in lower case, bytes as Latin-1.
        size: of the content, as announced; None if it wasn't.
        chunks: the content as it was sent, undecoded. Raises: Unreachable, if it breaks off, stalls, or takes too long.
    """

    status: int
    headers: Mapping[str, str]
    size: int | None
    chunks: AsyncIterator[bytes]


class Fetcher(Protocol):
    def may_reach(self, host: str) -> bool:
        """False for an address that is refused as it stands; a name is only looked up by `fetch`."""
        ...

    def fetch(self, source: Source) -> AbstractAsyncContextManager[Fetched]:
        """Entering raises: Unreachable, Forbidden. Leaving ends the connection."""
        ...


class NoFetcher:
    """Where nothing is fetched."""

    def may_reach(self, host: str) -> bool:
        return False

    def fetch(self, source: Source) -> AbstractAsyncContextManager[Fetched]:
        raise Forbidden(source.url)
