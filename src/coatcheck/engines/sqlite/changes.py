"""Numbers in shared memory that move with every commit: whether what a process remembers is still true.

One is of all that requests need beside objects (accounts, keys, buckets and their documents), one of the register of
links. The others are of objects, each of a share of all keys, so that a write spoils what is remembered of few others.
To look at one costs a fraction of a microsecond; asking SQLite (`PRAGMA data_version`) takes a statement and four file
locks.

A commit makes the numbers of what it changes odd, happens, and makes them even again, so a reader that finds the even
number it remembers knows that nothing of the kind was committed in between. A writer that died on the way leaves odd
numbers: then nothing of theirs is believed until the next such commit, or the next start. Only `writer.py` moves them,
under the write lock; a foreign tool that writes to the catalog while a server runs is not noticed.
"""

from __future__ import annotations

import mmap
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from zlib import crc32

_GENERATION: Final = 0
_LINKS: Final = 1
_FIRST_SHARE: Final = 2
_SHARES: Final = 4095
_ALL: Final = range(_FIRST_SHARE + _SHARES)
_NUMBER_BYTES: Final = 8
_SIZE: Final = _NUMBER_BYTES * len(_ALL)
_NAMED_MAX: Final = 1024  # shares of one transaction; of more, all are moved

_TRIGGERS: Final = (  # a row of `body` is written together with the one of `object` that names it
    "AFTER INSERT ON main.object BEGIN SELECT changes_object(NEW.bucket_id, NEW.key); END",
    "AFTER UPDATE ON main.object BEGIN SELECT changes_object(NEW.bucket_id, NEW.key); END",
    "AFTER DELETE ON main.object BEGIN SELECT changes_object(OLD.bucket_id, OLD.key); END",
    "AFTER UPDATE ON main.generation BEGIN SELECT changes_generation(); END",
    *[
        f"AFTER {change} ON main.{table} BEGIN SELECT changes_links(); END"
        for table in ("link", "link_rule")
        for change in ("INSERT", "UPDATE", "DELETE")
    ],
)


def _share_of(bucket_id: int, key: str) -> int:
    return _FIRST_SHARE + crc32(key.encode(), bucket_id) % _SHARES


class Changed:
    """Which numbers a transaction has to move, as the statements on its connection say."""

    def __init__(self, connection: sqlite3.Connection, on_generation: Callable[[], None] = lambda: None) -> None:
        """
        Args:
            on_generation: is called within each statement that moves the generation's number.
        """
        self._numbers: set[int] = set()
        self._on_generation = on_generation
        connection.create_function("changes_object", 2, self._note_object)
        connection.create_function("changes_generation", 0, self._note_generation)
        connection.create_function("changes_links", 0, lambda: self._numbers.add(_LINKS))
        for number, trigger in enumerate(_TRIGGERS):
            connection.execute(f"CREATE TEMP TRIGGER changes_{number} {trigger}")

    def begin(self) -> None:
        """A transaction begins."""
        self._numbers.clear()

    def numbers(self) -> list[int]:
        return list(_ALL if len(self._numbers) > _NAMED_MAX else self._numbers)

    def _note_generation(self) -> None:
        self._numbers.add(_GENERATION)
        self._on_generation()

    def _note_object(self, bucket_id: int, key: str) -> None:
        self._numbers.add(_share_of(bucket_id, key))


class Changes:
    """The numbers, mapped from a file. Anybody reads; one moves them at a time."""

    def __init__(self, path: Path) -> None:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(fd).st_size < _SIZE:
                os.ftruncate(fd, _SIZE)
            self._map = mmap.mmap(fd, _SIZE)
        finally:
            os.close(fd)
        self._numbers = memoryview(self._map).cast("q")

    def of_generation(self) -> int:
        """Another one after any change to accounts, keys, buckets and their documents; odd while one is under way."""
        return self._numbers[_GENERATION]

    def of_links(self) -> int:
        """Another one after any change to the register of links; odd while one is under way."""
        return self._numbers[_LINKS]

    def of_object(self, bucket_id: int, key: str) -> int:
        """Another one after any change to the versions of that key (and of some others); odd while one is under way."""
        return self._numbers[_share_of(bucket_id, key)]

    @contextmanager
    def moving(self, changed: Changed) -> Iterator[None]:
        """Around a COMMIT, under the write lock, whether or not it succeeds."""
        numbers, moved = self._numbers, changed.numbers()
        for number in moved:
            numbers[number] |= 1
        try:
            yield
        finally:
            for number in moved:
                numbers[number] += 1

    def close(self) -> None:
        self._numbers.release()
        self._map.close()
