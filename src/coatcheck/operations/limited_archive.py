"""A ZIP of limited objects: it takes a use of each object that is in it, of all or of none, before its first byte."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from coatcheck.archives.members import Member
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import LINK_CANCELLED, LINK_USED_UP
from coatcheck.links.uses import Content, Download, UsedUp, allow, begin, end
from coatcheck.links.uses_text import read_uses, write_uses
from coatcheck.ports.catalog import Gone
from coatcheck.ports.links import Links, Uses

from .archive_download import ArchiveDownload
from .limited import name_part


class Receiver(NamedTuple):
    """Who downloads by which link.

    Attributes:
        limit: how many downloads each object may have.
        name: see `limited.name_receiver`.
    """

    link_id: str
    limit: int
    name: str


class LimitedArchive:
    """One ZIP under way. Nothing of it may be sent before `begin` has returned."""

    def __init__(
        self, links: Links, receiver: Receiver, download: ArchiveDownload, span: ByteRange, now: float
    ) -> None:
        self._links = links
        self._receiver = receiver
        self._download = download
        self._span = span
        self._id = secrets.token_hex(6)
        self._loop = asyncio.get_running_loop()
        self._zero = now - self._loop.time()
        self._heard_at = now

    async def begin(self) -> None:
        """Take the uses. Raises: OssError LINK_USED_UP (of any of them), LINK_CANCELLED; what the register raises."""
        try:
            await self._links.change_uses(self._receiver.link_id, dict(self._beginnings()))
        except Gone:
            raise LINK_CANCELLED() from None

    @property
    def silent_s(self) -> float:
        """For how long the register has heard nothing of it."""
        return self._now() - self._heard_at

    async def keep_known(self) -> None:
        """Say of each object that it still runs, so that a ZIP of more than 15 minutes isn't given up."""
        now = self._heard_at = self._now()
        changes = {
            name_part(member.key): _going_on(self._id, span.stop, now)
            for member, span in self._download.contents(self._span)
        }
        with suppress(Gone):
            await self._links.change_uses(self._receiver.link_id, changes)

    async def end(self, sent_bytes: int) -> None:
        """So many bytes of the file were taken; what that is of each object is told to the register."""
        sent = {
            content.member.key: content.span.stop - content.span.start
            for content in self._download.contents(ByteRange(self._span.start, self._span.start + sent_bytes))
        }
        try:
            await self._links.change_uses(self._receiver.link_id, dict(self._endings(sent)))
        except Gone:
            return

    def _now(self) -> float:
        """Counted from the request's by the loop's clock, which nobody can set."""
        return self._zero + self._loop.time()

    def _beginnings(self) -> Iterator[tuple[str, Callable[[Uses], Uses]]]:
        _, limit, name = self._receiver
        now = self._now()
        for member, span in self._download.contents(self._span):
            running = Download(self._id, span.start, span.stop, span.stop, now)
            yield name_part(member.key), _beginning(limit, name, _content_of(member), running)

    def _endings(self, sent: Mapping[str, int]) -> Iterator[tuple[str, Callable[[Uses], Uses]]]:
        now = self._now()
        for member, _ in self._download.contents(self._span):
            yield name_part(member.key), _ending(self._id, sent.get(member.key, 0), now)


def _content_of(member: Member) -> Content:
    return Content(f"zip {member.version_id or ''} {member.etag} {member.modified}", member.size)


def _beginning(limit: int, receiver: str, content: Content, running: Download) -> Callable[[Uses], Uses]:
    def change(text: Uses) -> Uses:
        try:
            return write_uses(begin(read_uses(text), limit, receiver, content, running))
        except UsedUp:
            raise LINK_USED_UP() from None

    return change


def _going_on(download_id: str, to: int, now: float) -> Callable[[Uses], Uses]:
    """One that was given up stays so."""

    def change(text: Uses) -> Uses:
        going_on = allow(read_uses(text), download_id, to, now)
        return text if going_on is None else write_uses(going_on)

    return change


def _ending(download_id: str, sent_bytes: int, now: float) -> Callable[[Uses], Uses]:
    return lambda text: write_uses(end(read_uses(text), download_id, sent_bytes, now))
