"""What errors of the database mean."""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg

from ...ports.catalog import Away, Busy, NoSpace, Unwritable
from ..trouble import tell_trouble

# SQLSTATEs of a server that goes, or of a line of no more use: it has gone, or its plans are of before a migration.
_GOING: Final = ("08", "57P01", "57P02", "57P03", "57P04", "0A000")
_CROSSED: Final = ("40001", "40P01", "23505")  # two at once
_FULL: Final = ("53100",)
_READ_ONLY: Final = ("25006",)
_WAITED: Final = ("55P03", "57014", "25P03", "53300")


class Refused(ConnectionError):
    """The server answers, and lets nobody in: too many are, or it was set up so. Its message names the reason."""


class Undone(Exception):
    """The answer to a commit was lost, and it is known that nothing was committed."""


def sqlstate_of(error: BaseException) -> str:
    return getattr(error, "sqlstate", None) or ""


def is_lost(error: BaseException) -> bool:
    """Whether nothing more is to be heard on that connection."""
    if isinstance(error, asyncpg.PostgresError):
        return sqlstate_of(error).startswith(_GOING)
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error)  # others are faults of ours
    return isinstance(error, (asyncpg.InternalClientError, OSError, asyncio.TimeoutError))


def takes_nothing(error: BaseException) -> bool:
    """Whether the database itself says that nobody can write now."""
    return sqlstate_of(error) in (*_FULL, *_READ_ONLY)


def may_repeat(error: BaseException) -> bool:
    """Whether a mutation that failed so, before its commit, has a chance if it is run again."""
    return isinstance(error, Undone) or is_lost(error) or sqlstate_of(error) in _CROSSED


def translate(error: Exception) -> Exception:
    """In the words of the port."""
    state = sqlstate_of(error)
    if state in _FULL:
        tell_trouble("the database has no space left", error)
        return NoSpace("The database has no space left.")
    if state in _READ_ONLY:
        tell_trouble("the database cannot be written", error)
        return Unwritable("The database is read only at the moment.")
    if state in _WAITED or state in _CROSSED or isinstance(error, Undone):
        tell_trouble("changes are in each other's way in the database", error)
        return Busy("Others keep the database from being written.")
    if is_lost(error):
        tell_trouble("the database cannot be reached", error if isinstance(error, Refused) else type(error).__name__)
        return Away("The database cannot be reached.")
    return error
