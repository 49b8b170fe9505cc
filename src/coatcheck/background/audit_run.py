"""What one process does for the audit of links: counts new rows, completes and indexes segments, removes old ones."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from coatcheck.core.limits import LINK_AUDIT_BATCH_BYTES, LINK_AUDIT_MAX_BYTES
from coatcheck.links.audit_text import read_head, read_row
from coatcheck.ports.link_audit import AuditRow
from coatcheck.ports.link_totals import NO_TOTALS, LinkTotals, Totals

from .audit_index import read_last_moment, write_index
from .audit_segments import AuditSegments, Segment

_DAY_MS: Final = 86_400_000

log = logging.getLogger("coatcheck")


class Batch(NamedTuple):
    """New rows of one segment, in their order: of links that the register has, or that somebody hears of.

    Attributes:
        start, stop: the bytes in which they are.
        stops: the byte behind each. What is read again after a crash may have more rows, not others.
        counted: by segment, the byte up to which rows are counted by now.
    """

    segment: str
    start: int
    stop: int
    rows: Sequence[AuditRow]
    stops: Sequence[int]
    counted: Mapping[str, int] = MappingProxyType({})


class Hearing(Protocol):
    """Who hears of rows."""

    async def buckets(self) -> Collection[str]:
        """Names of those of which it hears all rows."""
        ...

    async def tell(self, batch: Batch, now: float) -> None:
        """Is called with each batch before that is counted; with the same again if the process dies in between."""
        ...


class _Line(NamedTuple):
    """A row that nobody has read yet, and the byte behind it."""

    link: str
    bucket: str
    text: bytes
    stop: int


class AuditRun:
    """Args:
    days: how long rows are kept.
    """

    def __init__(self, segments: AuditSegments, totals: LinkTotals, hearing: Hearing, *, days: int) -> None:
        self._segments = segments
        self._totals = totals
        self._hearing = hearing
        self._days = days

    async def run(self, now: float) -> None:
        """One look. Args: now: Unix seconds."""
        counted = dict(await self._totals.counted())
        gone = set(counted)
        heard = await self._hearing.buckets()
        for segment in await asyncio.to_thread(self._segments.all):
            gone.discard(segment.name)
            if segment.is_done and segment.beside.exists():  # it was counted before it was indexed
                continue
            await self._count(segment, counted, heard, now)
            await asyncio.to_thread(self._finish, segment, now)
        for name in gone:
            await self._totals.forget_segment(name)
        await asyncio.to_thread(self._remove_old, now)

    async def _count(self, segment: Segment, counted: dict[str, int], heard: Collection[str], now: float) -> None:
        """Most rows are of links that nobody has said anything of: what they say is not even read."""
        start = counted.get(segment.name, 0)
        while (found := await asyncio.to_thread(_read_lines, segment, start)) is not None:
            lines, stop = found
            known = frozenset(await self._totals.known({line.link for line in lines}))
            meant = [line for line in lines if line.link in known or line.bucket in heard]
            if meant:
                rows, stops = await asyncio.to_thread(_read_rows, segment, meant)
                await self._hearing.tell(Batch(segment.name, start, stop, rows, stops, counted), now)
                await self._totals.add(segment.name, start, stop, add_up(rows))
            else:
                await self._totals.add(segment.name, start, stop, {})
            start = counted[segment.name] = stop

    def _finish(self, segment: Segment, now: float) -> None:
        """One that is completed here is counted to its end, and indexed, at the next look."""
        if not segment.is_done:
            if self._segments.is_over(segment, now):
                self._segments.complete(segment)
        else:
            write_index(segment.path, segment.beside)

    def _remove_old(self, now: float) -> None:
        kept, bytes_kept = int(now * 1000) - self._days * _DAY_MS, 0
        for segment in reversed(self._segments.all()):
            last_ms = read_last_moment(segment.beside) if segment.is_done else None
            if last_ms is None:
                continue
            bytes_kept += segment.path.stat().st_size
            if last_ms < kept:
                segment.remove()
            elif bytes_kept > LINK_AUDIT_MAX_BYTES:
                log.warning("link audit: rows of before %d ms are removed, more take no more room", last_ms)
                segment.remove()


def add_up(rows: Sequence[AuditRow]) -> Mapping[str, Totals]:
    """What rows come to, by link."""
    totals: dict[str, Totals] = {}
    for row in rows:
        totals[row.link] = totals.get(row.link, NO_TOTALS).joined(_total_of(row))
    return totals


def _total_of(row: AuditRow) -> Totals:
    if row.code or not row.status or row.status >= 400:
        return Totals(0, row.sent_bytes, 0, 1, 0)
    return Totals(1, row.sent_bytes, int(not row.whole), 0, row.at_ms)


def _read_lines(segment: Segment, start: int) -> tuple[list[_Line], int] | None:
    """What stands there from byte `start` on, and where that ends; None where there is nothing new.

    What a crash has cut off is no row; nor is a line that can't be read.
    """
    try:
        with segment.path.open("rb") as file:
            file.seek(start)
            text = file.read(LINK_AUDIT_BATCH_BYTES)
    except FileNotFoundError:  # completed meanwhile
        return None
    whole = text.rfind(b"\n") + 1
    if not whole:
        return None
    lines, stop = [], start
    for line in text[:whole].splitlines(keepends=True):
        stop += len(line)
        try:
            lines.append(_Line(*read_head(line), line, stop))
        except ValueError:
            _say_unreadable(segment)
    return lines, stop


def _read_rows(segment: Segment, lines: Sequence[_Line]) -> tuple[list[AuditRow], list[int]]:
    """The rows, and the byte behind each."""
    rows, stops = [], []
    for line in lines:
        try:
            rows.append(read_row(line.text))
            stops.append(line.stop)
        except ValueError:
            _say_unreadable(segment)
    return rows, stops


def _say_unreadable(segment: Segment) -> None:
    log.warning("link audit segment=%s: a row cannot be read", segment.name)
