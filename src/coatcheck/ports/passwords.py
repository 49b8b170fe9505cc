"""Passwords: kept so that nobody can read them back, and compared so that nobody learns from how long it takes."""

from __future__ import annotations

from typing import Protocol


class TooManyPasswords(Exception):
    """More are waiting than this process will look at."""


class Passwords(Protocol):
    """To look at one is expensive on purpose, so they are looked at one after the other."""

    async def hash(self, password: str) -> str:
        """The text to be stored. Raises: TooManyPasswords."""
        ...

    async def fits(self, password: str, kept: str) -> bool:
        """Raises: TooManyPasswords."""
        ...


class NoPasswords:
    """Where there are none."""

    async def hash(self, password: str) -> str:
        raise TooManyPasswords

    async def fits(self, password: str, kept: str) -> bool:
        return False
