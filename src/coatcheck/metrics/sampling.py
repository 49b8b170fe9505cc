"""What isn't counted on the way of requests is looked at once a second, and put into the worker's cells."""

from __future__ import annotations

from collections.abc import Callable

from coatcheck.core.tally import Tally

from .layout import Layout
from .table import Family, Kind


class Sampler:
    """Sources and where they go. One a worker, on its event loop.

    Args:
        cells: the worker's row.
    """

    def __init__(self, layout: Layout, cells: memoryview) -> None:
        self._layout = layout
        self._cells = cells
        self._gauges: list[tuple[int, Callable[[], float]]] = []
        self._counters: list[tuple[int, float, Callable[[], float]]] = []
        self._seen: list[int] = []  # what each counter had when it was looked at last

    def add(self, family: Family, read: Callable[[], float], *labels: str) -> None:
        """A gauge, or a counter that this process has of its own and that begins at 0."""
        cell = self._layout.cell(family, *labels)
        if family.kind is Kind.GAUGE:
            self._gauges.append((cell, read))
        else:
            self._add_counter(cell, family.unit, read)

    def add_tally(self, family: Family, tally: Tally) -> None:
        """A histogram with the bounds of the tally."""
        cell = self._layout.cell(family)
        for number in range(len(family.bounds) + 1):
            self._add_counter(cell + number, 1, lambda number=number: tally.counts[number])  # type: ignore[misc]
        self._add_counter(cell + len(family.bounds) + 1, family.unit, lambda: tally.total)

    def _add_counter(self, cell: int, unit: float, read: Callable[[], float]) -> None:
        self._counters.append((cell, unit, read))
        self._seen.append(0)

    def take(self) -> None:
        """Look at all of them."""
        for cell, read in self._gauges:
            self._cells[cell] = max(0, int(read()))
        for number, (cell, unit, read) in enumerate(self._counters):
            now = int(read() * unit)
            self._cells[cell] += max(0, now - self._seen[number])
            self._seen[number] = now
