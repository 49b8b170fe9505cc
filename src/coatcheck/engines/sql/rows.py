"""Values <-> columns: how an object's headers, tags, segments and CRC lie in a row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from struct import Struct
from typing import Final

from ...core.checksums import Checksum
from ...core.reply_headers import keep_stored
from ...ports.object import KeptPart, Restore, Retention, Segment
from ...ports.upload import WantedChecksum

_SEGMENT: Final = Struct(">16sQQ")
_HOLD: Final = "ON"
_COMPOSITE: Final = "COMPOSITE"


def write_headers(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Joined by line feeds, which no header can hold: reading is a split."""
    return b"\n".join([part for header in headers for part in header])


def read_headers(column: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Without those that may no longer be sent, so that they go wherever the record goes."""
    if not column:
        return ()
    parts = column.split(b"\n")
    names = parts[::2]
    return keep_stored(names, tuple(zip(names, parts[1::2], strict=True)))


def write_tags(tags: tuple[tuple[str, str], ...]) -> str | None:
    return json.dumps(tags, ensure_ascii=False, separators=(",", ":")) if tags else None


def read_tags(column: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in json.loads(column)) if column else ()


def write_segments(segments: Iterable[Segment]) -> bytes | None:
    packed = b"".join([_SEGMENT.pack(bytes.fromhex(s.blob_id), s.start, s.stop) for s in segments])
    return packed or None


def read_segments(column: bytes | None) -> tuple[Segment, ...]:
    if not column:
        return ()
    return tuple(Segment(blob.hex(), start, stop) for blob, start, stop in _SEGMENT.iter_unpack(column))


def read_blob_ids(column: bytes | None) -> list[bytes]:
    """The blobs that segments name, each once."""
    return list(dict.fromkeys([blob for blob, _, _ in _SEGMENT.iter_unpack(column)])) if column else []


def read_restore(ready_at: int | None, until: int | None) -> Restore | None:
    return None if ready_at is None or until is None else Restore(ready_at, until)


def write_worm(retention: Retention | None, legal_hold: bool) -> str | None:
    """ "COMPLIANCE 1790000000 ON": mode, end and hold, as far as there are any; None for nothing."""
    words = [] if retention is None else [retention.mode, str(retention.until)]
    return " ".join([*words, _HOLD] if legal_hold else words) or None


def read_retention(column: str | None) -> Retention | None:
    words = column.split(" ") if column else ()
    return Retention(words[0], int(words[1])) if len(words) > 1 else None


def read_legal_hold(column: str | None) -> bool:
    return column is not None and column.endswith(_HOLD)


def write_checksum(checksum: Checksum | None) -> str | None:
    """ "crc32 NhCmhg==": algorithm and value."""
    return None if checksum is None else f"{checksum.algorithm} {checksum.value}"


def read_checksum(column: str | None) -> Checksum | None:
    if not column:
        return None
    algorithm, _, value = column.partition(" ")
    return Checksum(algorithm, value)


def write_wanted(wanted: WantedChecksum | None) -> str | None:
    """ "crc32 COMPOSITE"."""
    return None if wanted is None else f"{wanted.algorithm} {_COMPOSITE if wanted.composite else 'FULL_OBJECT'}"


def read_wanted(column: str | None) -> WantedChecksum | None:
    if not column:
        return None
    algorithm, _, kind = column.partition(" ")
    return WantedChecksum(algorithm, kind == _COMPOSITE)


def write_parts(parts: Iterable[KeptPart]) -> str | None:
    """[[size, checksum as in a row, or null] ...] as JSON; None for none."""
    rows = [[part.size, write_checksum(part.checksum)] for part in parts]
    return json.dumps(rows, separators=(",", ":")) if rows else None


def read_parts(column: str | None) -> tuple[KeptPart, ...]:
    return tuple([KeptPart(size, read_checksum(text)) for size, text in json.loads(column)]) if column else ()


def write_crc64(crc: int) -> int:
    """Unsigned -> signed, which is all that SQLite has."""
    return crc - (1 << 64) if crc >> 63 else crc


def read_crc64(column: int) -> int:
    return column & 0xFFFF_FFFF_FFFF_FFFF
