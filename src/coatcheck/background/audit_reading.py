"""Questions to the audit of links: rows of many segments, merged in the order of their times, a page at a time.

Of each segment only those lines are read that have a word of the question; segments that are too old or too new, or
whose index doesn't have the word, aren't opened. So memory is that of one segment's lines at most for each process that
wrote at the same time.
"""

from __future__ import annotations

import asyncio
import heapq
import mmap
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import Final, NamedTuple

from msgspec import Struct

from coatcheck.core.limits import LINK_AUDIT_SEGMENTS_A_PAGE
from coatcheck.links.audit_text import read_moment, read_row, word_for
from coatcheck.ports.link_audit import AuditRow, Page, Question

from .audit_index import may_have, read_last_moment
from .audit_segments import AuditSegments, Segment

_TAIL_BYTES: Final = 64 * 1024  # a row is shorter by far
_AT_ONCE: Final = 2  # questions of a process
_AFTER_ALL: Final = "~"  # behind the name of every segment


class _Place(NamedTuple):
    """Where a row is. All rows are in the order of their places."""

    at_ms: int
    segment: str
    offset: int


class _Span(Struct, frozen=True):
    """A segment, and between which times its rows are, both among them."""

    first_ms: int
    last_ms: int
    segment: Segment


class AuditReading:
    """See `ports.link_audit`.

    Args:
        is_on: whether rows are written; those that are there can be read in any case.
    """

    def __init__(self, segments: AuditSegments, *, is_on: bool) -> None:
        self.is_on = is_on
        self._segments = segments
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def list_rows(self, question: Question, *, after: str = "", most: int) -> Page:
        place = _read_place(after)
        async with self._turns:
            return await asyncio.to_thread(self._list, question, place, most)

    def _list(self, question: Question, after: _Place | None, most: int) -> Page:
        word = word_for(question)
        spans = self._spans(question, after)
        with ExitStack() as opened:
            rows = _Merge(question, word, after, spans, opened)
            found: list[AuditRow] = []
            last: _Place | None = None
            for place, row in rows:
                if len(found) == most:
                    assert last is not None
                    return Page(found, _write_place(last))
                if question.means(row):
                    found.append(row)
                    last = place
        return Page(found, "" if rows.left is None else _write_place(rows.left))

    def _spans(self, question: Question, after: _Place | None) -> list[_Span]:
        """Of segments that can have rows between the times that are asked for; in the order of reading."""
        newest = question.newest_first
        spans = []
        for segment in self._segments.all():
            last_ms = _last_moment(segment)
            too_new = question.until_ms is not None and segment.begin_ms >= question.until_ms
            if last_ms is None or last_ms < question.since_ms or too_new:
                continue
            if after is not None and (segment.begin_ms > after.at_ms if newest else last_ms < after.at_ms):
                continue
            spans.append(_Span(segment.begin_ms, last_ms, segment))
        spans.sort(key=lambda span: (-span.last_ms if newest else span.first_ms, span.segment.name))
        return spans


class _Merge:
    """The rows of all spans in their order. A segment is opened when the rows before its first are done.

    Attributes:
        left: where to go on, if so many segments were opened that the rest is left for the next page.
    """

    def __init__(
        self, question: Question, word: bytes, after: _Place | None, spans: Sequence[_Span], opened: ExitStack
    ) -> None:
        self.left: _Place | None = None
        self._question = question
        self._word = word
        self._after = after
        self._spans = iter(spans)
        self._opened = opened
        self._ranks = {name: rank for rank, name in enumerate(sorted(span.segment.name for span in spans))}
        self._budget = LINK_AUDIT_SEGMENTS_A_PAGE

    def __iter__(self) -> Iterator[tuple[_Place, AuditRow]]:
        newest = self._question.newest_first
        sign = -1 if newest else 1
        heap: list[tuple[tuple[int, int, int], _Place, AuditRow, Iterator[tuple[_Place, AuditRow]]]] = []
        following = next(self._spans, None)

        def push(rows: Iterator[tuple[_Place, AuditRow]]) -> None:
            for place, row in rows:
                order = (sign * place.at_ms, sign * self._ranks[place.segment], sign * place.offset)
                heapq.heappush(heap, (order, place, row, rows))
                return

        while heap or following is not None:
            while following is not None and self.left is None:
                begins = following.last_ms if newest else following.first_ms
                if heap and sign * begins > heap[0][0][0]:
                    break
                if self._budget <= 0 and not self._is_begun(begins):
                    self.left = _Place(begins, _AFTER_ALL, 0) if newest else _Place(begins, "", 0)
                    break
                push(self._rows_of(following.segment, costs=not self._is_begun(begins)))
                following = next(self._spans, None)
            if self.left is not None and (not heap or sign * self.left.at_ms <= heap[0][0][0]):
                return
            if heap:
                _, place, row, rows = heapq.heappop(heap)
                yield place, row
                push(rows)

    def _is_begun(self, begins_ms: int) -> bool:
        """Whether the page before has read of a segment, or ended at it: such are opened in any case."""
        if self._after is None:
            return False
        return begins_ms >= self._after.at_ms if self._question.newest_first else begins_ms <= self._after.at_ms

    def _rows_of(self, segment: Segment, *, costs: bool) -> Iterator[tuple[_Place, AuditRow]]:
        if segment.is_done and not may_have(segment.beside, self._word):
            return iter(())
        self._budget -= costs
        content = _open(segment, self._opened)
        return iter(()) if content is None else self._rows_in(content, segment.name)

    def _rows_in(self, content: mmap.mmap, name: str) -> Iterator[tuple[_Place, AuditRow]]:
        offsets = _lines_with(content, self._word)
        question, after = self._question, self._after

        def place_of(offset: int) -> _Place:
            return _Place(read_moment(content[offset : offset + 32]), name, offset)

        first = bisect_left(offsets, question.since_ms, key=lambda offset: place_of(offset).at_ms)
        last = len(offsets)
        if question.until_ms is not None:
            last = bisect_left(offsets, question.until_ms, key=lambda offset: place_of(offset).at_ms)
        if after is not None and question.newest_first:
            last = min(last, bisect_left(offsets, after, key=place_of))
        elif after is not None:
            first = max(first, bisect_right(offsets, after, key=place_of))
        meant = offsets[first:last]
        for offset in reversed(meant) if question.newest_first else meant:
            with suppress(ValueError):  # what a disk has spoilt is no row
                row = read_row(content[offset : content.find(b"\n", offset) + 1])
                yield place_of(offset), row


def _lines_with(content: mmap.mmap, word: bytes) -> list[int]:
    """Where whole lines that have the word begin."""
    offsets: list[int] = []
    end = content.rfind(b"\n") + 1
    found = content.find(word, 0, end)
    while found >= 0:
        offsets.append(content.rfind(b"\n", 0, found) + 1)
        found = content.find(word, content.find(b"\n", found) + 1, end)
    return offsets


def _open(segment: Segment, opened: ExitStack) -> mmap.mmap | None:
    """None for one that is gone, or has nothing."""
    for path in (segment.path, *((segment.path.with_suffix(".done"),) if not segment.is_done else ())):
        try:
            with path.open("rb") as file:
                return opened.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except FileNotFoundError:
            continue
        except ValueError:  # it is empty
            return None
    return None


def _last_moment(segment: Segment) -> int | None:
    """The time of its last whole row; None without one, and for a segment that is gone."""
    if segment.is_done and (known := read_last_moment(segment.beside)) is not None:
        return known
    with ExitStack() as opened:
        content = _open(segment, opened)
        if content is None:
            return None
        end = content.rfind(b"\n", max(0, len(content) - _TAIL_BYTES))
        if end < 0:
            return None
        begin = content.rfind(b"\n", 0, end) + 1
        return read_moment(content[begin : begin + 32])


def _write_place(place: _Place) -> str:
    return f"{place.at_ms}.{place.offset}.{place.segment}"


def _read_place(text: str) -> _Place | None:
    """Raises: ValueError."""
    if not text:
        return None
    at_ms, offset, segment = text.split(".", 2)
    if not all(part.isascii() and part.isdigit() and len(part) < 20 for part in (at_ms, offset)) or len(segment) > 99:
        raise ValueError("no place of a page")
    return _Place(int(at_ms), segment, int(offset))
