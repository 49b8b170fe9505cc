"""A catalog with rows in every table there is, whatever they say; and all that a catalog says."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from coatcheck.engines.sqlite.row_sums import keep_row_sums

_NOT_FILLED: Final = ("move", "byte_place", "generation", "noted_time", "key_fingerprint")
_ACCOUNT: Final = "1000000000000001"


def fill(data: Path, rows: int) -> None:
    """That many rows in each table, or some more, of values that fit their columns and refer to each other."""
    with closing(sqlite3.connect(data / "catalog.sqlite", isolation_level=None)) as catalog:
        catalog.create_function("wall_time", 0, lambda: 1)
        keep_row_sums(catalog)
        catalog.execute("BEGIN")
        for table in tables(catalog):
            if table not in _NOT_FILLED:
                columns = catalog.execute(f'PRAGMA table_info("{table}")').fetchall()
                for number in range(1, rows + 1):
                    row = [_value(column[1], column[2], number) for column in columns if column[1] != "row_crc32"]
                    places = ", ".join("?" * len(row))
                    names = ", ".join(f'"{column[1]}"' for column in columns if column[1] != "row_crc32")
                    catalog.execute(f'INSERT INTO "{table}" ({names}) VALUES ({places})', row)
        catalog.execute("UPDATE noted_time SET moment = 1700000000")
        catalog.execute("UPDATE sqlite_sequence SET seq = 1000 WHERE name = 'bucket'")
        catalog.execute("DELETE FROM blob")  # of which there are no bytes
        catalog.execute("COMMIT")


def tables(catalog: sqlite3.Connection) -> list[str]:
    rows = catalog.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    return sorted(row[0] for row in rows.fetchall())


def all_rows(data: Path) -> Iterator[tuple[str, set[tuple[Any, ...]]]]:
    """What each table says, but for the marks of moves and the number of changes."""
    with closing(sqlite3.connect(data / "catalog.sqlite")) as catalog:
        for table in tables(catalog):
            if table not in ("move", "generation"):
                yield table, set(catalog.execute(f'SELECT * FROM "{table}"').fetchall())
        yield "numbers", set(catalog.execute("SELECT name, seq FROM sqlite_sequence").fetchall())


def _value(column: str, kind: str, number: int) -> Any:
    if column == "account":
        return f"{_ACCOUNT[:-3]}{number:03}"
    if column == "uid":
        return f"{_ACCOUNT[:-3]}{number:03}"
    if column in ("user", "holder", "owner"):
        return f"{_ACCOUNT[:-3]}{number:03}"
    if column in ("root", "enabled", "whole"):
        return 0
    if kind == "INTEGER":
        return number
    if kind == "BLOB":
        return number.to_bytes(16, "big")
    return f"{column} é\U0001f600 {number:04}"
