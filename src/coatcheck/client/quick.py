"""Small requests over kept connections, for a small part of what httpx spends on each.

A folder of 10,000 files is 10,000 requests. One that is signed, sent, read and checked costs 1.6 ms of CPU by httpx
0.28 (0.9 by httpcore alone, 0.45 by http.client) and 0.25 by a socket and llhttp. 32 threads of it reach the rate of
asyncio, and files block threads alone, so there is one colour. Only bodies in memory go this way; streams,
links of other servers, and whatever needs a proxy, go by httpx.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import SplitResult
from urllib.request import getproxies, proxy_bypass

import httptools

from coatcheck import __version__

from .errors import ERROR_BODY_MAX_BYTES, ClientError, Unreachable, read_error

RECEIVE_BYTES: Final = 256 * 1024
_SEND_BYTES: Final = 1024**2
_PORTS: Final = {"http": 80, "https": 443}


def needs_proxy(parts: SplitResult) -> bool:
    """Whether the environment sends what goes to this address by a proxy."""
    proxies = getproxies()
    return bool(proxies.get(parts.scheme) or proxies.get("all")) and not proxy_bypass(parts.hostname or "")


class QuickClient:
    """Connections to one server, kept between requests; safe to use from several threads."""

    def __init__(
        self, parts: SplitResult, trusted: Callable[[], ssl.SSLContext], timeouts_s: tuple[float, float]
    ) -> None:
        """
        Args:
            parts: scheme, host and port of the server.
            trusted: what its certificate is held against; asked for with https only.
            timeouts_s: to connect, and without a byte in either direction.
        """
        self._scheme = parts.scheme
        self._server = f"{parts.scheme}://{parts.netloc}"
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._context = trusted() if parts.scheme == "https" else None
        self._connect_s, self._silence_s = timeouts_s
        self._idle: deque[socket.socket] = deque()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        limit_bytes: int,
        sent: Callable[[int], None] | None = None,
    ) -> tuple[dict[str, str], bytes]:
        """One request, and the whole reply: its headers, with lower-case names, and its body.

        A kept connection that the server has closed meanwhile is no failure: the request goes out once more.

        Args:
            target: path and query as they go out, in ASCII.
            headers: with Host; Content-Length is added where there is a body, or a method that has one.
            limit_bytes: of the reply's body.
            sent: told of each piece of the body that went out.
        Raises:
            Unreachable: no reply, or half of one.
            ClientError: status 300 or more, or a body beyond the limit.
        """
        head = _write_head(method, target, headers, len(body))
        try:
            reply = self._exchange(method, head, body, limit_bytes, sent)
        except TimeoutError as error:
            raise Unreachable("Timeout", f"{self._server} doesn't answer.", hint="try again") from error
        except OSError as error:
            words = (error.strerror or str(error)).rstrip(".")
            raise Unreachable("CutOff", f"The connection to {self._server} broke: {words}.") from error
        except httptools.HttpParserError as error:
            raise Unreachable("StrangeAnswer", f"{self._server} doesn't answer in HTTP.") from error
        if reply.status >= 300:
            raise read_error(reply.status, reply.headers, bytes(reply.body[:ERROR_BODY_MAX_BYTES]))
        if reply.too_large:
            raise ClientError("AnswerTooLarge", f"{self._server} sent a document beyond all measure.")
        return reply.headers, bytes(reply.body)

    def _exchange(
        self, method: str, head: bytes, body: bytes, limit_bytes: int, sent: Callable[[int], None] | None
    ) -> _Reply:
        try:
            kept = self._idle.pop()
        except IndexError:
            kept = None
        if kept is not None:
            reply = _Reply(method, limit_bytes)
            try:
                return self._run(kept, head, body, reply, sent)
            except (ConnectionError, ssl.SSLEOFError):
                if reply.began or reply.sent_bytes:
                    raise
        return self._run(self._connect(), head, body, _Reply(method, limit_bytes), sent)

    def _run(
        self, connection: socket.socket, head: bytes, body: bytes, reply: _Reply, sent: Callable[[int], None] | None
    ) -> _Reply:
        try:
            _send(connection, head, body, reply, sent)
            _receive(connection, reply)
        except BaseException:
            connection.close()
            raise
        if reply.keeps:
            self._idle.append(connection)
        else:
            connection.close()
        return reply

    def _connect(self) -> socket.socket:
        try:
            connection = socket.create_connection((self._host, self._port), self._connect_s)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_hostname=self._host)
        except TimeoutError:
            raise
        except OSError as error:
            words = str(error).rstrip(".")
            raise Unreachable(
                "NoConnection", f"Can't connect to {self._server}: {words}.", hint="check the address"
            ) from error
        connection.settimeout(self._silence_s)
        return connection


class _Reply:
    """What llhttp calls while it reads one reply. Replies of 1xx are passed over."""

    def __init__(self, method: str, limit_bytes: int) -> None:
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.sent_bytes = 0  # of the request's body
        self.began = self.done = self.too_large = self.keeps = False
        self.status = 0
        self._has_body = method != "HEAD"
        self._limit_bytes = limit_bytes
        self.parser = httptools.HttpResponseParser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()
        if self.status < 200:
            self.headers.clear()
        elif not self._has_body:
            self._end()

    def on_body(self, data: bytes) -> None:
        if len(self.body) + len(data) > self._limit_bytes:
            self.too_large = self.done = True
        else:
            self.body += data

    def on_message_complete(self) -> None:
        if self.status >= 200:
            self._end()

    def end_of_stream(self) -> None:
        """The server closed: the end of a body that told no length, a break in any other."""
        whole = self.status >= 200 and not {"content-length", "transfer-encoding"} & self.headers.keys()
        if not whole:
            raise ConnectionResetError("the server closed it")
        self.done = True

    def _end(self) -> None:
        self.done = True
        self.keeps = self.parser.should_keep_alive() and not self.too_large


def _write_head(method: str, target: str, headers: Mapping[str, str], size_bytes: int) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"User-Agent: coatcheck/{__version__}", "Accept-Encoding: identity"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() != "content-length"]
    if size_bytes or method in ("PUT", "POST"):
        lines.append(f"Content-Length: {size_bytes}")
    if any("\r" in line or "\n" in line for line in lines):
        raise ClientError("InvalidHeader", "A header can't hold a line break.")
    return "\r\n".join((*lines, "", "")).encode()


def _send(
    connection: socket.socket, head: bytes, body: bytes, reply: _Reply, sent: Callable[[int], None] | None
) -> None:
    """Small ones in one packet; large ones piece by piece, so that progress is seen and nothing is copied."""
    if len(body) <= _SEND_BYTES:
        connection.sendall(head + body)
        if sent is not None and body:
            sent(len(body))
        return
    connection.sendall(head)
    view = memoryview(body)
    for position in range(0, len(body), _SEND_BYTES):
        piece = view[position : position + _SEND_BYTES]
        connection.sendall(piece)
        reply.sent_bytes += len(piece)
        if sent is not None:
            sent(len(piece))


def _receive(connection: socket.socket, reply: _Reply) -> None:
    while not reply.done:
        data = connection.recv(RECEIVE_BYTES)
        if not data:
            reply.end_of_stream()
            return
        reply.began = True
        reply.parser.feed_data(data)
