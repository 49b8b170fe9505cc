"""Which rows name which blobs: the counts, and what becomes garbage. Called inside the writer's transactions."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable

from ...ports.catalog import Stale


def check_blobs(connection: sqlite3.Connection, blob_ids: Iterable[bytes], *, shared: bool = False) -> None:
    """May a row name these? Raises: ValueError, for a released one; Stale, with `shared`, for one nobody names."""
    for blob_id in blob_ids:
        if shared and connection.execute("SELECT 1 FROM blob WHERE id = ?", (blob_id,)).fetchone() is None:
            raise Stale(blob_id.hex())
        if connection.execute("SELECT 1 FROM garbage WHERE blob_id = ?", (blob_id,)).fetchone():
            raise ValueError("A released blob cannot be named again.")


def name_blobs(connection: sqlite3.Connection, blob_ids: Iterable[bytes]) -> None:
    """One row more names each of these."""
    connection.executemany(
        "INSERT INTO blob VALUES (?, 1) ON CONFLICT DO UPDATE SET object_count = object_count + 1",
        [(blob_id,) for blob_id in blob_ids],
    )


def release_blobs(connection: sqlite3.Connection, blob_ids: Iterable[bytes]) -> tuple[str, ...]:
    """For each of these one row less names it; those that none names any more become garbage and are returned."""
    released = []
    for blob_id in blob_ids:
        if connection.execute("DELETE FROM blob WHERE id = ? AND object_count = 1", (blob_id,)).rowcount:
            connection.execute("INSERT INTO garbage VALUES (?)", (blob_id,))
            released.append(blob_id.hex())
        else:
            connection.execute("UPDATE blob SET object_count = object_count - 1 WHERE id = ?", (blob_id,))
    return tuple(released)


def move_blobs(connection: sqlite3.Connection, taken: Collection[bytes], let_go: Iterable[bytes]) -> tuple[str, ...]:
    """One row more names each of `taken`, one less each of `let_go`; returns what was released.

    What is both is left alone: of an upload's thousands of blobs, its object takes over all.
    """
    less = Counter(let_go)
    less.subtract(taken)
    name_blobs(connection, [blob_id for blob_id, count in less.items() for _ in range(-count)])
    return release_blobs(connection, list(less.elements()))


def forget_blobs(connection: sqlite3.Connection, blob_ids: Iterable[str]) -> None:
    connection.executemany("DELETE FROM garbage WHERE blob_id = ?", [(bytes.fromhex(blob_id),) for blob_id in blob_ids])
