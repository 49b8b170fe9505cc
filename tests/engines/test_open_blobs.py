"""Blobs that stay open for the next reader: few, for a moment, and none that was removed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from coatcheck.core.limits import BLOBS_OPEN_MAX
from coatcheck.engines import open_blobs
from coatcheck.engines.open_blobs import OpenBlobs

from ..patience import until


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[OpenBlobs]:
    opened = OpenBlobs(lambda blob_id: f"{tmp_path}/{blob_id}")
    yield opened
    opened.end()


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def a_file(directory: Path, name: str = "a", content: bytes = b"hello") -> Path:
    path = directory / name
    path.write_bytes(content)
    return path


async def test_readers_share_a_file_and_the_next_one_finds_it_open(tmp_path: Path, blobs: OpenBlobs) -> None:
    a_file(tmp_path)
    (first, status), (second, _) = blobs.open("a"), blobs.open("a")
    assert (first is second, status.st_size) == (True, 5)
    blobs.close(first)
    blobs.close(second)
    assert is_open(first.fd)
    assert blobs.open("a")[0] is first


async def test_a_file_that_was_removed_is_not_found_open(tmp_path: Path, blobs: OpenBlobs) -> None:
    """Whoever removed it."""
    path = a_file(tmp_path)
    file, _ = blobs.open("a")
    blobs.close(file)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        blobs.open("a")
    assert not is_open(file.fd)


async def test_a_file_in_the_place_of_another_is_opened(tmp_path: Path, blobs: OpenBlobs) -> None:
    a_file(tmp_path)
    old, _ = blobs.open("a")
    a_file(tmp_path, "b", b"other").replace(tmp_path / "a")
    new, _ = blobs.open("a")
    assert (os.pread(old.fd, 9, 0), os.pread(new.fd, 9, 0)) == (b"hello", b"other")
    blobs.close(old)
    assert (is_open(old.fd), is_open(new.fd)) == (False, True)


async def test_what_is_removed_is_closed_with_its_last_reader(tmp_path: Path, blobs: OpenBlobs) -> None:
    a_file(tmp_path), a_file(tmp_path, "b")
    (read, _), (idle, _) = blobs.open("a"), blobs.open("b")
    blobs.close(idle)
    blobs.forget(["a", "b", "never opened"])
    assert (is_open(read.fd), is_open(idle.fd)) == (True, False)
    assert os.pread(read.fd, 9, 0) == b"hello"
    blobs.close(read)
    assert not is_open(read.fd)


async def test_only_so_many_stay_open(tmp_path: Path, blobs: OpenBlobs) -> None:
    files = []
    for number in range(BLOBS_OPEN_MAX + 10):
        a_file(tmp_path, str(number))
        file, _ = blobs.open(str(number))
        blobs.close(file)
        files.append(file)
    assert len(blobs._files) == BLOBS_OPEN_MAX
    assert blobs.open("0")[0] is not files[0]
    assert blobs.open(str(BLOBS_OPEN_MAX + 9))[0] is files[-1]


async def test_after_a_moment_it_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blobs: OpenBlobs) -> None:
    """So the space of a blob comes back that another process has removed; and a name is looked at again."""
    monkeypatch.setattr(open_blobs, "BLOB_OPEN_S", 0.01)
    monkeypatch.setattr(open_blobs, "_SWEEP_S", 0.01)
    a_file(tmp_path), a_file(tmp_path, "b")
    (idle, _), (read, _) = blobs.open("a"), blobs.open("b")
    blobs.close(idle)
    await until(lambda: not blobs._files)
    anew, _ = blobs.open("b")
    assert anew is not read
    assert os.pread(read.fd, 9, 0) == b"hello"
    blobs.close(read)
    blobs.close(anew)
    assert not is_open(read.fd)
    await until(lambda: not blobs._files)
    assert blobs._timer is None


async def test_what_cannot_be_opened_leaves_nothing(blobs: OpenBlobs) -> None:
    with pytest.raises(FileNotFoundError):
        blobs.open("missing")
    assert (blobs._files, blobs._timer) == ({}, None)
