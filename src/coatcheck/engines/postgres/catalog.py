"""The catalog in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ...core.limits import BILLED_LEAST_BYTES
from ...core.times import Moments
from ...ports.access_point import AccessPoint
from ...ports.bucket import Bucket, BucketStat, ClassStat
from ...ports.catalog import AccountEntry
from ...ports.object import DELETE_MARKER, KeptPart, ListPage, ObjectRecord, VersionPage
from ...ports.quota import Quota, Usage
from ...ports.upload import Part, Upload, UploadPage
from ..sql import buckets, entries, uploads, usage
from ..sql.blobs import RELEASED
from ..sql.catalog_changes import CatalogChanges
from ..sql.contract import SqlWriter
from ..sql.objects import PARTS, read_parts_of, read_record
from .known import Known
from .listing import Page, list_page, list_uploads, list_versions
from .lookups import CURRENT
from .reads import VERSION

_VERSION_PLACE = (
    "SELECT seq, last_modified FROM object WHERE bucket_id = ?1 AND key = ?2"
    " AND ((seq < 0 AND version_id = ?3) OR (seq = 0 AND ?3 = 'null')) ORDER BY seq DESC LIMIT 1"
)


class PostgresCatalog(CatalogChanges):
    """See `ports.catalog`. Every question is put to the database; buckets are remembered for as long as its numbers say
    that nobody changed one."""

    def __init__(self, known: Known, writer: SqlWriter, moments: Callable[[], Moments]) -> None:
        super().__init__(writer, moments)
        self._known = known
        self._reader = known.reader

    # --- buckets ---

    async def find_bucket(self, name: str) -> Bucket | None:
        return await self._known.find(lambda: self._known.bucket(name))

    async def delete_bucket(self, bucket_id: int, *, kept_by: Sequence[str] = ()) -> None:
        await super().delete_bucket(bucket_id, kept_by=kept_by)
        await self._known.find(lambda: self._known.domain(""))  # its own domains have no certificate any more

    async def list_buckets(self, owner: str, *, prefix: str, marker: str, limit: int) -> tuple[Sequence[Bucket], bool]:
        rows = await self._reader.find_all(
            f"{buckets.BUCKET} WHERE owner = ? AND name > ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
            (owner, marker, len(prefix), prefix, limit + 1),
        )
        return [Bucket(*row) for row in rows[:limit]], len(rows) > limit

    async def buckets_with_configuration(self, name: str) -> Sequence[Bucket]:
        rows = await self._reader.find_all(buckets.WITH_CONFIGURATION, (name,))
        return await self._found(row[0] for row in rows)

    async def buckets_with_entries(self, kind: str) -> Sequence[Bucket]:
        return await self._found(row[0] for row in await self._reader.find_all(entries.BUCKETS, (kind,)))

    async def _found(self, names: Iterable[str]) -> list[Bucket]:
        found = [await self.find_bucket(name) for name in names]
        return [bucket for bucket in found if bucket is not None]

    async def stat_bucket(self, bucket_id: int) -> BucketStat:
        classes = await self._reader.find_all(buckets.STAT, (BILLED_LEAST_BYTES, bucket_id, DELETE_MARKER))
        markers = await self._reader.find(buckets.STAT_MARKERS, (bucket_id, DELETE_MARKER))
        open_uploads = await self._reader.find(buckets.STAT_UPLOADS, (bucket_id,))
        arrivals = await self._reader.find(buckets.STAT_ARRIVALS, (bucket_id,))
        by_class = tuple((name, ClassStat(*counts)) for name, *counts in classes)
        return BucketStat(by_class, *markers, *open_uploads, *arrivals)

    async def find_usage(self, bucket_id: int) -> Usage:
        return Usage(*(await self._reader.find(usage.OF_BUCKET, (bucket_id,)) or (0, 0)))

    async def find_account_usage(self, account: str) -> tuple[Quota, Usage]:
        quota = await self._reader.find(usage.QUOTA_OF_ACCOUNT, (account,))
        held = await self._reader.find(usage.OF_ACCOUNT, (account,))
        return Quota(*(quota or (None, None))), Usage(*(held or (0, 0)))

    async def check_room(self, bucket_id: int, more: Usage) -> None:
        rows = await self._reader.find_all(usage.LIMITS, usage.limit_arguments(bucket_id))
        limits = usage.find_limits(tuple(row) for row in rows)
        _, of_account = await self.find_account_usage(limits.owner)
        usage.weigh(limits, await self.find_usage(bucket_id), of_account, more)

    async def blocks_public_access(self, account: str) -> bool:
        row = await self._reader.find(buckets.OWNER, (account,))
        return row is not None and bool(row[0])

    # --- entries ---

    async def find_entry(self, bucket_id: int, kind: str, name: str) -> str | None:
        row = await self._reader.find(entries.ENTRY, (bucket_id, kind, name))
        return None if row is None else str(row[0])

    async def list_entries(
        self, bucket_id: int, kind: str, *, prefix: str, marker: str, limit: int
    ) -> tuple[Sequence[tuple[str, str]], bool]:
        rows = await self._reader.find_all(entries.ENTRIES, (bucket_id, kind, marker, prefix, limit + 1))
        return [(name, document) for name, document in rows[:limit]], len(rows) > limit

    async def count_entries(self, bucket_id: int, kind: str) -> int:
        return int((await self._reader.find(entries.COUNT, (bucket_id, kind)))[0])

    async def list_account_entries(
        self, owner: str, kind: str, *, marker: tuple[str, str], limit: int
    ) -> tuple[Sequence[AccountEntry], bool]:
        rows = await self._reader.find_all(entries.ACCOUNT_ENTRIES, (owner, kind, *marker, limit + 1))
        return [AccountEntry(*row) for row in rows[:limit]], len(rows) > limit

    async def find_access_point(self, alias: str) -> tuple[Bucket, AccessPoint] | None:
        return await self._known.find(lambda: self._known.point(alias))

    # --- objects ---

    async def find_object(self, bucket_id: int, key: str, version_id: str | None = None) -> ObjectRecord | None:
        if version_id is None:
            rows = await self._reader.ask(CURRENT, bucket_id, key)
        else:
            rows = await self._reader.ask(VERSION, bucket_id, key, version_id)
        return read_record(key, rows[0]) if rows else None

    async def find_parts(self, bucket_id: int, record: ObjectRecord) -> Sequence[KeptPart]:
        place = (bucket_id, record.key, record.version_id, record.etag)
        return read_parts_of(record, await self._reader.find(PARTS, place))

    async def list_objects(self, bucket_id: int, *, prefix: str, delimiter: str, marker: str, limit: int) -> ListPage:
        return await list_page(self._reader, Page(bucket_id, prefix, delimiter, limit), marker)

    async def list_versions(
        self, bucket_id: int, *, prefix: str, delimiter: str, marker: tuple[str, str], limit: int
    ) -> VersionPage:
        key, version_id = marker
        at = await self._reader.find(_VERSION_PLACE, (bucket_id, key, version_id)) if version_id else None
        return await list_versions(self._reader, Page(bucket_id, prefix, delimiter, limit), marker, at)

    # --- multipart uploads ---

    async def find_upload(self, bucket_id: int, key: str, upload_id: str) -> Upload | None:
        row = await self._reader.find(uploads.UPLOAD, (bucket_id, key, upload_id))
        return None if row is None else uploads.read_upload(row)

    async def list_parts(
        self, bucket_id: int, key: str, upload_id: str, *, marker: int, limit: int
    ) -> tuple[Sequence[Part], bool]:
        rows = await self._reader.find_all(uploads.PARTS, (bucket_id, key, upload_id, marker, limit + 1))
        return [uploads.read_part(row) for row in rows[:limit]], len(rows) > limit

    async def list_uploads(
        self, bucket_id: int, *, prefix: str, delimiter: str, marker: tuple[str, str], limit: int
    ) -> UploadPage:
        return await list_uploads(self._reader, Page(bucket_id, prefix, delimiter, limit), marker)

    # --- blobs ---

    async def released_blobs(self, before: int, *, limit: int) -> Sequence[str]:
        return [row[0].hex() for row in await self._reader.find_all(RELEASED, (before, limit))]
