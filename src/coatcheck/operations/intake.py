"""A body on its way in: hashed and written while it arrives, in bounded memory.

Small bodies stay in memory and end in the catalog row; larger ones become a blob. The client's Content-MD5 and CRC are
checked before anything is committed. Hashing and writing of one piece overlap with receiving the next.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from msgspec import Struct

from coatcheck.core.body import BodyFailed, BodyStalled
from coatcheck.core.digests import EMPTY_CRC64, update_crc64
from coatcheck.core.errors import (
    ENTITY_TOO_LARGE,
    INCOMPLETE_BODY,
    INVALID_CRC64,
    INVALID_DIGEST,
    REQUEST_TIMEOUT,
    OssError,
)
from coatcheck.core.limits import INLINE_MAX_BYTES, WRITE_PIECE_BYTES, WRITE_WAITING_MAX_BYTES
from coatcheck.ports.byte_store import BlobWriter, ByteStore
from coatcheck.ports.object import Segment

from .checksums import Summed
from .commit import discard

_hashers = ThreadPoolExecutor(2, "coatcheck-hash")  # MD5 and CRC release the interpreter; two cores are enough


class Incoming(Struct, frozen=True):
    """A body that arrived whole and passed its checks.

    Exactly one of `body` (inline) and `blob` (durable, to be kept or discarded by whoever commits) is set.
    """

    size: int
    md5: bytes
    crc64: int
    body: bytes | None
    blob: BlobWriter | None

    @property
    def etag(self) -> str:
        return self.md5.hex().upper()

    @property
    def segments(self) -> tuple[Segment, ...]:
        return () if self.blob is None else (Segment(self.blob.blob_id, 0, self.size),)


class Expected(Struct, frozen=True):
    """What the client said that the bytes are; None for what it didn't say.

    Attributes:
        md5: 16 bytes.
        crc64: CRC-64/XZ, as decimal text.
    """

    md5: bytes | None = None
    crc64: str | None = None


NOTHING_EXPECTED: Final = Expected()


class Arriving(NamedTuple):
    """A body that is still on its way.

    Attributes:
        chunks: ends, or fails with BodyFailed or an OssError of whoever watches it.
        announced: how many bytes are to come; None if that isn't known.
        summed: what knows of a checksum that came with it.
    """

    chunks: AsyncIterator[bytes]
    announced: int | None = None
    expected: Expected = NOTHING_EXPECTED
    summed: Summed | None = None


async def receive(
    body: AsyncIterator[bytes],
    store: ByteStore,
    *,
    most: int,
    announced: int | None = None,
    expected: Expected = NOTHING_EXPECTED,
    inline_most: int = INLINE_MAX_BYTES,
    encryption: str = "",
) -> Incoming:
    """Take a body in.

    Args:
        body: ends, or fails with BodyFailed or an OssError of whoever watches it.
        most: the largest size allowed, bytes.
        announced: how many bytes are to come; None if that isn't known.
        inline_most: up to so many bytes stay in memory and become no blob.
        encryption: how a blob is encrypted, a label; what stays in memory is not.
    Raises:
        OssError: ENTITY_TOO_LARGE, INCOMPLETE_BODY, REQUEST_TIMEOUT, INVALID_DIGEST, INVALID_CRC64.
        NoSpace: from the byte store.
    """
    if announced is not None and announced > most:
        raise ENTITY_TOO_LARGE()
    intake = _Intake(store, most, inline_most, encryption=encryption)
    try:
        async for chunk in body:
            await intake.take(chunk)
        if announced is not None and intake.size != announced:
            raise INCOMPLETE_BODY()
        incoming = await intake.end()
        _compare(expected, incoming)
    except BodyFailed as failure:
        await intake.abandon()
        raise body_fault(failure) from None
    except BaseException:
        await intake.abandon()
        raise
    return incoming


def body_fault(failure: BodyFailed) -> OssError:
    """The fault of a body that didn't arrive whole: the client went away, or stalled."""
    return REQUEST_TIMEOUT() if isinstance(failure, BodyStalled) else INCOMPLETE_BODY()


def _compare(expected: Expected, incoming: Incoming) -> None:
    if expected.md5 is not None and expected.md5 != incoming.md5:
        raise INVALID_DIGEST()
    if expected.crc64 is not None and expected.crc64 != str(incoming.crc64):
        raise INVALID_CRC64()


class _Intake:
    """Gathers chunks; past the inline size a task of its own hashes and writes what has gathered.

    While it works the next chunks gather, so its pieces grow when the client is faster than it, up to the point where
    the client is held back. A slow client never has more than one small piece in memory.
    """

    def __init__(self, store: ByteStore, most: int, inline_most: int, *, encryption: str) -> None:
        self.size = 0
        self._store = store
        self._most = most
        self._inline_most = inline_most
        self._encryption = encryption
        self._pieces: list[bytes] = []
        self._gathered = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc = EMPTY_CRC64
        self._blob: BlobWriter | None = None
        self._work: asyncio.Task[None] | None = None

    async def take(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self._most:
            raise ENTITY_TOO_LARGE()
        self._pieces.append(chunk)
        self._gathered += len(chunk)
        if self._gathered >= WRITE_PIECE_BYTES and (self._work is None or self._work.done()):
            await self._start_work()
        elif self._gathered >= WRITE_WAITING_MAX_BYTES:
            await self._finish_work()

    async def end(self) -> Incoming:
        if self.size <= self._inline_most:
            body = b"".join(self._pieces)
            self._md5.update(body)
            return Incoming(self.size, self._md5.digest(), update_crc64(body), body, None)
        await self._finish_work()
        await self._start_work()
        await self._finish_work()
        assert self._blob is not None
        await self._blob.finish()
        return Incoming(self.size, self._md5.digest(), self._crc, None, self._blob)

    async def abandon(self) -> None:
        if self._work is not None:
            await asyncio.gather(self._work, return_exceptions=True)
        await discard(self._blob)

    async def _start_work(self) -> None:
        await self._finish_work()
        if self._blob is None:
            self._blob = await self._store.new_blob(encryption=self._encryption)
        self._work = asyncio.create_task(self._absorb(self._blob))

    async def _finish_work(self) -> None:
        if self._work is not None:
            await self._work

    async def _absorb(self, blob: BlobWriter) -> None:
        """Hash and write what has gathered, and what gathers meanwhile. Hashing takes longest: while it goes on the
        piece is written, and the next one put together."""
        loop = asyncio.get_running_loop()
        hashed: asyncio.Future[None] | None = None
        try:
            while self._pieces:
                data = b"".join(self._pieces)
                self._pieces.clear()
                self._gathered = 0
                if hashed is not None:
                    await hashed
                hashed = loop.run_in_executor(_hashers, self._hash, data)
                await blob.write(data)
                if self._gathered < WRITE_PIECE_BYTES:
                    return
        finally:
            if hashed is not None:
                await hashed

    def _hash(self, data: bytes) -> None:
        self._md5.update(data)
        self._crc = update_crc64(data, self._crc)


def end_hashers() -> None:
    """End the threads that hash. While nothing is taken in; the next intake has others."""
    global _hashers
    ended, _hashers = _hashers, ThreadPoolExecutor(2, "coatcheck-hash")
    ended.shutdown()
