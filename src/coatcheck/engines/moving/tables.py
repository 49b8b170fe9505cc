"""Which tables are moved, in which order, and by which keys they are read: by the steps of SQLite's schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from typing import Any, Final, NamedTuple, Protocol

from ..sql.contract import SqlConnection
from ..sqlite.schema import migrate

# Of one engine's own working, or of one moment's; see `move.py` for what is done with the last three.
OF_ENGINES: Final = frozenset(
    ("generation", "held", "gateway", "lease", "schema_version", "move", "noted_time", "byte_place")
)
# What says of blobs that they are on their way to the place where they are, or to be removed from it.
OF_BYTES: Final = frozenset(("garbage", "blob_intent"))
NUMBERED: Final = ("bucket", "body", "upload", "content_sum")  # an engine gives these rows their numbers
_LARGE: Final = {"body": 64, "object": 500, "part": 500}
_AT_ONCE: Final = 2000

Row = tuple[Any, ...]  # values as both engines have them: None, int, str, bytes


class Table(NamedTuple):
    """
    Attributes:
        columns: all that both engines have.
        keys: of the primary key, by which rows are read in their order.
        at_once: rows of a page.
        is_ordered: both engines have the rows in one order. If not, there are few of them.
    """

    name: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]
    at_once: int
    is_ordered: bool


class Catalog(Protocol):
    """One end of a move. Used by one thread."""

    @property
    def name(self) -> str:
        """For people; without a password."""
        ...

    @property
    def connection(self) -> SqlConnection: ...

    def changing(self) -> AbstractContextManager[None]:
        """A transaction on the connection, durable at the end of the block. Nobody else changes the mark meanwhile."""
        ...

    def looking(self) -> AbstractContextManager[None]:
        """Within the block every question is answered as of one moment."""
        ...

    def seal(self) -> None:
        """Make all that was written durable."""
        ...

    def arrive(self) -> None:
        """The store is whole, marked so, and the other end was left. `close` comes next."""
        ...

    def close(self) -> None: ...

    def columns(self) -> Mapping[str, Collection[str]]:
        """Of each table."""
        ...

    def count(self, table: str) -> int: ...

    def blob_bytes(self) -> int:
        """Of all blobs whose sizes are known."""
        ...

    def read(self, table: Table, after: Row | None) -> list[Row]:
        """The next page of rows, by key; empty at the end.

        Args:
            after: a key; None for the first page.
        """
        ...

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """All of them or none, durable with what is written later."""
        ...

    def last(self, table: Table) -> Row | None:
        """The highest key that is there."""
        ...

    def clear(self, tables: Sequence[str]) -> None: ...

    def highest(self, table: str) -> int:
        """The highest number that was ever given to a row; 0 for none."""
        ...

    def set_highest(self, table: str, number: int) -> None: ...


def plan(one: Catalog, other: Catalog, *, with_bytes: bool) -> list[Table]:
    """The tables to copy, each behind those that it refers to.

    Args:
        with_bytes: blobs are moved too, so what is noted of their old place stays there.
    """
    ours, theirs = one.columns(), other.columns()
    left_out = OF_ENGINES | OF_BYTES if with_bytes else OF_ENGINES
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as schema:
        migrate(schema)
        names = [name for name in _in_order(schema) if name in ours and name in theirs and name not in left_out]
        return [_table(schema, name, set(ours[name]) & set(theirs[name])) for name in names]


def _table(schema: sqlite3.Connection, name: str, shared: set[str]) -> Table:
    found = schema.execute(f'PRAGMA table_info("{name}")').fetchall()
    keys = tuple(row[1] for row in sorted(found, key=lambda row: row[5]) if row[5])
    columns = tuple(row[1] for row in found if row[1] in shared)
    return Table(name, columns, keys, _LARGE.get(name, _AT_ONCE), not _is_by_name(schema, name))


def _is_by_name(schema: sqlite3.Connection, name: str) -> bool:
    """Whether the key's order disregards case, which databases have in another way."""
    found = schema.execute(f'PRAGMA index_list("{name}")').fetchall()
    collations = [
        row[4] for index in found if index[3] == "pk" for row in schema.execute(f"PRAGMA index_xinfo({index[1]})")
    ]
    return "NOCASE" in collations


def _in_order(schema: sqlite3.Connection) -> list[str]:
    names = [row[0] for row in schema.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    ordered: list[str] = []

    def add(name: str) -> None:
        for row in schema.execute(f'PRAGMA foreign_key_list("{name}")').fetchall():
            add(row[2])
        if name not in ordered:
            ordered.append(name)

    for name in names:
        add(name)
    return ordered
