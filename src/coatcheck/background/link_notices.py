"""Notices of links: events are found in the audit's rows as these are counted, wait in the store, and are sent.

Finding and sending may be done by two processes at once: each change of what waits is made from what is there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from coatcheck.access.facts import RequestFacts
from coatcheck.access.link_rights import LinkAction, Place, may
from coatcheck.core.limits import (
    LINK_NOTICE_KEPT_S,
    LINK_NOTICE_TOLD_KEPT_S,
    LINK_NOTICES_SENT_AT_ONCE,
    LINK_NOTICES_WAITING_MAX,
)
from coatcheck.links import notices
from coatcheck.links.notices import Event, Target, Told, Waiting
from coatcheck.links.uses import settle
from coatcheck.links.uses_text import read_uses
from coatcheck.operations.late_ends import LATE_S
from coatcheck.operations.link_notices import (
    SEALED,
    TARGET,
    TOLD,
    WAITING,
    Queued,
    entry_name,
    list_targets,
    list_waiting,
    note_given_up,
)
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Catalog, Gone, TooMany
from coatcheck.ports.keyring import Keyring
from coatcheck.ports.link_audit import AuditRow
from coatcheck.ports.links import Links
from coatcheck.ports.notifier import Forbidden, Notifier, Unreachable, Webhook

from .acting import act_as
from .audit_run import Batch
from .notices import Stopped

_ANY_NUMBER: Final = 1 << 60
_FORGET_PAGE: Final = 200

log = logging.getLogger("coatcheck")


_Row = tuple[int, AuditRow]  # with the byte behind it, in its segment


class _Place(NamedTuple):
    """Who is told, and of which link."""

    bucket: Bucket
    target: Target
    link: str

    @property
    def name(self) -> str:
        return entry_name(self.target.id, self.link)


class NoticeFinding(NamedTuple):
    """What finds events."""

    catalog: Catalog
    links: Links

    async def buckets(self) -> Collection[str]:
        """Of whose links somebody is told."""
        return frozenset(bucket.name for bucket in await self.catalog.buckets_with_entries(TARGET))

    async def tell(self, batch: Batch, now: float) -> None:
        """Let what these rows are wait to be told. The same batch may come again: it is told once."""
        for bucket in await self.catalog.buckets_with_entries(TARGET):
            of_link = _rows_of(bucket, batch)
            if not of_link:
                continue
            for target in await list_targets(self.catalog, bucket):
                for link in of_link if not target.link else of_link.keys() & {target.link}:
                    try:
                        await self._tell(_Place(bucket, target, link), of_link[link], batch, now)
                    except Gone:  # the bucket
                        break

    async def _tell(self, place: _Place, rows: Sequence[_Row], batch: Batch, now: float) -> None:
        bucket_id, name, target = place.bucket.bucket_id, place.name, place.target
        waits = await self.catalog.find_entry(bucket_id, WAITING, name)
        noted = notices.read_told(await self.catalog.find_entry(bucket_id, TOLD, name))
        before = notices.newest(noted, None if waits is None else notices.read_waiting(waits))
        # A process that died had told of rows that nobody has counted; others may come before they come again.
        looked_at = {name: stop for name, stop in before.places if batch.counted.get(name, 0) < stop}
        new = [row for stop, row in rows if stop > looked_at.get(batch.segment, 0)]
        if new:
            exhausted = (
                Event.EXHAUSTED in target.events and not before.exhausted and await self._is_exhausted(place.link)
            )
            looked_at[batch.segment] = rows[-1][0]
            before = replace(before, places=tuple(looked_at.items()))
            told, counts = notices.find_events(target, before, new, exhausted=exhausted)
            if counts:
                await self._wait(place, told, counts, new[-1], now)
        else:  # the process died before its rows were noted as counted
            told = before
        await self._note(bucket_id, name, told)

    async def _wait(self, place: _Place, told: Told, counts: Mapping[Event, int], last: AuditRow, now: float) -> None:
        def change(text: str | None) -> str:
            waiting = None if text is None else notices.read_waiting(text)
            return notices.write_waiting(notices.join(waiting, counts, last, told, place.name, now))

        try:
            await self.catalog.change_entry(
                place.bucket.bucket_id, WAITING, place.name, change, most=LINK_NOTICES_WAITING_MAX
            )
        except TooMany:
            log.warning("link notices bucket=%s: too many wait, one is dropped", place.bucket.name)

    async def _note(self, bucket_id: int, name: str, told: Told) -> None:
        def change(text: str | None) -> str:
            sent_at = notices.read_told(text).sent_at
            return notices.write_told(replace(told, sent_at=sent_at))

        await self.catalog.change_entry(bucket_id, TOLD, name, change, most=_ANY_NUMBER)

    async def _is_exhausted(self, link_id: str) -> bool:
        link = await self.links.find_link(link_id)
        if link is None or link.limits.downloads is None:
            return False
        uses = read_uses(await self.links.find_uses(link_id))
        if any(use.running for use in uses.open):  # its end may be told a little later than its row was written
            await asyncio.sleep(2 * LATE_S)
            uses = read_uses(await self.links.find_uses(link_id))
        heard_at = max((use.heard_at for use in uses.open), default=0.0)
        uses = settle(uses, heard_at)
        return uses.taken >= link.limits.downloads and not any(use.running for use in uses.open)


class NoticeSending:
    """What sends them, some at a time, each again and again until it arrives or is too old."""

    def __init__(self, catalog: Catalog, keyring: Keyring, notifier: Notifier) -> None:
        self._catalog = catalog
        self._keyring = keyring
        self._notifier = notifier
        self._forgotten_to: dict[int, str] = {}

    async def run(self, now: float) -> int:
        """Send what is due; how many arrived. Args: now: Unix seconds."""
        arrived = 0
        for bucket in await self._catalog.buckets_with_entries(WAITING):
            targets = {target.id: target for target in await list_targets(self._catalog, bucket)}
            due = [each for each in await list_waiting(self._catalog, bucket) if _is_due(each.notice, now)]
            for first in range(0, len(due), LINK_NOTICES_SENT_AT_ONCE):
                some = due[first : first + LINK_NOTICES_SENT_AT_ONCE]
                sent = await asyncio.gather(*(self._send(bucket, targets.get(each.target), each, now) for each in some))
                arrived += sum(sent)
        for bucket in await self._catalog.buckets_with_entries(TOLD):
            await self._forget_old(bucket, now)
        return arrived

    async def _send(self, bucket: Bucket, target: Target | None, queued: Queued, now: float) -> bool:
        name = entry_name(queued.target, queued.link)
        if target is None:  # it was taken back
            await self._catalog.put_entries(bucket.bucket_id, WAITING, [(name, None)])
            return False
        try:
            await self._post(bucket, target, queued, now)
        except (Stopped, Unreachable) as error:
            await self._keep(bucket, queued, str(error), now)
            return False
        except Forbidden:
            await self._keep(bucket, queued, "its address is not one that this server may be sent to", now)
            return False
        await self._finish(bucket, name, queued.notice, now)
        return True

    async def _post(self, bucket: Bucket, target: Target, queued: Queued, now: float) -> None:
        """Raises: Stopped, Unreachable, Forbidden."""
        author = await act_as(target.author, self._keyring)
        place = Place(bucket.owner, bucket.name, target.key)
        if not may(author, LinkAction.READ_AUDIT, place, RequestFacts(secure=True), now):
            raise Stopped(f"who set it up has no right {LinkAction.READ_AUDIT.value} any more")
        key = self._keyring.open_token(target.sealed)
        if key is None or not key.startswith(SEALED):
            raise Stopped("its signing key cannot be read, since the server's secret key is another one; set it again")
        body = notices.write_body(queued.notice, queued.link, bucket.name)
        status = await self._notifier.post(
            Webhook(target.url, queued.notice.id, int(now), body, key.removeprefix(SEALED))
        )
        if not 200 <= status < 300:
            raise Unreachable(f"it answered {status}")

    async def _keep(self, bucket: Bucket, queued: Queued, why: str, now: float) -> None:
        """To be tried again, or given up."""
        gives_up = now - queued.notice.made_at > LINK_NOTICE_KEPT_S

        def change(text: str | None) -> str | None:
            if text is None or gives_up:
                return None
            return notices.write_waiting(notices.failed(notices.read_waiting(text), why, now))

        name = entry_name(queued.target, queued.link)
        await self._catalog.change_entry(bucket.bucket_id, WAITING, name, change, most=LINK_NOTICES_WAITING_MAX)
        if gives_up:
            await note_given_up(self._catalog, bucket, queued.target, why)

    async def _finish(self, bucket: Bucket, name: str, sent: Waiting, now: float) -> None:
        def left(text: str | None) -> str | None:
            still = None if text is None else notices.sent(notices.read_waiting(text), sent, name, now)
            return None if still is None else notices.write_waiting(still)

        def told(text: str | None) -> str:
            return notices.write_told(replace(notices.newest(notices.read_told(text), sent), sent_at=now))

        await self._catalog.change_entry(bucket.bucket_id, TOLD, name, told, most=_ANY_NUMBER)
        await self._catalog.change_entry(bucket.bucket_id, WAITING, name, left, most=LINK_NOTICES_WAITING_MAX)

    async def _forget_old(self, bucket: Bucket, now: float) -> None:
        """A page of what was told each time: of links that nobody has used for long."""
        marker = self._forgotten_to.get(bucket.bucket_id, "")
        entries, more = await self._catalog.list_entries(
            bucket.bucket_id, TOLD, prefix="", marker=marker, limit=_FORGET_PAGE
        )
        kept_ms = (now - LINK_NOTICE_TOLD_KEPT_S) * 1000
        old = [(name, None) for name, text in entries if notices.read_told(text).last_ms < kept_ms]
        if old:
            await self._catalog.put_entries(bucket.bucket_id, TOLD, old)
        self._forgotten_to[bucket.bucket_id] = entries[-1][0] if more else ""


def _rows_of(bucket: Bucket, batch: Batch) -> Mapping[str, Sequence[_Row]]:
    """A bucket's rows, by link: of links of its owner's account, for nobody hears of another's."""
    of_link: dict[str, list[_Row]] = {}
    for stop, row in zip(batch.stops, batch.rows, strict=True):
        if row.bucket == bucket.name and row.account == bucket.owner:
            of_link.setdefault(row.link, []).append((stop, row))
    return of_link


def _is_due(notice: Waiting, now: float) -> bool:
    """A clock that was set back makes nothing wait longer than an hour."""
    return not now < notice.due_at <= now + 2 * 3600
