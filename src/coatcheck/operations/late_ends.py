"""Ends of limited downloads that arrived whole, told to the register later than they happened.

Until it is told, the register takes a download that runs for one that will arrive whole, and one whose process has died
for one that did: so such an end changes nothing of what its link may still do, and nobody waits for its commit. It is
told together with the next download of the link in this process, or soon, many at once. Ends of downloads that broke
off are told at once: they may give a use back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Final

from coatcheck.links.uses import Uses
from coatcheck.links.uses_text import read_uses, write_uses
from coatcheck.ports.catalog import NotWritten, Unknown
from coatcheck.ports.links import LimitedPart, Links

LATE_S: Final = 0.1
_AT_ONCE: Final = 128  # links of one transaction

Change = Callable[[Uses], Uses]

log: Final = logging.getLogger("coatcheck")


def on_text(changes: Sequence[Change]) -> Callable[[str], str]:
    """The changes, one after the other, of an account as stores keep it."""

    def change(text: str) -> str:
        uses = read_uses(text)
        for each in changes:
            uses = each(uses)
        return write_uses(uses)

    return change


class LateEnds:
    """Those that wait in this process."""

    def __init__(self, register: Links) -> None:
        self._register = register
        self._waiting: dict[LimitedPart, tuple[Change, ...]] = {}
        self._telling: asyncio.Task[None] | None = None

    def add(self, link: LimitedPart, *ends: Change) -> None:
        """They are told within `LATE_S`, if nobody takes them. To tell one twice changes nothing."""
        if not ends:
            return
        self._waiting[link] = (*self._waiting.get(link, ()), *ends)
        if self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._tell_soon())

    def take(self, link: LimitedPart) -> Sequence[Change]:
        """Those of one link, for whoever changes its account now; who fails gives them back."""
        return self._waiting.pop(link, ())

    async def settled(self) -> None:
        """When none waits any more."""
        while self._telling is not None:
            await asyncio.wait([self._telling])

    async def _tell_soon(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(LATE_S)
                waiting, self._waiting = iter(self._waiting.items()), {}
                while some := list(islice(waiting, _AT_ONCE)):
                    await self._tell({link: on_text(ends) for link, ends in some})
        finally:
            self._telling = None

    async def _tell(self, changes: Mapping[LimitedPart, Callable[[str], str]]) -> None:
        try:
            await self._register.tell_uses(changes)
        except (NotWritten, Unknown) as error:
            log.warning("ends of limited downloads cannot be written down, they count as what they were: %s", error)
        except Exception:
            log.exception("ends of limited downloads cannot be written down, they count as what they were")
