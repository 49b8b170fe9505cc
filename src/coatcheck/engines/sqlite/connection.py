"""Connections to the catalog file, and the lock around what changes it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from .changes import Changes

BUSY_TIMEOUT_S: Final = 10.0  # only a foreign tool, or the moment of recovery after a crash, makes anybody wait

_CHECKPOINT_PAGES: Final = 2000  # the write-ahead log is folded in at about 16 MiB


def open_connection(path: Path, *, cache_kib: int, query_only: bool) -> sqlite3.Connection:
    """A connection in autocommit mode. No `mmap_size`: it made reads beside a writer four times slower."""
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = FAST")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA query_only = {int(query_only)}")
    return connection


class WriteLock:
    """One writer at a time among all processes, by `flock` on a file.

    SQLite's own busy wait sleeps and retries, which starves one of two busy writers for seconds. The kernel gives the
    lock up when its holder dies. Checkpoints run under it too: they belong to a COMMIT, or to closing.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def held(self) -> Iterator[None]:
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._fd)


class Reader:
    """The event loop's read connection: point reads that take some microseconds. Used by one thread.

    Every statement is read to its end, so no read transaction stays open between two calls.
    """

    _CACHE_KIB: Final = 16 * 1024

    def __init__(self, path: Path, changes: Changes) -> None:
        self._connection = open_connection(path, cache_kib=self._CACHE_KIB, query_only=True)
        self._cursor = self._connection.cursor()
        self._changes = changes
        self._number = -1
        self._generation = -1

    def row(self, sql: str, arguments: tuple[Any, ...] = ()) -> Any:
        """The only row (values as SQLite has them, hence Any), or None. The statement gives one row at most."""
        return self._cursor.execute(sql, arguments).fetchone()

    def rows(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[Any]:
        return self._cursor.execute(sql, arguments).fetchall()

    def generation(self) -> int:
        """A number that is another one after any change to buckets, accounts or keys, in whatever process.

        Costs next to nothing while nobody commits anything.
        """
        number = self._changes.number()
        if number != self._number or number & 1:
            self._generation = self.row("SELECT number FROM generation LIMIT 1")[0]
            self._number = number
        return self._generation

    def close(self) -> None:
        self._connection.close()
