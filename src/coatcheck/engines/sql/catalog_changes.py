"""Mutations of the catalog, as every engine has them that speaks SQL. Each says what it needs for itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...core.times import Moments
from ...ports.bucket import Bucket, NewBucket
from ...ports.catalog import BucketChange, BucketCheck, Change, Deleted, EntryChange, Written
from ...ports.object import Deletion, ObjectRecord, OnlyIf
from ...ports.quota import Quota
from ...ports.upload import Part, Upload
from . import buckets, entries, objects, uploads, usage
from .blobs import forget_blobs
from .contract import NOTHING, SqlConnection, SqlWriter, held_bucket, held_keys
from .entries import put_entries


class CatalogChanges:
    """See `ports.catalog`."""

    def __init__(self, writer: SqlWriter, moments: Callable[[], Moments]) -> None:
        self._writer = writer
        self._moments = moments

    # --- buckets ---

    async def create_bucket(self, new: NewBucket, *, most: int, check: BucketCheck | None = None) -> Bucket:
        return await self._writer.run(lambda connection: buckets.create_bucket(connection, new, most, check))

    async def change_bucket(self, bucket_id: int, change: BucketChange) -> None:
        await self._writer.run(
            lambda connection: buckets.change_bucket(connection, bucket_id, change), held_bucket(bucket_id)
        )

    async def set_bucket_acl(self, bucket_id: int, acl: str) -> None:
        await self._writer.run(lambda connection: buckets.set_bucket_acl(connection, bucket_id, acl))

    async def set_configuration(self, bucket_id: int, name: str, document: str | None) -> None:
        await self._writer.run(
            lambda connection: buckets.set_configuration(connection, bucket_id, name, document), held_bucket(bucket_id)
        )

    async def set_bucket_versioning(self, bucket_id: int, versioning: str) -> None:
        await self._writer.run(
            lambda connection: buckets.set_bucket_versioning(connection, bucket_id, versioning), held_bucket(bucket_id)
        )

    async def delete_bucket(self, bucket_id: int, *, kept_by: Sequence[str] = ()) -> None:
        await self._writer.run(
            lambda connection: buckets.delete_bucket(connection, bucket_id, kept_by), held_bucket(bucket_id)
        )

    async def set_account_quota(self, account: str, quota: Quota) -> None:
        await self._writer.run(lambda connection: usage.set_account_quota(connection, account, quota))

    async def set_account_public_access_block(self, account: str, blocked: bool) -> None:
        await self._writer.run(lambda connection: buckets.set_account_block(connection, account, blocked))

    # --- entries ---

    async def change_entry(
        self,
        bucket_id: int,
        kind: str,
        name: str,
        change: EntryChange,
        *,
        most: int,
        account_most: int | None = None,
    ) -> None:
        await self._writer.run(
            lambda connection: entries.change_entry(connection, bucket_id, kind, name, change, most, account_most)
        )

    async def put_entries(self, bucket_id: int, kind: str, entries: Sequence[tuple[str, str | None]]) -> None:
        await self._writer.run(lambda connection: put_entries(connection, bucket_id, kind, entries))

    async def drop_entries(self, bucket_id: int, kind: str, *, limit: int) -> bool:
        return await self._writer.run(lambda connection: entries.drop_entries(connection, bucket_id, kind, limit))

    # --- objects ---

    def moments(self) -> Moments:
        return self._moments()

    async def note_time(self) -> None:
        """Every transaction notes it, when the last note is old."""
        await self._writer.run(lambda connection: None, NOTHING)

    async def put_object(
        self,
        bucket_id: int,
        record: ObjectRecord,
        *,
        forbid_overwrite: bool = False,
        only_if: OnlyIf | None = None,
        shared: bool = False,
    ) -> Written:
        columns = objects.write_columns(record)

        def put(connection: SqlConnection) -> Written:
            self._check_room(connection, record)
            return objects.put_object(
                connection,
                bucket_id,
                record,
                columns,
                self._moments(),
                forbid_overwrite=forbid_overwrite,
                only_if=only_if,
                shared=shared,
            )

        return await self._writer.run(put, held_keys(bucket_id, record.key))

    def _check_room(self, connection: SqlConnection, record: ObjectRecord) -> None:
        """On the writer's thread. Raises: NoSpace, if the object's own body would leave too little."""

    async def change_object(
        self, bucket_id: int, key: str, version_id: str | None, change: Change, *, bypass_governance: bool = False
    ) -> Written:
        return await self._writer.run(
            lambda connection: objects.change_object(
                connection, bucket_id, key, version_id, change, self._moments(), bypass_governance=bypass_governance
            ),
            held_keys(bucket_id, key),
        )

    async def delete_object(self, bucket_id: int, deletion: Deletion) -> Deleted:
        return (await self.delete_objects(bucket_id, (deletion,)))[0]

    async def delete_objects(self, bucket_id: int, deletions: Sequence[Deletion]) -> Sequence[Deleted]:
        return await self._writer.run(
            lambda connection: objects.delete_objects(connection, bucket_id, deletions, self._moments()),
            held_keys(bucket_id, *[deletion.key for deletion in deletions]),
        )

    # --- multipart uploads ---

    async def create_upload(self, bucket_id: int, upload: Upload) -> None:
        await self._writer.run(
            lambda connection: uploads.create_upload(connection, bucket_id, upload), held_keys(bucket_id, upload.key)
        )

    async def put_part(
        self, bucket_id: int, key: str, upload_id: str, part: Part, *, shared: bool = False
    ) -> tuple[str, ...]:
        return await self._writer.run(
            lambda connection: uploads.put_part(connection, bucket_id, key, upload_id, part, shared=shared),
            held_keys(bucket_id, key),
        )

    async def complete_upload(
        self,
        bucket_id: int,
        upload: Upload,
        record: ObjectRecord,
        *,
        forbid_overwrite: bool = False,
        only_if: OnlyIf | None = None,
    ) -> Written:
        columns = objects.write_columns(record)
        return await self._writer.run(
            lambda connection: uploads.complete_upload(
                connection,
                bucket_id,
                upload,
                record,
                columns,
                self._moments(),
                forbid_overwrite=forbid_overwrite,
                only_if=only_if,
            ),
            held_keys(bucket_id, upload.key, record.key),
        )

    async def abort_upload(self, bucket_id: int, key: str, upload_id: str) -> tuple[str, ...]:
        return await self._writer.run(
            lambda connection: uploads.abort_upload(connection, bucket_id, key, upload_id), held_keys(bucket_id, key)
        )

    # --- blobs ---

    async def forget_blobs(self, blob_ids: Sequence[str]) -> None:
        if blob_ids:
            await self._writer.run(lambda connection: forget_blobs(connection, blob_ids), NOTHING)
