"""Counting requests: a listener of exchanges. On the way of every request, so it looks nothing up that it needn't."""

from __future__ import annotations

from bisect import bisect_left

from coatcheck.core.body import NO_BODY
from coatcheck.exchange import Exchange

from .layout import OTHER, Layout
from .table import BROKEN, NANOSECONDS, RECEIVED, REQUEST_BOUNDS, SENT


class RequestCounts:
    """The requests of one worker.

    What the cells hold is kept beside them, too, as whoever wrote there before has left it: to read a cell takes twice
    as long as to write it.

    Args:
        cells: its row.
    """

    __slots__ = ("_broken", "_cells", "_codes", "_columns", "_kept", "_other", "_received", "_rows", "_sent", "_sum")

    def __init__(self, layout: Layout, cells: memoryview) -> None:
        self._cells, self._kept = cells, cells.tolist()
        self._rows, self._other = layout.rows, layout.other
        self._columns, self._codes = layout.columns, layout.codes
        self._sent, self._received = layout.cell(SENT), layout.cell(RECEIVED)
        self._broken = layout.cell(BROKEN)
        self._sum = len(REQUEST_BOUNDS) + 1

    def note(self, exchange: Exchange) -> None:
        cells, kept, reply, took_s = self._cells, self._kept, exchange.reply, exchange.seconds
        try:
            at, seconds = self._rows[exchange.operation]
        except KeyError:
            at, seconds = self._other
        at += self._columns[0 if reply is None else reply.status]
        cells[at] = kept[at] = kept[at] + 1
        at = seconds + bisect_left(REQUEST_BOUNDS, took_s)
        cells[at] = kept[at] = kept[at] + 1
        at = seconds + self._sum
        cells[at] = kept[at] = kept[at] + int(took_s * NANOSECONDS)
        at = self._sent
        cells[at] = kept[at] = kept[at] + exchange.sent_bytes
        if exchange.refusal:
            self._add(self._codes.get(exchange.refusal) or self._codes[OTHER], 1)
        if not exchange.whole:
            self._add(self._broken, 1)
        body = exchange.request.body
        if body is not NO_BODY:
            self._add(self._received, getattr(body, "received", 0))  # not every body that tests send counts

    def _add(self, at: int, number: int) -> None:
        self._cells[at] = self._kept[at] = self._kept[at] + number
