"""HTTP as it goes over the wire: requests no well-bred client would send, and replies read whole."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from ..patience import HANG_S
from ..server_process import ServerProcess


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, str]:
        """The elements of an error document; the root must be Error without a namespace, as SDKs expect."""
        root = ElementTree.fromstring(self.body)
        assert root.tag == "Error"
        return {child.tag: child.text or "" for child in root}


def send(
    url: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    *,
    connect_to: ServerProcess | None = None,
) -> Answer:
    """One request on a connection of its own; path and query go out exactly as they stand in the URL.

    `connect_to` is where to connect when the URL's host is a name that doesn't lead there.
    """
    parts = urlsplit(url)
    host, port = (connect_to.host, connect_to.port) if connect_to else (parts.hostname or "", parts.port or 80)
    connection = http.client.HTTPConnection(host, port, timeout=HANG_S)
    path_and_query = url[url.index(parts.netloc) + len(parts.netloc) :] or "/"
    try:
        connection.putrequest(method, "/", skip_host=True, skip_accept_encoding=True)
        connection._buffer[0] = f"{method} {path_and_query} HTTP/1.1".encode()  # type: ignore[attr-defined]
        for name, value in {"Host": parts.netloc, **(headers or {})}.items():
            connection.putheader(name, value)
        if isinstance(body, bytes) and "Content-Length" not in (headers or {}):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        reply = connection.getresponse()
        return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    finally:
        connection.close()


def connect(server: ServerProcess, timeout_s: float = HANG_S) -> socket.socket:
    """To a server itself, with nothing in front."""
    return socket.create_connection((server.host, server.ports[0]), timeout=timeout_s)


def exchange(server: ServerProcess, request: bytes, *, half_close: bool = False) -> bytes:
    """Send these bytes, read until the server closes. `half_close` says that no more will come."""
    with connect(server) as wire:
        try:
            wire.sendall(request)
            if half_close:
                wire.shutdown(socket.SHUT_WR)
            return read_until_closed(wire)
        except (ConnectionError, ssl.SSLError):
            return b""


def read_until_closed(wire: socket.socket) -> bytes:
    received = bytearray()
    try:
        while piece := wire.recv(65536):
            received += piece
    except (TimeoutError, ConnectionError):
        pass
    return bytes(received)
