"""Counting requests: a listener of exchanges. On the way of every request, so it looks nothing up that it needn't."""

from __future__ import annotations

from bisect import bisect_left

from coatcheck.core.body import NO_BODY
from coatcheck.exchange import Exchange

from .layout import OTHER, Layout
from .table import BROKEN, NANOSECONDS, RECEIVED, REQUEST_BOUNDS, SENT


class RequestCounts:
    """The requests of one worker.

    Args:
        cells: its row.
    """

    def __init__(self, layout: Layout, cells: memoryview) -> None:
        self._cells = cells
        self._rows, self._other = layout.rows, layout.other
        self._columns, self._codes = layout.columns, layout.codes
        self._sent, self._received = layout.cell(SENT), layout.cell(RECEIVED)
        self._broken = layout.cell(BROKEN)
        self._sum = len(REQUEST_BOUNDS) + 1

    def note(self, exchange: Exchange) -> None:
        cells, reply = self._cells, exchange.reply
        requests, seconds = self._rows.get(exchange.operation, self._other)
        took_s = exchange.seconds
        cells[requests + self._columns[0 if reply is None else reply.status]] += 1
        cells[seconds + bisect_left(REQUEST_BOUNDS, took_s)] += 1
        cells[seconds + self._sum] += int(took_s * NANOSECONDS)
        cells[self._sent] += exchange.sent_bytes
        if exchange.refusal:
            cells[self._codes.get(exchange.refusal) or self._codes[OTHER]] += 1
        if not exchange.whole:
            cells[self._broken] += 1
        body = exchange.request.body
        if body is not NO_BODY:
            cells[self._received] += getattr(body, "received", 0)  # not every body that tests send counts
