"""Objects that were read lately, in bounded memory, each with what proves to its reader that it is true still."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from ..ports.object import ObjectRecord

Place = tuple[int, str, str | None]  # bucket_id, key, version id; None: the current version

_MOST_BYTES: Final = 80 * 1024**2  # a process; inline bodies and what a record weighs beside them
_RECORD_BYTES: Final = 2560  # with the reply that is made of it
_CHANCE: Final = 0.125  # of being kept when another must go


class KeptRecords:
    """Of one process.

    When it is full the oldest goes, but only now and then: if more objects are asked for in turn than fit, a part of
    them stays and is found, where keeping each would find none.
    """

    def __init__(self, chance: Random | None = None) -> None:
        self._chance = chance or Random()  # noqa: S311  no secret
        self._records: dict[Place, tuple[Any, ObjectRecord]] = {}
        self._bytes = 0

    def find(self, place: Place, proof: Any) -> ObjectRecord | None:
        """The object, if it was kept with an equal proof."""
        kept = self._records.get(place)
        if kept is None:
            return None
        if kept[0] == proof:
            return kept[1]
        self._forget(place)
        return None

    def keep(self, place: Place, proof: Any, record: ObjectRecord) -> None:
        """What `find` didn't find."""
        weight = _weight(record)
        is_full = self._bytes + weight > _MOST_BYTES
        if place in self._records or (is_full and self._chance.random() > _CHANCE):
            return
        self._records[place] = proof, record
        self._bytes += weight
        while self._bytes > _MOST_BYTES:
            self._forget(next(iter(self._records)))

    def _forget(self, place: Place) -> None:
        self._bytes -= _weight(self._records.pop(place)[1])


def _weight(record: ObjectRecord) -> int:
    return _RECORD_BYTES + len(record.body or b"") + 128 * len(record.segments)
