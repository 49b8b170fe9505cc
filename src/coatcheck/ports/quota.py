"""How much an account or a bucket may hold, and what it holds. Pure.

Counted are the bytes of all versions and of the parts of unfinished uploads, and as objects all versions but delete
markers. Copies that share bytes on the disk count like others. Every engine asks `refuses` inside the transaction of
each mutation that makes either more, so no two writers together pass a quota. What makes nothing more is never refused.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from ..core.limits import GIGABYTE

# The names of the bucket's documents that this file reads: ours, and OSS's two.
QUOTA: Final = "quota"
STORAGE_CAPACITY: Final = "storageCapacity"
STORAGE_QUOTA: Final = "storageQuota"
DOCUMENTS: Final = (QUOTA, STORAGE_CAPACITY, STORAGE_QUOTA)


class Usage(NamedTuple):
    """What is held, or is to come, or to go (negative)."""

    size: int = 0
    objects: int = 0

    def __add__(self, other: object) -> Usage:
        assert isinstance(other, Usage)
        return Usage(self.size + other.size, self.objects + other.objects)


class Quota(NamedTuple):
    """At most so many bytes and objects; None for any number."""

    size: int | None = None
    objects: int | None = None

    def refuses(self, held: Usage, more: Usage) -> bool:
        """Whether so much more would be too much."""
        return (self.size is not None and more.size > 0 and held.size + more.size > self.size) or (
            self.objects is not None and more.objects > 0 and held.objects + more.objects > self.objects
        )


UNLIMITED: Final = Quota()


class OverQuota(Exception):
    """A mutation would make more of something than is allowed; nothing was changed.

    Attributes:
        account: uid of the account whose quota it is; "" for the bucket's.
        quota: what was to be passed.
    """

    def __init__(self, account: str, quota: Quota) -> None:
        super().__init__(account or "bucket")
        self.account = account
        self.quota = quota


def write_quota(quota: Quota) -> str:
    """The document QUOTA."""
    facts = {"v": 1, "size": quota.size, "objects": quota.objects}
    return json.dumps({name: value for name, value in facts.items() if value is not None}, separators=(",", ":"))


def read_bucket_quota(ours: str | None, capacity: str | None = None, strict: str | None = None) -> Quota:
    """What a bucket's DOCUMENTS, in their order, come to: of several numbers of bytes the smallest counts."""
    facts = _read(ours)
    gigabytes, oss = _read(capacity).get("gigabytes", -1), _read(strict)
    given = (
        facts.get("size"),
        None if gigabytes < 0 else gigabytes * GIGABYTE,
        oss.get("size") if oss.get("mode") == "Strict" else None,
    )
    return Quota(min((size for size in given if size is not None), default=None), facts.get("objects"))


def _read(document: str | None) -> dict[str, Any]:
    return {} if document is None else dict(json.loads(document))
