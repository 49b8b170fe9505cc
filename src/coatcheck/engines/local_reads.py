"""Snapshots of engines that read in their own process: each part is looked up when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Protocol

from ..core.access_point_names import ALIAS_ENDING
from ..ports.access_point import AccessPoint
from ..ports.bucket import Bucket
from ..ports.keyring import AccessKey, Role
from ..ports.object import ObjectRecord
from ..ports.snapshot import Lookup


class LocalCatalog(Protocol):
    """As the methods of `ports.catalog`, without waiting."""

    def look_for_bucket(self, name: str) -> Bucket | None: ...

    def look_for_access_point(self, alias: str) -> tuple[Bucket, AccessPoint] | None: ...

    def look_for_object(self, bucket_id: int, key: str, version_id: str | None) -> ObjectRecord | None: ...


class LocalKeyring(Protocol):
    """As the methods of `ports.keyring`, without waiting."""

    def look_for_key(self, access_key_id: str) -> AccessKey | None: ...

    def look_for_role(self, uid: str) -> Role | None: ...


class LocalDomains(Protocol):
    """As the methods of `ports.domains`, without waiting."""

    def look_for_domain(self, name: str) -> str | None: ...


class LocalReads:
    """See `ports.snapshot`.

    Args:
        number: as `Reads.number`; None: nobody counts changes, so that every question has another answer.
    """

    __slots__ = ("_number", "catalog", "domains", "keyring")

    def __init__(
        self,
        catalog: LocalCatalog,
        keyring: LocalKeyring,
        domains: LocalDomains,
        number: Callable[[], int] | None = None,
    ) -> None:
        self.catalog = catalog
        self.keyring = keyring
        self.domains = domains
        self._number = number or count().__next__

    def number(self) -> int:
        return self._number()

    async def read(self, lookup: Lookup) -> LocalSnapshot:
        return LocalSnapshot(self, lookup)


class LocalSnapshot:
    """See `ports.snapshot`. Two parts may be of two moments, if somebody waits between asking for them."""

    __slots__ = ("_bucket", "_looked", "_point", "_reads", "lookup")

    def __init__(self, reads: LocalReads, lookup: Lookup) -> None:
        self.lookup = lookup
        self._reads = reads
        self._bucket: Bucket | None = None
        self._point: AccessPoint | None = None
        self._looked = False

    def domain_bucket(self) -> str | None:
        return self._reads.domains.look_for_domain(self.lookup.domain) if self.lookup.domain else None

    def access_key(self) -> AccessKey | None:
        return self._reads.keyring.look_for_key(self.lookup.access_key_id)

    def role(self) -> Role | None:
        return self._reads.keyring.look_for_role(self.lookup.role_uid)

    def bucket(self) -> Bucket | None:
        if not self._looked:
            self._looked = True
            name = self.lookup.bucket or self.domain_bucket()
            if name:
                self._bucket = self._reads.catalog.look_for_bucket(name)
                if self._bucket is None and name.endswith(ALIAS_ENDING):
                    self._bucket, self._point = self._reads.catalog.look_for_access_point(name) or (None, None)
        return self._bucket

    def point(self) -> AccessPoint | None:
        if not self._looked:
            self.bucket()
        return self._point

    def found(self) -> ObjectRecord | None:
        bucket, asked = self.bucket(), self.lookup
        if bucket is None or asked.key is None:
            return None
        return self._reads.catalog.look_for_object(bucket.bucket_id, asked.key, asked.version_id)
