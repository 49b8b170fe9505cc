"""Entries of buckets: how they are read, and the mutation, run by the writer."""

from __future__ import annotations

import sqlite3
from typing import Final

from ...ports.bucket import JOURNAL, REPLICATION
from ...ports.catalog import EntryChange, Gone, TooMany

ENTRY: Final = "SELECT document FROM bucket_entry WHERE bucket_id = ? AND kind = ? AND name = ?"
ENTRIES: Final = (
    "SELECT name, document FROM bucket_entry WHERE bucket_id = ?1 AND kind = ?2 AND name > ?3 AND name >= ?4"
    " AND substr(name, 1, length(?4)) = ?4 ORDER BY name LIMIT ?5"
)
_JOURNAL: Final = (  # nothing where the bucket has no rule
    "INSERT OR REPLACE INTO bucket_entry (bucket_id, kind, name, document)"
    " SELECT bucket_id, ?, ?, hex(randomblob(8)) FROM bucket_setting WHERE bucket_id = ? AND name = ?"
)
_DROP: Final = (
    "DELETE FROM bucket_entry WHERE bucket_id = ?1 AND kind = ?2 AND name IN"
    " (SELECT name FROM bucket_entry WHERE bucket_id = ?1 AND kind = ?2 LIMIT ?3)"
)
BUCKETS: Final = (
    "SELECT name FROM bucket WHERE EXISTS (SELECT 1 FROM bucket_entry WHERE bucket_id = bucket.id AND kind = ?)"
    " ORDER BY name"
)
COUNT: Final = "SELECT count(*) FROM bucket_entry WHERE bucket_id = ? AND kind = ?"


def change_entry(
    connection: sqlite3.Connection, bucket_id: int, kind: str, name: str, change: EntryChange, most: int
) -> None:
    if connection.execute("SELECT 1 FROM bucket WHERE id = ?", (bucket_id,)).fetchone() is None:
        raise Gone(f"bucket {bucket_id}")
    place = (bucket_id, kind, name)
    row = connection.execute(ENTRY, place).fetchone()
    document = change(None if row is None else row[0])
    if document is None:
        connection.execute("DELETE FROM bucket_entry WHERE bucket_id = ? AND kind = ? AND name = ?", place)
        return
    if row is None and connection.execute(COUNT, (bucket_id, kind)).fetchone()[0] >= most:
        raise TooMany(kind)
    connection.execute(
        "INSERT OR REPLACE INTO bucket_entry (bucket_id, kind, name, document) VALUES (?, ?, ?, ?)", (*place, document)
    )


def note_change(connection: sqlite3.Connection, bucket_id: int, key: str) -> None:
    """Leave a key in the journal of its bucket, if that has one."""
    connection.execute(_JOURNAL, (JOURNAL, key, bucket_id, REPLICATION))


def drop_entries(connection: sqlite3.Connection, bucket_id: int, kind: str, limit: int) -> bool:
    return connection.execute(_DROP, (bucket_id, kind, limit)).rowcount == limit
