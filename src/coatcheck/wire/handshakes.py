"""TLS handshakes that have begun and not ended: no more at once than cost little memory, and a place for whoever comes.

OpenSSL keeps some 45 KiB of a client that has said hello. A client that means it is through in a few milliseconds, so
where all places are taken, the handshake that goes is the oldest one of the address that has most.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

C = TypeVar("C", bound=Hashable)  # what a connection is


class Handshakes(Generic[C]):
    """Of one worker.

    Args:
        most: how many may have begun at once.
    """

    __slots__ = ("_keys", "_most", "_of_address")

    def __init__(self, most: int) -> None:
        self._most = most
        self._keys: dict[C, str] = {}
        self._of_address: dict[str, dict[C, None]] = {}

    def begin(self, connection: C, key: str) -> C | None:
        """Note that this one begins, from the address of that name; what has to go for it, if anything."""
        oldest = self._oldest_of_most() if len(self._keys) >= self._most else None
        if oldest is not None:
            self.end(oldest)
        self._keys[connection] = key
        self._of_address.setdefault(key, {})[connection] = None
        return oldest

    def end(self, connection: C) -> None:
        """It is through, or gone. Once more does no harm."""
        key = self._keys.pop(connection, None)
        if key is None:
            return
        of_address = self._of_address[key]
        del of_address[connection]
        if not of_address:
            del self._of_address[key]

    def _oldest_of_most(self) -> C:
        fullest = max(self._of_address, key=lambda key: len(self._of_address[key]))
        return next(iter(self._of_address[fullest]))
