"""When objects were last read, to the day: noted beside the requests, kept in batches, read by lifecycle rules.

A process notes in memory which keys were read and keeps what it noted every few seconds, as entries of the bucket, one
a key and at most once a day. What was noted and not kept yet is lost with the process. A day is its number since 1970,
UTC.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from msgspec import Struct, field

from coatcheck.configurations import access_monitor, lifecycle
from coatcheck.core.limits import ACCESSES_NOTED_MAX, ACCESSES_REMEMBERED_MAX
from coatcheck.core.times import DAY_S
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Catalog, Gone, NotWritten, Stale, Unknown
from coatcheck.ports.object import ObjectRecord

from .lifecycle_plan import returns_on_visit

KIND: Final = "lastAccess"  # of the entries; the key is their name
_BATCH: Final = 500  # entries in one transaction, and in one page

log = logging.getLogger("coatcheck")

Place = tuple[str, int, str]  # bucket's name and number, key


class AccessNotes(Struct):
    """What one process has to keep, and what it kept lately."""

    _waiting: dict[Place, int] = field(default_factory=dict)
    _kept: dict[Place, int] = field(default_factory=dict)

    def note(self, bucket: Bucket, key: str, now: float) -> None:
        """An object was read, at that Unix second. Costs nothing where the bucket isn't monitored."""
        if not bucket.made(_is_monitored):
            return
        place, day = (bucket.name, bucket.bucket_id, key), int(now // DAY_S)
        if self._kept.get(place) != day and len(self._waiting) < ACCESSES_NOTED_MAX:
            self._waiting[place] = day

    async def flush(self, catalog: Catalog) -> None:
        """Make durable what was noted. What the store can't take now waits for the next time."""
        waiting, self._waiting = self._waiting, {}
        for bucket_id in sorted({place[1] for place in waiting}):
            days = {place: day for place, day in waiting.items() if place[1] == bucket_id}
            try:
                await self._keep_bucket(catalog, bucket_id, days)
            except (NotWritten, Unknown) as error:
                log.warning("times of last access are kept later: %s", error)
                self._waiting = days | self._waiting
            except Gone:
                continue

    async def _keep_bucket(self, catalog: Catalog, bucket_id: int, days: dict[Place, int]) -> None:
        places = list(days)
        for at in range(0, len(places), _BATCH):
            batch = places[at : at + _BATCH]
            await catalog.put_entries(bucket_id, KIND, [(place[2], _write(days[place])) for place in batch])
            await _bring_back(catalog, batch)
            self._kept.update((place, days[place]) for place in batch)
        while len(self._kept) > ACCESSES_REMEMBERED_MAX:
            del self._kept[next(iter(self._kept))]


def _is_monitored(bucket: Bucket) -> bool:
    return access_monitor.monitored_since(bucket.configuration(access_monitor.NAME)) is not None


async def _bring_back(catalog: Catalog, places: Sequence[Place]) -> None:
    """What was read becomes Standard again, where a rule says so (ReturnToStdWhenVisit)."""
    bucket = await catalog.find_bucket(places[0][0])
    document = None if bucket is None else bucket.configuration(lifecycle.NAME)
    if bucket is None or document is None:
        return
    rules = lifecycle.from_json(document).rules
    if not any(step.back_on_visit for rule in rules for step in rule.transitions):
        return

    def change(record: ObjectRecord) -> ObjectRecord:
        if not returns_on_visit(rules, record):
            raise Stale(record.key)
        return replace(record, storage_class=lifecycle.CLASSES[0])

    for _, bucket_id, key in places:
        try:
            await catalog.change_object(bucket_id, key, None, change)
        except (Gone, Stale):
            continue


async def find_last_access(catalog: Catalog, bucket: Bucket, record: ObjectRecord) -> int | None:
    """When an object was last read or written, Unix seconds, as far as it is known; None if the bucket isn't monitored.

    Where nothing was noted since monitoring began, it is that moment.
    """
    since = access_monitor.monitored_since(bucket.configuration(access_monitor.NAME))
    if since is None:
        return None
    entry = await catalog.find_entry(bucket.bucket_id, KIND, record.key)
    return last_access(since, None if entry is None else read_day(entry), record.last_modified)


def last_access(since: int, day: int | None, last_modified: int) -> int:
    """Unix seconds. A day counts from its beginning."""
    return max(last_modified, since if day is None else day * DAY_S)


class AccessDays:
    """The days of a bucket's keys, asked for in the order of the keys; and the keys that are there no more."""

    def __init__(self, catalog: Catalog, bucket_id: int) -> None:
        self._catalog = catalog
        self._bucket_id = bucket_id
        self._page: list[tuple[str, str]] = []
        self._marker = ""
        self._more = True
        self.gone: list[str] = []

    async def find(self, key: str) -> int | None:
        """The day of a key; it comes behind every key that was asked for before."""
        wanted = key.encode()
        while True:
            while self._page and self._page[0][0].encode() < wanted:
                self.gone.append(self._page.pop(0)[0])
            if self._page or not self._more:
                break
            await self._turn()
        if self._page and self._page[0][0] == key:
            return read_day(self._page.pop(0)[1])
        return None

    async def find_end(self) -> None:
        """No key is asked for any more: what is left is of none."""
        while self._page or self._more:
            self.gone += [name for name, _ in self._page]
            self._page = []
            await self.drop_gone()
            if self._more:
                await self._turn()

    async def drop_gone(self) -> None:
        """Forget the days of keys that were passed over. Fine if the bucket is gone."""
        names, self.gone = self.gone, []
        for at in range(0, len(names), _BATCH):
            try:
                await self._catalog.put_entries(
                    self._bucket_id, KIND, [(name, None) for name in names[at : at + _BATCH]]
                )
            except Gone:
                return

    async def _turn(self) -> None:
        page, self._more = await self._catalog.list_entries(
            self._bucket_id, KIND, prefix="", marker=self._marker, limit=_BATCH
        )
        self._page = list(page)
        if page:
            self._marker = page[-1][0]


def _write(day: int) -> str:
    return json.dumps({"v": 1, "day": day}, separators=(",", ":"))


def read_day(document: str) -> int:
    return int(json.loads(document)["day"])
