"""The catalog in SQLite. Reads of one row run on the event loop, listings in a thread, mutations in the writer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from typing import Any, Final, TypeVar

from ...ports.bucket import Bucket, NewBucket
from ...ports.catalog import AlreadyThere, Deleted, Gone, NotEmpty, TooMany, Written
from ...ports.object import ListPage, ObjectRecord
from .changes import Changes
from .connection import Reader, open_connection
from .listing import list_page
from .recent import RecentObjects
from .rows import (
    read_blob_ids,
    read_crc64,
    read_headers,
    read_segments,
    read_tags,
    write_crc64,
    write_headers,
    write_segments,
    write_tags,
)
from .writer import Writer

T = TypeVar("T")

_LISTING_THREADS: Final = 2
_LISTING_CACHE_KIB: Final = 8 * 1024  # holds what a page of 365 common prefixes touches among millions of keys

_BUCKET: Final = "SELECT id, name, owner, region, acl, storage_class, redundancy, created_at, versioning FROM bucket"
_OBJECT: Final = (
    "SELECT version_id, kind, size, etag, crc64, last_modified, acl, storage_class, headers, tags, content, segments"
    " FROM object LEFT JOIN body ON body.id = body_id WHERE bucket_id = ? AND key = ? ORDER BY seq LIMIT 1"
)
_WRITE_OBJECT: Final = (
    "INSERT OR REPLACE INTO object (bucket_id, key, seq, kind, size, etag, last_modified, storage_class, version_id,"
    " crc64, acl, headers, tags, body_id, segments) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class SqliteCatalog:
    """See `ports.catalog`. Buckets are remembered until any process changes one, objects until any commits anything."""

    def __init__(self, path: Path, reader: Reader, writer: Writer, changes: Changes) -> None:
        self._reader = reader
        self._writer = writer
        self._buckets: dict[str, Bucket] = {}
        self._buckets_generation = -1
        self._recent = RecentObjects(changes)
        self._listings = _Listings(path)

    def close(self) -> None:
        """End the listing threads; reader and writer are closed by who made them."""
        self._listings.close()

    # --- buckets ---

    async def find_bucket(self, name: str) -> Bucket | None:
        generation = self._reader.generation()
        if generation != self._buckets_generation:
            self._buckets.clear()
            self._buckets_generation = generation
        return self._buckets.get(name) or self._load_bucket(name)

    def _load_bucket(self, name: str) -> Bucket | None:
        row = self._reader.row(f"{_BUCKET} WHERE name = ?", (name,))
        if row is None:
            return None
        settings = self._reader.rows(
            "SELECT name, document FROM bucket_setting WHERE bucket_id = ? ORDER BY name", (row[0],)
        )
        bucket = self._buckets[name] = Bucket(*(*row, tuple(settings)))
        return bucket

    async def list_buckets(self, owner: str, *, prefix: str, marker: str, limit: int) -> tuple[Sequence[Bucket], bool]:
        rows = self._reader.rows(
            f"{_BUCKET} WHERE owner = ? AND name > ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
            (owner, marker, len(prefix), prefix, limit + 1),
        )
        return [Bucket(*row) for row in rows[:limit]], len(rows) > limit

    async def create_bucket(self, new: NewBucket, *, most: int) -> Bucket:
        return await self._writer.run(lambda connection: _create_bucket(connection, new, most))

    async def set_bucket_acl(self, bucket_id: int, acl: str) -> None:
        await self._writer.run(lambda connection: _set_bucket_acl(connection, bucket_id, acl))

    async def set_bucket_setting(self, bucket_id: int, name: str, document: str | None) -> None:
        await self._writer.run(lambda connection: _set_bucket_setting(connection, bucket_id, name, document))

    async def delete_bucket(self, bucket_id: int) -> None:
        await self._writer.run(lambda connection: _delete_bucket(connection, bucket_id))

    # --- objects ---

    async def find_object(self, bucket_id: int, key: str) -> ObjectRecord | None:
        place = (bucket_id, key)
        record = self._recent.find(place)
        if record is None:
            row = self._reader.row(_OBJECT, place)
            if row is None:
                return None
            record = _read_record(key, row)
            self._recent.keep(place, record)
        return record

    async def put_object(self, bucket_id: int, record: ObjectRecord, *, forbid_overwrite: bool = False) -> Written:
        columns = _columns(record)
        return await self._writer.run(
            lambda connection: _put_object(connection, bucket_id, record, columns, forbid_overwrite)
        )

    async def delete_object(self, bucket_id: int, key: str) -> Deleted:
        return (await self.delete_objects(bucket_id, (key,)))[0]

    async def delete_objects(self, bucket_id: int, keys: Sequence[str]) -> Sequence[Deleted]:
        return await self._writer.run(lambda connection: _delete_objects(connection, bucket_id, keys))

    async def set_object_acl(self, bucket_id: int, key: str, acl: str) -> None:
        await self._writer.run(lambda connection: _set_object_acl(connection, bucket_id, key, acl))

    async def list_objects(self, bucket_id: int, *, prefix: str, delimiter: str, marker: str, limit: int) -> ListPage:
        return await self._listings.run(
            lambda connection: list_page(
                connection, bucket_id, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit
            )
        )

    # --- blobs ---

    async def forget_blobs(self, blob_ids: Sequence[str]) -> None:
        if blob_ids:
            await self._writer.run(lambda connection: forget_blobs(connection, blob_ids))


def _read_record(key: str, row: Any) -> ObjectRecord:
    version_id, kind, size, etag, crc64, last_modified, acl, storage_class, headers, tags, body, segments = row
    return ObjectRecord(
        key,
        version_id,
        kind,
        size,
        etag,
        read_crc64(crc64),
        last_modified,
        acl,
        storage_class,
        read_headers(headers),
        read_tags(tags) if tags else (),
        body,
        read_segments(segments) if segments else (),
    )


class _Listings:
    """A few threads with a read connection each, opened when first used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(_LISTING_THREADS, "catalog-listing")
        self._local = local()
        self._connections: list[sqlite3.Connection] = []

    async def run(self, read: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: read(self._connection()))

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = open_connection(self._path, cache_kib=_LISTING_CACHE_KIB, query_only=True)
            self._local.connection = connection
            self._connections.append(connection)
        return connection

    def close(self) -> None:
        self._threads.shutdown()
        for connection in self._connections:
            connection.close()


# --- mutations, run by the writer: each checks before it writes ------------------------------------------------------


def _create_bucket(connection: sqlite3.Connection, new: NewBucket, most: int) -> Bucket:
    if connection.execute("SELECT 1 FROM bucket WHERE name = ?", (new.name,)).fetchone():
        raise AlreadyThere(new.name)
    owned = connection.execute("SELECT count(*) FROM bucket WHERE owner = ? AND region = ?", (new.owner, new.region))
    if owned.fetchone()[0] >= most:
        raise TooMany(new.owner)
    made = connection.execute(
        "INSERT INTO bucket (name, owner, region, acl, storage_class, redundancy, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (new.name, new.owner, new.region, new.acl, new.storage_class, new.redundancy, new.created_at),
    )
    return Bucket(*connection.execute(f"{_BUCKET} WHERE id = ?", (made.lastrowid,)).fetchone())


def _set_bucket_acl(connection: sqlite3.Connection, bucket_id: int, acl: str) -> None:
    if connection.execute("UPDATE bucket SET acl = ? WHERE id = ?", (acl, bucket_id)).rowcount == 0:
        raise Gone(f"bucket {bucket_id}")


def _set_bucket_setting(connection: sqlite3.Connection, bucket_id: int, name: str, document: str | None) -> None:
    _check_bucket(connection, bucket_id)
    if document is None:
        connection.execute("DELETE FROM bucket_setting WHERE bucket_id = ? AND name = ?", (bucket_id, name))
    else:
        connection.execute("INSERT OR REPLACE INTO bucket_setting VALUES (?, ?, ?)", (bucket_id, name, document))


def _delete_bucket(connection: sqlite3.Connection, bucket_id: int) -> None:
    _check_bucket(connection, bucket_id)
    if connection.execute("SELECT 1 FROM object WHERE bucket_id = ? LIMIT 1", (bucket_id,)).fetchone():
        raise NotEmpty(f"bucket {bucket_id}")
    connection.execute("DELETE FROM bucket_setting WHERE bucket_id = ?", (bucket_id,))
    connection.execute("DELETE FROM bucket WHERE id = ?", (bucket_id,))


def _check_bucket(connection: sqlite3.Connection, bucket_id: int) -> None:
    if connection.execute("SELECT 1 FROM bucket WHERE id = ?", (bucket_id,)).fetchone() is None:
        raise Gone(f"bucket {bucket_id}")


def _columns(record: ObjectRecord) -> tuple[Any, ...]:
    """The columns of `_WRITE_OBJECT` from `kind` to `tags`, made by the caller's thread to spare the writer's."""
    return (
        record.kind,
        record.size,
        record.etag,
        record.last_modified,
        record.storage_class,
        record.version_id,
        write_crc64(record.crc64),
        record.acl,
        write_headers(record.headers),
        write_tags(record.tags),
    )


def _put_object(
    connection: sqlite3.Connection, bucket_id: int, record: ObjectRecord, columns: tuple[Any, ...], forbid: bool
) -> Written:
    _check_bucket(connection, bucket_id)
    old = _current(connection, bucket_id, record.key)
    if old is not None and forbid:
        raise AlreadyThere(record.key)
    seq, old_body, old_segments = old or (0, None, None)
    segments = write_segments(record.segments)
    _name_blobs(connection, read_blob_ids(segments))
    body_id = _write_body(connection, old_body, record.body)
    connection.execute(_WRITE_OBJECT, (bucket_id, record.key, seq, *columns, body_id, segments))
    return Written(record.version_id, _release_blobs(connection, read_blob_ids(old_segments)))


def _current(connection: sqlite3.Connection, bucket_id: int, key: str) -> tuple[int, int | None, bytes | None] | None:
    """The current row's seq, body_id and segments."""
    found: tuple[int, int | None, bytes | None] | None = connection.execute(
        "SELECT seq, body_id, segments FROM object WHERE bucket_id = ? AND key = ? ORDER BY seq LIMIT 1",
        (bucket_id, key),
    ).fetchone()
    return found


def _write_body(connection: sqlite3.Connection, body_id: int | None, body: bytes | None) -> int | None:
    """Store an inline body, in place of the one that was there if any; its id."""
    if body is None:
        connection.execute("DELETE FROM body WHERE id = ?", (body_id,))
        return None
    if body_id is None:
        return connection.execute("INSERT INTO body (content) VALUES (?)", (body,)).lastrowid
    connection.execute("UPDATE body SET content = ? WHERE id = ?", (body, body_id))
    return body_id


def _name_blobs(connection: sqlite3.Connection, blob_ids: Sequence[bytes]) -> None:
    """One row more names each of these."""
    for blob_id in blob_ids:
        if connection.execute("SELECT 1 FROM garbage WHERE blob_id = ?", (blob_id,)).fetchone():
            raise ValueError("A released blob cannot be named again.")
    connection.executemany(
        "INSERT INTO blob VALUES (?, 1) ON CONFLICT DO UPDATE SET object_count = object_count + 1",
        [(blob_id,) for blob_id in blob_ids],
    )


def _release_blobs(connection: sqlite3.Connection, blob_ids: Iterable[bytes]) -> tuple[str, ...]:
    """One row less names each of these; those that none names any more become garbage and are returned."""
    released = []
    for blob_id in blob_ids:
        if connection.execute("DELETE FROM blob WHERE id = ? AND object_count = 1", (blob_id,)).rowcount:
            connection.execute("INSERT INTO garbage VALUES (?)", (blob_id,))
            released.append(blob_id.hex())
        else:
            connection.execute("UPDATE blob SET object_count = object_count - 1 WHERE id = ?", (blob_id,))
    return tuple(released)


def _delete_objects(connection: sqlite3.Connection, bucket_id: int, keys: Sequence[str]) -> list[Deleted]:
    _check_bucket(connection, bucket_id)
    return [_delete_object(connection, bucket_id, key) for key in keys]


def _delete_object(connection: sqlite3.Connection, bucket_id: int, key: str) -> Deleted:
    old = _current(connection, bucket_id, key)
    if old is None:
        return Deleted(existed=False)
    seq, body_id, segments = old
    connection.execute("DELETE FROM object WHERE bucket_id = ? AND key = ? AND seq = ?", (bucket_id, key, seq))
    connection.execute("DELETE FROM body WHERE id = ?", (body_id,))
    return Deleted(True, _release_blobs(connection, read_blob_ids(segments)))


def _set_object_acl(connection: sqlite3.Connection, bucket_id: int, key: str, acl: str) -> None:
    current = _current(connection, bucket_id, key)
    if current is None:
        raise Gone(key)
    connection.execute(
        "UPDATE object SET acl = ? WHERE bucket_id = ? AND key = ? AND seq = ?", (acl, bucket_id, key, current[0])
    )


def forget_blobs(connection: sqlite3.Connection, blob_ids: Iterable[str]) -> None:
    connection.executemany("DELETE FROM garbage WHERE blob_id = ?", [(bytes.fromhex(blob_id),) for blob_id in blob_ids])
