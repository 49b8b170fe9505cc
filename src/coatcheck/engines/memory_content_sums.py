"""CRC-32s of contents in a dict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core.limits import ARCHIVE_SUMS_MAX


class MemoryContentSums:
    """See `ports.content_sums`."""

    def __init__(self, most: int = ARCHIVE_SUMS_MAX) -> None:
        self._sums: dict[bytes, int] = {}
        self._most = most

    async def find(self, names: Sequence[bytes]) -> Mapping[bytes, int]:
        return {name: self._sums[name] for name in names if name in self._sums}

    async def note(self, sums: Mapping[bytes, int]) -> None:
        self._sums |= sums
        while len(self._sums) > self._most:
            del self._sums[next(iter(self._sums))]

    def clear(self) -> None:
        """All is forgotten."""
        self._sums.clear()
