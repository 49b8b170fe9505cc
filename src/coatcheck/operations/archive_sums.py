"""The CRC-32s of an archive's members: remembered from an earlier download, or computed while their bytes go by."""

from __future__ import annotations

import asyncio
import os
from array import array
from contextlib import suppress
from typing import Final

from msgspec.structs import replace

from coatcheck.core.body import FileSlice, Slice
from coatcheck.core.digests import update_crc32
from coatcheck.core.errors import Broken
from coatcheck.ports.catalog import NotWritten, Unknown
from coatcheck.ports.content_sums import ContentSums

from .archive_members import Archive

_ASKED_AT_ONCE: Final = 256
_KEPT_AT_ONCE: Final = 1024
_READ_BYTES: Final = 256 * 1024
_IN_THREAD_BYTES: Final = 128 * 1024  # less is summed sooner than a thread is asked
_UNASKED, _UNKNOWN, _KNOWN = range(3)


class ArchiveSums:
    """Those of one download. It holds 5 bytes a member."""

    def __init__(self, store: ContentSums, archive: Archive) -> None:
        self._store = store
        self._archive = archive
        self._sums = array("L", bytes(array("L").itemsize * len(archive.members)))
        self._states = bytearray(len(archive.members))
        self._new: dict[bytes, int] = {}

    async def find(self, number: int) -> int | None:
        """None where nobody has computed it yet."""
        if self._states[number] == _UNASKED:
            await self._ask(number)
        return self._sums[number] if self._states[number] == _KNOWN else None

    async def note(self, number: int, crc32: int) -> None:
        self._set(number, crc32)
        self._new[self._name(number)] = crc32
        if len(self._new) >= _KEPT_AT_ONCE:
            await self.remember()

    async def remember(self) -> None:
        """Remember for other downloads what was new. If it can't be written, it will be computed again."""
        if self._new:
            new, self._new = self._new, {}
            with suppress(NotWritten, Unknown):
                await self._store.note(new)

    async def _ask(self, first: int) -> None:
        members = self._archive.members
        names: dict[bytes, int] = {}
        for number in range(first, min(first + _ASKED_AT_ONCE, len(members))):
            if members.size(number):
                names[self._name(number)] = number
                self._states[number] = max(self._states[number], _UNKNOWN)
            else:
                self._set(number, 0)
        for name, crc32 in (await self._store.find(list(names))).items():
            self._set(names[name], crc32)

    def _name(self, number: int) -> bytes:
        member = self._archive.members.member(number)
        return self._archive.members.identity(number, self._archive.bucket_of(member).bucket_id)

    def _set(self, number: int, crc32: int) -> None:
        self._sums[number], self._states[number] = crc32, _KNOWN


class RunningSum:
    """A CRC-32 that is computed beside the sending: begun with a piece, and waited for before the next."""

    def __init__(self) -> None:
        self._crc32 = 0
        self._under_way: asyncio.Future[int | None] | None = None

    def begin(self, piece: Slice) -> None:
        """Bytes stay as they are until `wait` has returned."""
        if isinstance(piece, FileSlice):
            held = replace(piece, fd=os.dup(piece.fd))
            self._under_way = asyncio.get_running_loop().run_in_executor(None, _sum_file, held, self._crc32)
        elif len(piece) >= _IN_THREAD_BYTES:
            self._under_way = asyncio.get_running_loop().run_in_executor(None, update_crc32, piece, self._crc32)
        else:
            self._crc32 = update_crc32(piece, self._crc32)

    async def wait(self) -> int:
        """The CRC-32 so far. Raises: Broken, if the file got shorter or can't be read, which the sending finds too."""
        if self._under_way is not None:
            found, self._under_way = await self._under_way, None
            if found is None:
                raise Broken
            self._crc32 = found
        return self._crc32


def _sum_file(piece: FileSlice, crc32: int) -> int | None:
    """In a thread. Closes the descriptor."""
    fd, offset, left = piece.fd, piece.offset, piece.size
    buffer = bytearray(min(_READ_BYTES, left))
    try:
        while left:
            count = min(os.preadv(fd, [buffer], offset), left)
            if not count:
                return None
            crc32 = update_crc32(buffer if count == len(buffer) else buffer[:count], crc32)
            offset += count
            left -= count
    except OSError:
        return None
    finally:
        os.close(fd)
    return crc32
