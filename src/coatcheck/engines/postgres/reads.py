"""The first question of a request in one round trip: with the object come the numbers that prove what is remembered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ...core.access_point_names import ALIAS_ENDING
from ...ports.access_point import AccessPoint
from ...ports.bucket import Bucket
from ...ports.catalog import Away
from ...ports.keyring import AccessKey, Role
from ...ports.object import NULL_VERSION, ObjectRecord
from ...ports.snapshot import Lookup
from ..kept_records import KeptRecords
from ..sql.objects import COLUMNS, read_record
from .keyring import PostgresKeyring
from .known import NUMBERS, Known
from .links import PostgresLinks
from .lookups import WITH_NUMBERS, Answer, Lookups, read_answer
from .statements import reading
from .watch import Watch

_TRIES: Final = 5
_OF_VERSION: Final = f"((seq < 0 AND version_id = ?3) OR (seq = 0 AND ?3 = '{NULL_VERSION}'))"
_VERSION: Final = f"{COLUMNS} AND {_OF_VERSION} ORDER BY seq LIMIT 1"
VERSION: Final = reading(_VERSION.replace("bucket_id = ? AND key = ?", "bucket_id = ?1 AND key = ?2"))
_VERSION_WITH: Final = WITH_NUMBERS.format(VERSION)


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
        self._lookups = Lookups(known.reader)
        self._kept = KeptRecords()

    def number(self) -> int:
        return self._known.number

    async def read(self, lookup: Lookup) -> Found:
        """Raises: Away."""
        self._watch.begin()
        for _ in range(_TRIES):
            number = self._known.number
            answers = await self._remembered(lookup)
            asked = await self._ask(lookup, answers[3])
            self._known.note(asked.number, asked.links)
            if asked.number == number:
                await self._links.look_again()
                return Found(lookup, answers, self._read_row(answers[3], lookup, asked.row))
        raise Away("Keys and buckets change faster than they can be read.")

    def _read_row(self, bucket: Bucket | None, lookup: Lookup, row: Sequence[Any]) -> ObjectRecord | None:
        """To read a row takes ten times as long as to see that it is one that was read before."""
        if bucket is None or lookup.key is None or not row:
            return None
        place = (bucket.bucket_id, lookup.key, lookup.version_id)
        record = self._kept.find(place, row)
        if record is None:
            record = read_record(lookup.key, row)
            self._kept.keep(place, row, record)
        return record

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

    async def _ask(self, lookup: Lookup, bucket: Bucket | None) -> Answer:
        if bucket is None or lookup.key is None or "\0" in lookup.key or "\0" in (lookup.version_id or ""):
            number, links = (await self._known.reader.ask(NUMBERS))[0]
            return Answer(number, links, ())
        if lookup.version_id is None:
            return await self._lookups.find((bucket.bucket_id, lookup.key))
        place = (bucket.bucket_id, lookup.key, lookup.version_id)
        row = (await self._known.reader.ask(_VERSION_WITH, *place))[0]
        return read_answer(row)
