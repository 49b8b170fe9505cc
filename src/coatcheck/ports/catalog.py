"""The catalog: all metadata, and the transactions we rely on.

Every method is atomic. When a mutation has returned, it is durable (it survives the death of every process and, as far
as the disk keeps its word, of the machine) and visible to every later read in every process. When it has raised
anything but Unknown, a CancelledError included, nothing was changed: a caller cancelled too late for its mutation to
be withdrawn gets the result as if it had not been cancelled. So a caller may discard its blob when a mutation raised
anything but Unknown. When that was raised, or its process died waiting, the mutation happened whole or not at all. No
mutation waits for ever to be begun: when another process keeps the store from being written it raises Busy, after
WRITE_WAIT_S at the latest; any mutation may raise NotWritten.

A bucket is named by its `bucket_id`, so nothing written for a deleted bucket can appear in one made again under the
same name. Reads may be served from memory only as long as they are still true.

Bytes that no row names any more are reported by the mutation that let go of them (`released`): the caller removes them
after the commit, or after the grace that its byte store asks for. The engine also remembers them, and since when, until
`forget_blobs`, so that a crash in between only costs time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from ..core.errors import Broken
from ..core.times import Moments
from .access_point import AccessPoint
from .bucket import Bucket, BucketStat, NewBucket
from .object import DELETE_MARKER, Deletion, KeptPart, ListPage, Marks, ObjectRecord, OnlyIf, VersionPage
from .quota import Quota, Usage
from .upload import Part, Upload, UploadPage

Change = Callable[[ObjectRecord], ObjectRecord]
BucketChange = Callable[[Bucket], Bucket]
BucketCheck = Callable[[Bucket], None]
EntryChange = Callable[[str | None], str | None]


class AlreadyThere(Exception):
    """What was to be made exists."""


class Unmet(Exception):
    """The key's current version isn't the one that the mutation means."""


class NothingThere(Unmet):
    """The key has no current version, and the mutation means one."""


class Gone(Exception):
    """What was to be changed does not exist (any more)."""


class NotEmpty(Exception):
    """The bucket still holds objects."""


class HasEntries(NotEmpty):
    """The bucket holds no objects, but entries that keep it."""


class Stale(Exception):
    """What the mutation was made from has changed meanwhile. Read again."""


class Immutable(Exception):
    """A version that stays (see `worm`) is in the way: nothing takes its place, and it can't be changed so."""


class TooMany(Exception):
    """The account has as many buckets, or the bucket as many entries of a kind, as it may have."""


class NotWritten(Exception):
    """The store can't take a change at the moment. Nothing was changed; reading goes on."""


class Unknown(Exception):
    """The answer to a commit was lost: the mutation happened whole or not at all, and nobody can say which.

    What it names may be neither discarded nor removed: the engine's recovery decides by what it finds.
    """


class Away(NotWritten):
    """The store can't be asked at the moment, nor read: a read may raise this too."""


class NoSpace(NotWritten):
    """The disk is full."""


class Busy(NotWritten):
    """Somebody has kept everybody else from writing for too long, or too many wait."""


class Unwritable(NotWritten):
    """The store can be read, and not written."""


class Moving(NotWritten):
    """The store is being moved to other engines, or was. It can be read meanwhile."""


class BytesAway(NotWritten, Broken):
    """Where blobs are kept doesn't answer, refuses what the server asks, or has too much on its way there already.

    What was to be written there may arrive all the same, under a name that nobody uses. A reply that has begun breaks
    off.
    """


def weigh_overwrite(key: str, current: Marks | None, *, forbid: bool, only_if: OnlyIf | None) -> None:
    """Whether a key whose current version is that one may get another. For every engine, within its transaction.

    Raises: AlreadyThere, Unmet, NothingThere: see `Catalog.put_object`.
    """
    is_there = current is not None and current.kind != DELETE_MARKER
    if forbid and is_there:
        raise AlreadyThere(key)
    if only_if is not None and not is_there:
        raise NothingThere(key)
    if only_if is not None and only_if.misses(current):
        raise Unmet(key)


class Written(Struct, frozen=True):
    """A committed write: the version it made, and the blobs that no row names any more."""

    version_id: str
    released: tuple[str, ...] = ()


class Deleted(Struct, frozen=True):
    """A committed delete of one key.

    Attributes:
        existed: there was something to delete. A delete that only put a marker on nothing says False.
        released: the blobs that no row names any more.
        version_id: of the marker it made, or of the version it removed from a versioned bucket; else "".
        marker: it made, or removed, a delete marker.
        immutable: what was to go stays (see `worm`), and nothing was changed.
        unmet: what is there isn't what was meant (`Deletion.only_if`), and nothing was changed.
    """

    existed: bool
    released: tuple[str, ...] = ()
    version_id: str = ""
    marker: bool = False
    immutable: bool = False
    unmet: bool = False


class AccountEntry(NamedTuple):
    """An entry of one of an account's buckets."""

    name: str
    bucket: str
    document: str


class Catalog(Protocol):
    """See the module for what every method promises."""

    # --- buckets ---

    async def find_bucket(self, name: str) -> Bucket | None:
        """The bucket of that name. On the path of every request: answered from memory while nothing has changed."""
        ...

    async def list_buckets(self, owner: str, *, prefix: str, marker: str, limit: int) -> tuple[Sequence[Bucket], bool]:
        """At most `limit` of the owner's buckets by name, those behind `marker` that start with `prefix`; any more?"""
        ...

    async def buckets_with_configuration(self, name: str) -> Sequence[Bucket]:
        """Every bucket, of whatever owner, that has a document of that name. For work in the background."""
        ...

    async def create_bucket(self, new: NewBucket, *, most: int, check: BucketCheck | None = None) -> Bucket:
        """Make a bucket, with its configurations.

        Args:
            check: looks at the bucket as it would be, inside the transaction (its id isn't known yet), and raises
                OssError if it may not be made so; then nothing is. It may run twice.
        Raises: AlreadyThere (anybody's), TooMany (the owner has `most` in that region); what `check` raises.
        """
        ...

    async def change_bucket(self, bucket_id: int, change: BucketChange) -> None:
        """Change what can be changed of a bucket: its ACL, its versioning, its redundancy, its configurations.

        `change` makes the new value from the one there is, inside the transaction, perhaps twice, so it is quick and
        only computes; what it raises (OssError) comes out of here, and nothing is changed. It believes its argument
        alone: what was read of the bucket before is another time's. For whatever depends on what is there; the three
        setters below are for what doesn't.
        Raises: Gone; what `change` raises.
        """
        ...

    async def set_bucket_acl(self, bucket_id: int, acl: str) -> None:
        """Raises: Gone."""
        ...

    async def set_configuration(self, bucket_id: int, name: str, document: str | None) -> None:
        """Keep a configuration document under its name ("cors", "policy" ...) with the bucket, or remove it with None;
        fine if there is none to remove. Raises: Gone."""
        ...

    async def set_bucket_versioning(self, bucket_id: int, versioning: str) -> None:
        """ "Enabled" or "Suspended"; from the commit on it decides what every write does. Raises: Gone."""
        ...

    async def delete_bucket(self, bucket_id: int, *, kept_by: Sequence[str] = ()) -> None:
        """
        Args:
            kept_by: kinds of entries with which it stays; all others go with it.
        Raises: Gone; NotEmpty, when it holds any version of any object, or an upload; HasEntries.
        """
        ...

    async def stat_bucket(self, bucket_id: int) -> BucketStat:
        """How much is in it, counted when asked: the cost follows the bucket. All zero for one that is gone."""
        ...

    async def find_usage(self, bucket_id: int) -> Usage:
        """What a bucket holds, in one read; nothing, for one that is gone."""
        ...

    async def find_account_usage(self, account: str) -> tuple[Quota, Usage]:
        """What an account may hold, and what its buckets do."""
        ...

    async def set_account_quota(self, account: str, quota: Quota) -> None:
        """What all buckets of an account may hold together, from the next mutation on."""
        ...

    async def check_room(self, bucket_id: int, more: Usage) -> None:
        """Whether the quotas of a bucket and its owner leave room for so much more now, at the cost of some reads. A
        mutation looks again. Raises: OverQuota."""
        ...

    async def blocks_public_access(self, account: str) -> bool:
        """Whether public access is blocked for all buckets of the account; each `Bucket` of it says so, too."""
        ...

    async def set_account_public_access_block(self, account: str, blocked: bool) -> None: ...

    # --- entries: documents of which a bucket may have thousands, each by its kind and its name ---

    async def buckets_with_entries(self, kind: str) -> Sequence[Bucket]:
        """Every bucket, of whatever owner, that has an entry of that kind. For work in the background."""
        ...

    async def find_entry(self, bucket_id: int, kind: str, name: str) -> str | None:
        """The document; None if there is none."""
        ...

    async def list_entries(
        self, bucket_id: int, kind: str, *, prefix: str, marker: str, limit: int
    ) -> tuple[Sequence[tuple[str, str]], bool]:
        """At most `limit` (name, document) in the order of the names' UTF-8 bytes, those behind `marker` that start
        with `prefix`; any more? Empty for a bucket that is gone."""
        ...

    async def list_account_entries(
        self, owner: str, kind: str, *, marker: tuple[str, str], limit: int
    ) -> tuple[Sequence[AccountEntry], bool]:
        """At most `limit` of a kind in all buckets of an account, by their name and their bucket's, those behind
        `marker`, a pair of these; any more? The cost follows the account's buckets: for kinds of which there are few.
        """
        ...

    async def find_access_point(self, alias: str) -> tuple[Bucket, AccessPoint] | None:
        """The access point of that alias, and the bucket it leads into, as `find_bucket` gives it; None if there is
        none (any more). On the path of requests that come through one."""
        ...

    async def count_entries(self, bucket_id: int, kind: str) -> int: ...

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
        """Make the document from the one there is (None: there is none), or drop it for None.

        `change` runs inside the transaction as that of `change_bucket` does. All entries go with their bucket.

        Args:
            account_most: how many of the kind all buckets of the same owner and region may have together, and no two
                of one name; None for kinds that are a bucket's own business.
        Raises: Gone (no such bucket any more), TooMany (a new one, and `most` of its kind are there, or
            `account_most`), AlreadyThere (a new one, and another of those buckets has one of that name); what
            `change` raises.
        """
        ...

    async def put_entries(self, bucket_id: int, kind: str, entries: Sequence[tuple[str, str | None]]) -> None:
        """Keep many documents under their names, or drop those of None, in one transaction, whatever was there. For
        kinds that have no limit. Raises: Gone."""
        ...

    async def drop_entries(self, bucket_id: int, kind: str, *, limit: int) -> bool:
        """Drop at most `limit` of a kind; may there be more? Fine for a bucket that is gone."""
        ...

    # --- objects ---
    #
    # A key's versions are ordered by when they were committed; the newest is the current one, and may be a delete
    # marker. What a write does depends on the bucket at the moment of its commit. Never versioned: the one version of
    # a key, "null", is replaced or removed. Enabled: a version is added, under the id that was proposed. Suspended: a
    # "null" version is added, and the one there was, wherever it stood, is removed.
    #
    # What `worm.Rules` holds stays, whatever writes, changes or deletes: judged at the moment of the commit, by the
    # bucket and the version as they are then, and by `moments`.

    def moments(self) -> Moments:
        """Between which the time lies, for what must not end because a clock jumped. It goes on from the last moment
        that the engine noted, or from the wall clock if that is less than CLOCK_GAP_MAX_S later."""
        ...

    async def note_time(self) -> None:
        """Note the time, as every commit does now and then: a later start believes a clock that is not far from it."""
        ...

    # Quotas of the bucket (`quota.DOCUMENTS`) and of its owner hold for every mutation that
    # makes bytes or objects more: it raises OverQuota, and nothing is changed. Judged at the moment of the commit.
    #
    # In a bucket that has a document REPLICATION every mutation that writes, changes or removes a version leaves, in
    # the same commit, an entry of kind JOURNAL under its key, with another text each time.

    async def find_object(self, bucket_id: int, key: str, version_id: str | None = None) -> ObjectRecord | None:
        """The current version, or that one, with its inline body, in one read; it may be a delete marker. None if there
        is none (or no such bucket)."""
        ...

    async def find_parts(self, bucket_id: int, record: ObjectRecord) -> Sequence[KeptPart]:
        """What that version was completed from. Empty for what came in one piece, was completed by an older server, or
        isn't there any more."""
        ...

    async def put_object(
        self,
        bucket_id: int,
        record: ObjectRecord,
        *,
        forbid_overwrite: bool = False,
        only_if: OnlyIf | None = None,
        shared: bool = False,
    ) -> Written:
        """Make `record` the current version of its key.

        Its blobs, if it has any, are durable already and were never released; from the commit on they are named.

        Args:
            forbid_overwrite: only if the key has no current version, or a delete marker.
            only_if: only if that is the key's current version, whatever becomes of it.
            shared: its blobs are those of another row, which may have let go of them since it was read.
        Raises: Gone (no such bucket any more), AlreadyThere (with forbid_overwrite), Unmet and NothingThere (with
            only_if), Stale (with shared, when a blob isn't named any more), Immutable, NoSpace; ValueError for a blob
            that was released and not yet forgotten: its bytes may be going.
        """
        ...

    async def change_object(
        self, bucket_id: int, key: str, version_id: str | None, change: Change, *, bypass_governance: bool = False
    ) -> Written:
        """Change the current version, or that one, in place: `change` makes the new record from the one there is.

        Key and version id stay, as does its place among the versions. `change` runs inside the transaction, perhaps
        twice, so it is quick and only computes; what it raises (OssError) comes out of here, and nothing is changed.
        Blobs that only the new record names are durable already, as with `put_object`.

        Args:
            bypass_governance: a retention under GOVERNANCE may be shortened or taken away.
        Raises: Gone (no such bucket, no such version, or a delete marker); what `change` raises; Immutable; NoSpace.
        """
        ...

    async def delete_object(self, bucket_id: int, deletion: Deletion) -> Deleted:
        """Delete; fine if there is nothing. What is held stays: see `Deleted.immutable`.

        Raises: Gone (no such bucket any more).
        """
        ...

    async def delete_objects(self, bucket_id: int, deletions: Sequence[Deletion]) -> Sequence[Deleted]:
        """Delete many at once, one after the other in one transaction; one answer for each. Raises: Gone."""
        ...

    async def list_objects(self, bucket_id: int, *, prefix: str, delimiter: str, marker: str, limit: int) -> ListPage:
        """One page of at most `limit` items (keys and common prefixes together), those strictly behind `marker`.

        Keys are in the order of their UTF-8 bytes; those whose current version is a delete marker are left out. With a
        delimiter, keys that share the text up to its first occurrence behind the prefix are one common prefix.
        "Behind" compares items, and a common prefix comes before all keys it stands for: a marker that is a common
        prefix, or lies within one, skips all below that one.
        The cost follows the page, not the bucket: each common prefix is one seek. limit >= 1.
        """
        ...

    async def list_versions(
        self, bucket_id: int, *, prefix: str, delimiter: str, marker: tuple[str, str], limit: int
    ) -> VersionPage:
        """One page of all versions and delete markers, as `list_objects` gives one of keys; a key's newest first.

        `marker` is (key, version id): the page starts behind that version of that key, or, with "" for the version id,
        behind all of that key's. With one that the key hasn't got any more it starts before all that are left: who
        deletes page by page what is listed has been told of none of them.
        """
        ...

    # --- multipart uploads: nothing of them is an object before `complete_upload` ---

    async def create_upload(self, bucket_id: int, upload: Upload) -> None:
        """Raises: Gone (no such bucket any more)."""
        ...

    async def find_upload(self, bucket_id: int, key: str, upload_id: str) -> Upload | None:
        """The open upload of that id and key."""
        ...

    async def put_part(
        self, bucket_id: int, key: str, upload_id: str, part: Part, *, shared: bool = False
    ) -> tuple[str, ...]:
        """Keep a part, in place of the one of its number; returns the blobs that no row names any more.

        Its blobs are as those of `put_object`. Raises: Gone (no such upload any more), Stale, ValueError, NoSpace.
        """
        ...

    async def list_parts(
        self, bucket_id: int, key: str, upload_id: str, *, marker: int, limit: int
    ) -> tuple[Sequence[Part], bool]:
        """At most `limit` parts by number, those behind `marker`; any more? Empty for an upload that is gone."""
        ...

    async def complete_upload(
        self,
        bucket_id: int,
        upload: Upload,
        record: ObjectRecord,
        *,
        forbid_overwrite: bool = False,
        only_if: OnlyIf | None = None,
    ) -> Written:
        """End the upload, and make `record`, whose segments are those of its parts, the current version of its key.

        No bytes move: the object takes over the blobs it names, those of other parts are released. `record.parts` is
        kept with it, and stays when it is changed.
        Raises: Gone (no such upload any more), Stale (its parts are not those of `upload.revision`), AlreadyThere,
            Unmet and NothingThere as with `put_object`, Immutable.
        """
        ...

    async def abort_upload(self, bucket_id: int, key: str, upload_id: str) -> tuple[str, ...]:
        """End the upload and let go of its parts; returns the blobs that no row names any more. Raises: Gone."""
        ...

    async def list_uploads(
        self, bucket_id: int, *, prefix: str, delimiter: str, marker: tuple[str, str], limit: int
    ) -> UploadPage:
        """One page of open uploads, as `list_objects` gives one of keys; a key's by upload id.

        `marker` is (key, upload id): the page starts behind that upload, or, with "", behind all of that key's.
        """
        ...

    # --- blobs ---

    async def released_blobs(self, before: int, *, limit: int) -> Sequence[str]:
        """At most `limit` blobs that no row has named since before that Unix second, and that aren't forgotten yet."""
        ...

    async def forget_blobs(self, blob_ids: Sequence[str]) -> None:
        """The named released blobs have been removed from the byte store."""
        ...
