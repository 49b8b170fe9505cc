"""Secrets that the server makes for itself, by name, and must not lose: others out there depend on them.

    secret       what the secrets of access keys, and the tokens of sessions, are encrypted with: 32 bytes in base64
    encryption   the master keys of encrypted objects, each like that, one a line or separated by commas
    callback     the private key, PEM, that callbacks are signed with
    tls          the private key, PEM, of the local certificate authority

A secret is made by whichever process first needs it, and is the same in all processes from then on. Where it is kept,
its bytes mean nothing: who uses it knows its form.
"""

from __future__ import annotations

from typing import Final, Protocol

from msgspec import Struct

SECRET: Final = "secret"  # noqa: S105  names, not secrets
ENCRYPTION: Final = "encryption"
CALLBACK: Final = "callback"
TLS: Final = "tls"


class WrongKey(Exception):
    """A secret is missing, malformed, or another one than what is stored needs; the message says what to do."""


class SecretLost(WrongKey):
    """A secret that was in use isn't there any more; the message says where to restore it."""


class Place(Struct, frozen=True):
    """Where a secret is, or would be, in words for a person.

    Attributes:
        where: what messages call it: a file, a variable.
        remedy: what to do if it is lost or another one: the sentence that ends a message.
        is_given: it comes from the operator, who alone makes and replaces it.
    """

    where: str
    remedy: str
    is_given: bool = False


class Secrets(Protocol):
    """Where they are kept. Any process, and any thread, may call; a call may block."""

    def find(self, name: str) -> bytes | None:
        """The secret; None if there is none. Raises: WrongKey, if it can't be read."""
        ...

    def keep(self, name: str, secret: bytes) -> bytes:
        """Keep a new one, unless there is one. Of several at once the first wins.

        Returns: what is kept, durably.
        Raises: WrongKey, if what is kept can't be read.
        """
        ...

    def replace(self, name: str, secret: bytes) -> None:
        """Keep this one in the place of another, or of none. It is durable on return; a crash leaves either, whole.

        Only for a secret that isn't given, by a caller that knows that nobody else replaces it at the same time.
        """
        ...

    def place(self, name: str) -> Place: ...


class SecretsInUse(Protocol):
    """The way of a running server to them. Each that it uses is noted: none is made in the place of a lost one."""

    async def find(self, name: str) -> bytes | None:
        """The secret; None if none was made yet. Raises: SecretLost; WrongKey, if it can't be read."""
        ...

    async def keep(self, name: str, secret: bytes) -> bytes:
        """See `Secrets.keep`."""
        ...

    async def note(self, name: str, secret: bytes) -> None:
        """It is about to be used: from now on another one is none. Fine if that was noted before."""
        ...
