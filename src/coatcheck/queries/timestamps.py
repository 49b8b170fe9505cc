"""Texts as timestamps: the formats that OSS finds by itself, and those that a CAST has to name.

A timestamp is a number of microseconds from 1970 on, in UTC; a time of day is one of the first day.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from .errors import Mismatch, SelectError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS: Final = {name: number for number, name in enumerate(_NAMES, 1)}
_LONGEST_CHARS: Final = 40

# What OSS finds by itself, in its order.
_FOUND: Final = (
    *("YYYYMMDD", "YYYY/MM/DD", "DD/MM/YYYY", "YYYY-MM-DD", "DD-MM-YY", "DD.MM.YY"),
    *("hh:mm:ss.fff", "hh:mm:ss", "hh mm ss fff", "hh.mm.ss.fff", "hhmm", "hhmmssfff"),
    *("YYYYMMDD hh:mm:ss.fff", "YYYY/MM/DD hh:mm:ss.fff", "DD/MM/YYYY hh:mm:ss.fff"),
    *("YYYYMMDD hh:mm:ss", "YYYY/MM/DD hh:mm:ss", "DD/MM/YYYY hh:mm:ss", "YYYY-MM-DD hh:mm:ss.fff"),
    *("DD-MM-YYYY hh:mm:ss.fff", "YYYY-MM-DD hh:mm:ss", "YYYYMMDDThh:mm:ss", "YYYYMMDDThh:mm:ss.fff"),
    *("DD-MM-YYYYThh:mm:ss.fff", "DD-MM-YYYYThh:mm:ss", "YYYYMMDDThhmm", "YYYYMMDDThhmmss", "YYYYMMDDThhmmssfff"),
    *("YYYY-MM-DDThh:mm+zz:zz", "YYYY-MM-DDThh:mm:ss+zz:zz", "YYYY-MM-DDThh:mm:ssZ", "YYYY-MM-DDThh:mm:ss.fffZ"),
    *("DD/MON/YYYY:hh:mm:ss +zzzz", "DAY, DD MON YYYY hh:mm:ss GMT"),
    *("D/M/YY", "D/M/YY h:m", "D/M/YY h:m:s"),
)
# Others would be taken for one of those, so they are taken only by name.
_NAMED: Final = ("YYYYDDMM", "YYYY/DD/MM", "MM/DD/YYYY", "YYYY-DD-MM", "MM-DD-YYYY", "MM.DD.YYYY")

# Longest first; what isn't one of these stands for itself.
_FIELDS: Final = {
    "YYYY": r"(?P<year>[0-9]{4})",
    "MON": r"(?P<name>[A-Z][a-z]{2})",
    "DAY": r"[A-Z][a-z]{2}",
    "fff": r"(?P<milli>[0-9]{3})",
    "+zz:zz": r"(?P<sign>[+-])(?P<off_h>[0-9]{2}):(?P<off_m>[0-9]{2})",
    "+zzzz": r"(?P<sign>[+-])(?P<off_h>[0-9]{2})(?P<off_m>[0-9]{2})",
    "YY": r"(?P<short>[0-9]{2})",
    "MM": r"(?P<month>[0-9]{2})",
    "DD": r"(?P<day>[0-9]{2})",
    "hh": r"(?P<hour>[0-9]{2})",
    "mm": r"(?P<minute>[0-9]{2})",
    "ss": r"(?P<second>[0-9]{2})",
    "D": r"(?P<day>[0-9]{1,2})",
    "M": r"(?P<month>[0-9]{1,2})",
    "h": r"(?P<hour>[0-9]{1,2})",
    "m": r"(?P<minute>[0-9]{1,2})",
    "s": r"(?P<second>[0-9]{1,2})",
}
_FIELD: Final = re.compile("|".join(re.escape(field) for field in _FIELDS) + "|GMT|.")


def _compile(format: str) -> re.Pattern[str]:
    return re.compile("".join(_FIELDS.get(part, re.escape(part)) for part in _FIELD.findall(format)))


_FOUND_PATTERNS: Final = tuple(map(_compile, _FOUND))
_PATTERNS: Final = {_spelled: _compile(_format) for _format in (*_FOUND, *_NAMED) for _spelled in [_format.upper()]}


def timestamp_reader(format: str) -> Callable[[str], int]:
    """Reads texts of one format, or, for "", of any that OSS finds by itself. It raises Mismatch.

    Raises: SelectError SqlNotSupportedTimestampFormat.
    """
    if not format:
        return _find
    named = format.upper().replace(".MSS", ".FFF").replace("MSS", "FFF")
    pattern = _PATTERNS.get(named)
    if pattern is None:
        raise SelectError("SqlNotSupportedTimestampFormat")
    return lambda text: _read(pattern, text)


@lru_cache(maxsize=1024)
def _find(text: str) -> int:
    if len(text) <= _LONGEST_CHARS:
        for pattern in _FOUND_PATTERNS:
            try:
                return _read(pattern, text)
            except Mismatch:
                continue
    raise Mismatch


def _read(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.fullmatch(text)
    if found is None:
        raise Mismatch
    parts = found.groupdict()

    def number(name: str, default: int = 0) -> int:
        return int(parts.get(name) or default)

    year = number("year") if parts.get("year") else 2000 + number("short") if parts.get("short") else 1970
    month = _MONTHS.get(parts["name"] or "", 0) if parts.get("name") else number("month", 1)
    shift = timedelta(hours=number("off_h"), minutes=number("off_m")) * (-1 if parts.get("sign") == "-" else 1)
    try:
        moment = datetime(
            *(year, month, number("day", 1), number("hour"), number("minute"), number("second")),
            number("milli") * 1000,
            UTC,
        )
    except ValueError:
        raise Mismatch from None
    return (moment - shift - _EPOCH) // timedelta(microseconds=1)


def write_timestamp(moment: int) -> str:
    """ "2017-02-28 12:30:51.000", in UTC."""
    text = (_EPOCH + timedelta(microseconds=moment)).strftime("%Y-%m-%d %H:%M:%S.%f")
    return text[:-3]
