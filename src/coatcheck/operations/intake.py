"""A body on its way in: hashed and written while it arrives, in bounded memory.

Small bodies stay in memory and end in the catalog row; larger ones become a blob. The client's Content-MD5 and CRC are
checked before anything is committed. Hashing and writing go on beside the receiving.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from coatcheck.core.body import BodyFailed, BodyStalled
from coatcheck.core.digests import update_crc64
from coatcheck.core.errors import (
    ENTITY_TOO_LARGE,
    INCOMPLETE_BODY,
    INVALID_CRC64,
    INVALID_DIGEST,
    REQUEST_TIMEOUT,
    OssError,
)
from coatcheck.core.limits import INLINE_MAX_BYTES, WRITE_LARGE_PIECE_BYTES, WRITE_PIECE_BYTES
from coatcheck.core.record import Record
from coatcheck.ports.byte_store import BlobStore, BlobWriter
from coatcheck.ports.object import Segment

from .checksums import Summed
from .commit import discard
from .hashed_blob import HashedBlob


class Incoming(Record, frozen=True):
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


class Expected(Record, frozen=True):
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
    store: BlobStore,
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
    failure: BaseException
    try:
        return await _take_all(intake, body, announced, expected)
    except BaseException as error:  # to wait in here goes wrong where mypyc compiles it
        failure = error
    await intake.abandon()
    try:
        raise body_fault(failure) if isinstance(failure, BodyFailed) else failure
    finally:
        del failure  # its traceback holds this frame: a circle


async def _take_all(intake: _Intake, body: AsyncIterator[bytes], announced: int | None, expected: Expected) -> Incoming:
    async for chunk in body:
        await intake.take(chunk)
    if announced is not None and intake.size != announced:
        raise INCOMPLETE_BODY()
    incoming = await intake.end()
    _compare(expected, incoming)
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
    """Gathers chunks; past the inline size what has gathered is hashed and written beside.

    While that goes on the next chunks gather, so pieces grow when the client is faster, up to the point where it is
    held back. A slow client never has more than one small piece in memory.
    """

    def __init__(self, store: BlobStore, most: int, inline_most: int, *, encryption: str) -> None:
        self.size = 0
        self._store = store
        self._most = most
        self._inline_most = inline_most
        self._encryption = encryption
        self._pieces: list[bytes] = []
        self._gathered = 0
        self._blob: HashedBlob | None = None

    async def take(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self._most:
            raise ENTITY_TOO_LARGE()
        self._pieces.append(chunk)
        self._gathered += len(chunk)
        if self._gathered < WRITE_PIECE_BYTES:
            return
        if self._gathered >= WRITE_LARGE_PIECE_BYTES or self._blob is None or self._blob.behind == 0:
            blob = await self._hand_on()
            await blob.until_room()

    async def end(self) -> Incoming:
        if self.size <= self._inline_most:
            body = b"".join(self._pieces)
            md5 = hashlib.md5(body, usedforsecurity=False).digest()
            return Incoming(self.size, md5, update_crc64(body), body, None)
        blob = await self._hand_on()
        md5, crc64 = await blob.finish()
        return Incoming(self.size, md5, crc64, None, blob.blob)

    async def abandon(self) -> None:
        if self._blob is not None:
            await self._blob.stop()
            await discard(self._blob.blob)

    async def _hand_on(self) -> HashedBlob:
        if self._blob is None:
            self._blob = HashedBlob(await self._store.new_blob(encryption=self._encryption))
        self._blob.add(b"".join(self._pieces))
        self._pieces.clear()
        self._gathered = 0
        return self._blob
