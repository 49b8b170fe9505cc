"""How much an account or a bucket may hold, and what it holds. Pure.

Counted are the bytes of all versions and of the parts of unfinished uploads, and as objects all versions but delete
markers. Copies that share bytes on the disk count like others. Every engine asks `refuses` inside the transaction of
each mutation that makes either more, so no two writers together pass a quota. What makes nothing more is never refused.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from ..core.limits import GIGABYTE

# The names of the bucket's documents that this file reads: ours, and OSS's storage capacity.
QUOTA: Final = "quota"
STORAGE_CAPACITY: Final = "storageCapacity"


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


def read_bucket_quota(quota: str | None, capacity: str | None) -> Quota:
    """What a bucket's two documents come to: of two numbers of bytes the smaller one counts."""
    ours = json.loads(quota) if quota is not None else {}
    gigabytes = json.loads(capacity)["gigabytes"] if capacity is not None else -1
    sizes = [size for size in (ours.get("size"), None if gigabytes < 0 else gigabytes * GIGABYTE) if size is not None]
    return Quota(min(sizes, default=None), ours.get("objects"))
