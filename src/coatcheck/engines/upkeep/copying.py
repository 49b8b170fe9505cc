"""Copies of files, durable when they have their name; and what they are summed by."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from ...core.digests import EMPTY_CRC64, update_crc64
from ...core.limits import DISK_RESERVE_BYTES
from ..blob_paths import has_room, sync_directory

_PIECE_BYTES: Final = 1024**2
PART: Final = ".part"  # ends the name of what is being copied


class DiskFull(Exception):
    """The copy would leave too little room on its disk."""


def copy_blob(source: str, target: str, expected: tuple[int, int] | None = None) -> tuple[int, int]:
    """Copy a file; see `write_blob`. Raises: FileNotFoundError."""
    with open(source, "rb") as incoming:
        return write_blob(read_pieces(incoming), target, expected)


def write_blob(pieces: Iterable[bytes], target: str, expected: tuple[int, int] | None = None) -> tuple[int, int]:
    """Write a file durably under its name, whose directory is there and is synced by the caller; bytes and CRC-64.

    Args:
        expected: bytes and CRC-64; what hasn't these gets no name.
    Raises: OSError, DiskFull.
    """
    crc64, size = EMPTY_CRC64, 0
    with _new_file(target) as outgoing:
        for piece in pieces:
            if not has_room(outgoing.fileno()):
                raise DiskFull(f"Less than {DISK_RESERVE_BYTES} bytes would be left on the disk of {target}.")
            outgoing.write(piece)
            crc64, size = update_crc64(piece, crc64), size + len(piece)
        outgoing.flush()
        os.fsync(outgoing.fileno())
    if expected in (None, (size, crc64)):
        os.rename(target + PART, target)
    else:
        os.unlink(target + PART)
    return size, crc64


def make_folder(path: Path) -> None:
    """A directory, and those above it that are missing, each mode 0700 whatever the umask is."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)


def copy_file(source: Path, target: Path) -> None:
    """Copy a small file durably, mode 0600, in directories of mode 0700."""
    make_folder(target.parent)
    copy_blob(str(source), str(target))
    sync_directory(target.parent)


def sum_blob(path: str) -> tuple[int, int]:
    """Bytes and CRC-64 of a file. Raises: OSError."""
    crc64, size = EMPTY_CRC64, 0
    with open(path, "rb") as file:
        for piece in read_pieces(file):
            crc64, size = update_crc64(piece, crc64), size + len(piece)
    return size, crc64


def sum_file(path: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of a file, in hex. Raises: OSError."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def read_pieces(file: BinaryIO) -> Iterator[bytes]:
    """All of a file, a mebibyte at a time."""
    while piece := file.read(_PIECE_BYTES):
        yield piece


def _new_file(target: str) -> BinaryIO:
    return open(os.open(target + PART, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb")
