"""Which cell counts what: the same in every process of a server, as it is made before the first fork."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from .table import FAMILIES, REFUSALS, RENDERS, REQUESTS, SECONDS, SELECTS, Family, Kept, Kind

OTHER: Final = "other"  # a code, or an operation, that no table has
CLASSES: Final = ("read", "write", "list", "delete", OTHER)
STATES: Final = ("running", "waiting")
_STATUSES: Final = (
    *(0, 200, 203, 204, 206, 301, 302, 303, 304, 307, 308),
    *(400, 401, 403, 404, 405, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 422, 424, 429, 431),
    *(500, 501, 502, 503, 504),
)
_STATUS_MAX: Final = 600
_MARK: Final = 0  # the first cell of a row: 1 once somebody counts there


class Series(NamedTuple):
    """One series: its family, the values of its labels, and the first of its cells."""

    family: Family
    labels: tuple[str, ...]
    cell: int


class Layout:
    """Cells, allotted.

    Args:
        operations: names that requests have, as the log has them, with the class of each.
        codes: of errors.
    Attributes:
        size: cells of a row.
        columns: for each status below 600, how far its cell lies from its operation's first one.
        rows: for each operation, its first cell of requests, and the first of its class's seconds.
        other: the same for an operation that isn't there.
        codes: for each error code, its cell; OTHER is there.
    """

    def __init__(self, operations: Mapping[str, str], codes: Iterable[str]) -> None:
        self._first: dict[tuple[Family, tuple[str, ...]], int] = {}
        self.size = _MARK + 1
        self.columns = _make_columns()
        for family in FAMILIES:
            if family.kept is not Kept.LOOK and family not in (REQUESTS, REFUSALS):
                for labels in _LABELS.get(family, ((),)):
                    self._allot(family, labels, _cells_of(family))
        self.codes = {code: self._allot(REFUSALS, (code,), 1) for code in sorted({*codes, OTHER})}
        self.rows: dict[str, tuple[int, int]] = {}
        for name, group in operations.items():
            self.rows[name] = self._allot_requests(name), self.cell(SECONDS, group)
        self.other = self._allot_requests(OTHER), self.cell(SECONDS, OTHER)

    def cell(self, family: Family, *labels: str) -> int:
        """The first cell of a series. Raises: KeyError."""
        return self._first[family, labels]

    def series(self) -> Iterator[Series]:
        """All but those of requests; of one family one after the other."""
        return (Series(family, labels, cell) for (family, labels), cell in self._first.items())

    def requests(self) -> Iterator[tuple[str, str, int]]:
        """Operation, status and cell of each series of requests. A status that no table has is OTHER."""
        for name, (first, _) in (*self.rows.items(), (OTHER, self.other)):
            for number, status in enumerate(_STATUSES):
                yield name, str(status) if status else OTHER, first + number

    def gauges(self) -> Sequence[int]:
        """The cells that say how things are, and are nothing any more when their process has ended."""
        return [cell for (family, _), cell in self._first.items() if family.kind is Kind.GAUGE]

    def _allot(self, family: Family, labels: tuple[str, ...], cells: int) -> int:
        first, self.size = self.size, self.size + cells
        self._first[family, labels] = first
        return first

    def _allot_requests(self, name: str) -> int:
        first, self.size = self.size, self.size + len(_STATUSES)
        return first


_LABELS: Final[Mapping[Family, tuple[tuple[str, ...], ...]]] = {
    SECONDS: tuple((name,) for name in CLASSES),
    RENDERS: tuple((name,) for name in STATES),
    SELECTS: tuple((name,) for name in STATES),
}


def _cells_of(family: Family) -> int:
    """A histogram has a cell a bucket, one for what is over all bounds, and one for the sum."""
    return len(family.bounds) + 2 if family.kind is Kind.HISTOGRAM else 1


def _make_columns() -> bytes:
    columns = bytearray(_STATUS_MAX)
    for number, status in enumerate(_STATUSES):
        columns[status] = number
    return bytes(columns)
