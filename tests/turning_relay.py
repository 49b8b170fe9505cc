"""A stand-in for a balancer that gives every request to the next of several gateways."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Final
from urllib.parse import urlsplit

_PIECE_BYTES: Final = 65_536
_CONNECTION: Final = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)


class TurningRelay:
    """Listens at `endpoint`. A connection carries one request, so that the next one goes to the next gateway; nothing
    but the header `Connection` is changed."""

    def __init__(self, endpoints: Sequence[str] = ()) -> None:
        self._gateways: dict[int, tuple[str, int]] = {}
        for number, endpoint in enumerate(endpoints):
            self.lead_to(number, endpoint)
        self._turns = count()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def lead_to(self, number: int, endpoint: str) -> None:
        """Where that gateway listens from now on."""
        parts = urlsplit(endpoint)
        self._gateways[number] = (parts.hostname or "", parts.port or 80)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        """A gateway that is not there: the connection ends, as behind a balancer that hasn't noticed."""
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(_PIECE_BYTES)
                if not piece:
                    return
                head += piece
            head, _, body = head.partition(b"\r\n\r\n")
            head = _CONNECTION.sub(b"", head) + b"\r\nConnection: close\r\n\r\n"
            with socket.create_connection(self._gateways[next(self._turns) % len(self._gateways)]) as gateway:
                gateway.sendall(head + body)
                threading.Thread(target=_pass_on, args=(client, gateway), daemon=True).start()
                _pass_on(gateway, client)


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE_BYTES):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def turning_relay(endpoints: Sequence[str]) -> Iterator[TurningRelay]:
    relay = TurningRelay(endpoints)
    try:
        yield relay
    finally:
        relay.close()
