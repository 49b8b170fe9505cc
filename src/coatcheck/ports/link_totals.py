"""What all uses of a link come to: counted from its audit rows, each once, for links that the register has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol


class Totals(NamedTuple):
    """Of one link, since it has a row in the register.

    Attributes:
        uses: requests that were answered, downloads and others.
        sent_bytes: of all replies' bodies.
        broken: uses that began, and of which not all went out.
        refused: requests that were refused though the link's signature held.
        last_use_ms: Unix milliseconds; 0 for never.
    """

    uses: int = 0
    sent_bytes: int = 0
    broken: int = 0
    refused: int = 0
    last_use_ms: int = 0

    def joined(self, other: Totals) -> Totals:
        return Totals(
            self.uses + other.uses,
            self.sent_bytes + other.sent_bytes,
            self.broken + other.broken,
            self.refused + other.refused,
            max(self.last_use_ms, other.last_use_ms),
        )


NO_TOTALS = Totals()


class LinkTotals(Protocol):
    """How far each segment of rows was counted is kept with the counts, so that none counts twice or never."""

    async def add(self, segment: str, start: int, stop: int, totals: Mapping[str, Totals]) -> None:
        """Count the rows of a segment from byte `start` to `stop`: of links, by id, those that are in the register.

        All in one transaction; nothing is done if the segment was counted to another place than `start`.
        """
        ...

    async def known(self, link_ids: Collection[str]) -> Collection[str]:
        """Those of the links that the register has: rows of others need not be looked at."""
        ...

    async def find(self, link_ids: Collection[str]) -> Mapping[str, Totals]:
        """Those of links that were used."""
        ...

    async def counted(self) -> Mapping[str, int]:
        """How far each segment was counted, in bytes; those without are at 0."""
        ...

    async def forget_segment(self, segment: str) -> None:
        """It is gone. Fine if it wasn't known."""
        ...


class NoLinkTotals:
    """Where nothing is counted."""

    async def add(self, segment: str, start: int, stop: int, totals: Mapping[str, Totals]) -> None:
        return

    async def known(self, link_ids: Collection[str]) -> Collection[str]:
        return ()

    async def find(self, link_ids: Collection[str]) -> Mapping[str, Totals]:
        return {}

    async def counted(self) -> Mapping[str, int]:
        return {}

    async def forget_segment(self, segment: str) -> None:
        return
