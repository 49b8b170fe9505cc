"""Secrets that the server makes for itself, by name, and must not lose: others out there depend on them.

A secret is made by whichever process first needs it, and is the same in all processes from then on.
"""

from __future__ import annotations

from typing import Protocol


class SecretLost(Exception):
    """A secret that was in use isn't there any more; the message says where to restore it."""


class Secrets(Protocol):
    """Today's name is "callback": the private key, PEM, that callbacks are signed with."""

    async def find(self, name: str) -> bytes | None:
        """The secret; None if none was made yet. Raises: SecretLost."""
        ...

    async def keep(self, name: str, secret: bytes) -> bytes:
        """Keep a new one durably, unless there is one. Of several at once the first wins: returns what is kept."""
        ...

    async def note(self, name: str, secret: bytes) -> None:
        """It is about to be used: from now on another one is none. Fine if that was noted before."""
        ...
