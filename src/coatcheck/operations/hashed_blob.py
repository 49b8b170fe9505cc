"""A blob that is hashed while it is written, each at its own pace.

MD5 takes longest of all that a large upload needs. So it waits neither for the disk nor for the event loop as long as
there is anything to hash: a thread takes one piece after the other from a queue.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from weakref import WeakSet

from coatcheck.core.digests import EMPTY_CRC64, update_crc64
from coatcheck.core.limits import WRITE_WAITING_ALL_BYTES, WRITE_WAITING_LEAST_BYTES, WRITE_WAITING_MAX_BYTES
from coatcheck.ports.byte_store import BlobWriter

_PIECES_A_TURN: Final = 8  # of one upload, while others wait for a thread

_hashers = ThreadPoolExecutor(2, "coatcheck-hash")  # MD5 and CRC release the interpreter; two cores are enough

_under_way: Final[WeakSet[HashedBlob]] = WeakSet()


class HashedBlob:
    """Used by one task. What is added waits in memory until it is hashed and written; `until_room` bounds it.

    Attributes:
        unhashed, unwritten: bytes that were added.
    """

    def __init__(self, blob: BlobWriter) -> None:
        self.blob = blob
        _under_way.add(self)
        self._loop = asyncio.get_running_loop()
        self._progress = asyncio.Event()
        self._to_write: deque[bytes] = deque()
        self.unwritten = 0
        self._writing: asyncio.Task[None] | None = None
        self._lock = threading.Lock()  # of all that follows
        self._to_hash: deque[bytes] = deque()
        self.unhashed = 0
        self._is_hashing = False
        self._failure: Exception | None = None
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc64 = EMPTY_CRC64

    @property
    def behind(self) -> int:
        """Bytes that were added, and are not hashed or not written yet."""
        return max(self.unhashed, self.unwritten)

    def add(self, data: bytes) -> None:
        self._to_write.append(data)
        self.unwritten += len(data)
        if self._writing is None:
            self._writing = self._loop.create_task(self._write())
        with self._lock:
            self._to_hash.append(data)
            self.unhashed += len(data)
            if not self._is_hashing:
                self._is_hashing = True
                _hashers.submit(self._hash)

    async def until_room(self) -> None:
        """Wait until so little is behind that more may be added. Raises: what writing has raised."""
        share = WRITE_WAITING_ALL_BYTES // len(_under_way)
        await self._until(min(WRITE_WAITING_MAX_BYTES, max(WRITE_WAITING_LEAST_BYTES, share)))

    async def _until(self, most: int) -> None:
        while True:
            self._progress.clear()
            if self._failure is not None:
                raise self._failure
            if self.behind <= most:
                return
            await self._progress.wait()

    async def finish(self) -> tuple[bytes, int]:
        """Make it durable; the MD5 and the CRC-64 of all that was added. Raises: what writing has raised; NoSpace."""
        while self._writing is not None:
            await self._writing
        await self.blob.finish()
        await self._until(0)
        return self._md5.digest(), self._crc64

    async def stop(self) -> None:
        """Write no more, so that the blob can be discarded."""
        self._to_write.clear()
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _write(self) -> None:
        try:
            while self._to_write:
                data = self._to_write.popleft()
                await self.blob.write(data)
                self.unwritten -= len(data)
                self._progress.set()
            self._writing = None
        except Exception as error:
            self._failure = error
            self._progress.set()
            raise

    def _hash(self) -> None:
        """In a thread."""
        try:
            self._hash_some()
        except Exception as error:  # whoever waits would wait for ever
            self._failure = error
            self._tell()

    def _tell(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._progress.set)

    def _hash_some(self) -> None:
        """For as long as there is something and it is this upload's turn."""
        for _ in range(_PIECES_A_TURN):
            data = self._to_hash[0]
            self._md5.update(data)
            self._crc64 = update_crc64(data, self._crc64)
            with self._lock:
                self._to_hash.popleft()
                self.unhashed -= len(data)
                goes_on = self._is_hashing = bool(self._to_hash)  # once it is False another thread may begin
            self._tell()
            if not goes_on:
                return
        _hashers.submit(self._hash)


def end_hashers() -> None:
    """End the threads that hash. While nothing is taken in; the next intake has others."""
    global _hashers
    ended, _hashers = _hashers, ThreadPoolExecutor(2, "coatcheck-hash")
    ended.shutdown()
