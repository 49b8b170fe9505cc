"""Downloads of limited links: each takes a use before its first byte goes out, and says in the end how far it came.

A long download goes out in steps. The register is told of each before it begins, so that a process that dies in the
middle is taken to have sent no more than the step it was in.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Final, Protocol

from coatcheck.core.body import Slice, Stream, let_go, slice_size
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import LINK_CANCELLED, LINK_USED_UP, Broken
from coatcheck.core.limits import LINK_NEWS_S
from coatcheck.identity.caller import UsedLink
from coatcheck.links.standing import Presented, check_standing
from coatcheck.links.uses import Content, Download, UsedUp, Uses, allow, begin, end
from coatcheck.ports.catalog import Gone, NotWritten, Unknown
from coatcheck.ports.links import LimitedPart, Limits, Links, NoLinks

from .late_ends import Change, LateEnds, on_text

_STEP_MIN_BYTES: Final = 4 * 1024 * 1024
_STEPS_MAX: Final = 16  # of a download: each is a commit

log: Final = logging.getLogger("coatcheck")


def name_receiver(address: str, agent: str) -> str:
    """Who a use belongs to, so that a resumed or parallel download is one: as a digest, since it is kept."""
    return hashlib.blake2b(f"{address}\0{agent}".encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()


async def find_limits(register: Links, link: UsedLink, address: str, now: float) -> Limits | None:
    """What the register allows a link less than its signature says, now and from that address.

    Raises: OssError, what `check_standing` refuses; what the register raises.
    """
    caller = link.caller
    standing = await register.find_standing(caller.link, caller.access_key_id, link.bucket, link.key)
    return check_standing(standing, Presented(caller.account, link.signed_at_s, address), now)


def name_part(key: str) -> str:
    """Under what the uses of one object of a link to several are counted."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=15).hexdigest()


class Running(Protocol):
    """A limited download that says that it still runs, and in the end how far it came."""

    @property
    def silent_s(self) -> float:
        """For how long the register has heard nothing of it."""
        ...

    async def keep_known(self) -> None:
        """Say that it still runs. Raises: Broken, if it was given up; what the store raises."""
        ...

    async def end(self, sent_bytes: int) -> None:
        """Raises what the store raises."""
        ...


class LimitedDownloads:
    """The register, and the limited downloads that run in this process."""

    def __init__(self, register: Links) -> None:
        self.register = register
        self._running: set[Running] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._late = LateEnds(register)

    async def begin(
        self, link: LimitedPart, limit: int, receiver: str, content: Content, span: ByteRange, now: float
    ) -> LimitedDownload:
        """Take a use, or join one. Nothing may be sent before this has returned.

        Raises: OssError LINK_USED_UP; LINK_CANCELLED, if the row has gone meanwhile; what the store raises.
        """
        download = LimitedDownload(self.register, link, content, span, now)
        before = self._late.take(link)
        try:
            await download.begin(limit, receiver, before)
        except BaseException:
            self._late.add(link, *before)
            raise
        self.note(download)
        return download

    def note(self, download: Running) -> None:
        """It has begun: the register is kept told of it, until it is over."""
        self._running.add(download)

    async def end(self, download: Running, sent_bytes: int) -> None:
        """It is over. The register is told soon: should this process die before, the download counts as it was
        allowed."""
        self._running.discard(download)
        if isinstance(download, LimitedDownload) and download.is_whole(sent_bytes):
            self._late.add(download.link, download.ended(sent_bytes))
            return
        task = asyncio.get_running_loop().create_task(_told(download, sent_bytes))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def keep_known(self) -> None:
        """To be called every minute or so: what still runs is said to do so, see LINK_NEWS_S."""
        for download in list(self._running):
            if download.silent_s > LINK_NEWS_S / 2:
                with suppress(Broken):  # given up: its next step breaks it off
                    await download.keep_known()

    async def settled(self) -> None:
        """When the register has been told of all that is over."""
        await self._late.settled()
        while self._ending:
            await asyncio.wait(self._ending)


async def _told(download: Running, sent_bytes: int) -> None:
    try:
        await download.end(sent_bytes)
    except (NotWritten, Unknown) as error:
        log.warning("the end of a limited download cannot be written down, it counts as whole: %s", error)


class NoLimitedDownloads(LimitedDownloads):
    """Where no link is limited or cancelled."""

    def __init__(self) -> None:
        super().__init__(NoLinks())


class LimitedDownload:
    """One reply of a limited link.

    Times are counted from the request's by the loop's clock, which nobody can set.
    """

    def __init__(self, links: Links, link: LimitedPart, content: Content, span: ByteRange, now: float) -> None:
        self._links = links
        self.link = link
        self._content = content
        self._loop = asyncio.get_running_loop()
        self._zero = now - self._loop.time()
        self._step = max(_STEP_MIN_BYTES, -(-content.size // _STEPS_MAX))
        first_step = min(span.stop, span.start + self._step)
        self._download = Download(f"{random.getrandbits(48):012x}", span.start, span.stop, first_step, now)
        self._over = False

    async def begin(self, limit: int, receiver: str, before: Sequence[Change] = ()) -> None:
        """Take a use, or join one. Nothing may be sent before this has returned.

        Args:
            before: what else the register hasn't been told of this link: it is in the same change.
        Raises: OssError LINK_USED_UP; LINK_CANCELLED, if the row has gone meanwhile; what the store raises.
        """

        def beginning(uses: Uses) -> Uses:
            try:
                return begin(uses, limit, receiver, self._content, self._download)
            except UsedUp:
                raise LINK_USED_UP() from None

        try:
            await self._change((*before, beginning))
        except Gone:
            raise LINK_CANCELLED() from None

    def stream(self, content: Stream) -> Stream:
        """The same bytes, each step of which the register is told before it begins."""
        slices = None if content.slices is None else self._slices(content.slices)
        return Stream(self._chunks(content.chunks), content.size, content.close, slices)

    @property
    def silent_s(self) -> float:
        """For how long the register has heard nothing of it."""
        return self._now() - self._download.heard_at

    async def keep_known(self) -> None:
        """Say that it still runs. Raises: Broken."""
        await self._allow(self._download.allowed_to)

    async def end(self, sent_bytes: int) -> None:
        """Say how many bytes were taken of it. Only the first call counts; raises what the store raises."""
        if self._over:
            return
        self._over = True
        with suppress(Gone):
            await self._change((self.ended(sent_bytes),))

    def is_whole(self, sent_bytes: int) -> bool:
        """Whether that is all of the object: then its use can't be given back, and nothing is freed by its end."""
        return self._download.range == (0, self._content.size) and sent_bytes == self._content.size

    def ended(self, sent_bytes: int) -> Change:
        """What its end, now, is to the account of uses."""
        download_id, now = self._download.id, self._now()
        return lambda uses: end(uses, download_id, sent_bytes, now)

    async def _change(self, changes: Sequence[Change]) -> None:
        await self._links.change_uses(self.link.link_id, {self.link.part: on_text(changes)})

    async def _chunks(
        self, chunks: AsyncIterator[bytes] | AsyncIterator[bytes | bytearray]
    ) -> AsyncIterator[bytes | bytearray]:
        position = self._download.first
        try:
            async for chunk in chunks:
                position += len(chunk)
                await self._need(position)
                yield chunk
        finally:
            await let_go(chunks)

    async def _slices(self, slices: AsyncIterator[Slice]) -> AsyncIterator[Slice]:
        position = self._download.first
        try:
            async for piece in slices:
                position += slice_size(piece)
                await self._need(position)
                yield piece
        finally:
            await let_go(slices)

    async def _need(self, position: int) -> None:
        if position > self._download.allowed_to:
            step_end = max(position, self._download.allowed_to + self._step)
            await self._allow(min(step_end, self._download.end))

    async def _allow(self, to: int) -> None:
        """Raises: Broken, when the register has given the download up."""
        now, download_id = self._now(), self._download.id

        def allowing(uses: Uses) -> Uses:
            going_on = allow(uses, download_id, to, now)
            if going_on is None:
                raise Gone(download_id)
            return going_on

        try:
            await self._change((allowing,))
        except Gone:
            raise Broken from None
        self._download = Download(download_id, self._download.first, self._download.end, to, now)

    def _now(self) -> float:
        return self._zero + self._loop.time()
