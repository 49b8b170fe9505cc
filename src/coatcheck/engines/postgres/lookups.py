"""Objects that requests ask for, those of one moment in one statement.

To ask costs a process as much as ten rows do. So what is asked for while the loop takes its turn, and while a statement
is under way that isn't slow, goes together in the next one. Nobody is answered from a statement that was sent before he
asked.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

from ...ports.catalog import Away
from ..sql.objects import COLUMNS
from .connection import Reader
from .statements import Place, of_places, reading

_TOGETHER: Final = 64  # places in one statement: with the bodies of small objects at most 4 MiB
_AT_ONCE: Final = 6  # statements under way
_PATIENCE_S: Final = 0.002  # for how long the next statement gathers, at most, while one is under way

CURRENT: Final = reading(f"{COLUMNS} ORDER BY seq LIMIT 1")
WITH_NUMBERS: Final = "SELECT number, links, found.* FROM generation LEFT JOIN ({}) AS found ON TRUE"
_ALONE: Final = WITH_NUMBERS.format(CURRENT)
_MANY: Final = WITH_NUMBERS.format(
    of_places("SELECT asked.place, each.* FROM {} CROSS JOIN LATERAL ({}) AS each", f"{COLUMNS} ORDER BY seq LIMIT 1")
)


class Answer(NamedTuple):
    """The numbers of `generation`, and the columns of the object's current version as of then; () if there is none."""

    number: int
    links: int
    row: Sequence[Any]


def read_answer(row: Any) -> Answer:
    """The row of a question `WITH_NUMBERS` that has one answer at most."""
    return Answer(row[0], row[1], row[2:] if row[2] is not None else ())


_Asked = dict[Place, list["asyncio.Future[Answer | None]"]]


class Lookups:
    """Used on one event loop at a time."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begin()

    def _begin(self) -> None:
        self._waiting: deque[tuple[Place, asyncio.Future[Answer | None]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way = 0  # statements
        self._sent_at = 0.0  # the last one, by the loop's clock
        self._is_due = False  # `_send` is going to be called
        self._was_alone = True  # what was sent last

    async def find(self, place: Place) -> Answer:
        """Raises: Away."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._begin()
        if self._was_alone and not self._under_way:
            return await self._find_alone(place, loop)
        waits: asyncio.Future[Answer | None] = loop.create_future()
        self._waiting.append((place, waits))
        if not self._is_due and (not self._under_way or loop.time() > self._sent_at + _PATIENCE_S):
            self._is_due = True
            loop.call_soon(self._send)
        answer = await waits
        if answer is None:
            raise Away("The database cannot be reached.")
        return answer

    async def _find_alone(self, place: Place, loop: asyncio.AbstractEventLoop) -> Answer:
        """Without the task that an answer to many takes: where one client asks, nobody else will in this turn."""
        self._under_way += 1
        self._sent_at = loop.time()
        try:
            return (await self._answers([place]))[0]
        finally:
            if loop is self._loop:
                self._under_way -= 1
                self._send()

    def _send(self) -> None:
        """What all have asked for that have had their turn."""
        self._is_due = False
        assert self._loop is not None
        while self._waiting and self._under_way < _AT_ONCE:
            places: _Asked = {}
            while self._waiting and len(places) < _TOGETHER:
                place, waits = self._waiting.popleft()
                places.setdefault(place, []).append(waits)
            self._was_alone = len(places) == 1
            self._under_way += 1
            self._sent_at = self._loop.time()
            task = self._loop.create_task(self._ask(places))
            self._tasks.add(task)
            task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._under_way -= 1
        self._send()

    async def _ask(self, places: _Asked) -> None:
        answers: Sequence[Answer | None]
        try:
            answers = await self._answers(list(places))
        except Away:
            answers = [None] * len(places)
        except BaseException as error:  # a fault of ours, or the loop ends
            if isinstance(error, Exception) and len(places) > 1:  # one that cannot be asked for fails no other
                for place, of_place in places.items():
                    await self._ask({place: of_place})
                return
            for waits in chain(*places.values()):
                if not waits.done():
                    waits.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for answer, of_place in zip(answers, places.values(), strict=True):
            for waits in of_place:
                if not waits.done():  # whoever asked may have gone
                    waits.set_result(answer)

    async def _answers(self, places: list[Place]) -> list[Answer]:
        """In their order. Raises: Away."""
        if len(places) == 1:
            return [read_answer((await self._reader.ask(_ALONE, *places[0]))[0])]
        rows = await self._reader.ask(_MANY, [place[0] for place in places], [place[1] for place in places])
        number, links = rows[0][0], rows[0][1]
        answers = [Answer(number, links, ())] * len(places)
        for row in rows:
            if row[2] is not None:
                answers[row[2] - 1] = Answer(number, links, row[3:])
        return answers
