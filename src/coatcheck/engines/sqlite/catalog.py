"""The catalog in SQLite. Reads of one row run on the event loop, listings in a thread, mutations in the writer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from typing import Any, Final, TypeVar

from ...clock import SteadyClock
from ...core.access_point_names import read_alias
from ...ports.access_point import KIND as ACCESS_POINT
from ...ports.access_point import AccessPoint, read_access_point
from ...ports.bucket import Bucket, BucketStat
from ...ports.catalog import (
    AccountEntry,
    NoSpace,
)
from ...ports.object import NULL_VERSION, KeptPart, ListPage, ObjectRecord, VersionPage
from ...ports.quota import Quota, Usage
from ...ports.upload import Part, Upload, UploadPage
from ..blob_paths import has_room
from ..sql import buckets, entries, objects, uploads, usage
from ..sql.blobs import released_blobs
from ..sql.catalog_changes import CatalogChanges
from ..sql.contract import SqlConnection
from .changes import Changes
from .connection import Reader, open_connection
from .listing import list_page, list_uploads, list_versions
from .recent import RecentObjects
from .writer import Writer

T = TypeVar("T")

_LISTING_THREADS: Final = 2
_LISTING_CACHE_KIB: Final = 8 * 1024  # holds what a page of 365 common prefixes touches among millions of keys

_BUCKET_ID_MAX: Final = 2**63 - 1

_FREE_MARGIN_BYTES: Final = 64 * 1024  # for the pages of indexes that a row may split


class SqliteCatalog(CatalogChanges):
    """See `ports.catalog`. Buckets are remembered until any process changes one, objects until any
    commits something to their key."""

    def __init__(self, path: Path, reader: Reader, writer: Writer, changes: Changes, steady: SteadyClock) -> None:
        super().__init__(writer, steady.moments)
        self._path = path
        self._reader = reader
        self._writes = writer
        self._buckets: dict[str, Bucket] = {}
        self._buckets_generation = -1
        self._recent = RecentObjects(changes)
        self._listings = _Listings(path)
        self._looked_in = 0  # the transaction in which the disk was looked at last, and what was found
        self._crowded = False

    def close(self) -> None:
        """End the listing threads; reader and writer are closed by who made them."""
        self._listings.close()

    # --- buckets ---

    async def find_bucket(self, name: str) -> Bucket | None:
        return self.look_for_bucket(name)

    def look_for_bucket(self, name: str) -> Bucket | None:
        generation = self._reader.generation()
        if generation != self._buckets_generation:
            self._buckets.clear()
            self._buckets_generation = generation
        return self._buckets.get(name) or self._load_bucket(name)

    def _load_bucket(self, name: str) -> Bucket | None:
        row = self._reader.row(f"{buckets.BUCKET} WHERE name = ?", (name,))
        if row is None:
            return None
        bucket = buckets.read_bucket(
            row, self._reader.rows(buckets.CONFIGURATIONS, (row[0],)), self._reader.row(buckets.OWNER, (row[2],))
        )
        self._buckets[name] = bucket
        return bucket

    async def list_buckets(self, owner: str, *, prefix: str, marker: str, limit: int) -> tuple[Sequence[Bucket], bool]:
        rows = self._reader.rows(
            f"{buckets.BUCKET} WHERE owner = ? AND name > ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
            (owner, marker, len(prefix), prefix, limit + 1),
        )
        return [Bucket(*row) for row in rows[:limit]], len(rows) > limit

    async def buckets_with_configuration(self, name: str) -> Sequence[Bucket]:
        rows = self._reader.rows(buckets.WITH_CONFIGURATION, (name,))
        found = [await self.find_bucket(row[0]) for row in rows]
        return [bucket for bucket in found if bucket is not None]

    async def stat_bucket(self, bucket_id: int) -> BucketStat:
        return await self._listings.run(lambda connection: buckets.stat_bucket(connection, bucket_id))

    async def find_usage(self, bucket_id: int) -> Usage:
        return Usage(*(self._reader.row(usage.OF_BUCKET, (bucket_id,)) or (0, 0)))

    async def find_account_usage(self, account: str) -> tuple[Quota, Usage]:
        quota = self._reader.row(usage.QUOTA_OF_ACCOUNT, (account,))
        return Quota(*(quota or (None, None))), Usage(*(self._reader.row(usage.OF_ACCOUNT, (account,)) or (0, 0)))

    async def check_room(self, bucket_id: int, more: Usage) -> None:
        limits = usage.find_limits(self._reader.rows(usage.LIMITS, usage.limit_arguments(bucket_id)))
        _, of_account = await self.find_account_usage(limits.owner)
        usage.weigh(limits, await self.find_usage(bucket_id), of_account, more)

    async def blocks_public_access(self, account: str) -> bool:
        row = self._reader.row(buckets.OWNER, (account,))
        return row is not None and bool(row[0])

    # --- entries ---

    async def buckets_with_entries(self, kind: str) -> Sequence[Bucket]:
        names = await self._listings.run(lambda connection: connection.execute(entries.BUCKETS, (kind,)).fetchall())
        found = [self.look_for_bucket(name) for (name,) in names]
        return [bucket for bucket in found if bucket is not None]

    async def find_entry(self, bucket_id: int, kind: str, name: str) -> str | None:
        row = self._reader.row(entries.ENTRY, (bucket_id, kind, name))
        return None if row is None else str(row[0])

    async def list_entries(
        self, bucket_id: int, kind: str, *, prefix: str, marker: str, limit: int
    ) -> tuple[Sequence[tuple[str, str]], bool]:
        found = await self._listings.run(
            lambda connection: connection.execute(
                entries.ENTRIES, (bucket_id, kind, marker, prefix, limit + 1)
            ).fetchall()
        )
        return found[:limit], len(found) > limit

    async def count_entries(self, bucket_id: int, kind: str) -> int:
        row = self._reader.row(entries.COUNT, (bucket_id, kind))
        return int(row[0])

    async def list_account_entries(
        self, owner: str, kind: str, *, marker: tuple[str, str], limit: int
    ) -> tuple[Sequence[AccountEntry], bool]:
        rows = await self._listings.run(
            lambda connection: connection.execute(entries.ACCOUNT_ENTRIES, (owner, kind, *marker, limit + 1)).fetchall()
        )
        return [AccountEntry(*row) for row in rows[:limit]], len(rows) > limit

    async def find_access_point(self, alias: str) -> tuple[Bucket, AccessPoint] | None:
        return self.look_for_access_point(alias)

    def look_for_access_point(self, alias: str) -> tuple[Bucket, AccessPoint] | None:
        parts = read_alias(alias)
        if parts is None or parts.bucket_id > _BUCKET_ID_MAX:
            return None
        row = self._reader.row(entries.ACCESS_POINT, (parts.bucket_id, ACCESS_POINT, parts.name))
        bucket = None if row is None else self.look_for_bucket(row[0])
        if bucket is None:
            return None
        point = read_access_point(row[1])
        return (bucket, point) if (point.alias, point.bucket_id) == (alias, bucket.bucket_id) else None

    # --- objects ---

    async def find_object(self, bucket_id: int, key: str, version_id: str | None = None) -> ObjectRecord | None:
        return self.look_for_object(bucket_id, key, version_id)

    def look_for_object(self, bucket_id: int, key: str, version_id: str | None) -> ObjectRecord | None:
        place = (bucket_id, key, version_id)
        record = self._recent.find(place)
        if record is None:
            row = self._read_row(bucket_id, key, version_id)
            if row is None:
                return None
            record = objects.read_record(key, row)
            self._recent.keep(place, record)
        return record

    def _read_row(self, bucket_id: int, key: str, version_id: str | None) -> Any:
        if version_id is None:
            return self._reader.row(objects.CURRENT, (bucket_id, key))
        row = self._reader.row(objects.VERSION, (bucket_id, key, version_id))
        if row is None and version_id == NULL_VERSION:
            return self._reader.row(objects.NULL_OF_UNVERSIONED, (bucket_id, key))
        return row

    def _check_room(self, connection: SqlConnection, record: ObjectRecord) -> None:
        if record.body is not None and self._is_crowded():
            _check_free_pages(connection, record.size)

    def _is_crowded(self) -> bool:
        """Whether the disk has only its reserve left. On the writer's thread, which looks once a transaction."""
        if self._looked_in != self._writes.transactions:
            self._looked_in, self._crowded = self._writes.transactions, not has_room(self._path.parent)
        return self._crowded

    async def list_objects(self, bucket_id: int, *, prefix: str, delimiter: str, marker: str, limit: int) -> ListPage:
        return await self._listings.run(
            lambda connection: list_page(
                connection, bucket_id, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit
            )
        )

    async def find_parts(self, bucket_id: int, record: ObjectRecord) -> Sequence[KeptPart]:
        place = (bucket_id, record.key, record.version_id, record.etag)
        return objects.read_parts_of(record, self._reader.row(objects.PARTS, place))

    async def list_versions(
        self, bucket_id: int, *, prefix: str, delimiter: str, marker: tuple[str, str], limit: int
    ) -> VersionPage:
        return await self._listings.run(
            lambda connection: list_versions(
                connection, bucket_id, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit
            )
        )

    # --- multipart uploads ---

    async def find_upload(self, bucket_id: int, key: str, upload_id: str) -> Upload | None:
        row = self._reader.row(uploads.UPLOAD, (bucket_id, key, upload_id))
        return None if row is None else uploads.read_upload(row)

    async def list_parts(
        self, bucket_id: int, key: str, upload_id: str, *, marker: int, limit: int
    ) -> tuple[Sequence[Part], bool]:
        parts = await self._listings.run(
            lambda connection: [
                uploads.read_part(row)
                for row in connection.execute(uploads.PARTS, (bucket_id, key, upload_id, marker, limit + 1))
            ]
        )
        return parts[:limit], len(parts) > limit

    async def list_uploads(
        self, bucket_id: int, *, prefix: str, delimiter: str, marker: tuple[str, str], limit: int
    ) -> UploadPage:
        return await self._listings.run(
            lambda connection: list_uploads(
                connection, bucket_id, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit
            )
        )

    # --- blobs ---

    async def released_blobs(self, before: int, *, limit: int) -> Sequence[str]:
        return await self._listings.run(lambda connection: released_blobs(connection, before, limit))


def _check_free_pages(connection: SqlConnection, size: int) -> None:
    """Where the disk has only its reserve left, the catalog takes what fits into pages that deletes have left free.

    Raises: NoSpace.
    """
    ((free,),) = connection.execute("PRAGMA freelist_count")
    ((page_bytes,),) = connection.execute("PRAGMA page_size")
    if free * page_bytes < size + _FREE_MARGIN_BYTES:
        raise NoSpace("Neither the disk nor the catalog has room left.")


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
