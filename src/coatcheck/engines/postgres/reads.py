"""The first question of a request in one round trip: with the object come the numbers that prove what is remembered."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ...core.access_point_names import ALIAS_ENDING
from ...ports.access_point import AccessPoint
from ...ports.bucket import Bucket
from ...ports.catalog import Away
from ...ports.keyring import AccessKey, Role
from ...ports.object import NULL_VERSION, ObjectRecord
from ...ports.snapshot import Lookup
from ..sql.objects import COLUMNS, read_record
from .keyring import PostgresKeyring
from .known import NUMBERS, Known
from .links import PostgresLinks
from .statements import reading
from .watch import Watch

_TRIES: Final = 5
_WITH: Final = "SELECT number, links, found.* FROM generation LEFT JOIN ({}) AS found ON TRUE"
_OF_VERSION: Final = f"((seq < 0 AND version_id = ?3) OR (seq = 0 AND ?3 = '{NULL_VERSION}'))"
_VERSION: Final = f"{COLUMNS} AND {_OF_VERSION} ORDER BY seq LIMIT 1"
CURRENT: Final = reading(f"{COLUMNS} ORDER BY seq LIMIT 1")
VERSION: Final = reading(_VERSION.replace("bucket_id = ? AND key = ?", "bucket_id = ?1 AND key = ?2"))
_CURRENT_WITH: Final = _WITH.format(CURRENT)
_VERSION_WITH: Final = _WITH.format(VERSION)


class Found(NamedTuple):
    """See `ports.snapshot`: all of one moment."""

    lookup: Lookup
    answers: tuple[str | None, AccessKey | None, Role | None, Bucket | None, AccessPoint | None]
    record: ObjectRecord | None

    def domain_bucket(self) -> str | None:
        return self.answers[0]

    def access_key(self) -> AccessKey | None:
        return self.answers[1]

    def role(self) -> Role | None:
        return self.answers[2]

    def bucket(self) -> Bucket | None:
        return self.answers[3]

    def point(self) -> AccessPoint | None:
        return self.answers[4]

    def found(self) -> ObjectRecord | None:
        return self.record


class PostgresReads:
    """See `ports.snapshot`."""

    def __init__(self, known: Known, keyring: PostgresKeyring, links: PostgresLinks, watch: Watch) -> None:
        self._watch = watch
        self._known = known
        self._keyring = keyring
        self._links = links

    def number(self) -> int:
        return self._known.number

    async def read(self, lookup: Lookup) -> Found:
        """Raises: Away."""
        self._watch.begin()
        for _ in range(_TRIES):
            number = self._known.number
            answers = await self._remembered(lookup)
            row = await self._ask(lookup, answers[3])
            self._known.note(row[0], row[1])
            if row[0] == number:
                await self._links.look_again()
                is_there = len(row) > 2 and row[2] is not None
                return Found(lookup, answers, read_record(lookup.key or "", row[2:]) if is_there else None)
        raise Away("Keys and buckets change faster than they can be read.")

    async def _remembered(
        self, lookup: Lookup
    ) -> tuple[str | None, AccessKey | None, Role | None, Bucket | None, AccessPoint | None]:
        """Perhaps of different moments: then the numbers have moved behind it."""
        known = self._known
        domain = await known.domain(lookup.domain) if lookup.domain else None
        key = self._keyring.held(lookup.access_key_id)
        if key is None and lookup.access_key_id:
            key = await known.key(lookup.access_key_id)
        role = await known.role(lookup.role_uid) if lookup.role_uid else None
        bucket: Bucket | None = None
        point: AccessPoint | None = None
        if name := lookup.bucket or domain:
            bucket = await known.bucket(name)
            if bucket is None and name.endswith(ALIAS_ENDING):
                bucket, point = await known.point(name) or (None, None)
        return domain, key, role, bucket, point

    async def _ask(self, lookup: Lookup, bucket: Bucket | None) -> Any:
        if bucket is None or lookup.key is None or "\0" in lookup.key:
            rows = await self._known.reader.ask(NUMBERS)
        elif lookup.version_id is None:
            rows = await self._known.reader.ask(_CURRENT_WITH, bucket.bucket_id, lookup.key)
        elif "\0" in lookup.version_id:
            rows = await self._known.reader.ask(NUMBERS)
        else:
            rows = await self._known.reader.ask(_VERSION_WITH, bucket.bucket_id, lookup.key, lookup.version_id)
        return rows[0]
