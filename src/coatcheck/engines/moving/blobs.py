"""The blobs of a store, copied from one end to the other: most of them while the store is written, the rest, of which
there are few, when it isn't any more."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct, field

from ...core.digests import EMPTY_CRC64, update_crc64
from ...ports.byte_store import BlobGone
from ...ports.damage import Damaged
from ..blob_paths import sync_directory
from ..sql.rows import read_crc64
from ..upkeep.copying import make_folder
from .blob_ends import BlobEnd
from .blob_lists import BlobList
from .tables import Catalog, Table

PAGE: Final = 64
_AT_ONCE: Final = 8  # each holds 24 MiB at most
_REMOVED_AT_ONCE: Final = 1000
_TABLE: Final = Table("blob", ("id", "size", "crc64"), ("id",), PAGE, True)

Note = Callable[[str, int, int], None]
"""Told what is copied, how much of it is done, and of how much."""


class Blob(NamedTuple):
    """
    Attributes:
        crc64: of its bytes; None where the catalog doesn't know it.
    """

    raw_id: bytes
    size: int | None
    crc64: int | None


class NotTheSame(Exception):
    """What was read back from the new place isn't what was written there."""


class Copied(Struct):
    """How many blobs and bytes this process has copied, and which could not be: they are missing, or aren't what was
    written long ago."""

    blobs: int = 0
    bytes: int = 0
    damaged: list[tuple[str, str]] = field(default_factory=list)


class BlobMove:
    """Both passes over the blobs of one move. `close` when it is over, one way or the other."""

    def __init__(self, catalog: Catalog, source: BlobEnd, target: BlobEnd, folder: Path, *, verify: bool) -> None:
        """
        Args:
            folder: for the lists; goes with `forget`.
            verify: read each blob back.
        """
        self._catalog, self._source, self._target = catalog, source, target
        self._verify = verify
        self._folder = folder
        make_folder(folder)
        sync_directory(folder.parent)
        kind = "verified" if verify else "copied"
        self._first, self._late = BlobList(folder / f"first.{kind}"), BlobList(folder / f"late.{kind}")
        self._again = BlobList(folder / f"again.{kind}")
        self._runner = asyncio.Runner()
        self.copied = Copied()

    def copy_first(self, note: Note) -> None:
        """While the store may be written. Raises: what the ends raise; NotTheSame."""
        total = self._catalog.blob_bytes()
        after = self._go_on(self._first)
        while page := self._page(after):
            self._first.add([blob.raw_id for blob in page])
            lost = self._runner.run(self._copy(page))
            if lost:
                self._again.add(sorted(blob.raw_id for blob, _ in lost))
            after = page[-1].raw_id
            note("blobs", self.copied.bytes, max(total, self.copied.bytes))

    def copy_rest(self, note: Note) -> None:
        """When nobody writes any more: what came meanwhile is copied, what went is removed. Raises: as `copy_first`."""
        total = self._catalog.blob_bytes()
        after, again = self._go_on(self._late), set(self._again)
        page: list[Blob] = []
        for blob in self._missing(after, again):
            page.append(blob)
            if len(page) == PAGE:
                self._copy_late(page)
                note("blobs", self.copied.bytes, max(total, self.copied.bytes))
                page = []
        self._copy_late(page)
        self._remove_stale()

    def forget(self) -> None:
        """The lists are of no more use."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        self._runner.close()

    def _go_on(self, copied: BlobList) -> bytes | None:
        """Where an earlier process broke off: its last page is taken back, since that may be there in part."""
        last = copied.take_back(PAGE)
        self._runner.run(self._target.remove([raw_id.hex() for raw_id in last]))
        return copied.cut(len(last))

    def _page(self, after: bytes | None) -> list[Blob]:
        rows = self._catalog.read(_TABLE, None if after is None else (after,))
        return [Blob(raw_id, size, None if crc64 is None else read_crc64(crc64)) for raw_id, size, crc64 in rows]

    def _named(self, after: bytes | None = None) -> Iterator[Blob]:
        while page := self._page(after):
            yield from page
            after = page[-1].raw_id

    def _missing(self, after: bytes | None, again: set[bytes]) -> Iterator[Blob]:
        """Of the blobs that rows name those that weren't copied in the first pass."""
        done = iter(self._first)
        there = next(done, None)
        for blob in self._named(after):
            while there is not None and there < blob.raw_id:
                there = next(done, None)
            if there != blob.raw_id or blob.raw_id in again:
                yield blob

    def _copy_late(self, page: list[Blob]) -> None:
        if page:
            self._late.add([blob.raw_id for blob in page])
            lost = self._runner.run(self._copy(page))
            self.copied.damaged += [(blob.raw_id.hex(), why) for blob, why in lost]

    def _remove_stale(self) -> None:
        """What was copied, and was released before the writing ended."""
        named = self._named()
        there = next(named, None)
        stale: list[str] = []
        for raw_id in self._first:
            while there is not None and there.raw_id < raw_id:
                there = next(named, None)
            if there is None or there.raw_id != raw_id:
                stale.append(raw_id.hex())
            if len(stale) == _REMOVED_AT_ONCE:
                self._runner.run(self._target.remove(stale))
                stale = []
        self._runner.run(self._target.remove(stale))

    async def _copy(self, page: list[Blob]) -> list[tuple[Blob, str]]:
        """Returns: those that could not be copied, and why."""
        room = asyncio.Semaphore(_AT_ONCE)

        async def copy(blob: Blob) -> str:
            async with room:
                return await self._copy_one(blob)

        try:
            async with asyncio.TaskGroup() as tasks:
                copies = [tasks.create_task(copy(blob)) for blob in page]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [(blob, why) for blob, copied in zip(page, copies, strict=True) if (why := copied.result())]

    async def _copy_one(self, blob: Blob) -> str:
        """Why it could not be copied; "" if it was. One whose bytes aren't right is copied as it is."""
        blob_id = blob.raw_id.hex()
        try:
            size = await self._source.size(blob_id)
            passing = _Passing(self._source.read(blob_id, size))
            await self._target.write(blob_id, passing.pieces())
        except (BlobGone, Damaged):
            return "its bytes are missing"
        self.copied.blobs += 1
        self.copied.bytes += passing.size
        if self._verify:
            back = _Passing(self._target.read(blob_id, passing.size))
            async for _ in back.pieces():
                pass
            if (back.size, back.crc64) != (passing.size, passing.crc64):
                raise NotTheSame(f"Blob {blob_id} is read back as something else. Look at the new place's store.")
        if blob.crc64 not in (None, passing.crc64) or blob.size not in (None, passing.size):
            return "its bytes are not what was written"
        return ""


class _Passing:
    """Pieces, and what they have come to."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self.size, self.crc64 = 0, EMPTY_CRC64

    async def pieces(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces:
            self.size += len(piece)
            self.crc64 = update_crc64(piece, self.crc64)
            yield piece
