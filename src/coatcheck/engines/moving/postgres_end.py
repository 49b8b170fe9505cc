"""A database, as one end of a move."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from ...clock import Clock
from ...core.database_urls import shown
from ..directory_faults import BadDatabase
from ..postgres.connection import Address, Connection
from ..postgres.schema import STEPS, migrate, read_version
from .tables import NUMBERED, Row, Table

_LOCK_WAIT_S: Final = 60  # for transactions of gateways; one that hangs is ended by the database after 10 s


class PostgresEnd:
    """See `tables.Catalog`.

    Attributes:
        connection: its calls take as long as they do.
        name: for people; without a password.
    """

    def __init__(self, url: str, clock: Clock, *, is_new: bool = False) -> None:
        """
        Args:
            is_new: make the tables, if they aren't there.
        Raises: what asyncpg does; NewerStore, BadDatabase.
        """
        self.name = shown(url)
        self.connection = Connection(Address(url, None), clock)
        try:
            self.connection.run(f"SET lock_timeout = '{_LOCK_WAIT_S}s'")
            self.connection.run("SET idle_in_transaction_session_timeout = 0")
            if is_new:
                migrate(self.connection)
                self.connection.run("SET synchronous_commit = off")  # `seal` makes all durable
            elif read_version(self.connection) < len(STEPS):
                raise BadDatabase("The database is of an older coatcheck; start this one's server on it.")
        except BaseException:
            self.connection.close()
            raise

    def columns(self) -> Mapping[str, Collection[str]]:
        rows, _ = self.connection.ask(
            "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns"
            " WHERE table_schema = current_schema() GROUP BY table_name"
        )
        return {row[0]: row[1] for row in rows}

    def count(self, table: str) -> int:
        return self._number(f'SELECT count(*) FROM "{table}"')  # noqa: S608

    def blob_bytes(self) -> int:
        return self._number("SELECT coalesce(sum(size), 0)::bigint FROM blob")

    def read(self, table: Table, after: Row | None) -> list[Row]:
        keys, columns = _names(table.keys), _names(table.columns)
        places = ", ".join(f"${number}" for number in range(1, len(table.keys) + 1))
        where = "" if after is None else f" WHERE ({keys}) > ({places})"
        sql = f'SELECT {columns} FROM "{table.name}"{where} ORDER BY {keys} LIMIT {table.at_once}'  # noqa: S608
        rows, _ = self.connection.ask(sql, *(after or ()))
        return list(map(tuple, rows))

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        self.connection.copy_in(table.name, table.columns, rows)

    def last(self, table: Table) -> Row | None:
        order = ", ".join(f'"{key}" DESC' for key in table.keys)
        rows, _ = self.connection.ask(
            f'SELECT {_names(table.keys)} FROM "{table.name}" ORDER BY {order} LIMIT 1'  # noqa: S608
        )
        return tuple(rows[0]) if rows else None

    def clear(self, tables: Sequence[str]) -> None:
        """All at once, since they refer to each other."""
        self.connection.run(f"TRUNCATE {_names(tables)}")

    def highest(self, table: str) -> int:
        column = "number" if table == "content_sum" else "id"
        assert table in NUMBERED
        (name,) = self.connection.ask("SELECT pg_get_serial_sequence($1, $2)", table, column)[0][0]
        return self._number(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}")  # noqa: S608

    def set_highest(self, table: str, number: int) -> None:
        column = "number" if table == "content_sum" else "id"
        self.connection.ask(
            f"SELECT setval(pg_get_serial_sequence($1, $2), greatest($3::bigint, (SELECT max({column}) FROM {table})))"  # noqa: S608
            f" WHERE $3::bigint > 0 OR EXISTS (SELECT 1 FROM {table})",
            *(table, column, number),
        )

    def seal(self) -> None:
        self.connection.run("SET synchronous_commit = on")
        self.connection.run("UPDATE noted_time SET moment = moment")  # what was committed before is durable with it

    @contextmanager
    def changing(self) -> Iterator[None]:
        """A transaction, durable at the end of the block."""
        self.connection.run("BEGIN")
        try:
            yield
            self.connection.run("COMMIT")
        except BaseException:
            self.connection.run("ROLLBACK")
            raise

    @contextmanager
    def looking(self) -> Iterator[None]:
        self.connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            self.connection.run("ROLLBACK")

    def arrive(self) -> None:
        """Its mark says so."""

    def close(self) -> None:
        self.connection.close()

    def _number(self, sql: str) -> int:
        rows, _ = self.connection.ask(sql)
        return int(rows[0][0])


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
