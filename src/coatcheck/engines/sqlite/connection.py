"""Connections to the catalog file, and the lock around what changes it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from .changes import Changes

BUSY_TIMEOUT_S: Final = 10.0  # only a foreign tool, or the moment of recovery after a crash, makes anybody wait

_CHECKPOINT_PAGES: Final = 2000  # the write-ahead log is folded in at about 16 MiB


class CatalogConnection(sqlite3.Connection):
    """A connection to the catalog.

    Attributes:
        grown: bytes and objects by bucket id that the transaction under way has added, and not written yet.
        limits: the quotas that it has looked up, by bucket id.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.grown: dict[int, tuple[int, int]] = {}
        self.limits: dict[int, object] = {}


def open_connection(
    path: Path, *, cache_kib: int, query_only: bool, busy_timeout_s: float = BUSY_TIMEOUT_S
) -> CatalogConnection:
    """A connection in autocommit mode. No `mmap_size`: it made reads beside a writer four times slower."""
    connection = sqlite3.connect(
        path,
        timeout=busy_timeout_s,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        factory=CatalogConnection,
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
        """As long as it takes: the kernel hands the lock on in order, which asking again and again would not."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def own(self, wait_s: float) -> bool:
        """Take it for the rest of the process's life, or until `close`; False if it isn't to be had."""
        give_up_at = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() >= give_up_at:
                    return False
                time.sleep(0.01)

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

    async def find(self, sql: str, arguments: tuple[Any, ...] = ()) -> Any:
        """As `row`, for whom any engine serves."""
        return self.row(sql, arguments)

    async def find_all(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[Any]:
        """As `rows`, for whom any engine serves."""
        return self.rows(sql, arguments)

    def generation(self) -> int:
        """A number that is another one after any change to buckets, accounts or keys, in whatever process.

        Costs next to nothing while nobody commits any.
        """
        number = self._changes.of_generation()
        if number != self._number or number & 1:
            self._generation = self.row("SELECT number FROM generation LIMIT 1")[0]
            self._number = number
        return self._generation

    def close(self) -> None:
        self._connection.close()
