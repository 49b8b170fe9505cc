"""The catalog: all metadata, and the transactions we rely on.

Every method is atomic. When a mutation has returned, it is durable (it survives the death of every process and, as far
as the disk keeps its word, of the machine) and visible to every later read in every process. When it has raised, a
CancelledError included, nothing was changed: a caller cancelled too late for its mutation to be withdrawn gets the
result as if it had not been cancelled. So a caller may discard its blob whenever a mutation raised. When its process
died waiting, the mutation happened whole or not at all.

A bucket is named by its `bucket_id`, so nothing written for a deleted bucket can appear in one made again under the
same name. Reads may be served from memory only as long as they are still true.

Bytes that no row names any more are reported by the mutation that let go of them (`released`): the caller removes them
after the commit. The engine also remembers them until `forget_blobs`, so that a crash in between only costs time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .bucket import Bucket, NewBucket
from .object import ListPage, ObjectRecord


class AlreadyThere(Exception):
    """What was to be made exists."""


class Gone(Exception):
    """What was to be changed does not exist (any more)."""


class NotEmpty(Exception):
    """The bucket still holds objects."""


class TooMany(Exception):
    """The account has as many buckets as it may have."""


class NoSpace(Exception):
    """The disk is full. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Written:
    """A committed write: the version it made, and the blobs that no row names any more."""

    version_id: str
    released: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deleted:
    """A committed delete of one key: whether there was anything, and the blobs that no row names any more."""

    existed: bool
    released: tuple[str, ...] = ()


class Catalog(Protocol):
    """See the module for what every method promises."""

    # --- buckets ---

    async def find_bucket(self, name: str) -> Bucket | None:
        """The bucket of that name. On the path of every request: answered from memory while nothing has changed."""
        ...

    async def list_buckets(self, owner: str, *, prefix: str, marker: str, limit: int) -> tuple[Sequence[Bucket], bool]:
        """At most `limit` of the owner's buckets by name, those behind `marker` that start with `prefix`; any more?"""
        ...

    async def create_bucket(self, new: NewBucket, *, most: int) -> Bucket:
        """Make a bucket. Raises: AlreadyThere (anybody's), TooMany (the owner has `most` in that region)."""
        ...

    async def set_bucket_acl(self, bucket_id: int, acl: str) -> None:
        """Raises: Gone."""
        ...

    async def set_bucket_setting(self, bucket_id: int, name: str, document: str | None) -> None:
        """Keep a configuration document under its name ("cors", "policy" ...) with the bucket, or remove it with None;
        fine if there is none to remove. Raises: Gone."""
        ...

    async def delete_bucket(self, bucket_id: int) -> None:
        """Raises: Gone; NotEmpty, when it holds any version of any object."""
        ...

    # --- objects ---

    async def find_object(self, bucket_id: int, key: str) -> ObjectRecord | None:
        """The current version with its inline body, in one read; None if there is none (or no such bucket)."""
        ...

    async def put_object(self, bucket_id: int, record: ObjectRecord, *, forbid_overwrite: bool = False) -> Written:
        """Make `record` the object of its key, in place of what was there.

        Its blobs, if it has any, are durable already and were never released; from the commit on they are named.
        Raises: Gone (no such bucket any more), AlreadyThere (with forbid_overwrite), NoSpace; ValueError for a blob
            that was released and not yet forgotten: its bytes may be going.
        """
        ...

    async def delete_object(self, bucket_id: int, key: str) -> Deleted:
        """Remove the object; fine if there is none. Raises: Gone (no such bucket any more)."""
        ...

    async def delete_objects(self, bucket_id: int, keys: Sequence[str]) -> Sequence[Deleted]:
        """Remove many at once, in one transaction; one answer for each key. Raises: Gone."""
        ...

    async def set_object_acl(self, bucket_id: int, key: str, acl: str) -> None:
        """ETag and Last-Modified stay. Raises: Gone (bucket or object)."""
        ...

    async def list_objects(self, bucket_id: int, *, prefix: str, delimiter: str, marker: str, limit: int) -> ListPage:
        """One page of at most `limit` items (keys and common prefixes together), those strictly behind `marker`.

        Keys are in the order of their UTF-8 bytes. With a delimiter, keys that share the text up to its first
        occurrence behind the prefix are one common prefix. "Behind" compares items, and a common prefix comes before
        all keys it stands for: a marker that is a common prefix, or lies within one, skips all below that one.
        The cost follows the page, not the bucket: each common prefix is one seek. limit >= 1.
        """
        ...

    # --- blobs ---

    async def forget_blobs(self, blob_ids: Sequence[str]) -> None:
        """The named released blobs have been removed from the byte store."""
        ...
