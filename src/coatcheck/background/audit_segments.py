"""Audit rows of links in files: each process appends to its own, and one process indexes those that are complete.

    BEGIN-TOKEN-NUMBER.rows     is appended to; BEGIN: the time of its first row, Unix milliseconds
    BEGIN-TOKEN-NUMBER.done     complete
    BEGIN-TOKEN-NUMBER.index    which words a complete one has, see `audit_index`

In a segment rows are in the order of their times. Everything here waits for the disk: not for the event loop.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from coatcheck.core.limits import LINK_AUDIT_SEGMENT_MAX_BYTES, LINK_AUDIT_SEGMENT_S
from coatcheck.links.audit_text import write_rows
from coatcheck.ports.link_audit import AuditRow

from .segment_file import append, need_room, sync_directory, when_complete

ROWS: Final = ".rows"
DONE: Final = ".done"
INDEX: Final = ".index"
_SET_BACK_MS: Final = 5_000  # rows that are out of order by less take the time of the one before


class Segment(NamedTuple):
    """One file of rows."""

    path: Path
    begin_ms: int

    @property
    def name(self) -> str:
        """The same while it is written and when it is complete."""
        return self.path.stem

    @property
    def is_done(self) -> bool:
        return self.path.suffix == DONE

    @property
    def beside(self) -> Path:
        return self.path.with_suffix(INDEX)

    def remove(self) -> None:
        """The index last: without its rows it says nothing."""
        self.path.unlink(missing_ok=True)
        self.beside.unlink(missing_ok=True)


class AuditSegments:
    """The directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._token = secrets.token_hex(6)
        self._number = 0
        self._current: Segment | None = None
        self._last_ms = 0

    def append(self, rows: Sequence[AuditRow]) -> None:
        """Write rows, at once and durably. One thread a process. Raises: OSError, and none of them is there then."""
        self.directory.mkdir(mode=0o700, exist_ok=True)
        need_room(self.directory)
        ordered, last_ms = self._in_order(rows)
        text = write_rows(ordered)
        if self._current is None or not append(
            self._current.path, text, most_bytes=LINK_AUDIT_SEGMENT_MAX_BYTES, create=0
        ):
            self._current = None
            current = self._begin(ordered[0].at_ms)
            append(current.path, text, most_bytes=LINK_AUDIT_SEGMENT_MAX_BYTES)
            self._current = current
        self._last_ms = last_ms

    def _in_order(self, rows: Sequence[AuditRow]) -> tuple[Sequence[AuditRow], int]:
        """By time, none before what is written already; when the clock was set back, they begin another segment."""
        ordered = sorted(rows, key=attrgetter("at_ms"))
        last_ms = self._last_ms
        if ordered[0].at_ms < last_ms - _SET_BACK_MS:
            self._current, last_ms = None, 0
        if ordered[0].at_ms < last_ms:
            ordered = [row if row.at_ms >= last_ms else replace(row, at_ms=last_ms) for row in ordered]
        return ordered, ordered[-1].at_ms

    def _begin(self, at_ms: int) -> Segment:
        self._number += 1
        return Segment(self.directory / f"{at_ms:015}-{self._token}-{self._number}{ROWS}", at_ms)

    def all(self) -> list[Segment]:
        """The oldest first."""
        return sorted({segment.name: segment for segment in self._found()}.values(), key=lambda found: found.name)

    def _found(self) -> Iterator[Segment]:
        """One that is completed meanwhile is found, perhaps twice: what was open is looked for first."""
        for ending in (ROWS, DONE):
            for path in self.directory.glob(f"*{ending}"):
                begin = path.name.partition("-")[0]
                if begin.isascii() and begin.isdigit():
                    yield Segment(path, int(begin))

    def complete(self, segment: Segment) -> Segment:
        """From now on nobody appends to it."""
        done = segment.path.with_suffix(DONE)
        when_complete(segment.path, lambda path: path.rename(done))
        sync_directory(self.directory)
        return segment._replace(path=done)

    def is_over(self, segment: Segment, now: float) -> bool:
        """Whether an open one is old enough, or full; or is from the future, where a clock has been."""
        size = segment.path.stat().st_size
        return size >= LINK_AUDIT_SEGMENT_MAX_BYTES or abs(now - segment.begin_ms / 1000) >= LINK_AUDIT_SEGMENT_S
