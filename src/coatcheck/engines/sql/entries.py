"""Entries of buckets: how they are read, and the mutation, run by the writer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...ports.catalog import AlreadyThere, EntryChange, TooMany
from .contract import SqlConnection
from .objects import check_bucket

ENTRY: Final = "SELECT document FROM bucket_entry WHERE bucket_id = ? AND kind = ? AND name = ?"
ENTRIES: Final = (
    "SELECT name, document FROM bucket_entry WHERE bucket_id = ?1 AND kind = ?2 AND name > ?3 AND name >= ?4"
    " AND substr(name, 1, length(?4)) = ?4 ORDER BY name LIMIT ?5"
)
_DROP_SOME: Final = (
    "DELETE FROM bucket_entry WHERE bucket_id = ?1 AND kind = ?2 AND name IN"
    " (SELECT name FROM bucket_entry WHERE bucket_id = ?1 AND kind = ?2 LIMIT ?3)"
)
BUCKETS: Final = (
    "SELECT name FROM bucket WHERE EXISTS (SELECT 1 FROM bucket_entry WHERE bucket_id = bucket.id AND kind = ?)"
    " ORDER BY name"
)
COUNT: Final = "SELECT count(*) FROM bucket_entry WHERE bucket_id = ? AND kind = ?"
ACCOUNT_ENTRIES: Final = (
    "SELECT bucket_entry.name, bucket.name, document FROM bucket JOIN bucket_entry ON bucket_id = id"
    " WHERE owner = ? AND kind = ? AND (bucket_entry.name, bucket.name) > (?, ?)"
    " ORDER BY bucket_entry.name, bucket.name LIMIT ?"
)
ACCESS_POINT: Final = (  # of a bucket's number
    "SELECT bucket.name, document FROM bucket_entry JOIN bucket ON id = bucket_id"
    " WHERE bucket_id = ? AND kind = ? AND bucket_entry.name = ?"
)
_OF_ACCOUNT: Final = (
    "SELECT count(*), count(CASE WHEN entry.name = ?3 THEN 1 END) FROM bucket AS this"
    " JOIN bucket AS other ON other.owner = this.owner AND other.region = this.region"
    " JOIN bucket_entry AS entry ON entry.bucket_id = other.id AND entry.kind = ?2 WHERE this.id = ?1"
)


def change_entry(
    connection: SqlConnection,
    bucket_id: int,
    kind: str,
    name: str,
    change: EntryChange,
    most: int,
    account_most: int | None,
) -> None:
    check_bucket(connection, bucket_id)
    place = (bucket_id, kind, name)
    row = connection.execute(ENTRY, place).fetchone()
    document = change(None if row is None else row[0])
    if document is None:
        connection.execute(_DROP, place)
        return
    if row is None:
        if connection.execute(COUNT, (bucket_id, kind)).fetchone()[0] >= most:
            raise TooMany(kind)
        if account_most is not None:
            _check_account(connection, place, account_most)
    connection.execute(_PUT, (*place, document))


def put_entries(
    connection: SqlConnection, bucket_id: int, kind: str, entries: Sequence[tuple[str, str | None]]
) -> None:
    check_bucket(connection, bucket_id)
    for name, document in entries:
        if document is None:
            connection.execute(_DROP, (bucket_id, kind, name))
        else:
            connection.execute(_PUT, (bucket_id, kind, name, document))


_PUT: Final = "INSERT OR REPLACE INTO bucket_entry (bucket_id, kind, name, document) VALUES (?, ?, ?, ?)"
_DROP: Final = "DELETE FROM bucket_entry WHERE bucket_id = ? AND kind = ? AND name = ?"


def _check_account(connection: SqlConnection, place: tuple[int, str, str], most: int) -> None:
    """Of a new entry. Raises: AlreadyThere, TooMany."""
    count, of_that_name = connection.execute(_OF_ACCOUNT, place).fetchone()
    if of_that_name:
        raise AlreadyThere(place[2])
    if count >= most:
        raise TooMany(place[1])


def drop_entries(connection: SqlConnection, bucket_id: int, kind: str, limit: int) -> bool:
    return connection.execute(_DROP_SOME, (bucket_id, kind, limit)).rowcount == limit
