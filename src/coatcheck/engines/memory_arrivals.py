"""Arrivals in a dict, beside the catalog in dicts, which counts their blobs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ..ports.arrivals import Arrival, ArrivalChange, Changed, Taken
from ..ports.catalog import Gone, Written
from ..ports.object import ObjectRecord
from ..ports.quota import Usage
from .memory import MemoryCatalog


class MemoryArrivals:
    """See `ports.arrivals`."""

    def __init__(self, catalog: MemoryCatalog) -> None:
        self._catalog = catalog
        self._arrivals = catalog.arrivals
        self._taken: dict[str, Taken] = {}

    async def find_arrival(self, arrival_id: str) -> Arrival | None:
        return self._arrivals.get(arrival_id)

    async def find_taken(self, link_id: str) -> Taken:
        return self._taken.get(link_id, Taken())

    async def list_arrivals(self, link_id: str, *, after: str = "", most: int) -> Sequence[Arrival]:
        found = [self._arrivals[arrival_id] for arrival_id in sorted(self._arrivals) if arrival_id > after]
        return [arrival for arrival in found if arrival.link_id == link_id and arrival.is_whole][:most]

    async def list_ended(self, before: int, most: int) -> Sequence[Arrival]:
        ended = [arrival for arrival in self._arrivals.values() if arrival.ends_at < before]
        return sorted(ended, key=lambda arrival: arrival.ends_at)[:most]

    async def change_arrival(self, link_id: str, arrival_id: str, change: ArrivalChange) -> Changed:
        before, taken = self._look(link_id, arrival_id)
        after, becomes = change(before, taken)
        new = () if after is None else after.segments
        old = () if before is None else before.segments
        arrival = after or before
        if arrival is not None:
            more = (after.size if after else 0) - (before.size if before else 0)
            with suppress(Gone):  # of a bucket that is gone nothing is counted
                self._catalog.check_quota(arrival.bucket_id, Usage(more))
        self._catalog.check_new_blobs(old, new)
        self._put(link_id, arrival_id, after, becomes)
        return Changed(after, self._catalog.move_blobs(old, new))

    async def make_object(self, link_id: str, arrival_id: str, change: ArrivalChange, record: ObjectRecord) -> Written:
        before, taken = self._look(link_id, arrival_id)
        after, becomes = change(before, taken)
        assert before is not None
        assert after is None, "what becomes an object leaves no row"
        self._catalog.check_new_blobs(before.segments, record.segments)
        del self._arrivals[arrival_id]  # it takes the object's room no more
        try:
            written = await self._catalog.put_object(before.bucket_id, record, forbid_overwrite=True)
        except BaseException:
            self._arrivals[arrival_id] = before
            raise
        self._put(link_id, arrival_id, None, becomes)
        return Written(written.version_id, written.released + self._catalog.move_blobs(before.segments, ()))

    def _look(self, link_id: str, arrival_id: str) -> tuple[Arrival | None, Taken]:
        found = self._arrivals.get(arrival_id)
        return (found if found is not None and found.link_id == link_id else None), self._taken.get(link_id, Taken())

    def _put(self, link_id: str, arrival_id: str, arrival: Arrival | None, taken: Taken) -> None:
        self._taken[link_id] = taken
        if arrival is None:
            self._arrivals.pop(arrival_id, None)
        else:
            self._arrivals[arrival_id] = arrival
