"""Why a data directory can't be used, in words that say what to do."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_FULL: Final = "The disk of {} is full. Make room on it, or name a directory on another one with --data."


class InUse(Exception):
    """Another server, or what is left of one, has the data directory open."""


class BadDirectory(Exception):
    """The data directory can't be used; the message says why, and what to do."""


class BadDatabase(Exception):
    """The database can't be used; the message says why, and what to do."""


class NewerStore(Exception):
    """The catalog was written by a newer coatcheck."""


@contextmanager
def told(data: Path) -> Iterator[None]:
    """What SQLite says of a catalog that it can't use, and the system of files, in words.

    Raises: BadDirectory, InUse.
    """
    try:
        yield
    except OSError as error:
        raise BadDirectory(_write_trouble(data, error)) from None
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            raise InUse(f"Another program has {data}/catalog.sqlite locked. End it, and start again.") from None
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            raise BadDirectory(f"{data} cannot be written ({error}). Give this user a directory to write to.") from None
        if code == sqlite3.SQLITE_FULL:
            raise BadDirectory(_FULL.format(data)) from None
        if code == sqlite3.SQLITE_IOERR:
            raise BadDirectory(f"{data}/catalog.sqlite: {error}. Look at the disk, and at its room.") from None
        raise BadDirectory(f"{data}/catalog.sqlite cannot be used ({error}). Restore it from a backup.") from None


def _write_trouble(data: Path, error: OSError) -> str:
    """What the system says of a file of the data directory, and what to do."""
    place = error.filename or data
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _FULL.format(data)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{place} cannot be written ({error.strerror}). Give this user a directory to write to."
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return f"{place} cannot be opened ({error.strerror}). Allow this user more open files (ulimit -n)."
    if not data.is_dir():
        return f"The data directory {data} cannot be made ({error.strerror}). Name another one with --data."
    return f"{place} cannot be used ({error.strerror}). Look at the disk, or name another directory with --data."
