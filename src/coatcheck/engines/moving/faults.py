"""What the engines of a move say, in words that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ..directory_faults import BadDirectory


@contextmanager
def told_ends() -> Iterator[None]:
    """Raises: BadDatabase, BadDirectory; what isn't an engine's."""
    try:
        yield
    except sqlite3.Error as error:
        raise BadDirectory(f"The catalog file cannot be used ({error}). Look at the disk, and at its room.") from None
    except Exception as error:
        if type(error).__module__.startswith("asyncpg"):
            from ..postgres.store import told_of

            raise told_of(error) from error
        raise
