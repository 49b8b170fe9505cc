"""The catalog file of a data directory, as one end of a move. Until it is whole it has another name."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from ..blob_paths import sync_directory
from ..directory_faults import BadDirectory
from ..local import was_left
from ..sqlite.connection import WriteLock, open_connection
from ..sqlite.row_sums import keep_row_sums
from ..sqlite.schema import STEPS, migrate, read_version
from .tables import Row, Table

_CACHE_KIB: Final = 16 * 1024
_NAME: Final = "catalog.sqlite"
_ARRIVING: Final = "catalog.arriving"
_BESIDE: Final = ("-wal", "-shm")


class SqliteEnd:
    """See `tables.Catalog`.

    Attributes:
        connection: in autocommit mode.
        name: for people.
    """

    def __init__(self, data: Path, *, is_new: bool = False) -> None:
        """
        Args:
            is_new: it is made here, or goes on being made.
        Raises: BadDirectory, NewerStore, sqlite3.Error.
        """
        self.name = f"file:{data}"
        self._data, self._path = data, data / (_ARRIVING if is_new else _NAME)
        if is_new and (data / _NAME).exists() and not was_left(data):
            raise BadDirectory(f"{data} has a catalog that is in use. Name another directory with --data.")
        if not is_new and not self._path.exists():
            raise BadDirectory(f"{data} is not a data directory.")
        self.connection = open_connection(self._path, cache_kib=_CACHE_KIB, query_only=False)
        if is_new:
            os.chmod(self._path, 0o600)
            migrate(self.connection)
            self.connection.execute("PRAGMA synchronous = NORMAL")  # `arrive` makes all durable
        elif read_version(self.connection) < len(STEPS):
            self.connection.close()
            raise BadDirectory(f"{data} is of an older coatcheck; start this one's server on it, which updates it.")
        keep_row_sums(self.connection)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """A transaction, durable at the end of the block, while no server has one."""
        with closing(WriteLock(self._data / "catalog.lock")) as lock, lock.held():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise

    @contextmanager
    def looking(self) -> Iterator[None]:
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("ROLLBACK")

    def seal(self) -> None:
        """Make what was written durable."""
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def arrive(self) -> None:
        """Give it its name, over a catalog that was left."""
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.connection.close()
        if (self._data / _NAME).exists():
            with closing(sqlite3.connect(self._data / _NAME)) as left:  # its mark is in its log, perhaps
                left.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for name in (_NAME, _ARRIVING):
            for end in _BESIDE:
                with suppress(FileNotFoundError):
                    os.unlink(self._data / f"{name}{end}")
        with self._path.open("rb+") as file:
            os.fsync(file.fileno())
        os.rename(self._path, self._data / _NAME)
        sync_directory(self._data)

    def columns(self) -> Mapping[str, Collection[str]]:
        names = self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: [row[1] for row in self.connection.execute(f'PRAGMA table_info("{name}")').fetchall()]
            for (name,) in names
        }

    def count(self, table: str) -> int:
        return int(self.connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])  # noqa: S608

    def blob_bytes(self) -> int:
        return int(self.connection.execute("SELECT coalesce(sum(size), 0) FROM blob").fetchone()[0])

    def read(self, table: Table, after: Row | None) -> list[Row]:
        keys, columns = _names(table.keys), _names(table.columns)
        where = "" if after is None else f" WHERE ({keys}) > ({', '.join('?' * len(table.keys))})"
        sql = f'SELECT {columns} FROM "{table.name}"{where} ORDER BY {keys} LIMIT {table.at_once}'  # noqa: S608
        return self.connection.execute(sql, after or ()).fetchall()

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        places = ", ".join("?" * len(table.columns))
        sql = f'INSERT INTO "{table.name}" ({_names(table.columns)}) VALUES ({places})'  # noqa: S608
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            self.connection.executemany(sql, rows)
            self.connection.execute("COMMIT")
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise

    def last(self, table: Table) -> Row | None:
        order = ", ".join(f'"{key}" DESC' for key in table.keys)
        sql = f'SELECT {_names(table.keys)} FROM "{table.name}" ORDER BY {order} LIMIT 1'  # noqa: S608
        row: Row | None = self.connection.execute(sql).fetchone()
        return row

    def clear(self, tables: Sequence[str]) -> None:
        for table in tables:
            self.connection.execute(f'DELETE FROM "{table}"')  # noqa: S608

    def highest(self, table: str) -> int:
        row = self.connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        return 0 if row is None else int(row[0])

    def set_highest(self, table: str, number: int) -> None:
        """Where it isn't kept, SQLite takes the highest row's."""
        self.connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (number, table))
        if table == "bucket" and number and not self.highest(table):
            self.connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, number))

    def close(self) -> None:
        self.connection.close()


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
