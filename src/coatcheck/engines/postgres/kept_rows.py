"""What a transaction remembers and keeps back, so that a hundred puts take hardly more round trips than one.

The rows of objects and of their bodies are kept until anything else is asked, and then sent in one statement. What lies
at the keys that the transaction holds, where nobody else can change it, is asked for all of them with the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from ..sql.objects import ONLY_PLACE, WRITE
from .statements import Place, inserting_many, of_places, writing

Row = tuple[Any, ...]
Ask = Callable[[str, Sequence[Any]], list[Any]]  # a statement's text and arguments -> its rows

_BODY: Final = "INSERT OR REPLACE INTO body (id, content, segments, parts) VALUES (?, ?, ?, ?)"
_OBJECTS: Final = inserting_many(WRITE)
_BODIES: Final = inserting_many(_BODY)
_BOTH: Final = f"WITH body_of AS ({inserting_many(_BODY, WRITE.count('?'))}) {_OBJECTS}"
_ONLY_PLACE: Final = writing(ONLY_PLACE).text
_AT_PLACES: Final = of_places(  # with a limit each is a look into the index, whatever is believed of the table's size
    "SELECT asked.place, found.* FROM {} CROSS JOIN LATERAL ({}) AS found", f"{ONLY_PLACE} LIMIT 1"
)
_MOST_BYTES: Final = 4 * 1024**2  # of bodies that are kept


class KeptRows:
    """Of a transaction.

    Args:
        ask: sends a statement.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._bodies: list[Row] = []
        self._bytes = 0  # of them
        self._objects: dict[Place, Row] = {}
        self._held: list[Place] = []  # that nobody has asked for
        self._found: dict[Place, Any] = {}  # rows of `ONLY_PLACE`; None where there is none

    def begin(self) -> None:
        """A transaction begins: nothing of the one before counts."""
        self._drop()
        self._found.clear()
        self._held = []

    def hold(self, places: list[Place]) -> None:
        """The transaction has these for itself."""
        self._held = places

    def find(self, place: Place) -> Any:
        """The row of `ONLY_PLACE`, or None."""
        if place not in self._found:
            self.send()
            if place not in self._held:
                rows = self._ask(_ONLY_PLACE, place)
                return rows[0] if rows else None
            places, self._held = self._held, []
            rows = self._ask(_AT_PLACES, ([each[0] for each in places], [each[1] for each in places]))
            self._found = dict.fromkeys(places)
            for number, *row in rows:
                self._found[places[number - 1]] = row
        return self._found[place]

    def keep_body(self, row: Row) -> None:
        """Of a new body, or in place of one: id, content, segments, parts."""
        self._bodies.append(row)
        self._bytes += len(row[1] or b"")

    def keep_object(self, row: Row) -> None:
        """What `WRITE` takes."""
        place = row[:2]
        if place in self._objects or self._bytes > _MOST_BYTES:  # no statement writes a row twice
            self.send()
        self._objects[place] = row
        self.forget(place)

    def forget(self, place: Place) -> None:
        """It is being written."""
        self._found.pop(place, None)

    def send(self) -> None:
        """Write all that is kept."""
        if self._bodies or self._objects:
            text = _BODIES if not self._objects else _BOTH if self._bodies else _OBJECTS
            columns = [*zip(*self._objects.values(), strict=True), *zip(*self._bodies, strict=True)]
            self._drop()
            self._ask(text, columns)

    def _drop(self) -> None:
        self._bodies.clear()
        self._objects.clear()
        self._bytes = 0
