"""Where each byte of a ZIP file stands: stored, not deflated, ZIP64 where a number needs it, names in UTF-8.

Everything but the CRC-32s follows from names, sizes and times, so the length is known before a byte is read, and any
range can be made alone. A CRC-32 stands behind its member's bytes (a data descriptor) and in the directory at the end,
never before: it need not be known when a member begins. A ZIP file is the same whether it was known or not.

Why no library: zipstream-ng and zipfly know the length in advance, and can only run from the first byte to the last;
stream-zip wants the CRC-32 of what it stores beforehand; zipseeker makes a range by reading all that stands before it,
from files; `zipfile` writes to a file, and keeps what it wrote as objects. What is left of the format, once nothing is
deflated, are the records below.

Source: PKWARE, APPNOTE.TXT 6.3.10 (4.3.7, 4.3.9, 4.3.12, 4.3.14 to 4.3.16, 4.4.4, 4.5.3); Info-ZIP's field "UT", for
times that are in no zone.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from struct import Struct
from typing import Final, NamedTuple

from .members import Members

_LOCAL: Final = Struct("<IHHHHHIIIHH")
_DESCRIPTOR: Final = Struct("<IIII")
_DESCRIPTOR_64: Final = Struct("<IIQQ")
_RECORD: Final = Struct("<IHHHHHHIIIHHHHHII")
_END: Final = Struct("<IHHHHIIH")
_END_64: Final = Struct("<IQHHIIQQQQ")
_LOCATOR: Final = Struct("<IIQI")
_TIME: Final = Struct("<HHBi")  # "UT": 1, and Unix seconds
_SIZES_64: Final = Struct("<HHQQ")

_MAX_32: Final = 0xFFFFFFFF
_MAX_16: Final = 0xFFFF
_PLAIN: Final = 20  # versions that are needed to unpack: 2.0,
_ZIP64: Final = 45  # 4.5
_MADE_BY: Final = 3 << 8 | 45  # Unix: permissions are what it says
_FILE: Final = 0o100644 << 16
_FOLDER: Final = 0o040755 << 16 | 0x10
_UTF8: Final = 1 << 11
_DESCRIBED: Final = 1 << 3
_SECONDS_MIN: Final = -(2**31)
_SECONDS_MAX: Final = 2**31 - 1
_DOS_FIRST: Final = 315_532_800  # 1980-01-01; what DOS can say ends with 2107
_DOS_LAST: Final = 4_354_819_198


class Part(Enum):
    """What a stretch of the file is."""

    HEADER = "before a member"
    CONTENT = "its bytes"
    DESCRIPTOR = "behind it"
    RECORD = "its line in the directory"
    END = "the end"


class Piece(NamedTuple):
    """Bytes [start, stop) of a part of a member; of the end the number says nothing."""

    part: Part
    number: int
    start: int
    stop: int


class ZipLayout:
    """The ZIP file of these members, which don't change any more. It holds 16 bytes a member.

    Attributes:
        size: of the whole file, bytes.
    """

    def __init__(self, members: Members) -> None:
        self._members = members
        self._starts = array("Q", (0,))
        self._records = array("Q")
        at = 0
        for number in range(len(members)):
            at += self._header_size(number) + members.size(number) + self._descriptor_size(number)
            self._starts.append(at)
        for number in range(len(members)):
            self._records.append(at)
            at += self._record_size(number)
        self._records.append(at)
        self.size = at + len(self.end())

    def pieces(self, start: int, stop: int) -> Iterator[Piece]:
        """What bytes [start, stop) of the file are made of, in their order; `stop` may lie behind the end."""
        directory, end = self._starts[-1], self._records[-1]
        if start < directory:
            first = bisect_right(self._starts, start) - 1
            for number in range(first, len(self._members)):
                if self._starts[number] >= stop:
                    return
                yield from self._of_member(number, start, stop)
        if start < end:
            first = max(bisect_right(self._records, start) - 1, 0)
            for number in range(first, len(self._members)):
                if self._records[number] >= stop:
                    return
                yield from _cut(Part.RECORD, number, self._records[number], self._records[number + 1], (start, stop))
        yield from _cut(Part.END, 0, end, self.size, (start, stop))

    def _of_member(self, number: int, start: int, stop: int) -> Iterator[Piece]:
        last = self._starts[number + 1]
        behind = last - self._descriptor_size(number)
        content = behind - self._members.size(number)
        yield from _cut(Part.HEADER, number, self._starts[number], content, (start, stop))
        yield from _cut(Part.CONTENT, number, content, behind, (start, stop))
        yield from _cut(Part.DESCRIPTOR, number, behind, last, (start, stop))

    def header(self, number: int) -> bytes:
        """What stands before a member's bytes."""
        size, name = self._members.size(number), self._members.name(number)
        extra = self._time(number)
        stated, needed = 0, _PLAIN
        if size >= _MAX_32:  # says that the descriptor has numbers of 64 bits
            stated, needed = _MAX_32, _ZIP64
            extra += _SIZES_64.pack(1, 16, 0, 0)
        time, date = _dos_time(self._members.modified(number))
        flags = _UTF8 | (_DESCRIBED if size else 0)
        fields = (0x04034B50, needed, flags, 0, time, date, 0, stated, stated, len(name), len(extra))
        return _LOCAL.pack(*fields) + name + extra

    def descriptor(self, number: int, crc32: int) -> bytes:
        """What stands behind a member's bytes."""
        size = self._members.size(number)
        if not size:
            return b""
        form = _DESCRIPTOR_64 if size >= _MAX_32 else _DESCRIPTOR
        return form.pack(0x08074B50, crc32, size, size)

    def record(self, number: int, crc32: int) -> bytes:
        """A member's line in the directory."""
        members, at = self._members, self._starts[number]
        size, name = members.size(number), members.name(number)
        long = [size, size] if size >= _MAX_32 else []
        long += [at] if at >= _MAX_32 else []
        extra = self._time(number)
        if long:
            extra += Struct(f"<HH{len(long)}Q").pack(1, 8 * len(long), *long)
        time, date = _dos_time(members.modified(number))
        stated = min(size, _MAX_32)
        return (
            _RECORD.pack(
                0x02014B50,
                _MADE_BY,
                _ZIP64 if long else _PLAIN,
                _UTF8 | (_DESCRIBED if size else 0),
                0,  # stored
                time,
                date,
                crc32,
                stated,
                stated,
                len(name),
                len(extra),
                0,
                0,
                0,
                _FOLDER if members.is_folder(number) else _FILE,
                min(at, _MAX_32),
            )
            + name
            + extra
        )

    def end(self) -> bytes:
        """The records behind the directory."""
        count, start, stop = len(self._members), self._starts[-1], self._records[-1]
        size, long = stop - start, b""
        if count >= _MAX_16 or size >= _MAX_32 or start >= _MAX_32:
            long = _END_64.pack(0x06064B50, 44, _MADE_BY, _ZIP64, 0, 0, count, count, size, start)
            long += _LOCATOR.pack(0x07064B50, 0, stop, 1)
        few = min(count, _MAX_16)
        return long + _END.pack(0x06054B50, 0, 0, few, few, min(size, _MAX_32), min(start, _MAX_32), 0)

    def _header_size(self, number: int) -> int:
        extra = _SIZES_64.size if self._members.size(number) >= _MAX_32 else 0
        return _LOCAL.size + self._members.name_size(number) + _TIME.size + extra

    def _record_size(self, number: int) -> int:
        longs = 2 * (self._members.size(number) >= _MAX_32) + (self._starts[number] >= _MAX_32)
        extra = 4 + 8 * longs if longs else 0
        return _RECORD.size + self._members.name_size(number) + _TIME.size + extra

    def _descriptor_size(self, number: int) -> int:
        size = self._members.size(number)
        return 0 if not size else (_DESCRIPTOR_64 if size >= _MAX_32 else _DESCRIPTOR).size

    def _time(self, number: int) -> bytes:
        seconds = min(max(self._members.modified(number), _SECONDS_MIN), _SECONDS_MAX)
        return _TIME.pack(0x5455, 5, 1, seconds)


def _cut(part: Part, number: int, first: int, last: int, span: tuple[int, int]) -> Iterator[Piece]:
    """The piece of a part, which stands in [first, last) of the file, that lies in a span of it."""
    start, stop = max(span[0], first), min(span[1], last)
    if start < stop:
        yield Piece(part, number, start - first, stop - first)


def _dos_time(seconds: int) -> tuple[int, int]:
    """Time and date in UTC, to two seconds."""
    at = datetime.fromtimestamp(min(max(seconds, _DOS_FIRST), _DOS_LAST), UTC)
    return at.hour << 11 | at.minute << 5 | at.second >> 1, (at.year - 1980) << 9 | at.month << 5 | at.day
