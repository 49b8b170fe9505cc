"""Objects read lately, each kept for as long as nobody commits anything to its key."""

from __future__ import annotations

from random import Random
from typing import Final

from ...ports.object import ObjectRecord
from .changes import Changes

Place = tuple[int, str, str | None]  # bucket_id, key, version id; None: the current version

_MOST_BYTES: Final = 80 * 1024**2  # a process; inline bodies and what a record weighs beside them
_RECORD_BYTES: Final = 1024
_CHANCE: Final = 0.125  # of being kept when another must go


class RecentObjects:
    """A bounded memory of one process. `keep` follows `find` of the same place with no await between.

    When it is full the oldest goes, but only now and then: if more objects are asked for in turn than fit, a part of
    them stays and is found, where keeping each would find none.
    """

    def __init__(self, changes: Changes, chance: Random | None = None) -> None:
        self._changes = changes
        self._chance = chance or Random()  # noqa: S311  no secret
        self._number = -1  # of the key that was asked for last
        self._records: dict[Place, tuple[int, ObjectRecord]] = {}
        self._bytes = 0

    def find(self, place: Place) -> ObjectRecord | None:
        """The object, if nothing was committed to its key since it was read."""
        number = self._number = self._changes.of_object(place[0], place[1])
        kept = self._records.get(place)
        if kept is None:
            return None
        if kept[0] == number:
            return kept[1]
        self._forget(place)
        return None

    def keep(self, place: Place, record: ObjectRecord) -> None:
        """Remember what was read after `find` said None: it is at least as new as the number looked at then."""
        weight = _weight(record)
        is_full = self._bytes + weight > _MOST_BYTES
        if self._number & 1 or (is_full and self._chance.random() > _CHANCE):
            return
        self._records[place] = self._number, record
        self._bytes += weight
        while self._bytes > _MOST_BYTES:
            self._forget(next(iter(self._records)))

    def _forget(self, place: Place) -> None:
        self._bytes -= _weight(self._records.pop(place)[1])


def _weight(record: ObjectRecord) -> int:
    return _RECORD_BYTES + len(record.body or b"") + 128 * len(record.segments)
