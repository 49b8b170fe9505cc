"""Entries of buckets in dicts: the part of the catalog in memory that is about them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence

from ..core.access_point_names import read_alias
from ..ports.access_point import KIND as ACCESS_POINT
from ..ports.access_point import AccessPoint, read_access_point
from ..ports.bucket import JOURNAL, REPLICATION, Bucket
from ..ports.catalog import AccountEntry, AlreadyThere, EntryChange, Gone, TooMany


class MemoryEntries:
    """See `ports.catalog`. `entries`: documents by bucket id and kind, then by name."""

    def __init__(self) -> None:
        self.entries: dict[tuple[int, str], dict[str, str]] = {}

    def _all_buckets(self) -> Iterable[Bucket]:
        """For the rest of the catalog to say."""
        raise NotImplementedError

    def _as_owned(self, bucket: Bucket) -> Bucket:
        """For the rest of the catalog to say."""
        raise NotImplementedError

    def bucket_of(self, bucket_id: int) -> Bucket | None:
        return next((bucket for bucket in self._all_buckets() if bucket.bucket_id == bucket_id), None)

    def _bucket_of(self, bucket_id: int) -> Bucket:
        bucket = self.bucket_of(bucket_id)
        if bucket is None:
            raise Gone(f"bucket {bucket_id}")
        return bucket

    def entries_of(self, bucket_id: int, kind: str) -> dict[str, str]:
        return self.entries.get((bucket_id, kind), {})

    def forget_entries(self, bucket_id: int) -> None:
        """The bucket goes."""
        self.entries = {place: entries for place, entries in self.entries.items() if place[0] != bucket_id}

    async def find_entry(self, bucket_id: int, kind: str, name: str) -> str | None:
        return self.entries_of(bucket_id, kind).get(name)

    async def list_entries(
        self, bucket_id: int, kind: str, *, prefix: str, marker: str, limit: int
    ) -> tuple[Sequence[tuple[str, str]], bool]:
        entries = sorted(self.entries_of(bucket_id, kind).items())
        found = [entry for entry in entries if entry[0].startswith(prefix) and entry[0] > marker]
        return found[:limit], len(found) > limit

    async def list_account_entries(
        self, owner: str, kind: str, *, marker: tuple[str, str], limit: int
    ) -> tuple[Sequence[AccountEntry], bool]:
        buckets = [bucket for bucket in self._all_buckets() if bucket.owner == owner]
        found = sorted(entry for entry in self._entries_in(buckets, kind) if entry[:2] > marker)
        return found[:limit], len(found) > limit

    def _entries_in(self, buckets: Iterable[Bucket], kind: str) -> Iterator[AccountEntry]:
        for bucket in buckets:
            for name, document in self.entries_of(bucket.bucket_id, kind).items():
                yield AccountEntry(name, bucket.name, document)

    async def buckets_with_entries(self, kind: str) -> Sequence[Bucket]:
        buckets = sorted(self._all_buckets(), key=lambda bucket: bucket.name)
        return [self._as_owned(bucket) for bucket in buckets if self.entries_of(bucket.bucket_id, kind)]

    async def drop_entries(self, bucket_id: int, kind: str, *, limit: int) -> bool:
        entries = self.entries_of(bucket_id, kind)
        for name in list(entries)[:limit]:
            del entries[name]
        return bool(entries)

    def _note_change(self, bucket_id: int, key: str) -> None:
        """Leave a key in the journal of its bucket, if that has one."""
        if self._bucket_of(bucket_id).configuration(REPLICATION) is not None:
            self.entries.setdefault((bucket_id, JOURNAL), {})[key] = secrets.token_hex(8)

    async def count_entries(self, bucket_id: int, kind: str) -> int:
        return len(self.entries_of(bucket_id, kind))

    async def change_entry(
        self, bucket_id: int, kind: str, name: str, change: EntryChange, *, most: int, account_most: int | None = None
    ) -> None:
        bucket = self._bucket_of(bucket_id)
        entries = self.entries.setdefault((bucket_id, kind), {})
        document = change(entries.get(name))
        if document is None:
            entries.pop(name, None)
            return
        if name not in entries:
            if len(entries) >= most:
                raise TooMany(kind)
            if account_most is not None:
                self._check_account(bucket, kind, name, account_most)
        entries[name] = document

    async def put_entries(self, bucket_id: int, kind: str, entries: Sequence[tuple[str, str | None]]) -> None:
        self._bucket_of(bucket_id)
        kept = self.entries.setdefault((bucket_id, kind), {})
        for name, document in entries:
            if document is None:
                kept.pop(name, None)
            else:
                kept[name] = document

    def _check_account(self, bucket: Bucket, kind: str, name: str, most: int) -> None:
        """Of a new entry. Raises: AlreadyThere, TooMany."""
        place = bucket.owner, bucket.region
        buckets = [other for other in self._all_buckets() if (other.owner, other.region) == place]
        names = [entry.name for entry in self._entries_in(buckets, kind)]
        if name in names:
            raise AlreadyThere(name)
        if len(names) >= most:
            raise TooMany(kind)

    async def find_access_point(self, alias: str) -> tuple[Bucket, AccessPoint] | None:
        return self.look_for_access_point(alias)

    def look_for_access_point(self, alias: str) -> tuple[Bucket, AccessPoint] | None:
        parts = read_alias(alias)
        bucket = None if parts is None else self.bucket_of(parts.bucket_id)
        if parts is None or bucket is None:
            return None
        document = self.entries_of(bucket.bucket_id, ACCESS_POINT).get(parts.name)
        point = None if document is None else read_access_point(document)
        return None if point is None or point.alias != alias else (self._as_owned(bucket), point)
