"""A whole object that is one file, believed and in memory, goes out without anybody waiting; all else isn't at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coatcheck.core.body import Stream
from coatcheck.core.digests import update_crc64
from coatcheck.engines import held_file
from coatcheck.engines.local import LocalEngines
from coatcheck.linux import CAN_SEND_FILES
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import ObjectRecord, Segment

from ..ports.byte_store_contract import a_blob

pytestmark = pytest.mark.skipif(not CAN_SEND_FILES, reason="no file is sent by the kernel here")
CONTENT = b"hello" * 20_000
CRC64 = update_crc64(CONTENT)


def origin_of(*segments: Segment) -> Origin:
    size = sum(segment.stop - segment.start for segment in segments)
    return Origin(
        "photos", ObjectRecord("a", "null", "Normal", size, "", CRC64, 0, "default", "Standard", (), (), None, segments)
    )


def at_hand(engines: LocalEngines, *segments: Segment) -> Stream | None:
    return engines.byte_store.at_hand(segments, origin_of(*segments))


async def believed(engines: LocalEngines) -> Segment:
    """A blob that was read before."""
    segment = Segment(await a_blob(engines.byte_store, CONTENT), 0, len(CONTENT))
    assert at_hand(engines, segment) is None  # nobody has looked at it
    reader = await engines.byte_store.open([segment], origin_of(segment))
    await reader.verify()
    await reader.close()
    return segment


async def test_file_is_given_as_it_is_and_given_back_at_once(engines: LocalEngines) -> None:
    segment = await believed(engines)
    stream = at_hand(engines, segment)
    assert stream is not None
    assert stream.file is not None
    assert stream.size == stream.file.size == len(CONTENT)
    assert os.pread(stream.file.fd, len(CONTENT), stream.file.offset) == CONTENT
    await engines.byte_store.remove([segment.blob_id])
    assert os.pread(stream.file.fd, 5, 0) == b"hello"
    assert stream.let_go is not None
    assert stream.let_go()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(stream.file.fd)
    assert stream.let_go()  # again, or closed: nothing more is given back
    await stream.close()


@pytest.mark.parametrize("way", ["chunks", "slices"])
async def test_who_sends_no_file_at_once_reads_it_as_any_other(engines: LocalEngines, way: str) -> None:
    segment = await believed(engines)
    stream = at_hand(engines, segment)
    assert stream is not None
    assert stream.file is not None
    assert stream.let_go is not None
    if way == "chunks":
        assert b"".join([bytes(chunk) async for chunk in stream.chunks]) == CONTENT
    else:
        assert stream.slices is not None
        sizes = [piece.size async for piece in stream.slices if not isinstance(piece, bytes | bytearray)]
        assert sum(sizes) == len(CONTENT)
    assert not stream.let_go()
    await stream.close()
    await stream.close()
    await engines.byte_store.remove([segment.blob_id])
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(stream.file.fd)


async def test_what_is_more_than_a_file_at_hand_is_not(engines: LocalEngines, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = await believed(engines)
    blob, size = segment.blob_id, segment.stop
    assert at_hand(engines, Segment(blob, 0, size - 1)) is None
    assert at_hand(engines, Segment(blob, 1, size)) is None
    assert at_hand(engines, segment, segment) is None
    assert at_hand(engines, Segment("00" * 16, 0, 5)) is None
    assert engines.byte_store.at_hand((), origin_of()) is None
    monkeypatch.setattr(held_file, "is_cached", lambda *_: False)
    assert at_hand(engines, segment) is None
    await engines.byte_store.remove([blob])
    assert at_hand(engines, segment) is None


async def test_encrypted_and_damaged_blobs_are_not_at_hand(engines: LocalEngines, data: Path) -> None:
    writer = await engines.byte_store.new_blob(encryption="AES256")
    await writer.write(b"hello")
    await writer.finish()
    await writer.keep()
    assert at_hand(engines, Segment(writer.blob_id, 0, 5)) is None
    segment = await believed(engines)
    (path,) = data.glob(f"blobs/*/{segment.blob_id}")
    path.chmod(0o600)
    with path.open("ab") as file:
        file.write(b"more")
    assert at_hand(engines, segment) is None
