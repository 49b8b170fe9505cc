"""Bringing a database to the newest schema, step by step, forward only, by one process at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..directory_faults import NewerStore
from .connection import Connection
from .held import SLOTS

_HERE: Final = Path(__file__).parent


def _find_steps() -> tuple[str, ...]:
    steps: list[str] = []
    while (path := _HERE / f"schema_{len(steps) + 1}.sql").is_file():
        steps.append(path.name)
    return tuple(steps)


STEPS: Final = _find_steps()


def migrate(line: Connection) -> None:
    """Make or update the tables; does nothing when they are up to date.

    Gateways of the version before go on meanwhile: a step adds, and never takes away what they use.
    Raises: NewerStore.
    """
    line.run("CREATE TABLE IF NOT EXISTS schema_version (id bigint PRIMARY KEY, version bigint NOT NULL)")
    line.run("INSERT INTO schema_version VALUES (1, 0) ON CONFLICT DO NOTHING")
    while True:
        line.run("BEGIN")
        rows, _ = line.ask("SELECT version FROM schema_version WHERE id = 1 FOR UPDATE")
        version = _checked(rows[0][0])
        if version == len(STEPS):
            line.run("ROLLBACK")
            return
        line.run((_HERE / STEPS[version]).read_text())
        if version == 0:
            line.executemany("INSERT INTO held (slot) VALUES (?)", [(slot,) for slot in range(SLOTS)])
        line.ask("UPDATE schema_version SET version = $1 WHERE id = 1", version + 1)
        line.run("COMMIT")


def read_version(line: Connection) -> int:
    """How many steps the database has seen; 0 for a new one. Raises: NewerStore."""
    rows, _ = line.ask("SELECT to_regclass('schema_version') IS NOT NULL")
    if not rows[0][0]:
        return 0
    rows, _ = line.ask("SELECT version FROM schema_version WHERE id = 1")
    return _checked(rows[0][0]) if rows else 0


def _checked(version: int) -> int:
    if version > len(STEPS):
        raise NewerStore(
            f"The database has version {version}; this coatcheck knows versions up to {len(STEPS)}. "
            "Install the newer one again, or restore a backup of before."
        )
    return version
