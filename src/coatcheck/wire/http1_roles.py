"""What the parts of a connection need of each other, so that none needs to know the whole."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class ConnectionLimits(Struct, frozen=True):
    """How long and how many.

    Attributes:
        head_timeout_s: from the accept, or the first byte of a later request, to the end of its head; TLS included.
        idle_timeout_s: between two requests.
        body_timeout_s: how long a client may send nothing, or take nothing, in the middle of a body.
        per_address: connections of one client's address.
        in_all: connections of this worker.
        last_request_s: when the server ends: for a client that has nothing under way, and was not told before.
    """

    head_timeout_s: float
    idle_timeout_s: float
    body_timeout_s: float
    per_address: int
    in_all: int
    last_request_s: float = 0.5


class Waiting(Protocol):
    """A connection, for a body that waits for its client."""

    @property
    def body_timeout_s(self) -> float: ...

    def wait_for(self, timeout_s: float) -> None:
        """For the client, to send something or to take something; it expires then."""
        ...

    def stop_waiting(self) -> None: ...


class Receiving(Waiting, Protocol):
    """A connection, for a body on its way in."""

    def take_more(self) -> None:
        """The body has room again."""
        ...

    def allow_body(self) -> None:
        """The client may send its body ("Expect: 100-continue")."""
        ...
