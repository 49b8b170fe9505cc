"""The rules of an upload box: what a file may be called, where it goes, whether there is room for it. Pure."""

from __future__ import annotations

import secrets
import unicodedata
from datetime import UTC, datetime
from typing import Final, NamedTuple

from coatcheck.core.errors import OBJECT_NAME_TOO_LONG
from coatcheck.core.limits import (
    BOX_NAME_MAX_BYTES,
    BOX_PIECE_BYTES,
    BOX_PIECES_MAX,
    BOX_UNDER_WAY_MAX,
    OBJECT_KEY_MAX_BYTES,
)
from coatcheck.core.ticket_errors import (
    BOX_BUSY,
    BOX_BYTES_FULL,
    BOX_FILE_TOO_LARGE,
    BOX_FILES_FULL,
    BOX_NAME_REFUSED,
)
from coatcheck.core.wildcards import Wildcards
from coatcheck.ports.arrivals import Taken
from coatcheck.ports.tickets import Box

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_RANDOM_CHARS: Final = 16  # 80 bits: nobody meets, or guesses, the key of another file
_NAME_LEFT_BYTES: Final = 12
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # controls, bidi marks, what no font has
_JOINERS: Final = frozenset("\u200c\u200d")  # in Persian, in emoji


class Place(NamedTuple):
    """Where a file goes, and what it is called."""

    key: str
    file_name: str


def choose_place(box: Box, prefix: str, sent_name: str, now: float) -> Place:
    """Nobody chooses their file's key: it has a random part.

    Raises: OssError BOX_NAME_REFUSED, OBJECT_NAME_TOO_LONG.
    """
    name = clean_name(sent_name)
    if box.patterns and not any(Wildcards(pattern.lower()).match(name.lower()) for pattern in box.patterns):
        raise BOX_NAME_REFUSED(FileName=name)
    day = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}/" if box.dated else ""
    start = f"{prefix}{day}{''.join(secrets.choice(_LETTERS) for _ in range(_RANDOM_CHARS))}-"
    left = min(BOX_NAME_MAX_BYTES, OBJECT_KEY_MAX_BYTES - len(start.encode()))
    if left < _NAME_LEFT_BYTES:
        raise OBJECT_NAME_TOO_LONG()
    return Place(start + cut_name(name, left), name)


def clean_name(sent: str) -> str:
    """What a file may be called: the end of a path, without what is not seen or changes what is seen."""
    name = unicodedata.normalize("NFC", sent.replace("\\", "/").rstrip("/").rpartition("/")[2])
    name = "".join(sign for sign in name if sign in _JOINERS or unicodedata.category(sign) not in _HIDDEN).strip()
    name = cut_name(name, BOX_NAME_MAX_BYTES).strip()
    return name if name.strip(".") else "file"


def cut_name(name: str, most: int) -> str:
    """A name of at most so many bytes of UTF-8, with its ending if that is short."""
    if len(name.encode()) <= most:
        return name
    stem, dot, ending = name.rpartition(".")
    tail = f"{dot}{ending}" if stem and len(ending.encode()) <= 8 else ""
    stem = stem if tail else name
    return stem.encode()[: most - len(tail.encode())].decode(errors="ignore") + tail


def reserve(box: Box, taken: Taken, size: int | None) -> Taken:
    """Keep a file and so many bytes free; None for what isn't known.

    Raises: OssError BOX_FILES_FULL, BOX_BYTES_FULL, BOX_FILE_TOO_LARGE, BOX_BUSY.
    """
    if box.files_max is not None and taken.files >= box.files_max:
        raise BOX_FILES_FULL(FilesMax=str(box.files_max))
    if size is not None and size > box.file_bytes_max:
        raise BOX_FILE_TOO_LARGE(MaxSizeAllowed=str(box.file_bytes_max))
    if taken.under_way >= BOX_UNDER_WAY_MAX:
        raise BOX_BUSY(headers=((b"Retry-After", b"60"),))
    return settle(box, Taken(taken.files + 1, taken.size_bytes, taken.under_way + 1), 0, size or 0)


def settle(box: Box, taken: Taken, kept_free: int, size: int) -> Taken:
    """So many bytes in the place of those that were kept free. Raises: OssError BOX_BYTES_FULL."""
    total = taken.size_bytes - kept_free + size
    if box.bytes_max is not None and total > box.bytes_max and size > kept_free:
        raise BOX_BYTES_FULL(BytesLeft=str(max(0, box.bytes_max - (taken.size_bytes - kept_free))))
    return taken._replace(size_bytes=total)


def find_most(box: Box, taken: Taken, kept_free: int) -> int:
    """How many bytes a file may have for which so many are kept free already."""
    if box.bytes_max is None:
        return box.file_bytes_max
    return max(0, min(box.file_bytes_max, box.bytes_max - taken.size_bytes + kept_free))


def choose_piece_bytes(size: int) -> int:
    """How large the pieces of an upload are, all but the last."""
    return max(BOX_PIECE_BYTES, -(-size // BOX_PIECES_MAX))
