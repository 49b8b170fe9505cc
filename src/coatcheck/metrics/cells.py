"""Cells of shared memory: a row for each worker's place, and one for the first process.

Made before the first fork. A row has one process that writes it, so nothing is locked; whoever takes the place of a
worker that died counts on in its row, so nothing that was counted is lost. A cell is eight bytes, written at once.
"""

from __future__ import annotations

import mmap
from typing import Final

from .layout import Layout

_CELL_BYTES: Final = 8
_MARK: Final = 0


class Cells:
    """Rows of cells.

    Args:
        places: of workers, and of those that leave beside them.
    """

    def __init__(self, layout: Layout, places: int) -> None:
        self.layout = layout
        self._places = places
        self._memory = mmap.mmap(-1, (places + 1) * layout.size * _CELL_BYTES)
        self._all = memoryview(self._memory).cast("Q")

    def row(self, place: int) -> memoryview:
        """The cells of a worker, which may count there from now on."""
        size = self.layout.size
        row = self._all[place * size : (place + 1) * size]
        row[_MARK] = 1
        return row

    def of_server(self) -> memoryview:
        """The cells of the first process."""
        return self.row(self._places)

    def clear(self, place: int) -> None:
        """A worker starts there, or has ended: how things were with it is nothing any more. What it counted stays."""
        first = place * self.layout.size
        if self._all[first + _MARK]:
            for cell in self.layout.gauges():
                self._all[first + cell] = 0

    def totals(self) -> list[int]:
        """All rows together. What is counted meanwhile is in it, or not."""
        size = self.layout.size
        rows = [
            self._all[first : first + size].tolist()
            for first in range(0, len(self._all), size)
            if self._all[first + _MARK]  # an untouched row takes no memory, and keeps to that
        ]
        return [sum(column) for column in zip(*rows, strict=True)] if rows else [0] * size
