from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from coatcheck.engines import files
from coatcheck.engines.blob_paths import BlobPaths
from coatcheck.engines.checks import BlobChecks
from coatcheck.engines.files import OPEN_AT_ONCE
from coatcheck.engines.local import LocalEngines, prepare_local
from coatcheck.linux import CAN_SEND_FILES
from coatcheck.ports.byte_store import BlobGone, BlobReader, BlobStore
from coatcheck.ports.catalog import NoSpace
from coatcheck.ports.damage import Damaged
from coatcheck.ports.object import Segment

from ..audit import audit
from ..ports.byte_store_contract import ByteStoreContract, a_blob, content_of
from ..ports.catalog_contract import a_bucket, a_large_object


class TestFileByteStore(ByteStoreContract):
    @pytest.fixture
    def store(self, engines: LocalEngines) -> BlobStore:
        return engines.byte_store


class TestFileByteStoreWhenThePageCacheIsCold(ByteStoreContract):
    @pytest.fixture
    def store(self, engines: LocalEngines, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
        def would_wait(*_: object) -> int:
            raise BlockingIOError

        monkeypatch.setattr(os, "preadv", would_wait)
        return engines.byte_store


def files_in(data: Path) -> list[str]:
    """Names in incoming/ and blobs/, from the data directory."""
    paths = [*(data / "incoming").iterdir(), *(data / "blobs").glob("*/*")]
    return sorted(str(path.relative_to(data)) for path in paths)


async def test_a_blob_has_its_names_when_it_should(engines: LocalEngines, data: Path) -> None:
    writer = await engines.byte_store.new_blob()
    first, final = f"incoming/{writer.blob_id}", f"blobs/{writer.blob_id[:2]}/{writer.blob_id}"
    assert files_in(data) == [first]
    await writer.write(b"hello")
    assert files_in(data) == [first]
    await writer.finish()
    assert files_in(data) == [final, first]
    await writer.keep()
    assert files_in(data) == [final]
    await engines.byte_store.remove([writer.blob_id])
    assert files_in(data) == []


async def test_a_discarded_blob_leaves_nothing(engines: LocalEngines, data: Path) -> None:
    writer = await engines.byte_store.new_blob()
    await writer.write(b"hello")
    await writer.finish()
    await writer.discard()
    assert files_in(data) == []


async def test_bytes_and_names_are_synced_before_a_blob_is_finished(
    engines: LocalEngines, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync, link = os.fsync, os.link

    def noting_fsync(fd: int) -> None:
        synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{fd}"), data))
        fsync(fd)

    def noting_link(here: str, there: str) -> None:
        synced.append("link")
        link(here, there)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "link", noting_link)
    writer = await engines.byte_store.new_blob()
    await writer.write(b"hello")
    await writer.finish()
    shard = f"blobs/{writer.blob_id[:2]}"
    assert synced == [f"incoming/{writer.blob_id}", "incoming", "blobs", "link", shard]


async def test_a_directory_of_blobs_is_durable_before_a_blob_is_named_in_it(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever made it: another process, a first release, or an attempt whose sync failed."""
    events: list[str] = []
    fsync, link = os.fsync, os.link

    def noting_fsync(fd: int) -> None:
        events.append(os.path.relpath(os.readlink(f"/proc/self/fd/{fd}"), data))
        fsync(fd)

    def noting_link(here: str, there: str) -> None:
        events.append("link")
        link(here, there)

    def finish(paths: BlobPaths, blob_id: str) -> list[str]:
        Path(paths.incoming(blob_id)).touch()
        events.clear()
        paths.make_final(blob_id)
        return list(events)

    def failing_fsync(fd: int) -> None:
        noting_fsync(fd)
        if events[-1] == "blobs":
            raise OSError(errno.EIO, "bad disk")

    monkeypatch.setattr(os, "link", noting_link)
    one, other = BlobPaths(data), BlobPaths(data)  # of two processes
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", failing_fsync)
        with pytest.raises(OSError, match="bad disk"):
            finish(one, "ab" + "3" * 30)
    assert events == ["incoming", "blobs"]
    monkeypatch.setattr(os, "fsync", noting_fsync)
    assert finish(one, "ab" + "0" * 30) == ["incoming", "blobs", "link", "blobs/ab"]
    assert finish(one, "ab" + "1" * 30) == ["incoming", "link", "blobs/ab"]
    assert finish(other, "ab" + "2" * 30) == ["incoming", "blobs", "link", "blobs/ab"]
    assert sorted(other.stored()) == ["ab" + digit * 30 for digit in "012"]
    assert (data / "blobs" / "ab").stat().st_mode & 0o777 == 0o700


def test_directories_of_blobs_are_made_when_they_are_needed(data: Path) -> None:
    paths = BlobPaths(data)
    assert os.listdir(data / "blobs") == []
    assert list(paths.stored()) == []
    paths.remove(["ab" + "0" * 30])
    paths.discard("ab" + "0" * 30)
    assert os.listdir(data / "blobs") == []


def test_the_directories_of_the_first_release_are_taken_as_they_are(data: Path) -> None:
    for number in range(256):
        (data / "blobs" / f"{number:02x}").mkdir(0o700)
    (data / "blobs" / "00" / ("0" * 32)).touch()
    (data / "blobs" / "ff" / ("f" * 32)).touch()
    prepare_local(data).close()
    assert list(BlobPaths(data).stored()) == ["0" * 32, "f" * 32]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["write", "fsync", "link"])
async def test_a_full_disk_is_no_space_and_leaves_nothing(
    engines: LocalEngines, data: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    async def write_and_finish() -> None:
        await writer.write(b"hello")
        await writer.finish()

    writer = await engines.byte_store.new_blob()
    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(NoSpace):
            await write_and_finish()
    await writer.discard()
    assert files_in(data) == []


async def test_a_full_disk_is_no_space_from_the_first_call(
    engines: LocalEngines, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", full)
        with pytest.raises(NoSpace):
            await engines.byte_store.new_blob()
    assert files_in(data) == []


async def test_a_short_write_is_continued(engines: LocalEngines, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    writer = await engines.byte_store.new_blob()
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
        await writer.write(b"0123456789")
    await writer.finish()
    assert await content_of(engines.byte_store, Segment(writer.blob_id, 0, 10)) == b"0123456789"


async def test_a_truncated_file_is_an_error_not_less_bytes(engines: LocalEngines, data: Path) -> None:
    blob = await a_blob(engines.byte_store, b"0123456789")
    os.truncate(data / "blobs" / blob[:2] / blob, 5)
    with pytest.raises(Damaged, match="shorter than it should be"):
        await content_of(engines.byte_store, Segment(blob, 0, 10))


async def test_no_file_stays_open(engines: LocalEngines) -> None:
    before = len(os.listdir("/proc/self/fd"))
    blobs = [await a_blob(engines.byte_store, b"hello") for _ in range(OPEN_AT_ONCE + 10)]
    segments = tuple(Segment(blob, 0, 5) for blob in blobs)
    assert await content_of(engines.byte_store, *segments) == b"hello" * (OPEN_AT_ONCE + 10)
    with pytest.raises(BlobGone):
        await engines.byte_store.open([*segments[:3], Segment("00" * 16, 0, 5)])
    abandoned = await engines.byte_store.new_blob()
    await abandoned.write(b"hello")
    await abandoned.discard()
    await engines.byte_store.remove(blobs)  # which stay open for a moment, for the next reader
    assert len(os.listdir("/proc/self/fd")) == before


async def test_a_blob_that_is_all_of_the_content_is_a_file_open_for_reading(engines: LocalEngines) -> None:
    blob = await a_blob(engines.byte_store, b"hello")
    reader = await engines.byte_store.open([Segment(blob, 0, 5)])
    async with reader.as_file() as file:
        assert file is not None
        assert fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
        await engines.byte_store.remove([blob])
        assert os.pread(file, 10, 0) == b"hello"
    await reader.close()


@pytest.mark.skipif(not CAN_SEND_FILES, reason="no file is sent by the kernel here")
async def test_a_file_is_at_hand_once_its_bytes_are_believed(
    engines: LocalEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BlobChecks, "is_small", lambda *_: False)
    store, hello = engines.byte_store, await a_blob(engines.byte_store, b"hello")
    first = await store.open([Segment(hello, 1, 5)])
    assert first.at_hand(0, 4) is None
    await first.verify()
    file = first.at_hand(1, 3)
    assert file is not None
    assert (os.pread(file.fd, file.size, file.offset), file.size) == (b"ll", 2)
    assert first.at_hand(0, 0) is first.at_hand(0, 5) is None
    await first.close()
    twice = await store.open([Segment(hello, 0, 5), Segment(hello, 0, 5)])
    assert twice.at_hand(0, 5) is None
    await twice.close()


async def test_what_the_page_cache_lacks_is_not_at_hand(engines: LocalEngines, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = await a_blob(engines.byte_store, b"hello")
    reader = await engines.byte_store.open([Segment(blob, 0, 5)])
    await reader.verify()
    monkeypatch.setattr(files, "is_cached", lambda *_: False)
    assert reader.at_hand(0, 5) is None
    await reader.close()


async def test_of_very_many_blobs_the_first_are_held_and_the_others_seen_to_be_gone(engines: LocalEngines) -> None:
    blobs = [await a_blob(engines.byte_store, b"hello") for _ in range(OPEN_AT_ONCE + 2)]
    reader = await engines.byte_store.open(tuple(Segment(blob, 0, 5) for blob in blobs))
    await engines.byte_store.remove(blobs)
    chunks = reader.chunks(0, 5 * len(blobs))
    assert [await anext(chunks) for _ in range(OPEN_AT_ONCE)] == [b"hello"] * OPEN_AT_ONCE
    with pytest.raises(BlobGone):
        await anext(chunks)
    await reader.close()


async def test_audit_finds_what_does_not_fit(engines: LocalEngines, data: Path) -> None:
    bucket = await engines.catalog.create_bucket(a_bucket(), most=1)
    orphan, lost, short = [await a_blob(engines.byte_store, bytes(100_000)) for _ in range(3)]
    for key, blob in (("lost", lost), ("short", short)):
        await engines.catalog.put_object(bucket.bucket_id, a_large_object(key, blob))
    in_flight = await engines.byte_store.new_blob()
    os.unlink(data / "blobs" / lost[:2] / lost)
    os.truncate(data / "blobs" / short[:2] / short, 99_999)
    report = audit(data)
    assert report.orphans == (orphan,)
    assert report.missing == ((bucket.bucket_id, "lost", lost), (bucket.bucket_id, "short", short))
    assert report.in_flight == (in_flight.blob_id,)
    assert not report.clean


async def test_pieces_get_smaller_the_more_is_lent_out(engines: LocalEngines) -> None:
    store = engines.byte_store
    content = bytes(3 * 1024 * 1024)
    blob = await a_blob(store, content)
    readers = [await store.open([Segment(blob, 0, len(content))]) for _ in range(300)]
    stalled = [reader.chunks(0, len(content)) for reader in readers]
    pieces = [len(await anext(chunks)) for chunks in stalled]
    assert pieces[:32] == [128 * 1024] * 32
    assert pieces[32:288] == [8 * 1024] * 256
    assert pieces[288:] == [4 * 1024] * 12
    for chunks, reader in zip(stalled, readers, strict=True):
        await chunks.aclose()  # type: ignore[attr-defined]  # an async generator
        await reader.close()
    reader = await store.open([Segment(blob, 0, len(content))])
    assert [len(piece) async for piece in reader.chunks(0, 1024 * 1024)] == [512 * 1024] * 2
    await reader.close()


async def test_what_a_closed_reader_lent_counts_no_more_though_its_generator_lives(engines: LocalEngines) -> None:
    store = engines.byte_store
    content = bytes(3 * 1024 * 1024)
    blob = await a_blob(store, content)

    async def stall(count: int, *, close: bool) -> list[int]:
        pieces = []
        for _ in range(count):
            reader = await store.open([Segment(blob, 0, len(content))])
            stalled.append((reader.chunks(0, len(content)), reader))
            pieces.append(len(await anext(stalled[-1][0])))
            if close:
                await reader.close()
        return pieces

    stalled: list[tuple[AsyncIterator[bytes | bytearray], BlobReader]] = []
    assert await stall(100, close=True) == [128 * 1024] * 100
    for chunks, _ in stalled:  # they give back nothing a second time
        await chunks.aclose()  # type: ignore[attr-defined]  # an async generator
    stalled.clear()
    assert await stall(33, close=False) == [128 * 1024] * 32 + [8 * 1024]
    for chunks, reader in stalled:
        await chunks.aclose()  # type: ignore[attr-defined]  # an async generator
        await reader.close()
