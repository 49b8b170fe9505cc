"""Requests to addresses that clients name, by httpx: what callbacks and fetches have in common.

A name is looked up once, its address is checked, and exactly that address is connected to, under the name's own
certificate. No redirect is followed here, and no proxy of the environment is asked. httpx and OpenSSL are loaded by the
first request, not before.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from ..core.addresses import Address, Network, is_metadata_name, may_reach, read_address
from ..ports.notifier import Forbidden, Unreachable

if TYPE_CHECKING:
    import httpx


class Sending(Struct, frozen=True):
    """One request. `silence_s`: how long the other side may be silent once it is connected."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None = None
    silence_s: float = 5.0


class Outgoing:
    """One a process.

    Args:
        allowed: networks that are allowed though they aren't public.
    """

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = tuple(allowed)
        self._tls: ssl.SSLContext | None = None

    def may_reach(self, host: str) -> bool:
        """False for an address that is refused as it stands; a name is only looked up by `open`."""
        address = read_address(host)
        return not is_metadata_name(host) if address is None else may_reach(address, self._allowed)

    @asynccontextmanager
    async def open(self, sending: Sending) -> AsyncIterator[httpx.Response]:
        """The answer's head; its body is then read within `as_unreachable`. Raises: Unreachable, Forbidden."""
        import httpx

        parts = _read_url(sending.url)
        name, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        address = await self.resolve(name, port)
        literal = f"[{address}]" if address.version == 6 else str(address)
        headers = {"Host": parts.netloc.rpartition("@")[2], **sending.headers}
        async with httpx.AsyncClient(verify=self._tls_context(), trust_env=False, follow_redirects=False) as client:
            with as_unreachable():
                request = client.build_request(
                    sending.method,
                    f"{parts.scheme}://{literal}:{port}{path_of(parts)}",
                    headers=headers,
                    content=sending.content,
                    extensions={"sni_hostname": name},
                    timeout=sending.silence_s,
                )
                answer = await client.send(request, stream=True)
            try:
                yield answer
            finally:
                await answer.aclose()

    async def resolve(self, name: str, port: int) -> Address:
        """The one address that will be connected to. Raises: Unreachable, Forbidden."""
        if is_metadata_name(name):
            raise Forbidden(name)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Unreachable("its name is not known") from None
        address = read_address(str(found[0][4][0])) if found else None
        if address is None:
            raise Unreachable("its name is not known")
        if not may_reach(address, self._allowed):
            raise Forbidden(name)
        return address

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def path_of(parts: SplitResult) -> str:
    """Path and query, as they are sent."""
    return parts._replace(scheme="", netloc="", fragment="").geturl() or "/"


@contextmanager
def as_unreachable() -> Iterator[None]:
    """What httpx raises is that there was no answer, or no whole one."""
    import httpx

    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        raise Unreachable(type(error).__name__) from None


def _read_url(url: str) -> SplitResult:
    """Raises: Unreachable."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Unreachable("its address is not one of http or https")
    return parts
