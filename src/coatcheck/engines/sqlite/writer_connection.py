"""The writer's connection, which remembers what every put asks of its bucket."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, Final

from ...ports.bucket import REPLICATION
from ..sql.contract import Given, Rows
from ..sql.journal import NOTE_CHANGE
from ..sql.objects import RULES

_HAS_SETTING: Final = "SELECT 1 FROM bucket_setting WHERE bucket_id = ? AND name = ?"
_NOTHING_NOTED: Final = Given([], 0)
_KNOWN_MAX: Final = 2000  # two of a bucket


class WriterConnection:
    """What mutations are given. A bucket's rules, its quotas, and that nobody follows its changes are asked once, until
    a bucket, one of its documents or an account changes: `changes.py` tells, of other processes when a transaction
    begins, since that holds the write lock, and of the transaction's own statements at once.

    Attributes:
        grown: see `sql.usage`.
        limits: likewise, and kept for the next transaction.
    """

    __slots__ = ("_connection", "_generation", "_known", "grown", "limits")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.grown: dict[int, tuple[int, int]] = {}
        self.limits: dict[int, object] = {}
        self._connection = connection
        self._known: dict[tuple[str, int], Given] = {}
        self._generation = -1

    def begin(self, generation: int) -> None:
        """A transaction has begun, and nobody changes that number before its end."""
        self.grown.clear()
        if generation != self._generation or generation & 1 or len(self._known) > _KNOWN_MAX:
            self.forget()
        self._generation = generation

    def forget(self) -> None:
        """The transaction under way has changed what is known; whether that will be committed isn't known yet."""
        self._known.clear()
        self.limits.clear()
        self._generation = -1

    def execute(self, sql: str, parameters: tuple[Any, ...] = (), /) -> Rows:
        if sql == NOTE_CHANGE:
            bucket_id = parameters[-2]
            return self._known.get((sql, bucket_id)) or self._note(bucket_id, parameters)
        if sql != RULES:
            return self._connection.execute(sql, parameters)
        place = (sql, parameters[-1])
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = Given(self._connection.execute(sql, parameters).fetchall())
        return known

    def executemany(self, sql: str, parameters: Iterable[tuple[Any, ...]], /) -> Rows:
        return self._connection.executemany(sql, parameters)

    def _note(self, bucket_id: int, parameters: tuple[Any, ...]) -> Rows:
        if self._connection.execute(_HAS_SETTING, (bucket_id, REPLICATION)).fetchone() is None:
            self._known[NOTE_CHANGE, bucket_id] = _NOTHING_NOTED
            return _NOTHING_NOTED
        return self._connection.execute(NOTE_CHANGE, parameters)
