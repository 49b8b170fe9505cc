"""What a decision is made from. Values only: whoever decides again for another resource makes other facts."""

from __future__ import annotations

from typing import NamedTuple

from coatcheck.identity.caller import Caller
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import ObjectRecord
from coatcheck.wire.request import Request

NO_REQUEST = Request("GET", b"/")


class AccessFacts(NamedTuple):
    """The resource, and the request that is about it.

    Attributes:
        bucket: None at service level and for a bucket that is to be made.
        key: None for the bucket itself.
        found: the object, or the version that is meant; None where there is none, or where nobody needed to look.
        versioned: a version is named.
        request, now: for conditions on where it comes from and what a listing names; Unix seconds.
        new_bucket, region: of a bucket that is to be made.
        acl: that the object or bucket is to get, as it was sent, by whatever way; None if none is asked for.
        tags: that the object is to get; None while only the operation can know, which then decides again.
    """

    bucket: Bucket | None = None
    key: str | None = None
    found: ObjectRecord | None = None
    versioned: bool = False
    request: Request = NO_REQUEST
    now: float = 0.0
    new_bucket: str = ""
    region: str = ""
    acl: str | None = None
    tags: tuple[tuple[str, str], ...] | None = ()

    @property
    def bucket_tags(self) -> tuple[tuple[str, str], ...]:
        return () if self.bucket is None else self.bucket.tags


class Asked(NamedTuple):
    """Who asks for what, as conditions see it."""

    caller: Caller
    facts: AccessFacts
