"""The listening sockets of a server: made by the first process, shared by the workers."""

from __future__ import annotations

import errno
import socket
import time
from typing import Final

from msgspec import Struct

from coatcheck.core.limits import CONNECTION_QUEUE
from coatcheck.settings import Listen

_PORT_POLL_S: Final = 0.01
_PORT_WAIT_S: Final = 1.0  # the workers of a server that was killed are gone by then


class CannotListen(Exception):
    """The address can't be listened on; the message says why."""


class Listening(Struct, frozen=True):
    """The sockets.

    Attributes:
        objects: for clients.
        admin: for whoever watches the server; None where nobody may.
    """

    objects: socket.socket
    admin: socket.socket | None

    def close(self) -> None:
        self.objects.close()
        if self.admin is not None:
            self.admin.close()


def listen_at(objects: Listen, admin: Listen | None) -> Listening:
    """Raises: CannotListen."""
    first = _listen(objects.host, objects.port, "--listen")
    try:
        return Listening(first, None if admin is None else _listen(admin.host, admin.port, "--admin"))
    except CannotListen:
        first.close()
        raise


def place_of(listening: socket.socket, asked: Listen) -> Listen:
    """Where it listens, now that port 0 has become one."""
    return Listen(asked.host, listening.getsockname()[1])


def _listen(host: str, port: int, option: str) -> socket.socket:
    """Nobody else can listen there meanwhile; what a server before this one has left behind is waited for a moment."""
    give_up_at = time.monotonic() + _PORT_WAIT_S
    while True:
        listening = socket.socket(_family(host))
        try:  # a name that is none is a UnicodeError
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
            listening.listen(CONNECTION_QUEUE)
            return listening
        except (OSError, UnicodeError) as error:
            listening.close()
            if not isinstance(error, OSError) or error.errno != errno.EADDRINUSE:
                raise CannotListen(_cannot(host, port, option, error)) from None
            if time.monotonic() > give_up_at:
                raise CannotListen(_in_use(host, port, option)) from None
        time.sleep(_PORT_POLL_S)


def _cannot(host: str, port: int, option: str, error: OSError | UnicodeError) -> str:
    """Why not, and what to do."""
    if isinstance(error, UnicodeError | socket.gaierror):
        return f"{option}: this machine knows no {host!r}. Take its name or its address, or 0.0.0.0 for all of them."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{option}: {host} is no address of this machine. Take one that is, or 0.0.0.0 for all of them."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"This user may not listen on port {port} of {host}. Take one from 1024 on with {option} {host}:PORT."
    return f"Cannot listen on {host}:{port}: {error.strerror}. Take another place with {option} HOST:PORT."


def _in_use(host: str, port: int, option: str) -> str:
    """Who uses the port, as far as that can be seen: the kernel also refuses one on which another's connections end."""
    another = f"Take another with {option} {host}:PORT."
    if _somebody_listens(host, port):
        return f"Port {port} on {host} is in use. {another}"
    return (
        f"Nobody listens on port {port} on {host}, but connections of another program still hold it. "
        f"Try again in a minute. {another}"
    )


def _somebody_listens(host: str, port: int) -> bool:
    there = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compared, not bound
    try:
        socket.create_connection((there, port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
