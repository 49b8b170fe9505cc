"""Which words a complete segment of audit rows has, so that a question needn't read those without its own.

A file beside the segment: 8 bytes that say what it is, the time of the last row (8 bytes, Unix milliseconds), how many
words, then each word's digest of 8 bytes, in order; all numbers little-endian. A segment without one is read.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from struct import error as _STRUCT_ERROR
from typing import Final

from coatcheck.links.audit_text import read_moment, words_in

from .segment_file import sync_directory

_MAGIC: Final = b"ccaudit1"
_HEAD: Final = Struct("<8sqq")
_NUMBER: Final = Struct("<Q")


def write_index(segment: Path, index: Path) -> None:
    """Read a complete segment, and put its index in place, whole or not at all."""
    last_ms = 0
    words: set[bytes] = set()
    with segment.open("rb") as file:
        for line in file:
            found = words_in(line)
            if found:  # not what a crash has cut off, or a disk has spoilt
                last_ms = read_moment(line)
                words.update(found)
    digests = sorted(map(_digest, words))
    unfinished = index.with_suffix(".new")
    with unfinished.open("wb") as out:
        out.write(_HEAD.pack(_MAGIC, last_ms, len(digests)))
        out.write(b"".join(map(_NUMBER.pack, digests)))
        out.flush()
        os.fsync(out.fileno())
    unfinished.chmod(0o600)
    unfinished.rename(index)
    sync_directory(index.parent)


def read_last_moment(index: Path) -> int | None:
    """The time of the segment's last row, Unix milliseconds; None without an index that can be read."""
    try:
        with index.open("rb") as file:
            magic, last_ms, _ = _HEAD.unpack(file.read(_HEAD.size))
    except (OSError, _STRUCT_ERROR):
        return None
    return int(last_ms) if magic == _MAGIC else None


def may_have(index: Path, word: bytes) -> bool:
    """False where the segment surely has no such word."""
    try:
        content = index.read_bytes()
        magic, _, count = _HEAD.unpack_from(content)
    except (OSError, _STRUCT_ERROR):
        return True
    if magic != _MAGIC or len(content) != _HEAD.size + count * _NUMBER.size:
        return True
    looked_for = _digest(word)

    def at(number: int) -> int:
        return int(_NUMBER.unpack_from(content, _HEAD.size + number * _NUMBER.size)[0])

    found = bisect_left(range(count), looked_for, key=at)
    return found < count and at(found) == looked_for


def _digest(word: bytes) -> int:
    return int.from_bytes(blake2b(word, digest_size=8).digest(), "little")
