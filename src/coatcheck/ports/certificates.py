"""What a certificate and its key say, for whoever gives them to the server."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class BadPair(Exception):
    """They are no certificate and its key; the message says why, and nothing of the key."""


class CertificateFacts(Struct, frozen=True):
    """Of the first certificate of a chain.

    Attributes:
        names: host names that it is for, in lower case; "*." before one stands for a label.
        fingerprint: its SHA-1, as OSS shows it: hexadecimal digits, a colon behind each two.
        valid_from, valid_until: Unix seconds.
    """

    names: tuple[str, ...]
    fingerprint: str
    valid_from: int
    valid_until: int


class CertificateReader(Protocol):
    async def read(self, chain: str, key: str) -> CertificateFacts:
        """Read a certificate, with those that lead to its authority behind it, and its key; both PEM.

        Raises: BadPair, also for a pair that no server could be started with.
        """
        ...


class NoCertificates:
    """A reader where nobody speaks TLS."""

    async def read(self, chain: str, key: str) -> CertificateFacts:
        raise BadPair("This server reads no certificates.")
