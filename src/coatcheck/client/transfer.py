"""What uploads and downloads share: how progress is reported, sizes of pieces, the checksum."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from coatcheck.core.digests import EMPTY_CRC64, update_crc64

from .errors import Damaged

PIECE_BYTES: Final = 1024**2  # read and written at a time; this times the connections is the memory used
RETRY_DELAYS_S: Final = (0.2, 0.5, 1.0, 2.0, 4.0)  # between tries that brought nothing
CRC64_HEADER: Final = "x-oss-hash-crc64ecma"


class Progress(Protocol):
    """Whoever watches a transfer; called from several threads."""

    def begin(self, name: str, total_bytes: int | None, done_bytes: int = 0) -> None:
        """A transfer starts, or starts over; `total_bytes` is None when nobody knows."""

    def advance(self, n_bytes: int) -> None:
        """So many bytes more; fewer when a piece has to be fetched again."""


class Unwatched:
    """Progress that nobody looks at."""

    def begin(self, name: str, total_bytes: int | None, done_bytes: int = 0) -> None: ...

    def advance(self, n_bytes: int) -> None: ...


def file_crc64(file: Path, advance: Callable[[int], None] = lambda n_bytes: None) -> int:
    """CRC-64/XZ of a whole file."""
    crc = EMPTY_CRC64
    with file.open("rb", buffering=0) as source:
        while piece := source.read(PIECE_BYTES):
            crc = update_crc64(piece, crc)
            advance(len(piece))
    return crc


def read_crc64(text: str | None) -> int | None:
    """The header's decimal number, or None where the server doesn't say."""
    return int(text) if text and text.isascii() and text.isdigit() else None


def check_crc64(name: str, ours: int, theirs: int | None) -> None:
    """Raises: Damaged when the server knows another checksum."""
    if theirs is not None and ours != theirs:
        raise Damaged(
            "ChecksumMismatch",
            f"{name}: CRC-64 is {ours}, the server says {theirs}.",
            hint="run the command again; if it stays, the network or a disk is damaging data",
        )
