"""`serve --test-controls`: a server with a kit around it, and the controls on a listener of their own."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from math import inf
from types import TracebackType
from typing import Final, Self

from coatcheck.clock import Clock
from coatcheck.core.limits import TEST_TOKEN_MIN_CHARS
from coatcheck.exchange import Begin
from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import Listen, ServerSettings
from coatcheck.wire.connections import ConnectionLimits, Connections

from .http_api import Door, begin_controls, is_loopback
from .kit import Kit, SteeredServer

TOKEN_VARIABLE: Final = "COATCHECK_TEST_TOKEN"  # noqa: S105  a name
_CONNECTIONS_MAX: Final = 256
_HEAD_TIMEOUT_S: Final = 10.0
_IDLE_TIMEOUT_S: Final = 75.0


class CannotControl(Exception):
    """The controls can't be offered; the message says why."""


class ServedControls:
    """The controls of one server to come. Made before its worker is forked, which takes them over; a context manager.

    Attributes:
        endpoint: "http://127.0.0.1:PORT".
        token: what every call has to show.
    """

    def __init__(self, address: Listen, environment: Mapping[str, str] = os.environ) -> None:
        """Raises: CannotControl."""
        self.token = environment.get(TOKEN_VARIABLE) or secrets.token_urlsafe(24)
        if len(self.token) < TEST_TOKEN_MIN_CHARS or not self.token.isascii() or not self.token.isprintable():
            raise CannotControl(f"{TOKEN_VARIABLE} takes at least {TEST_TOKEN_MIN_CHARS} printable ASCII characters.")
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        try:
            self._listening = socket.create_server((address.host, address.port), family=family)
        except (OSError, UnicodeError) as error:
            where = f"{address.host}:{address.port}"
            why = (getattr(error, "strerror", "") or "no such name").partition(" (")[0]
            raise CannotControl(
                f"The test controls can't listen on {where}: {why}. Take another place with --test-controls=HOST:PORT."
            ) from None
        self._door = Door(address.host, self.token)
        host = f"[{address.host}]" if ":" in address.host else address.host
        self.endpoint = f"http://{host}:{self._listening.getsockname()[1]}"
        self.kit = Kit()

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine reaches them."""
        return is_loopback(self._door.host)

    @property
    def clock(self) -> Clock:
        return self.kit.clock

    def make_server(self, settings: ServerSettings, root: RootCredentials, _: Clock) -> ControlledServer:
        """In the worker's process."""
        return ControlledServer(settings, root, self.kit, self._listening, self._door)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._listening.close()


class ControlledServer(SteeredServer):
    """A steered server whose controls are asked by HTTP."""

    def __init__(
        self, settings: ServerSettings, root: RootCredentials, kit: Kit, listening: socket.socket, door: Door
    ) -> None:
        super().__init__(settings, root, kit)
        self._listening = listening
        self._door = door
        self._controls: Connections | None = None

    async def open(self) -> Begin:
        begin = await super().open()
        limits = ConnectionLimits(
            _HEAD_TIMEOUT_S, _IDLE_TIMEOUT_S, self.settings.body_timeout_s, _CONNECTIONS_MAX, _CONNECTIONS_MAX
        )
        self._controls = Connections(
            begin_controls(self, self._door),
            limits,
            self._listening,
            tls=plain,
            is_proxy=nobody,
            share=Alone(),
            clock=self.kit.real_clock,
        )
        self._controls.start()
        return begin

    async def close(self) -> None:
        if self._controls is not None:
            self._controls.stop_accepting(take_waiting=False)
            await self._controls.close()
        await super().close()


class Alone:
    """One worker that shares with nobody."""

    def note(self, connections: float) -> None:
        """Nobody asks."""

    def least(self) -> float:
        return inf


def plain() -> None:
    """Plain HTTP."""


def nobody(_: str) -> bool:
    return False
