"""Objects read lately, each kept for as long as nobody commits anything to its key."""

from __future__ import annotations

from random import Random

from ...ports.object import ObjectRecord
from ..kept_records import KeptRecords, Place
from .changes import Changes


class RecentObjects:
    """`keep` follows `find` of the same place with no await between."""

    def __init__(self, changes: Changes, chance: Random | None = None) -> None:
        self._changes = changes
        self._number = -1  # of the key that was asked for last
        self._kept = KeptRecords(chance)

    def find(self, place: Place) -> ObjectRecord | None:
        """The object, if nothing was committed to its key since it was read."""
        number = self._number = self._changes.of_object(place[0], place[1])
        return self._kept.find(place, number)

    def keep(self, place: Place, record: ObjectRecord) -> None:
        """Remember what was read after `find` said None: it is at least as new as the number looked at then."""
        if not self._number & 1:
            self._kept.keep(place, self._number, record)
