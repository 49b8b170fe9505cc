"""A stand-in for a line that stops: everything goes through, until so many bytes came back; then nothing does."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

_PIECE_BYTES: Final = 65_536


class StoppingRelay:
    """Listens at `endpoint`. Once `most` bytes of replies have gone through, on all connections, it is silent."""

    def __init__(self, endpoint: str, most: int) -> None:
        parts = urlsplit(endpoint)
        self._server = parts.hostname or "", parts.port or 80
        self._left = most
        self._turn = threading.Lock()
        self._wires: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def go_on(self) -> None:
        """From now on all goes through; connections that are silent stay so."""
        with self._turn:
            self._left = 2**62

    def close(self) -> None:
        """Break all connections."""
        for wire in (self._listener, *self._wires):
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
            wire.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._wires += [client, server]
                threading.Thread(target=self._pass_on, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, client, True), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE_BYTES):
                if counted:
                    with self._turn:
                        piece = piece[: self._left]
                        self._left -= len(piece)
                    if not piece:
                        return  # the connection stays open, and silent
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def stopping_relay(endpoint: str, most: int) -> Iterator[StoppingRelay]:
    """Between a client and the server at `endpoint`, for as long as the block runs."""
    relay = StoppingRelay(endpoint, most)
    try:
        yield relay
    finally:
        relay.close()
