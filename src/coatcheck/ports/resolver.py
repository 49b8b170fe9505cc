"""What we ask of the DNS: the TXT records of a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Resolver(Protocol):
    async def find_texts(self, name: str) -> Sequence[str]:
        """The TXT records of a name; none too if nobody answers within a few seconds."""
        ...


class NoResolver:
    """A resolver that never gets an answer."""

    async def find_texts(self, name: str) -> Sequence[str]:
        return ()
