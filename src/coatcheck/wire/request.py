"""What a client asked, as one frozen value. Made by `wire/http1.py` and `wire/asgi.py`, and by tests by hand."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from coatcheck.core.body import NO_BODY, Body, BodyFailed, BodyStalled
from coatcheck.core.record import Record

from .headers import Headers
from .query import NO_QUERY, Query

__all__ = ["NO_BODY", "NO_HEADERS", "Body", "BodyFailed", "BodyStalled", "Headers", "Request"]

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Request(Record, frozen=True):
    """One HTTP request, nothing decoded that a signature covers.

    Attributes:
        method: upper case, as on the request line.
        raw_path: the bytes of the path as they arrived, without the query; starts with "/".
        query: every parameter, decoded once.
        headers: names in lower case; values trimmed, repeated ones joined by ","; bytes that aren't UTF-8 are
            surrogates (PEP 383), so that encoding with "surrogateescape" gives back what arrived.
        client: the address of who asks, seen through proxies that we trust; empty when unknown.
        secure: the client speaks TLS.
        peer: the address of the proxy that brought the request; empty when it came from the client itself.
        tls_version: "TLSv1.3" and the like, of the connection or as a proxy said; empty when unknown.
        takes_chunks: a reply may come in chunks, without its length; HTTP/1.0 knows none.
        proxy_host: the Host that a proxy put in the place of the client's, which it told beside; else empty.
    """

    method: str
    raw_path: bytes
    query: Query = NO_QUERY
    headers: Mapping[str, str] = NO_HEADERS
    client: str = ""
    secure: bool = False
    body: Body = NO_BODY
    peer: str = ""
    tls_version: str = ""
    proxy_host: str = ""
    takes_chunks: bool = True

    @property
    def host(self) -> str:
        """The Host header exactly as received, port included; empty if there was none."""
        return self.headers.get("host", "")

    def as_proxied(self) -> Request:
        """The same under the Host that the proxy put in the place of the client's."""
        return replace(self, headers={**self.headers, "host": self.proxy_host}, proxy_host="")
