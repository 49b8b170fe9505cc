"""An HTTP client that costs little: it fills the servers, writes beside them at a steady rate, and times one stream.

One blocking connection, whole requests as bytes, replies read into one buffer; no redirects, chunked replies or TLS.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_BUFFER_BYTES = 1024**2
_THREADS = 8


class Client:
    """One connection to the host of a URL; whoever uses it in threads needs one each."""

    def __init__(self, url: str, timeout_s: float = 120) -> None:
        where = urlsplit(url)
        self._host = where.netloc
        self._socket = socket.create_connection((where.hostname, where.port), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(_BUFFER_BYTES)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def get(self, url: str) -> int:
        """Read a whole reply and forget it; how many bytes the body had. Raises: RuntimeError, unless it was 200."""
        return self._ask("GET", url, None)

    def put(self, url: str, body: bytes) -> None:
        """Raises: RuntimeError, unless it was 200."""
        self._ask("PUT", url, body)

    def _ask(self, method: str, url: str, body: bytes | None) -> int:
        length = "" if body is None else f"Content-Length: {len(body)}\r\n"
        head = f"{method} /{url.split('/', 3)[3]} HTTP/1.1\r\nHost: {self._host}\r\n{length}\r\n".encode()
        if body is None or len(body) > _BUFFER_BYTES:
            self._socket.sendall(head)
            self._socket.sendall(body or b"")
        else:
            self._socket.sendall(head + body)
        return self._read_reply(method, url)

    def _read_reply(self, method: str, url: str) -> int:
        held, end = 0, -1
        while end < 0:
            got = self._socket.recv_into(memoryview(self._buffer)[held:])
            if not got:
                raise RuntimeError(f"{method} {url}: the connection ended")
            held += got
            end = self._buffer.find(b"\r\n\r\n", 0, held)
        head = bytes(self._buffer[:end]).lower()
        size = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or b"0")
        left = size - (held - end - 4)
        while left > 0:
            left -= self._socket.recv_into(self._buffer, min(left, _BUFFER_BYTES)) or left
        if head.split(None, 2)[1] not in (b"200", b"204"):
            raise RuntimeError(f"{method} {url}: {self._buffer[:held]!r}")
        return size


def store_all(urls: Sequence[str], body: bytes) -> None:
    """One body through many links, on some connections at once."""

    def some(first: int) -> None:
        with Client(urls[0]) as client:
            for url in urls[first::_THREADS]:
                client.put(url, body)

    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(some, range(min(_THREADS, len(urls)))))


@dataclass
class Written:
    """What a steady writer has done so far."""

    count: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def steady_writer(urls: Sequence[str], body: bytes, rate: int) -> Iterator[Written]:
    """So many PUTs a second within, over and over the links; fewer if the server doesn't keep up."""
    written, over, lock = Written(), threading.Event(), threading.Lock()

    def some(first: int) -> None:
        begun, number = time.monotonic(), 0
        try:
            with Client(urls[0]) as client:
                while not over.wait(max(0.0, begun + number * _THREADS / rate - time.monotonic())):
                    client.put(urls[(first + number * _THREADS) % len(urls)], body)
                    number += 1
                    with lock:
                        written.count += 1
        except (OSError, RuntimeError) as error:
            written.failures.append(str(error))

    with ThreadPoolExecutor(_THREADS) as threads:
        working = [threads.submit(some, first) for first in range(_THREADS)]
        try:
            yield written
        finally:
            over.set()
            for work in working:
                work.result()
    if written.failures:
        raise RuntimeError(written.failures[0])
