"""Bringing a catalog file to the newest schema, step by step, forward only. `PRAGMA user_version` counts the steps."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..directory_faults import NewerStore
from .documents import upgrade_documents

_HERE: Final = Path(__file__).parent  # importlib.resources would load 20 modules at each start
_Step = str | Callable[[sqlite3.Connection], None]
_FUNCTIONS: Final[dict[int, _Step]] = {3: upgrade_documents}


def _find_steps() -> tuple[_Step, ...]:
    """Step n leads to version n. It is the file schema_n.sql, or a function that runs its own statements inside the
    transaction it finds open, for tables that are small. Append, never edit."""
    steps: list[_Step] = ["schema.sql"]
    while (number := len(steps) + 1) in _FUNCTIONS or (_HERE / f"schema_{number}.sql").is_file():
        steps.append(_FUNCTIONS.get(number, f"schema_{number}.sql"))
    return tuple(steps)


STEPS: Final = _find_steps()


def migrate(connection: sqlite3.Connection) -> None:
    """Make or update the tables; does nothing when they are up to date. Nobody else may have the file open.

    Raises: NewerStore, UnreadableDocument.
    """
    version = read_version(connection)
    if version == 0:  # against 4096, bodies of 64 KiB are read and written a quarter faster, those of 1 KiB the same
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
    for number, step in enumerate(STEPS[version:], version + 1):
        if isinstance(step, str):
            statements = (_HERE / step).read_text()
            connection.executescript(f"BEGIN IMMEDIATE; {statements}; PRAGMA user_version = {number}; COMMIT;")
        else:
            _run(connection, step, number)


def _run(connection: sqlite3.Connection, step: Callable[[sqlite3.Connection], None], number: int) -> None:
    """All of a step or nothing of it, whatever happens on the way."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        step(connection)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def read_version(connection: sqlite3.Connection) -> int:
    """How many steps the file has seen; 0 for a new one. Raises: NewerStore."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(STEPS):
        raise NewerStore(
            f"The catalog has version {version}; this coatcheck knows versions up to {len(STEPS)}. "
            "Install the newer one again, or restore a backup of before."
        )
    return version
