"""Who asked, where a reverse proxy stands between: X-Forwarded-For, -Proto, -Host, or Forwarded (RFC 7239).

Anybody can write these headers, so they are read only when the connection comes from a proxy we trust, and the chain of
addresses is read from its end: each trusted proxy vouches for the one before it, and the first address that isn't a
trusted proxy's is the client, whatever stands further left.

A proxy that sets one kind of header may pass on the other as the client wrote it. If both kinds are there and disagree
about the client, nobody can say which is true, and the request is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from coatcheck.core.addresses import Address, read_network, read_peer_address
from coatcheck.core.errors import INVALID_REQUEST

from .request import Request

_FOR: Final = "x-forwarded-for"
_PROTO: Final = "x-forwarded-proto"
_HOST: Final = "x-forwarded-host"
_TLS_VERSION: Final = "x-forwarded-tls-version"  # ours: what nginx has as $ssl_protocol, "TLSv1.3"
_FORWARDED: Final = "forwarded"


class _Told(Struct, frozen=True):
    """What one kind of header says: the chain of addresses, client first; the scheme; the host."""

    chain: tuple[str, ...] = ()
    scheme: str = ""
    host: str = ""


class TrustedProxies:
    """The networks whose word on where a request came from is taken.

    Raises: ValueError, for something that is no network, with a sentence for the operator.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = tuple(map(read_network, networks))
        self._trusts = lru_cache(maxsize=1024)(self._is_within)

    def trusts(self, address: str) -> bool:
        """Whether an address is one of a trusted proxy."""
        return self._trusts(address)

    def see_through(self, request: Request) -> Request:
        """The request as its client sent it to the first proxy; unchanged if no trusted proxy brought it.

        Raises:
            OssError: INVALID_REQUEST, when the two kinds of header name two clients.
        """
        headers = request.headers
        if not self._trusts(request.client):
            return request
        told = _read_x_forwarded(headers.get(_FOR, ""), headers.get(_PROTO, ""), headers.get(_HOST, ""))
        if _FORWARDED in headers:
            standard = _read_forwarded(headers[_FORWARDED])
            if told.chain and self._client(told.chain, request) != self._client(standard.chain, request):
                raise INVALID_REQUEST(
                    "X-Forwarded-For and Forwarded name two different clients. "
                    "The proxy must set one and remove the other."
                )
            told = _Told(told.chain or standard.chain, told.scheme or standard.scheme, told.host or standard.host)
        return replace(
            request,
            headers={**headers, "host": told.host} if told.host else headers,
            client=self._client(told.chain, request),
            peer=request.client,
            secure=told.scheme == "https" if told.scheme else request.secure,
            tls_version=headers.get(_TLS_VERSION, ""),
            proxy_host=request.host if told.host else "",
        )

    def _client(self, chain: tuple[str, ...], request: Request) -> str:
        """The last address that isn't a trusted proxy's; "" if a trusted proxy didn't know it."""
        client = request.client
        for entry in reversed(chain):
            address = read_forwarded_address(entry)
            if address is None:
                return ""
            client = str(address)
            if not self._trusts(client):
                break
        return client

    def _is_within(self, client: str) -> bool:
        address = read_address(client)
        return address is not None and any(
            address.version == network.version and address in network for network in self._networks
        )


def read_address(text: str) -> Address | None:
    """As `read_peer_address`, remembered; what is too long for an address is none."""
    return _read_address(text) if len(text) <= _ADDRESS_MAX_CHARS else None


_ADDRESS_MAX_CHARS: Final = 64
_read_address = lru_cache(maxsize=1024)(read_peer_address)


def read_forwarded_address(text: str) -> Address | None:
    """An address as proxies write it: bare, with a port, in brackets. None for "unknown", "_hidden" and rubbish."""
    if text.startswith("["):
        return read_address(text[1:].partition("]")[0])
    if text.count(":") == 1:
        text = text.partition(":")[0]
    return read_address(text)


def _read_x_forwarded(addresses: str, scheme: str, host: str) -> _Told:
    """Of several schemes or hosts the last is the nearest proxy's."""
    chain = tuple(entry.strip() for entry in addresses.split(",") if entry.strip())
    return _Told(chain, scheme.rpartition(",")[2].strip().lower(), host.rpartition(",")[2].strip())


def _read_forwarded(text: str) -> _Told:
    """Elements are separated by commas, pairs by semicolons; commas and semicolons in quotes don't count."""
    elements = [_read_pairs(element) for element in _split(text, ",")]
    last = elements[-1] if elements else {}
    chain = tuple(element.get("for", "") for element in elements)
    return _Told(chain, last.get("proto", "").lower(), last.get("host", ""))


def _read_pairs(element: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in _split(element, ";"))
    return {name.strip().lower(): _unquote(value.strip()) for name, _, value in pairs}


def _split(text: str, separator: str) -> list[str]:
    pieces, quoted, start = [], False, 0
    for at, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            pieces.append(text[start:at])
            start = at + 1
    return [*pieces, text[start:]]


def _unquote(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
