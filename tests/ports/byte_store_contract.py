"""What every byte store does. An engine joins by subclassing `ByteStoreContract` with a `store` fixture."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest

from coatcheck.ports.byte_store import BlobGone, BlobStore, is_encrypted
from coatcheck.ports.object import Segment

CONTENT = bytes(range(256)) * 2048  # 512 KiB: more than one piece


async def a_blob(store: BlobStore, content: bytes) -> str:
    """Write, finish and keep a blob; its id."""
    writer = await store.new_blob()
    await writer.write(content)
    await writer.finish()
    await writer.keep()
    return writer.blob_id


async def content_of(store: BlobStore, *segments: Segment) -> bytes:
    size = sum(segment.stop - segment.start for segment in segments)
    return await slice_of(store, 0, size, *segments)


async def slice_of(store: BlobStore, start: int, stop: int, *segments: Segment) -> bytes:
    reader = await store.open(segments)
    try:
        return b"".join([chunk async for chunk in reader.chunks(start, stop)])
    finally:
        await reader.close()


async def file_of(store: BlobStore, *segments: Segment) -> bytes | None:
    """What the file has that the segments are, if they are one."""
    reader = await store.open(segments)
    try:
        async with reader.as_file() as file:
            return None if file is None else os.pread(file, 1024**2, 0)
    finally:
        await reader.close()


async def _nothing() -> None:
    """What was discarded is gone already."""


class ByteStoreContract:
    @pytest.fixture
    def settle(self) -> Callable[[], Awaitable[object]]:
        """What has discarded blobs removed, where a sweep does that."""
        return _nothing

    async def test_what_was_written_is_read(self, store: BlobStore) -> None:
        writer = await store.new_blob()
        await writer.write(b"one ")
        await writer.write(bytearray(b"two "))
        await writer.write(b"")
        await writer.write(b"three")
        await writer.finish()
        await writer.keep()
        assert await content_of(store, Segment(writer.blob_id, 0, 13)) == b"one two three"

    async def test_a_finished_blob_is_readable_before_it_is_kept(self, store: BlobStore) -> None:
        writer = await store.new_blob()
        await writer.write(b"hello")
        await writer.finish()
        assert await content_of(store, Segment(writer.blob_id, 0, 5)) == b"hello"

    async def test_blob_ids_are_32_hex_digits_and_differ(self, store: BlobStore) -> None:
        ids = {(await store.new_blob()).blob_id for _ in range(10)}
        assert len(ids) == 10
        assert all(len(bytes.fromhex(blob_id)) == 16 and blob_id == blob_id.lower() for blob_id in ids)

    async def test_a_large_blob_comes_in_pieces(self, store: BlobStore) -> None:
        content = CONTENT * 6
        blob = await a_blob(store, content)
        reader = await store.open([Segment(blob, 0, len(content))])
        pieces = [bytes(piece) async for piece in reader.chunks(0, len(content))]
        await reader.close()
        assert max(len(piece) for piece in pieces) <= 1024**2
        assert b"".join(pieces) == content

    async def test_segments_are_read_as_one(self, store: BlobStore) -> None:
        first, second = await a_blob(store, b"0123456789"), await a_blob(store, b"abcdefghij")
        segments = (Segment(first, 2, 5), Segment(second, 0, 10), Segment(first, 9, 10), Segment(second, 3, 3))
        whole = b"234abcdefghij9"
        assert await content_of(store, *segments) == whole
        for start, stop in ((0, 0), (0, 1), (2, 4), (3, 13), (13, 14), (14, 14), (5, 5)):
            assert await slice_of(store, start, stop, *segments) == whole[start:stop]

    async def test_nothing_is_read_of_no_segments(self, store: BlobStore) -> None:
        assert await content_of(store) == b""

    async def test_a_reader_goes_on_when_its_blob_is_removed(self, store: BlobStore) -> None:
        blob = await a_blob(store, CONTENT)
        reader = await store.open([Segment(blob, 0, len(CONTENT))])
        await store.remove([blob])
        assert b"".join([chunk async for chunk in reader.chunks(0, len(CONTENT))]) == CONTENT
        await reader.close()

    async def test_a_removed_blob_is_gone(self, store: BlobStore) -> None:
        blob, other = await a_blob(store, b"hello"), await a_blob(store, b"other")
        await store.remove([blob])
        with pytest.raises(BlobGone):
            await store.open([Segment(other, 0, 5), Segment(blob, 0, 5)])
        await store.remove([blob, other])
        await store.remove([])

    async def test_a_discarded_blob_is_gone_at_any_stage(
        self, store: BlobStore, settle: Callable[[], Awaitable[object]]
    ) -> None:
        fresh, written, finished = await store.new_blob(), await store.new_blob(), await store.new_blob()
        await written.write(b"hello")
        await finished.write(b"hello")
        await finished.finish()
        for writer in (fresh, written, finished):
            await writer.discard()
            await writer.discard()
            await settle()
            with pytest.raises(BlobGone):
                await store.open([Segment(writer.blob_id, 0, 5)])

    async def test_a_reader_may_be_closed_twice_and_unread(self, store: BlobStore) -> None:
        reader = await store.open([Segment(await a_blob(store, b"hello"), 0, 5)])
        await reader.close()
        await reader.close()

    async def test_a_write_that_was_cancelled_can_be_discarded(
        self, store: BlobStore, settle: Callable[[], Awaitable[object]]
    ) -> None:
        writer = await store.new_blob()
        write = asyncio.ensure_future(writer.write(CONTENT))
        await asyncio.sleep(0)
        write.cancel()
        await asyncio.gather(write, return_exceptions=True)
        await writer.discard()
        await settle()
        with pytest.raises(BlobGone):
            await store.open([Segment(writer.blob_id, 0, 1)])

    async def test_as_a_file_it_has_its_content_and_nothing_else_or_there_is_none(self, store: BlobStore) -> None:
        blob, other = await a_blob(store, CONTENT), await a_blob(store, b"other")
        whole = Segment(blob, 0, len(CONTENT))
        assert await file_of(store, whole) in (CONTENT, None)
        assert await file_of(store, Segment(blob, 0, 100)) is None
        assert await file_of(store, Segment(blob, 1, len(CONTENT))) is None
        assert await file_of(store, whole, Segment(other, 0, 5)) is None
        assert await file_of(store) is None

    async def test_many_are_written_and_read_at_once(self, store: BlobStore) -> None:
        contents = [bytes([number]) * 200_000 for number in range(20)]
        blobs = await asyncio.gather(*(a_blob(store, content) for content in contents))
        reads = (content_of(store, Segment(blob, 0, 200_000)) for blob in blobs)
        assert await asyncio.gather(*reads) == contents

    async def test_the_size_of_a_blob_is_that_of_its_content(self, store: BlobStore) -> None:
        for content in (b"", b"hello", CONTENT, CONTENT[:65536], CONTENT[:65537]):
            assert await store.size(await a_blob(store, content)) == len(content)
        with pytest.raises(BlobGone):
            await store.size("0" * 32)

    async def test_an_id_says_whether_its_blob_is_to_be_encrypted(self, store: BlobStore) -> None:
        writers = [await store.new_blob(encryption=encryption) for encryption in ("AES256", "") * 20]
        assert [is_encrypted(writer.blob_id) for writer in writers] == [True, False] * 20
        for writer in writers:
            await writer.discard()
