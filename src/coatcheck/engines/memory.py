"""The catalog in dicts: the reference the other engines are compared with, and what the tests of operations use.

The other ports are kept likewise, see `memory_bytes`, `memory_keyring`, `memory_identities`, `memory_domains`. Nothing
in these files is durable, and nothing awaits: each method runs whole between two steps of the event loop.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from ..clock import Clock, SteadyClock, monotonic_clock, wall_clock
from ..core.times import Moments
from ..ports.arrivals import Arrival
from ..ports.bucket import Bucket, BucketStat, NewBucket
from ..ports.catalog import (
    AlreadyThere,
    BucketChange,
    BucketCheck,
    Change,
    Deleted,
    Gone,
    HasEntries,
    Immutable,
    NotEmpty,
    Stale,
    TooMany,
    Written,
    weigh_overwrite,
)
from ..ports.object import (
    DELETE_MARKER,
    NULL_VERSION,
    Deletion,
    KeptPart,
    ListPage,
    ObjectRecord,
    OnlyIf,
    VersionPage,
    delete_marker,
)
from ..ports.quota import DOCUMENTS, UNLIMITED, OverQuota, Quota, Usage, read_bucket_quota
from ..ports.upload import Part, Upload, UploadPage
from ..ports.worm import BUCKET_WORM, OBJECT_WORM, Rules, make_rules
from .memory_blobs import MemoryBlobs, blob_ids_of
from .memory_entries import MemoryEntries
from .memory_listing import class_stat, items_of, later_in, listed, listed_version, page_of_pairs

UploadPlace = tuple[int, str, str]  # bucket_id, key, upload_id


class MemoryCatalog(MemoryEntries, MemoryBlobs):
    """The catalog in dicts; a key's versions are a list, newest first."""

    def __init__(self, clock: Clock = wall_clock, monotonic: Clock = monotonic_clock) -> None:
        self._steady = SteadyClock(Moments(clock(), clock()), clock, monotonic)
        self._buckets: dict[str, Bucket] = {}
        self._objects: dict[int, dict[str, list[ObjectRecord]]] = {}
        self._uploads: dict[UploadPlace, tuple[Upload, dict[int, Part]]] = {}
        self.arrivals: dict[str, Arrival] = {}  # of `MemoryArrivals`
        MemoryEntries.__init__(self)
        MemoryBlobs.__init__(self, clock)
        self._last_bucket_id = 0
        self._blocked_accounts: set[str] = set()
        self._suspended_accounts: set[str] = set()
        self._quotas: dict[str, Quota] = {}

    def clear(self) -> None:
        """Everything goes. Ids of buckets are not used again: a write that is under way finds its bucket gone."""
        for kept in (self._buckets, self._objects, self._uploads, self.arrivals, self.entries, self._released_at):
            kept.clear()
        for names in (self._blocked_accounts, self._suspended_accounts, self.garbage):
            names.clear()
        self._quotas.clear()
        self.references.clear()

    # --- buckets ---

    async def find_bucket(self, name: str) -> Bucket | None:
        return self.look_for_bucket(name)

    def look_for_bucket(self, name: str) -> Bucket | None:
        bucket = self._buckets.get(name)
        return None if bucket is None else self._as_owned(bucket)

    def _all_buckets(self) -> Iterable[Bucket]:
        return self._buckets.values()

    def _as_owned(self, bucket: Bucket) -> Bucket:
        """With what its owner's account says."""
        blocked, suspended = bucket.owner in self._blocked_accounts, bucket.owner in self._suspended_accounts
        limited = bucket.owner in self._quotas
        if not (blocked or suspended or limited):
            return bucket
        return dataclasses.replace(
            bucket, owner_blocks_public_access=blocked, owner_suspended=suspended, owner_has_quota=limited
        )

    async def list_buckets(self, owner: str, *, prefix: str, marker: str, limit: int) -> tuple[Sequence[Bucket], bool]:
        names = sorted(n for n, b in self._buckets.items() if b.owner == owner and n.startswith(prefix) and n > marker)
        return [self._buckets[name] for name in names[:limit]], len(names) > limit

    async def buckets_with_configuration(self, name: str) -> Sequence[Bucket]:
        found = [bucket for _, bucket in sorted(self._buckets.items()) if bucket.configuration(name) is not None]
        return [self._as_owned(bucket) for bucket in found]

    async def create_bucket(self, new: NewBucket, *, most: int, check: BucketCheck | None = None) -> Bucket:
        if new.name in self._buckets:
            raise AlreadyThere(new.name)
        if sum((b.owner, b.region) == (new.owner, new.region) for b in self._buckets.values()) >= most:
            raise TooMany(new.owner)
        bucket = Bucket(
            bucket_id=self._last_bucket_id + 1,
            name=new.name,
            owner=new.owner,
            region=new.region,
            acl=new.acl,
            storage_class=new.storage_class,
            redundancy=new.redundancy,
            created_at=new.created_at,
            versioning=new.versioning,
            configurations=tuple(sorted(new.configurations)),
        )
        if check is not None:
            check(self._as_owned(bucket))
        self._last_bucket_id = bucket.bucket_id
        self._buckets[new.name] = bucket
        self._objects[bucket.bucket_id] = {}
        return bucket

    async def change_bucket(self, bucket_id: int, change: BucketChange) -> None:
        bucket = self._bucket_of(bucket_id)
        new = change(self._as_owned(bucket))
        self._buckets[bucket.name] = dataclasses.replace(
            bucket,
            acl=new.acl,
            redundancy=new.redundancy,
            versioning=new.versioning,
            configurations=new.configurations,
        )

    async def set_bucket_acl(self, bucket_id: int, acl: str) -> None:
        bucket = self._bucket_of(bucket_id)
        self._buckets[bucket.name] = dataclasses.replace(bucket, acl=acl)

    async def set_configuration(self, bucket_id: int, name: str, document: str | None) -> None:
        bucket = self._bucket_of(bucket_id)
        self._buckets[bucket.name] = bucket.with_configuration(name, document)

    async def set_bucket_versioning(self, bucket_id: int, versioning: str) -> None:
        bucket = self._bucket_of(bucket_id)
        self._buckets[bucket.name] = dataclasses.replace(bucket, versioning=versioning)

    async def delete_bucket(self, bucket_id: int, *, kept_by: Sequence[str] = ()) -> None:
        bucket = self._bucket_of(bucket_id)
        if self._objects[bucket_id] or self._uploads_of(bucket_id):
            raise NotEmpty(bucket.name)
        if any(self.entries_of(bucket_id, kind) for kind in kept_by):
            raise HasEntries(bucket.name)
        del self._buckets[bucket.name], self._objects[bucket_id]
        self.forget_entries(bucket_id)

    async def stat_bucket(self, bucket_id: int) -> BucketStat:
        records = [record for versions in self._objects.get(bucket_id, {}).values() for record in versions]
        contents = [record for record in records if record.kind != DELETE_MARKER]
        parts = [part for _, parts in self._uploads_of(bucket_id) for part in parts.values()]
        return BucketStat(
            tuple(
                (name, class_stat([record.size for record in contents if record.storage_class == name]))
                for name in sorted({record.storage_class for record in contents})
            ),
            len(records) - len(contents),
            len(self._uploads_of(bucket_id)),
            len(parts),
            sum(part.size for part in parts),
            sum(arrival.size for arrival in self.arrivals.values() if arrival.bucket_id == bucket_id),
        )

    async def find_usage(self, bucket_id: int) -> Usage:
        return self._usage_of(bucket_id)

    def _usage_of(self, bucket_id: int) -> Usage:
        records = [record for versions in self._objects.get(bucket_id, {}).values() for record in versions]
        parts = [part for _, parts in self._uploads_of(bucket_id) for part in parts.values()]
        arrived = sum(arrival.size for arrival in self.arrivals.values() if arrival.bucket_id == bucket_id)
        size = sum(record.size for record in records) + sum(part.size for part in parts) + arrived
        return Usage(size, sum(record.kind != DELETE_MARKER for record in records))

    async def find_account_usage(self, account: str) -> tuple[Quota, Usage]:
        return self._quotas.get(account, UNLIMITED), self._usage_of_account(account)

    def _usage_of_account(self, account: str) -> Usage:
        owned = [self._usage_of(bucket.bucket_id) for bucket in self._buckets.values() if bucket.owner == account]
        return Usage(sum(held.size for held in owned), sum(held.objects for held in owned))

    async def set_account_quota(self, account: str, quota: Quota) -> None:
        self._quotas.pop(account, None)
        if quota != UNLIMITED:
            self._quotas[account] = quota

    async def check_room(self, bucket_id: int, more: Usage) -> None:
        self.check_quota(bucket_id, more)

    def check_quota(self, bucket_id: int, more: Usage) -> None:
        """Raises: Gone, OverQuota."""
        bucket = self._bucket_of(bucket_id)
        quota = read_bucket_quota(*map(bucket.configuration, DOCUMENTS))
        of_account = self._quotas.get(bucket.owner, UNLIMITED)
        if quota != UNLIMITED and quota.refuses(self._usage_of(bucket_id), more):
            raise OverQuota("", quota)
        if of_account != UNLIMITED and of_account.refuses(self._usage_of_account(bucket.owner), more):
            raise OverQuota(bucket.owner, of_account)

    def _growth(self, bucket_id: int, record: ObjectRecord) -> Usage:
        """What the bucket holds more when a record is the current version of its key."""
        enabled = self._bucket_of(bucket_id).versioning == "Enabled"
        replaced = None if enabled else self._null_version(bucket_id, record.key)
        if replaced is None:
            return Usage(record.size, 1)
        return Usage(record.size - replaced.size, int(replaced.kind == DELETE_MARKER))

    async def blocks_public_access(self, account: str) -> bool:
        return account in self._blocked_accounts

    async def set_account_public_access_block(self, account: str, blocked: bool) -> None:
        (self._blocked_accounts.add if blocked else self._blocked_accounts.discard)(account)

    def suspend_account(self, account: str, suspended: bool) -> None:
        """Whether the account is disabled; each `Bucket` of it says so."""
        (self._suspended_accounts.add if suspended else self._suspended_accounts.discard)(account)

    def forget_account(self, account: str) -> None:
        """The account is gone, and what was said of it."""
        self._blocked_accounts.discard(account)
        self._suspended_accounts.discard(account)

    # --- objects ---

    def moments(self) -> Moments:
        return self._steady.moments()

    async def note_time(self) -> None:
        """Nothing starts from here again."""

    def _rules_of(self, bucket_id: int) -> Rules:
        bucket = self._bucket_of(bucket_id)
        documents = bucket.configuration(BUCKET_WORM), bucket.configuration(OBJECT_WORM)
        return make_rules(bucket.versioning, *documents, self.moments())

    async def find_object(self, bucket_id: int, key: str, version_id: str | None = None) -> ObjectRecord | None:
        return self.look_for_object(bucket_id, key, version_id)

    def look_for_object(self, bucket_id: int, key: str, version_id: str | None) -> ObjectRecord | None:
        versions = self._objects.get(bucket_id, {}).get(key, ())
        return next((record for record in versions if version_id in (None, record.version_id)), None)

    async def find_parts(self, bucket_id: int, record: ObjectRecord) -> Sequence[KeptPart]:
        found = self.look_for_object(bucket_id, record.key, record.version_id)
        return found.parts if found is not None and found.etag == record.etag else ()

    async def put_object(
        self,
        bucket_id: int,
        record: ObjectRecord,
        *,
        forbid_overwrite: bool = False,
        only_if: OnlyIf | None = None,
        shared: bool = False,
    ) -> Written:
        self._check_overwrite(bucket_id, record.key, forbid_overwrite, only_if)
        self._check_replaced(bucket_id, record.key)
        self.check_quota(bucket_id, self._growth(bucket_id, record))
        self.check_blobs(blob_ids_of(record.segments), shared=shared)
        self.references.update(blob_ids_of(record.segments))
        return self._put_version(bucket_id, record)

    def _check_overwrite(self, bucket_id: int, key: str, forbid_overwrite: bool, only_if: OnlyIf | None) -> None:
        versions = self._objects_of(bucket_id).get(key)
        weigh_overwrite(key, versions[0] if versions else None, forbid=forbid_overwrite, only_if=only_if)

    def _check_replaced(self, bucket_id: int, key: str) -> None:
        """Raises: Immutable, if a new version would take the place of one that stays."""
        rules = self._rules_of(bucket_id)
        replaced = self._null_version(bucket_id, key)
        if rules.versioning != "Enabled" and replaced is not None and rules.holds(replaced):
            raise Immutable(key)

    def _null_version(self, bucket_id: int, key: str) -> ObjectRecord | None:
        return self.look_for_object(bucket_id, key, NULL_VERSION)

    def _put_version(self, bucket_id: int, record: ObjectRecord) -> Written:
        """Put a record whose blobs are counted already on top of its key, as the bucket's versioning says."""
        rules = self._rules_of(bucket_id)
        record = rules.keep(record)
        version_id = record.version_id if rules.versioning == "Enabled" else NULL_VERSION
        objects = self._objects_of(bucket_id)
        before = objects.get(record.key, [])
        kept = [old for old in before if old.version_id != version_id]
        objects[record.key] = [dataclasses.replace(record, version_id=version_id), *kept]
        self._note_change(bucket_id, record.key)
        return Written(version_id, self.release(old.segments for old in before if old.version_id == version_id))

    async def change_object(
        self, bucket_id: int, key: str, version_id: str | None, change: Change, *, bypass_governance: bool = False
    ) -> Written:
        versions = self._objects_of(bucket_id).get(key, [])
        for number, old in enumerate(versions):
            if version_id in (None, old.version_id):
                if old.kind == DELETE_MARKER:
                    break
                new = dataclasses.replace(change(old), key=key, version_id=old.version_id, parts=old.parts)
                if not self._rules_of(bucket_id).allows(old, new, bypass_governance=bypass_governance):
                    raise Immutable(key)
                if new.last_modified != old.last_modified:
                    new = self._rules_of(bucket_id).date(new)
                self.check_quota(bucket_id, Usage(new.size - old.size))
                self.check_blobs(set(blob_ids_of(new.segments)) - set(blob_ids_of(old.segments)), shared=False)
                self.references.update(blob_ids_of(new.segments))
                versions[number] = new
                self._note_change(bucket_id, key)
                return Written(old.version_id, self.release([old.segments]))
        raise Gone(key)

    async def delete_object(self, bucket_id: int, deletion: Deletion) -> Deleted:
        versions = self._objects_of(bucket_id).get(deletion.key, [])
        if deletion.unless_newer_than is not None:
            meant = next((old for old in versions if deletion.version_id in (None, old.version_id)), None)
            if meant is None or meant.last_modified > deletion.unless_newer_than:
                return Deleted(existed=False)
        if deletion.only_if is not None:
            there = self.look_for_object(bucket_id, deletion.key, deletion.version_id)
            if deletion.only_if.misses(there):
                return Deleted(existed=False, unmet=True)
        versioning = self._bucket_of(bucket_id).versioning
        if self._is_held(bucket_id, deletion):
            return Deleted(existed=False, immutable=True)
        if deletion.version_id is not None or not versioning:
            return self._delete_version(bucket_id, deletion.key, deletion.version_id or NULL_VERSION, versioning)
        existed = bool(versions) and versions[0].kind != DELETE_MARKER
        marker = delete_marker(deletion.key, deletion.marker_id, deletion.now)
        written = self._put_version(bucket_id, marker)
        return Deleted(existed, written.released, written.version_id, marker=True)

    def _is_held(self, bucket_id: int, deletion: Deletion) -> bool:
        """Whether the version stays that would go, for good or for a delete marker."""
        rules = self._rules_of(bucket_id)
        if deletion.version_id is None and rules.versioning == "Enabled":
            return False
        going = self.look_for_object(bucket_id, deletion.key, deletion.version_id or NULL_VERSION)
        return going is not None and rules.holds(going, bypass_governance=deletion.bypass_governance)

    def _delete_version(self, bucket_id: int, key: str, version_id: str, versioning: str) -> Deleted:
        objects = self._objects_of(bucket_id)
        old = next((record for record in objects.get(key, ()) if record.version_id == version_id), None)
        if old is None:
            return Deleted(existed=False)
        objects[key].remove(old)
        self._note_change(bucket_id, key)
        if not objects[key]:
            del objects[key]
        named = version_id if versioning else ""
        return Deleted(True, self.release([old.segments]), named, marker=old.kind == DELETE_MARKER)

    async def delete_objects(self, bucket_id: int, deletions: Sequence[Deletion]) -> Sequence[Deleted]:
        self._objects_of(bucket_id)
        return [await self.delete_object(bucket_id, deletion) for deletion in deletions]

    async def list_objects(self, bucket_id: int, *, prefix: str, delimiter: str, marker: str, limit: int) -> ListPage:
        objects = {
            key: versions[0]
            for key, versions in self._objects.get(bucket_id, {}).items()
            if versions[0].kind != DELETE_MARKER
        }
        in_order = (key for key in sorted(objects, key=str.encode) if key.startswith(prefix))
        items = dict.fromkeys(items_of(in_order, prefix, delimiter))
        behind = [item for item in items if item[0].encode() > marker.encode()]
        page = behind[:limit]
        return ListPage(
            tuple(listed(objects[text]) for text, is_prefix in page if not is_prefix),
            tuple(text for text, is_prefix in page if is_prefix),
            page[-1][0] if len(behind) > limit else None,
        )

    async def list_versions(
        self, bucket_id: int, *, prefix: str, delimiter: str, marker: tuple[str, str], limit: int
    ) -> VersionPage:
        objects = self._objects.get(bucket_id, {})
        records = {(key, old.version_id): old for key, versions in objects.items() for old in versions}
        order = {key: [old.version_id for old in versions] for key, versions in objects.items()}
        page, next_marker = page_of_pairs(order, prefix, delimiter, marker, limit, later_in(order))
        return VersionPage(
            tuple(listed_version(records[item], objects[item[0]]) for item in page if item[1]),
            tuple(text for text, version_id in page if not version_id),
            next_marker,
        )

    def _objects_of(self, bucket_id: int) -> dict[str, list[ObjectRecord]]:
        if bucket_id not in self._objects:
            raise Gone(f"bucket {bucket_id}")
        return self._objects[bucket_id]

    # --- multipart uploads ---

    async def create_upload(self, bucket_id: int, upload: Upload) -> None:
        self._objects_of(bucket_id)
        self._uploads[bucket_id, upload.key, upload.upload_id] = (replace(upload, revision=0), {})

    async def find_upload(self, bucket_id: int, key: str, upload_id: str) -> Upload | None:
        found = self._uploads.get((bucket_id, key, upload_id))
        return found and found[0]

    async def put_part(
        self, bucket_id: int, key: str, upload_id: str, part: Part, *, shared: bool = False
    ) -> tuple[str, ...]:
        upload, parts = self._upload_at((bucket_id, key, upload_id))
        old = parts.get(part.number)
        self.check_quota(bucket_id, Usage(part.size - (old.size if old else 0)))
        self.check_blobs(blob_ids_of(part.segments), shared=shared)
        self.references.update(blob_ids_of(part.segments))
        parts[part.number] = part
        self._uploads[bucket_id, key, upload_id] = (replace(upload, revision=upload.revision + 1), parts)
        return self.release([old.segments] if old else [])

    async def list_parts(
        self, bucket_id: int, key: str, upload_id: str, *, marker: int, limit: int
    ) -> tuple[Sequence[Part], bool]:
        _, parts = self._uploads.get((bucket_id, key, upload_id), (None, {}))
        behind = [parts[number] for number in sorted(parts) if number > marker]
        return behind[:limit], len(behind) > limit

    async def complete_upload(
        self,
        bucket_id: int,
        upload: Upload,
        record: ObjectRecord,
        *,
        forbid_overwrite: bool = False,
        only_if: OnlyIf | None = None,
    ) -> Written:
        place = (bucket_id, upload.key, upload.upload_id)
        now, parts = self._upload_at(place)
        if now.revision != upload.revision:
            raise Stale(upload.upload_id)
        self._check_overwrite(bucket_id, upload.key, forbid_overwrite, only_if)
        self._check_replaced(bucket_id, upload.key)
        more = self._growth(bucket_id, record)
        self.check_quota(bucket_id, Usage(more.size - sum(part.size for part in parts.values()), more.objects))
        self.references.update(blob_ids_of(record.segments))
        written = self._put_version(bucket_id, record)
        del self._uploads[place]
        return Written(written.version_id, written.released + self.release(part.segments for part in parts.values()))

    async def abort_upload(self, bucket_id: int, key: str, upload_id: str) -> tuple[str, ...]:
        _, parts = self._upload_at((bucket_id, key, upload_id))
        del self._uploads[bucket_id, key, upload_id]
        return self.release(part.segments for part in parts.values())

    async def list_uploads(
        self, bucket_id: int, *, prefix: str, delimiter: str, marker: tuple[str, str], limit: int
    ) -> UploadPage:
        uploads = {(upload.key, upload.upload_id): upload for upload, _ in self._uploads_of(bucket_id)}
        order: dict[str, list[str]] = {}
        for key, upload_id in sorted(uploads):
            order.setdefault(key, []).append(upload_id)
        page, next_marker = page_of_pairs(order, prefix, delimiter, marker, limit, lambda _, one, other: one > other)
        return UploadPage(
            tuple(uploads[item] for item in page if item[1]),
            tuple(text for text, upload_id in page if not upload_id),
            next_marker,
        )

    def _uploads_of(self, bucket_id: int) -> list[tuple[Upload, dict[int, Part]]]:
        return [kept for place, kept in self._uploads.items() if place[0] == bucket_id]

    def _upload_at(self, place: UploadPlace) -> tuple[Upload, dict[int, Part]]:
        if place not in self._uploads:
            raise Gone(place[2])
        return self._uploads[place]
