"""Mirrors as requests ask for them; who fetches is loaded and made with the first object that is fetched."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from coatcheck.clock import Clock
from coatcheck.operations.context import Ports
from coatcheck.operations.mirroring import Missing, Moved, Passing, Shown

from .acting import Identities
from .key_locks import KeyLocks
from .notices import Notices

if TYPE_CHECKING:
    from .mirror_run import MirrorRuns


class Mirrors:
    """See `operations.mirroring.Mirrors`; what it is made with, `MirrorRuns` says."""

    def __init__(self, ports: Ports, identities: Identities, notices: Notices, clock: Clock, locks: KeyLocks) -> None:
        self._made_with = ports, identities, notices, clock, locks
        self._locks = locks

    @cached_property
    def _runs(self) -> MirrorRuns:
        from .mirror_run import MirrorRuns

        return MirrorRuns(*self._made_with)

    async def fetch(self, missing: Missing) -> Passing | Moved | Shown | None:
        return await self._runs.fetch(missing)

    async def close(self) -> None:
        """What is under way is cut off, and not stored."""
        if "_runs" in vars(self):
            await self._runs.close()
        else:
            self._locks.close()
