"""A span of bytes."""

from __future__ import annotations

from msgspec import Struct


class ByteRange(Struct, frozen=True):
    """Bytes [start, stop)."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start
