"""A stand-in for a line that breaks: between a client and a server, it cuts a connection at a chosen message."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_PIECE_BYTES: Final = 65_536


class CuttingRelay:
    """Listens at `port`. What a client sends at once is a message; `arm` says at which of the next it is cut off."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._turn = threading.Lock()
        self._left: int | None = None
        self._delivers = False
        self._is_last = False
        self.has_cut = False
        self.messages = 0  # since `arm`
        self._wires: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, message: int, *, delivers: bool, is_last: bool = False) -> None:
        """Cut the connection of the message with that number, counted from 1; once.

        Args:
            delivers: the server still gets the message, and only its answer is lost.
            is_last: from then on nobody gets through.
        """
        with self._turn:
            self._left, self._delivers, self._is_last = message, delivers, is_last
            self.messages, self.has_cut = 0, False

    def disarm(self) -> None:
        with self._turn:
            self._left = None

    def close(self) -> None:
        for wire in (self._listener, *self._wires):
            _break(wire)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._wires += [client, server]
                threading.Thread(target=self._ask, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(client, server), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := client.recv(_PIECE_BYTES):
                if self._is_cut():
                    if self._is_last:
                        _break(self._listener)
                    _break(client)  # first, so that no answer gets through
                    if self._delivers:
                        server.sendall(piece)
                    break
                server.sendall(piece)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(_PIECE_BYTES):
                client.sendall(piece)
        _break(client)
        server.close()

    def _is_cut(self) -> bool:
        with self._turn:
            self.messages += 1
            if self._left is None:
                return False
            self._left -= 1
            if self._left:
                return False
            self._left, self.has_cut = None, True
            return True


def _break(wire: socket.socket) -> None:
    with contextlib.suppress(OSError):
        wire.shutdown(socket.SHUT_RDWR)
    wire.close()


@contextmanager
def cutting_relay(server_port: int) -> Iterator[CuttingRelay]:
    relay = CuttingRelay(server_port)
    try:
        yield relay
    finally:
        relay.close()
