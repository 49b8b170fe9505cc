"""A span of bytes."""

from __future__ import annotations

from coatcheck.core.record import Record


class ByteRange(Record, frozen=True):
    """Bytes [start, stop)."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start
