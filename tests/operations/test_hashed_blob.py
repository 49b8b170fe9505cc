"""What is hashed and written at two paces, and what happens where one of them fails or is slow."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import cast

import pytest

from coatcheck.core.digests import update_crc64
from coatcheck.core.errors import OssError
from coatcheck.core.limits import WRITE_LARGE_PIECE_BYTES, WRITE_WAITING_LEAST_BYTES, WRITE_WAITING_MAX_BYTES
from coatcheck.engines.memory_bytes import MemoryByteStore
from coatcheck.operations.hashed_blob import HashedBlob
from coatcheck.operations.intake import Expected, receive
from coatcheck.ports.byte_store import BlobStore, BlobWriter
from coatcheck.ports.catalog import NoSpace

from ..patience import until

MIB = 1024**2
_AHEAD_MAX_BYTES = WRITE_WAITING_MAX_BYTES + WRITE_LARGE_PIECE_BYTES + 65536


class HeldBlob:
    """Takes nothing until it is let go on; or fails then."""

    blob_id = "held"

    def __init__(self, failure: Exception | None = None) -> None:
        self.goes_on = asyncio.Event()
        self.written: list[bytes] = []
        self.is_finished = self.is_discarded = False
        self._failure = failure

    async def write(self, data: bytes | bytearray) -> None:
        await self.goes_on.wait()
        if self._failure is not None:
            raise self._failure
        self.written.append(bytes(data))

    async def finish(self) -> None:
        self.is_finished = True

    async def keep(self) -> None: ...

    async def discard(self) -> None:
        self.is_discarded = True


def store_of(held: HeldBlob) -> BlobStore:
    """A store whose next blob it is."""

    class Store:
        async def new_blob(self, *, encryption: str = "") -> BlobWriter:
            return held

    return cast("BlobStore", Store())


class Sender:
    """A body of pieces, and how many of them were taken."""

    def __init__(self, piece: bytes, many: int) -> None:
        self.taken = 0
        self._pieces = [piece] * many

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.taken += 1
            yield piece


async def test_digests_are_of_all_pieces_in_order() -> None:
    pieces = [bytes([number]) * (100_000 + 7 * number) for number in range(100)]
    whole = b"".join(pieces)
    store = MemoryByteStore()
    blob = HashedBlob(await store.new_blob())
    for piece in pieces:
        blob.add(piece)
        await blob.until_room()
    assert await blob.finish() == (hashlib.md5(whole, usedforsecurity=False).digest(), update_crc64(whole))
    assert blob.behind == 0


async def test_a_piece_that_comes_just_as_hashing_has_caught_up_is_hashed_once() -> None:
    """It comes from the hashing thread itself here, in the moment when that has said that it is idle."""
    held, loop = HeldBlob(), asyncio.get_running_loop()
    blob = HashedBlob(held)
    pieces = [bytes([number]) * 100_000 for number in range(100)]
    left = list(pieces)

    class Loop:
        def is_closed(self) -> bool:
            return False

        def call_soon_threadsafe(self, callback: Callable[[], object]) -> None:
            if left:
                blob.add(left.pop(0))
            loop.call_soon_threadsafe(callback)

    blob.add(left.pop(0))
    vars(blob)["_loop"] = Loop()
    await until(lambda: not left)
    held.goes_on.set()
    md5, crc64 = await blob.finish()
    whole = b"".join(pieces)
    assert (md5, crc64) == (hashlib.md5(whole, usedforsecurity=False).digest(), update_crc64(whole))


async def test_hashing_does_not_wait_for_the_disk() -> None:
    held = HeldBlob()
    blob = HashedBlob(held)
    for _ in range(20):
        blob.add(b"x" * MIB)
    await until(lambda: blob.unhashed == 0)
    assert (blob.behind, held.written) == (20 * MIB, [])
    held.goes_on.set()
    md5, _ = await blob.finish()
    assert md5 == hashlib.md5(b"x" * 20 * MIB, usedforsecurity=False).digest()
    assert held.is_finished


async def test_a_client_that_is_faster_than_the_disk_waits_for_it() -> None:
    held = HeldBlob()
    sender = Sender(b"x" * 65536, 400)  # 25 MiB
    incoming = asyncio.create_task(receive(sender.chunks(), store_of(held), most=100 * MIB))
    await until(lambda: sender.taken * 65536 > WRITE_WAITING_MAX_BYTES)
    for _ in range(100):
        await asyncio.sleep(0)
    assert sender.taken * 65536 <= _AHEAD_MAX_BYTES
    held.goes_on.set()
    came = await incoming
    assert (came.size, b"".join(held.written)) == (400 * 65536, b"x" * 400 * 65536)


async def test_many_at_once_share_what_may_wait() -> None:
    held = [HeldBlob() for _ in range(30)]
    senders = [Sender(b"x" * 65536, 400) for _ in held]
    incoming = [
        asyncio.create_task(receive(sender.chunks(), store_of(one), most=100 * MIB))
        for sender, one in zip(senders, held, strict=True)
    ]
    await until(lambda: all(sender.taken * 65536 > WRITE_WAITING_LEAST_BYTES for sender in senders))
    for _ in range(100):
        await asyncio.sleep(0)
    taken = [sender.taken * 65536 for sender in senders]
    for one in held:
        one.goes_on.set()
    assert max(taken) <= _AHEAD_MAX_BYTES  # of those that had begun before there were many
    assert max(taken[24:]) <= WRITE_WAITING_LEAST_BYTES + WRITE_LARGE_PIECE_BYTES + 65536
    assert {came.size for came in await asyncio.gather(*incoming)} == {400 * 65536}


@pytest.mark.parametrize("many", [3, 400], ids=["at the end", "while the client waits"])
async def test_a_write_that_fails_fails_the_body_and_leaves_nothing(many: int) -> None:
    held = HeldBlob(NoSpace("full"))
    held.goes_on.set()
    sender = Sender(b"x" * 65536, many)
    with pytest.raises(NoSpace):
        await receive(sender.chunks(), store_of(held), most=100 * MIB)
    assert held.is_discarded
    assert not held.is_finished
    assert sender.taken * 65536 <= _AHEAD_MAX_BYTES


async def test_a_digest_that_differs_discards_what_was_written() -> None:
    held = HeldBlob()
    held.goes_on.set()
    body = Sender(b"x" * 65536, 100).chunks()
    with pytest.raises(OssError) as refused:
        await receive(body, store_of(held), most=100 * MIB, expected=Expected(md5=bytes(16)))
    assert refused.value.fault.code == "InvalidDigest"
    assert held.is_discarded


async def test_what_waits_is_not_written_once_the_client_has_gone() -> None:
    held = HeldBlob()
    sender = Sender(b"x" * MIB, 100)
    incoming = asyncio.create_task(receive(sender.chunks(), store_of(held), most=100 * MIB))
    await until(lambda: sender.taken == 7)
    incoming.cancel()
    await asyncio.sleep(0)
    held.goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await incoming
    assert held.written == [b"x" * MIB]
    assert held.is_discarded
