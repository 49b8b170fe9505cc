"""The writer of a data directory: one process at a time, by a lock on a file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Final

from ...clock import Clock, SteadyClock
from ...core.limits import WRITE_WAIT_S
from ...ports.catalog import NoSpace, Unwritable
from ..commit_job import Lost
from ..group_commit import GroupCommit, Locked
from ..move_mark import WRITABLE, refusal
from ..sql.noted_time import NotedTime
from ..sql.usage import write_grown
from ..trouble import tell_trouble
from .changes import Changed, Changes
from .connection import WriteLock, open_connection
from .link_filter import LinkFilter
from .row_sums import keep_row_sums
from .writer_connection import WriterConnection

_CACHE_KIB: Final = 16 * 1024
# A quota, or a limit on the size of files, shows as a failed write; a full disk can also hit the shared-memory file.
_NO_SPACE: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)
_UNWRITABLE: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN)  # told before any write
# Errors of a COMMIT that surely didn't happen; so are the first ones: the frame that commits is the last one written.
_REFUSED_COMMIT: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CONSTRAINT, *_UNWRITABLE)
_BEGIN_WAIT_S: Final = 1.0  # for a foreign program that has the catalog locked; then it is looked who still waits


class Writer(GroupCommit[WriterConnection]):
    """See `group_commit`. While other processes commit, what comes in gathers, and is made durable by one sync."""

    why_waiting: ClassVar[str] = "another process has the write lock"

    def __init__(
        self,
        catalog: Path,
        lock: Path,
        changes: Changes,
        links: LinkFilter,
        clock: Clock,
        steady: SteadyClock,
        opened_at: int,
    ) -> None:
        """
        Args:
            opened_at: see `move_mark.Mark.number`.
        """
        self._connection = open_connection(
            catalog, cache_kib=_CACHE_KIB, query_only=False, busy_timeout_s=_BEGIN_WAIT_S
        )
        keep_row_sums(self._connection)
        self._opened_at = (opened_at,)
        self._connection.create_function("wall_time", 0, lambda: int(clock()))
        self._given = WriterConnection(self._connection)  # to mutations
        self._changed = Changed(self._connection, self._given.forget)
        links.watch(self._connection)
        self._noted = NotedTime(steady)
        self._lock = WriteLock(lock)
        self._changes = changes
        self._closed = False
        super().__init__()

    def close(self) -> None:
        """Commit what is queued, fold in the log if nobody else has the file open, and end. May be called twice.

        Somebody who holds the lock for longer than anybody waits keeps no process from ending: the thread ends with it.
        """
        if not self._closed and self._end_thread() and self._lock.own(WRITE_WAIT_S):
            self._closed = True
            self._connection.close()
            self._lock.close()

    @contextmanager
    def _transaction(self) -> Iterator[WriterConnection]:
        with self._lock.held():
            begun = time.perf_counter()
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if _primary_code(error) == sqlite3.SQLITE_BUSY:
                    tell_trouble("another program has the catalog locked", error)
                    raise Locked from None
                raise
            self.transactions += 1
            self._changed.begin()
            self._given.begin(self._changes.of_generation())
            try:
                if self._connection.execute(WRITABLE, self._opened_at).fetchone() is None:
                    raise refusal()
                yield self._given
                self._end_transaction()
                self.seconds.note(time.perf_counter() - begun)
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def _end_transaction(self) -> None:
        """Raises: Lost; sqlite3.Error, and nothing was committed."""
        write_grown(self._given)
        self._noted.note(self._connection)
        try:
            with self._changes.moving(self._changed):
                self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if _is_refusal(error):
                raise
            tell_trouble("the answer to a commit was lost", error)
            raise Lost(str(error)) from error

    def _translate(self, error: Exception) -> Exception:
        if not isinstance(error, sqlite3.Error):
            return error
        if getattr(error, "sqlite_errorcode", None) in _NO_SPACE:
            tell_trouble("the catalog has no space left", error)
            return NoSpace(str(error))
        if _primary_code(error) in _UNWRITABLE:
            tell_trouble("the catalog cannot be written", error)
            return Unwritable(str(error))
        return error


def _is_refusal(error: sqlite3.Error) -> bool:
    """Whether a failed COMMIT surely committed nothing."""
    return getattr(error, "sqlite_errorcode", None) in _NO_SPACE or _primary_code(error) in _REFUSED_COMMIT


def _primary_code(error: sqlite3.Error) -> int:
    """Without SQLite's finer distinctions; 0 if it doesn't say."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
