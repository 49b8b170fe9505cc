"""Many objects as one ZIP file, made while it is sent: any range of it, in flat memory.

Each object is found, decided on and opened anew when its turn is near (one ahead of what goes out), and has to be what
it was when the archive was put together. One that isn't, or can't be read, breaks the download off: what came before
never looks whole, since the directory stands at the end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import Final, NamedTuple, cast

from coatcheck.archives.members import Member
from coatcheck.archives.zip_layout import Part, Piece, ZipLayout
from coatcheck.core.body import Slice, Stream, let_go, one_chunk
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import Broken, OssError

from .archive_members import Archive, find_member
from .archive_sums import ArchiveSums, RunningSum
from .commit import ReplacedMeanwhile
from .context import Context
from .get import inline_content, open_content

_GATHERED_BYTES: Final = 32 * 1024  # of headers and the directory, which are sent together
_IN_THREAD_MEMBERS: Final = 5000  # of more, laying out holds up the event loop for tens of milliseconds

log: Final = logging.getLogger("coatcheck")


class MemberSpan(NamedTuple):
    """Bytes of a member that a part of the archive has."""

    member: Member
    span: ByteRange


class ArchiveDownload:
    """One download of an archive, or of a range of it. Close it, or the stream that it opened."""

    def __init__(self, context: Context, archive: Archive, layout: ZipLayout) -> None:
        self.archive = archive
        self._context = context
        self._layout = layout
        self._sums = ArchiveSums(context.ports.content_sums, archive)
        self._span = ByteRange(0, layout.size)
        self._coming: Iterator[Piece] = iter(())
        self._ahead: asyncio.Future[bytes | Stream] | None = None
        self._current: Stream | None = None

    @classmethod
    async def of(cls, context: Context, archive: Archive) -> ArchiveDownload:
        if len(archive.members) > _IN_THREAD_MEMBERS:
            return cls(context, archive, await asyncio.to_thread(ZipLayout, archive.members))
        return cls(context, archive, ZipLayout(archive.members))

    @property
    def size(self) -> int:
        """Of the whole ZIP file, bytes."""
        return self._layout.size

    @property
    def etag(self) -> str:
        """A strong one, of all that it is made from; without quotes."""
        return self.archive.members.etag()

    def contents(self, span: ByteRange) -> Iterator[MemberSpan]:
        """What a range of the file has of which members, in its order."""
        for part, number, start, stop in self._layout.pieces(span.start, span.stop):
            if part is Part.CONTENT:
                yield MemberSpan(self.archive.members.member(number), ByteRange(start, stop))

    async def open(self, span: ByteRange) -> Stream:
        """Those bytes of the file, made while they are sent; the first object in it is open then. Called once.

        Raises: OssError, Damaged, of that object; ReplacedMeanwhile, if it isn't what it was.
        """
        self._span = span
        self._coming = (piece for piece in self._pieces() if piece.part is Part.CONTENT)
        first = next(self._coming, None)
        if first is not None:
            content = await self._open(first)
            self._ahead = asyncio.get_running_loop().create_future()
            self._ahead.set_result(content)
        chunks = cast("AsyncIterator[bytes | bytearray]", self._send(by_kernel=False))  # of files slices are sent alone
        return Stream(chunks, span.size, self.close, self._send(by_kernel=True))

    async def close(self) -> None:
        """May be called twice."""
        self._coming = iter(())
        self.archive.close()
        ahead, self._ahead = self._ahead, None
        current, self._current = self._current, None
        if ahead is not None:
            (opened,) = await asyncio.gather(ahead, return_exceptions=True)
            await _close(opened)
        await _close(current)
        await self._sums.remember()

    def _pieces(self) -> Iterator[Piece]:
        return self._layout.pieces(self._span.start, self._span.stop)

    # --- what goes out ---

    async def _send(self, *, by_kernel: bool) -> AsyncGenerator[Slice]:
        gathered = bytearray()
        for piece in self._pieces():
            if piece.part is Part.CONTENT:
                if gathered:
                    yield gathered
                    gathered = bytearray()
                async with aclosing(self._send_content(piece, by_kernel=by_kernel)) as content:
                    async for sent in content:
                        yield sent
                continue
            if piece.part in (Part.DESCRIPTOR, Part.RECORD) and await self._sums.find(piece.number) is None:
                async with aclosing(self._compute(piece.number)) as signs_of_life:
                    async for nothing in signs_of_life:
                        yield nothing
            gathered += (await self._between(piece))[piece.start : piece.stop]
            if len(gathered) >= _GATHERED_BYTES:
                yield gathered
                gathered = bytearray()
        if gathered:
            yield gathered

    async def _between(self, piece: Piece) -> bytes:
        """What stands between contents."""
        layout, number = self._layout, piece.number
        if piece.part is Part.HEADER:
            return layout.header(number)
        if piece.part is Part.END:
            return layout.end()
        crc32 = await self._sums.find(number)
        assert crc32 is not None
        return layout.descriptor(number, crc32) if piece.part is Part.DESCRIPTOR else layout.record(number, crc32)

    async def _send_content(self, piece: Piece, *, by_kernel: bool) -> AsyncGenerator[Slice]:
        content = await self._next()
        is_whole = piece.stop - piece.start == self.archive.members.size(piece.number)
        running = RunningSum() if is_whole and await self._sums.find(piece.number) is None else None
        async for sent in _pieces_of(content, by_kernel=by_kernel):
            if running is None:
                yield sent
                continue
            running.begin(sent)
            yield sent
            await running.wait()
        if running is not None:
            await self._sums.note(piece.number, await running.wait())
        current, self._current = self._current, None
        await _close(current)

    async def _compute(self, number: int) -> AsyncGenerator[bytes]:
        """Read all of a member for its CRC-32 alone. Nothing at all is sent now and then, to find whoever has gone."""
        running, size = RunningSum(), self.archive.members.size(number)
        content = await self._open_or_break(Piece(Part.CONTENT, number, 0, size))
        try:
            async for piece in _pieces_of(content, by_kernel=False):
                running.begin(piece)
                yield b""
                await running.wait()
            await self._sums.note(number, await running.wait())
        finally:
            await _close(content)

    # --- objects, one ahead ---

    async def _next(self) -> bytes | Stream:
        """The content whose turn it is; the one behind it is opened meanwhile."""
        assert self._ahead is not None
        content = await self._ahead
        self._current = content if isinstance(content, Stream) else None
        coming = next(self._coming, None)
        self._ahead = None if coming is None else asyncio.ensure_future(self._open_or_break(coming))
        return content

    async def _open_or_break(self, piece: Piece) -> bytes | Stream:
        try:
            return await self._open(piece)
        except (OssError, ReplacedMeanwhile) as error:
            member = self.archive.members.member(piece.number)
            bucket = self.archive.bucket_of(member).name
            reason = error.code if isinstance(error, OssError) else "it has changed"
            log.info("an archive breaks off bucket=%s key=%r: %s", bucket, member.key, reason)
            raise Broken from None

    async def _open(self, piece: Piece) -> bytes | Stream:
        """Raises: OssError; ReplacedMeanwhile, if it isn't what it was; Damaged."""
        context, member = self._context, self.archive.members.member(piece.number)
        bucket = self.archive.bucket_of(member)
        grant, found = await find_member(context, bucket, member.key, member.version_id)
        if (found.size, found.etag, found.last_modified) != (member.size, member.etag, member.modified):
            raise ReplacedMeanwhile
        if bucket.configurations and member.version_id is None:
            context.ports.accesses.note(bucket, member.key, context.now)
        span = ByteRange(piece.start, piece.stop)
        content = inline_content(context, grant, found, span)
        return await open_content(context, grant, found, span) if content is None else content


def _pieces_of(content: bytes | Stream, *, by_kernel: bool) -> AsyncIterator[Slice]:
    if isinstance(content, bytes):
        return one_chunk(content)
    return content.slices if by_kernel and content.slices is not None else content.chunks


async def _close(opened: object) -> None:
    """What was opened, if it has to be closed."""
    if isinstance(opened, Stream):
        await let_go(opened.chunks)
        await let_go(opened.slices)
        await opened.close()
