"""What one request needs to know before it may do anything, asked for at once.

An engine for which a question is a journey answers all of a lookup in one; an engine that reads in its own process may
answer each part when it is asked for. So a part that nobody asks for costs nothing there, and nobody learns from the
time that a refusal takes what is stored.
"""

from __future__ import annotations

from typing import Protocol

from coatcheck.core.record import Record

from .access_point import AccessPoint
from .bucket import Bucket
from .keyring import AccessKey, Role
from .object import ObjectRecord


class Lookup(Record, frozen=True):
    """What is asked for. "" and None: nothing of that kind.

    Attributes:
        domain: a host name that may be an own domain; the bucket is then the one that it stands for.
        access_key_id: of a key that is stored.
        role_uid: of the role whose session has signed.
        bucket: its name, or the alias of an access point.
        key: of an object in the bucket.
        version_id: None for the object's current version.
    """

    domain: str = ""
    access_key_id: str = ""
    role_uid: str = ""
    bucket: str = ""
    key: str | None = None
    version_id: str | None = None


class Snapshot(Protocol):
    """The answers: each as the method of its port that is named beside it gives it, None for what isn't there."""

    @property
    def lookup(self) -> Lookup: ...

    def domain_bucket(self) -> str | None:
        """`Domains.find_domain`"""
        ...

    def access_key(self) -> AccessKey | None:
        """`Keyring.find_key`"""
        ...

    def role(self) -> Role | None:
        """`Keyring.find_role_by_uid`"""
        ...

    def bucket(self) -> Bucket | None:
        """`Catalog.find_bucket`; for the alias of an access point the bucket that it leads into."""
        ...

    def point(self) -> AccessPoint | None:
        """`Catalog.find_access_point`, the one that was named in the place of `bucket`."""
        ...

    def found(self) -> ObjectRecord | None:
        """`Catalog.find_object`, in that bucket."""
        ...


class Reads(Protocol):
    """The first question of every request, and most often its only one."""

    def number(self) -> int:
        """Another one after any change to accounts, keys, users, roles, policies, buckets and their documents, in
        whatever process, a second later at most; it may also move without one. Costs next to nothing."""
        ...

    async def read(self, lookup: Lookup) -> Snapshot:
        """What a mutation had committed before this was called is seen. Raises: nothing of its own."""
        ...
