"""The other end of `child`: what runs in such a process, and the limits that it puts on itself."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import struct
from collections.abc import Mapping
from typing import Any, Final

LENGTH: Final = struct.Struct(">I")
_OPEN_FILES_MAX: Final = 64


def limit(memory_bytes: int, written_file_bytes: int) -> None:
    """Address space, files, a lower priority; an alarm, where one is set, ends the process."""
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES_MAX),
        (resource.RLIMIT_FSIZE, written_file_bytes),
    ):
        with contextlib.suppress(ValueError, OSError):  # already limited lower
            resource.setrlimit(kind, (most, most))
    with contextlib.suppress(OSError):
        os.nice(5)  # other requests go first
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then closes our socket
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def receive_head(connection: socket.socket) -> tuple[dict[str, Any], int | None]:
    """The next question, and the descriptor that came with it. Raises: EOFError."""
    length, files, _, _ = socket.recv_fds(connection, LENGTH.size, 1)
    if len(length) != LENGTH.size:
        raise EOFError
    return json.loads(receive(connection, LENGTH.unpack(length)[0])), files[0] if files else None


def receive(connection: socket.socket, size: int) -> bytes:
    """Raises: EOFError."""
    data = connection.recv(size, socket.MSG_WAITALL) if size else b""
    if len(data) != size:
        raise EOFError
    return data


def send(connection: socket.socket, head: Mapping[str, Any], body: bytes = b"") -> None:
    document = json.dumps(head).encode()
    connection.sendall(LENGTH.pack(len(document)) + document)
    connection.sendall(body)
