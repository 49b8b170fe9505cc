"""The quality a JPEG was saved with, estimated from its first quantization table: libvips doesn't tell."""

from __future__ import annotations

from typing import Final

# Annex K of the JPEG standard, luminance, in the zig-zag order in which files carry tables.
_STANDARD: Final = (
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
    26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
    56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
)  # fmt: skip
_SCAN: Final = 0xDA
_TABLES: Final = 0xDB
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length


def estimate_quality(data: bytes) -> int:
    """1 to 100; 100 when there is no table to go by."""
    table = _first_table(data)
    if table is None:
        return 100
    scale = sum(100 * entry / standard for entry, standard in zip(table, _STANDARD, strict=True)) / 64
    quality = (200 - scale) / 2 if scale <= 100 else 5000 / scale
    return min(100, max(1, int(quality + 0.5)))


def is_complete(data: bytes) -> bool:
    """Whether the end marker follows the last scan."""
    return data.find(b"\xff\xd9", data.rfind(b"\xff\xda")) >= 0


def _first_table(data: bytes) -> tuple[int, ...] | None:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _SCAN:
            return None
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if marker == _TABLES and body:
            wide = body[0] >> 4 != 0
            entries = body[1 : 129 if wide else 65]
            if len(entries) == (128 if wide else 64):
                step = 2 if wide else 1
                return tuple(int.from_bytes(entries[i : i + step], "big") for i in range(0, len(entries), step))
            return None
        at += 2 + length
    return None
