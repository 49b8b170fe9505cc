"""The totals of links in a dict."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..ports.link_totals import NO_TOTALS, Totals
from .memory_links import MemoryLinks


class MemoryLinkTotals:
    """See `ports.link_totals`."""

    def __init__(self, links: MemoryLinks) -> None:
        self._links = links
        self._counted: dict[str, int] = {}

    async def add(self, segment: str, start: int, stop: int, totals: Mapping[str, Totals]) -> None:
        if self._counted.get(segment, 0) != start:
            return
        self._counted[segment] = stop
        for link_id, more in totals.items():
            if await self._links.find_link(link_id) is not None:
                self._links.totals[link_id] = self._links.totals.get(link_id, NO_TOTALS).joined(more)

    async def known(self, link_ids: Collection[str]) -> Collection[str]:
        return [link_id for link_id in link_ids if await self._links.find_link(link_id) is not None]

    async def find(self, link_ids: Collection[str]) -> Mapping[str, Totals]:
        totals = self._links.totals
        return {link_id: totals[link_id] for link_id in link_ids if link_id in totals}

    async def counted(self) -> Mapping[str, int]:
        return dict(self._counted)

    async def forget_segment(self, segment: str) -> None:
        self._counted.pop(segment, None)
