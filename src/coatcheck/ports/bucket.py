"""What the catalog remembers of a bucket."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, TypeVar

from coatcheck.core.record import Record

# The documents that decisions look at, so they are read here. Of the others `configurations` knows the form.
POLICY: Final = "policy"
PUBLIC_ACCESS_BLOCK: Final = "publicAccessBlock"
OWNERSHIP: Final = "ownershipControls"
TAGGING: Final = "tagging"

# The document of buckets of which every change of an object leaves its key in the journal: entries of that kind.
REPLICATION: Final = "replication"
JOURNAL: Final = "replicate"

Tags = tuple[tuple[str, str], ...]
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket. `bucket_id` is the catalog's own number: a bucket made again under its old name gets a new one.

    Attributes:
        owner: the uid of the account, decimal digits as text.
        acl: "private", "public-read", "public-read-write", or grants as `access.grants` writes them.
        created_at: Unix seconds.
        versioning: "" (never set), "Enabled" or "Suspended".
        configurations: the bucket's other documents by name ("cors", "policy" ...), as stored text.
        owner_blocks_public_access, owner_suspended, owner_has_quota: what holds for all buckets of the owner's account.
        policy: the bucket policy's text; None if there is none.
        blocks_public_access: nothing may open the bucket to everybody, and what does counts as absent: the next four.
        refuses_public_acls, ignores_public_acls, refuses_public_policy, ignores_public_policy: each by itself.
    """

    bucket_id: int
    name: str
    owner: str
    region: str
    acl: str
    storage_class: str
    redundancy: str
    created_at: int
    versioning: str = ""
    configurations: tuple[tuple[str, str], ...] = ()
    owner_blocks_public_access: bool = False
    owner_suspended: bool = False
    owner_has_quota: bool = False
    policy: str | None = field(init=False, compare=False, repr=False)  # every decision asks for these, so they are
    refuses_public_acls: bool = field(init=False, compare=False, repr=False)  # found once, when the bucket is read
    ignores_public_acls: bool = field(init=False, compare=False, repr=False)
    refuses_public_policy: bool = field(init=False, compare=False, repr=False)
    ignores_public_policy: bool = field(init=False, compare=False, repr=False)
    _documents: dict[str, str] = field(init=False, compare=False, repr=False)  # by name: each request asks for several
    _made: dict[object, Any] = field(init=False, compare=False, repr=False)  # by what made it

    def __post_init__(self) -> None:
        object.__setattr__(self, "_documents", dict(self.configurations))
        object.__setattr__(self, "_made", {})
        blocks = _find_blocks(self)
        object.__setattr__(self, "policy", self.configuration(POLICY))
        object.__setattr__(self, "refuses_public_acls", blocks.refuses_acls)
        object.__setattr__(self, "ignores_public_acls", blocks.ignores_acls)
        object.__setattr__(self, "refuses_public_policy", blocks.refuses_policy)
        object.__setattr__(self, "ignores_public_policy", blocks.ignores_policy)

    @property
    def blocks_public_access(self) -> bool:
        acls = self.refuses_public_acls and self.ignores_public_acls
        return acls and self.refuses_public_policy and self.ignores_public_policy

    @property
    def tags(self) -> Tags:
        document = self.configuration(TAGGING) if self.configurations else None
        return () if document is None else read_tags(document)

    def configuration(self, name: str) -> str | None:
        """The stored document of that name; None if there is none."""
        return self._documents.get(name)

    def made(self, make: Callable[[Bucket], _Made]) -> _Made:
        """What `make` makes of this bucket and of nothing else, worked out once for as long as this value is kept.

        An engine keeps it until something is committed about buckets, accounts or keys. So what every request asks of
        the documents (is this referer let in, where does the log go) is read from them once.
        """
        found: _Made | None = self._made.get(make)
        if found is None:
            found = self._made[make] = make(self)
        return found

    def with_configuration(self, name: str, document: str | None) -> Bucket:
        """The same with that document under its name, in place of the one there was; without any for None."""
        kept = {known: text for known, text in self.configurations if known != name}
        if document is not None:
            kept[name] = document
        return replace(self, configurations=tuple(sorted(kept.items())))


def write_tags(tags: Tags) -> str:
    """The document TAGGING."""
    return json.dumps({"v": 1, "tags": tags}, ensure_ascii=False, separators=(",", ":"))


def read_tags(document: str) -> Tags:
    return tuple((key, value) for key, value in json.loads(document)["tags"])


class PublicBlocks(NamedTuple):
    """What of opening a bucket to everybody is refused when it is put, and ignored when it is there."""

    refuses_acls: bool = False
    ignores_acls: bool = False
    refuses_policy: bool = False
    ignores_policy: bool = False


NO_BLOCKS: Final = PublicBlocks()
ALL_BLOCKS: Final = PublicBlocks(True, True, True, True)
NO_ACLS: Final = "BucketOwnerEnforced"  # the ownership under which no ACL counts
OWNER_PREFERRED: Final = "BucketOwnerPreferred"


def write_ownership(ownership: str) -> str:
    """The document OWNERSHIP."""
    return json.dumps({"v": 1, "ownership": ownership}, separators=(",", ":"))


def read_ownership(bucket: Bucket) -> str | None:
    """Whose the objects are that others write, in S3's word; None where nothing is said."""
    document = bucket.configuration(OWNERSHIP)
    return None if document is None else str(json.loads(document)["ownership"])


def write_public_access_block(blocked: bool) -> str:
    """The document PUBLIC_ACCESS_BLOCK: all of it, or nothing."""
    return write_public_blocks(ALL_BLOCKS if blocked else NO_BLOCKS)


def write_public_blocks(blocks: PublicBlocks) -> str:
    """The document PUBLIC_ACCESS_BLOCK, its parts one by one where they differ."""
    stored: dict[str, object] = {"v": 1, "blocked": all(blocks)}
    if any(blocks) and not all(blocks):
        stored["parts"] = blocks
    return json.dumps(stored, separators=(",", ":"))


def read_public_access_block(document: str) -> bool:
    """Whether it is all of it."""
    return bool(json.loads(document)["blocked"])


def read_public_blocks(document: str) -> PublicBlocks:
    stored = json.loads(document)
    if "parts" in stored:
        return PublicBlocks(*stored["parts"])
    return ALL_BLOCKS if stored["blocked"] else NO_BLOCKS


def _find_blocks(bucket: Bucket) -> PublicBlocks:
    """By its account, its own block, and whether ACLs count in it at all."""
    if bucket.owner_blocks_public_access:
        return ALL_BLOCKS
    document = bucket.configuration(PUBLIC_ACCESS_BLOCK)
    blocks = NO_BLOCKS if document is None else read_public_blocks(document)
    if read_ownership(bucket) == NO_ACLS:
        return blocks._replace(refuses_acls=True, ignores_acls=True)
    return blocks


class NewBucket(Record, frozen=True):
    """A bucket to be made; fields as in `Bucket`, `configurations` by name."""

    name: str
    owner: str
    region: str
    acl: str
    storage_class: str
    redundancy: str
    created_at: int
    configurations: tuple[tuple[str, str], ...] = ()
    versioning: str = ""


class ClassStat(Record, frozen=True):
    """What lies in one storage class; versions count, delete markers don't.

    `billed_bytes` counts every object of less than 64 KiB as that much, as OSS does for all classes but Standard.
    """

    objects: int = 0
    size_bytes: int = 0
    billed_bytes: int = 0


class BucketStat(Record, frozen=True):
    """How much is in a bucket; `classes` by storage class, those that have anything. What came in by upload boxes and
    isn't accepted (`arrivals_bytes`) takes room, and is nobody's to see."""

    classes: tuple[tuple[str, ClassStat], ...] = ()
    delete_markers: int = 0
    uploads: int = 0
    parts: int = 0
    parts_bytes: int = 0
    arrivals_bytes: int = 0
