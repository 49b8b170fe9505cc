"""A CRC-32 in every row of the catalog that matters, so that the audit finds one that rotted.

It is computed of the row's other columns in the order of the table: numbers in decimal, text as UTF-8, NULL as nothing,
joined by line feeds; NULLs at the end count as absent, so that a column may be added later and no row is written again.
Rows of `object` have it of their segments too, wherever those lie, before the rest, and behind it of their parts.
`object`, `part` and the uses of links are written often, so their statements bring it along, and so do those of
`key_fingerprint`, which any connection may run; for all other tables triggers put it in, in every connection that
writes, whatever the statement was. Reading doesn't compare it: that takes two microseconds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from ..sql.row_sums import row_sum

_COLUMN: Final = "row_crc32"
_BY_STATEMENT: Final = ("object", "part", "link_uses", "link_part_uses", "key_fingerprint")
_BY_TRIGGER: Final = (
    "upload",
    "bucket",
    "bucket_setting",
    "bucket_entry",
    "account",
    "access_key",
    "user",
    "role",
    "policy",
    "attachment",
    "domain",
    "domain_token",
    "link",
    "ticket",
    "link_rule",
    "content_sum",
    "link_total",
    "link_audit_counted",
    "nonce",
    "garbage",
    "noted_time",
    "arrival",
    "box_taken",
    "byte_place",
    "blob_intent",
    "move",
)


def keep_row_sums(connection: sqlite3.Connection) -> None:
    """Let every row that this connection writes have its sum. The tables must be there."""
    connection.create_function("row_sum", -1, row_sum, deterministic=True)
    for table in _BY_TRIGGER:
        columns, keys = _columns(connection, table)
        new = ", ".join(f"NEW.{column}" for column in columns)
        row = " AND ".join(f"{column} IS NEW.{column}" for column in keys or ["rowid"])
        for event in ("INSERT", "UPDATE"):
            connection.execute(
                f"CREATE TEMP TRIGGER {table}_{event.lower()}_summed AFTER {event} ON main.{table}"  # noqa: S608
                f" BEGIN UPDATE {table} SET {_COLUMN} = row_sum({new}) WHERE {row}; END"
            )


def wrong_rows(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Table and key of each row whose columns don't fit its sum."""
    for table in (*_BY_STATEMENT, *_BY_TRIGGER):
        columns, keys = _columns(connection, table)
        at, first = [columns.index(key) for key in keys], 0
        select = f"SELECT {', '.join(columns)}, {_COLUMN} FROM {table} WHERE {_COLUMN} IS NOT NULL"  # noqa: S608
        if table == "object":
            first = 1
            select = (
                f"SELECT body.segments, {', '.join(f'object.{column}' for column in columns)}, body.parts, {_COLUMN}"  # noqa: S608
                " FROM object LEFT JOIN body ON body.id = body_id WHERE row_crc32 IS NOT NULL"
            )
        for *row, stated in connection.execute(select):
            if row_sum(*row) != stated:
                yield table, " ".join(str(row[number + first]) for number in at)


def _columns(connection: sqlite3.Connection, table: str) -> tuple[list[str], list[str]]:
    """All but the sum, in their order; and those of the primary key."""
    found = connection.execute(f"PRAGMA table_info({table})").fetchall()
    names = [row[1] for row in found if row[1] != _COLUMN]
    return names, [row[1] for row in sorted(found, key=lambda row: row[5]) if row[5]]
