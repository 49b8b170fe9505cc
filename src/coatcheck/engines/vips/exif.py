"""EXIF tags as text: the values themselves, as OSS's `info` shows them, from the bytes of the picture.

EXIF is a small TIFF: directories of (tag, type, count, value), the value in place if it has up to 4 bytes, else an
offset. It is read here and not by Pillow, whose reader copies every value before anybody asks for it: some thousand
tags that all point at the same 64 KiB would take hundreds of megabytes. What is read here is bounded; what is broken is
left out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from PIL import ExifTags

_PREFIX: Final = b"Exif\0\0"
_VALUE_MAX_BYTES: Final = 4096
_VALUE_MAX_CHARS: Final = 1024
_TAGS_MAX: Final = 512  # of all directories together; cameras write some 60
_DIRECTORY_MAX_TAGS: Final = 1024

_BYTE, _ASCII, _RATIONAL, _UNDEFINED, _SRATIONAL = 1, 2, 5, 7, 10
# Type -> bytes of one value, and how `struct` calls it.
_TYPES: Final = {
    _BYTE: (1, "B"),
    _ASCII: (1, ""),
    3: (2, "H"),
    4: (4, "I"),
    _RATIONAL: (8, "II"),
    6: (1, "b"),
    _UNDEFINED: (1, "B"),
    8: (2, "h"),
    9: (4, "i"),
    _SRATIONAL: (8, "ii"),
    11: (4, "f"),
    12: (8, "d"),
    13: (4, "I"),
}

# OSS's names where Pillow has others.
_NAMES: Final = {number: name.name for name in ExifTags.Base if (number := name.value) > 1} | {
    0x0201: "JPEGInterchangeFormat",
    0x0202: "JPEGInterchangeFormatLength",
    0x8769: "ExifTag",
    0x8825: "GPSTag",
    0x9290: "SubSecTime",
    0x9291: "SubSecTimeOriginal",
    0x9292: "SubSecTimeDigitized",
    0xA000: "FlashpixVersion",
    0xA002: "PixelXDimension",
    0xA003: "PixelYDimension",
    0xA005: "InteroperabilityTag",
}
_GPS_NAMES: Final = {name.value: name.name for name in ExifTags.GPS}
_INTEROP_NAMES: Final = {1: "InteroperabilityIndex", 2: "InteroperabilityVersion"}
_SUB_DIRECTORIES: Final = {0x8769: _NAMES, 0x8825: _GPS_NAMES, 0xA005: _INTEROP_NAMES}
_NO_TEXT: Final = frozenset(
    {
        *(0x927C, 0xC4A5),  # the maker's own notes, in a form of his own
        *(0x02BC, 0x83BB, 0x8649, 0x8773),  # other documents: XMP, IPTC, Photoshop's, a colour profile
        *(0x0111, 0x0117, 0x0144, 0x0145, 0x0140, 0x015B),  # a TIFF's pixels: where they are, and their tables
    }
)
_USER_COMMENT: Final = 0x9286
_WIDE_TEXT: Final = range(0x9C9B, 0x9CA0)  # XPTitle and its kin: UTF-16 in bytes
_COORDINATES: Final = frozenset({"GPSLatitude", "GPSLongitude", "GPSDestLatitude", "GPSDestLongitude"})
_DIRECTIONS: Final = {"N": "North", "S": "South", "E": "East", "W": "West"}


class _Tag(NamedTuple):
    number: int
    type: int
    data: bytes


def read_exif(data: bytes) -> dict[str, str]:
    """Names and values of all tags, of a picture's EXIF or of a TIFF as a whole; nothing for what isn't either."""
    data = data.removeprefix(_PREFIX)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None or len(data) < 8:
        return {}
    facts: dict[str, str] = {}
    for name, text in _walk(_Reader(data, order)):
        facts.setdefault(name, text)
    return facts


def _walk(reader: _Reader) -> Iterator[tuple[str, str]]:
    """The first directory and what it points to, then that of the thumbnail."""
    start = reader.number(4)
    waiting, seen, left = [(start, _NAMES)], set[int](), _TAGS_MAX
    thumbnail = reader.next_directory(start)
    while waiting:
        offset, names = waiting.pop(0)
        if offset in seen:
            continue
        seen.add(offset)
        for tag in reader.directory(offset):
            if tag.number in names and left > 0:
                left -= 1
                yield from _write(names, tag, reader)
            if tag.number in _SUB_DIRECTORIES and len(tag.data) == 4:
                waiting.append((int(reader.read("I", tag.data)[0]), _SUB_DIRECTORIES[tag.number]))
        if not waiting and thumbnail:
            waiting, thumbnail = [(thumbnail, _NAMES)], 0


class _Reader:
    def __init__(self, data: bytes, order: str) -> None:
        self._data = data
        self._order = order

    def read(self, kinds: str, data: bytes) -> tuple[int | float, ...]:
        return struct.unpack_from(self._order + kinds, data)

    def number(self, offset: int) -> int:
        """Four bytes; 0 beyond the end."""
        return int(self.read("I", self._data[offset : offset + 4].ljust(4, b"\0"))[0])

    def directory(self, offset: int) -> Iterator[_Tag]:
        for index in range(min(self._count(offset), _DIRECTORY_MAX_TAGS)):
            entry = self._data[offset + 2 + 12 * index : offset + 14 + 12 * index]
            if len(entry) < 12:
                return
            number, type, count = map(int, self.read("HHI", entry))
            size = _TYPES[type][0] * count if type in _TYPES else 0
            data = entry[8 : 8 + size] if size <= 4 else self._far(entry, size)
            if 0 < len(data) == min(size, _VALUE_MAX_BYTES):
                yield _Tag(number, type, data)

    def _far(self, entry: bytes, size: int) -> bytes:
        start = int(self.read("I", entry[8:])[0])
        return self._data[start : start + min(size, _VALUE_MAX_BYTES)]

    def next_directory(self, offset: int) -> int:
        return self.number(offset + 2 + 12 * self._count(offset)) if offset else 0

    def _count(self, offset: int) -> int:
        count = self._data[offset : offset + 2]
        return int(self.read("H", count)[0]) if len(count) == 2 else 0

    def values(self, tag: _Tag) -> list[str]:
        """Each as text: a fraction as it was written, "32/10"."""
        size, kind = _TYPES[tag.type]
        count = len(tag.data) // size
        found = self.read(kind * count, tag.data)
        if tag.type in (_RATIONAL, _SRATIONAL):
            return [f"{above}/{below}" for above, below in zip(found[::2], found[1::2], strict=True)]
        return [f"{value:g}" if isinstance(value, float) else str(value) for value in found]


def _write(names: dict[int, str], tag: _Tag, reader: _Reader) -> Iterator[tuple[str, str]]:
    name = names[tag.number]
    if tag.number in _NO_TEXT:
        return
    if tag.type == _ASCII:
        text = _decode(tag.data)
        text = _DIRECTIONS.get(text, text) if name.endswith(("LatitudeRef", "LongitudeRef")) else text
    elif tag.number == _USER_COMMENT and tag.type in (_BYTE, _UNDEFINED):
        text = _decode_comment(tag.data, reader)
    elif tag.number in _WIDE_TEXT and tag.type in (_BYTE, _UNDEFINED):
        text = tag.data.decode("utf-16-le", "replace").partition("\0")[0]
    elif name in _COORDINATES and tag.type == _RATIONAL:
        text = _write_coordinate(reader.values(tag))
    else:
        text = " ".join(reader.values(tag))
    shown = "".join(character for character in text if character.isprintable())
    yield name, shown[:_VALUE_MAX_CHARS]


def _decode(data: bytes) -> str:
    """Called ASCII, and in truth whatever the writer's system had: UTF-8, Chinese in GB 18030, or Latin-1."""
    data = data.partition(b"\0")[0].rstrip()
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _decode_comment(data: bytes, reader: _Reader) -> str:
    """Eight bytes say how the rest is written."""
    if data.startswith(b"UNICODE\0"):
        return (
            data[8:].decode("utf-16-le" if reader.read("H", b"\1\0") == (1,) else "utf-16-be", "replace").strip("\0 ")
        )
    return _decode(data[8:] if data.startswith((b"ASCII\0", b"JIS\0", b"\0" * 8)) else data)


def _write_coordinate(fractions: list[str]) -> str:
    """ "30deg 15' 7.5\\" "; zeros at the end are left out: the equator is "0deg "."""
    parts = [tuple(map(int, fraction.split("/"))) for fraction in fractions[:3]]
    if len(parts) != 3 or any(below == 0 for _, below in parts):
        return " ".join(fractions)
    while len(parts) > 1 and parts[-1][0] == 0:
        parts.pop()
    texts = []
    for (above, below), unit in zip(parts, ("deg", "'", '"'), strict=False):
        texts.append(f"{above // below}{unit} " if above % below == 0 else f"{above / below:.1f}{unit} ")
    return "".join(texts)
