"""CRC-32s of contents, remembered: a ZIP says them, and to compute one takes reading all of an object.

They are derived from what is stored, so the oldest may be forgotten at any time; none is ever wrong, since a content's
name says all that makes it what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class ContentSums(Protocol):
    """See the module. A name is 16 bytes (`archives.members.Members.identity`)."""

    async def find(self, names: Sequence[bytes]) -> Mapping[bytes, int]:
        """Those that are known; some hundred names at most."""
        ...

    async def note(self, sums: Mapping[bytes, int]) -> None:
        """Remember them, and forget the oldest of more than ARCHIVE_SUMS_MAX. Raises: NotWritten, Unknown."""
        ...


class NoContentSums:
    """Nothing is remembered."""

    async def find(self, names: Sequence[bytes]) -> Mapping[bytes, int]:
        return {}

    async def note(self, sums: Mapping[bytes, int]) -> None:
        """Forgotten at once."""
