"""What is seen of a server from outside: made by the first process, which counts little; a place of it for each worker.

Only where somebody asked for it (`--admin`, `--otel-endpoint`); else nothing is counted, and nothing costs anything.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from coatcheck.admin.health import Board
from coatcheck.clock import wall_clock
from coatcheck.core import errors, link_errors, picture_errors, s3_errors, select_errors, sts_errors, ticket_errors
from coatcheck.core.fault import Fault
from coatcheck.metrics.cells import Cells
from coatcheck.metrics.layout import OTHER, Layout
from coatcheck.metrics.table import RELOADS, RESTARTS
from coatcheck.oss.row import Level, Row
from coatcheck.pulse import Pulse
from coatcheck.services import OPERATIONS
from coatcheck.settings import ServerSettings

_PAGES: Final = (errors, link_errors, picture_errors, s3_errors, select_errors, sts_errors, ticket_errors)


class SeenByOne(Struct, frozen=True):
    """A worker's place.

    Attributes:
        row: its cells.
        started: when the server did, Unix seconds.
    """

    cells: Cells
    row: memoryview
    board: Board
    pulse: Pulse
    started: float


class Seen:
    """Of a whole server. Made before the first fork."""

    def __init__(self, pulse: Pulse) -> None:
        self.cells = Cells(make_layout(), pulse.slots)
        self._row = self.cells.of_server()
        self._board = Board()
        self._pulse = pulse
        self._started = wall_clock()

    def of_one(self, place: int) -> SeenByOne:
        return SeenByOne(self.cells, self.cells.row(place), self._board, self._pulse, self._started)

    def note_restart(self) -> None:
        self._row[self.cells.layout.cell(RESTARTS)] += 1

    def note_reload(self) -> None:
        self._row[self.cells.layout.cell(RELOADS)] += 1


def open_seen(settings: ServerSettings, pulse: Pulse) -> Seen | None:
    """None where nobody wants to see anything."""
    return Seen(pulse) if settings.admin is not None or settings.otel_endpoint else None


def make_layout() -> Layout:
    """Of all operations and all error codes."""
    from coatcheck.oss.table import ROWS
    from coatcheck.s3.table import ROWS as S3_ROWS

    classes = {row.name: _class_of(row) for row in reversed((*ROWS, *S3_ROWS))}
    return Layout(classes | dict.fromkeys(OPERATIONS, OTHER), _codes())


def _codes() -> set[str]:
    faults = [value for page in _PAGES for value in vars(page).values() if isinstance(value, Fault)]
    return {fault.code for fault in (*faults, *select_errors.FAULTS.values())}


def _class_of(row: Row) -> str:
    """What kind of work an operation is: the seconds of a class are comparable."""
    if row.method == "DELETE":
        return "delete"
    if row.name.startswith("list_"):
        return "list"
    if row.level is Level.OBJECT:
        return "read" if row.method in ("GET", "HEAD") else "write"
    return "write" if row.name == "post_object" else OTHER
