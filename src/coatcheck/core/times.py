"""The date forms on the wire. Inside, a moment is Unix seconds (int or float), always UTC."""

from __future__ import annotations

import calendar
import time
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

DAY_S: Final = 24 * 3600
LAST_MOMENT_S: Final = 253_402_300_799  # 9999-12-31T23:59:59Z, the last that these forms can write


class Moments(NamedTuple):
    """Between which the time lies, Unix seconds. What must not end too early ends by the first, begins by the last."""

    earliest: float
    latest: float


@lru_cache(maxsize=4096)
def write_http_date(moment_s: int) -> str:
    """Unix seconds -> "Thu, 05 Mar 2026 07:08:09 GMT" (RFC 9110 IMF-fixdate)."""
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime(moment_s)
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {hour:02}:{minute:02}:{second:02} GMT"


_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def read_http_date(text: str) -> int | None:
    """An HTTP date, or the ISO form that some SDK samples send, -> Unix seconds; None if it is neither."""
    from email.utils import mktime_tz, parsedate_tz  # 20 modules, which most requests don't need

    if len(text) > 64:
        return None
    try:
        parsed = parsedate_tz(text)
        if parsed is not None:
            return int(mktime_tz(parsed))
        return int(calendar.timegm(time.strptime(text.split(".")[0].rstrip("Z"), "%Y-%m-%dT%H:%M:%S")))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def write_iso(moment_s: int) -> str:
    """Unix seconds -> "2026-03-05T07:08:09.000Z"; oss2 insists on exactly three zeros."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(moment_s))


@lru_cache(maxsize=4)
def _second(moment_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment_s))


def write_iso_ms(moment_ms: int) -> str:
    """Unix milliseconds -> "2026-03-05T07:08:09.123Z", for logs: thousands a second."""
    return _second(moment_ms // 1000) + _FRACTIONS[moment_ms % 1000]


_FRACTIONS: Final = tuple(f".{milliseconds:03}Z" for milliseconds in range(1000))


def read_iso(text: str) -> int | None:
    """ "2026-03-05T07:08:09.000Z", with or without the fraction, -> Unix seconds; None for anything else."""
    if not (20 <= len(text) <= 32 and text[10] == "T" and text[-1] == "Z" and text.isascii()):
        return None
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=64)
def write_log_date(moment_s: int) -> str:
    """Unix seconds -> "05/Mar/2026:07:08:09 +0000", the form of access logs."""
    moment = time.gmtime(moment_s)
    return time.strftime(f"%d/{_MONTHS[moment.tm_mon - 1]}/%Y:%H:%M:%S +0000", moment)


def write_basic_iso(moment_s: int) -> str:
    """Unix seconds -> "20260305T070809Z", the form of x-oss-date."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment_s))


def read_basic_iso(text: str) -> int | None:
    """ "20260305T070809Z" -> Unix seconds; None for anything else, including dates that no calendar has."""
    return _read_basic_iso(text) if len(text) == 16 else None


# Texts of any other length are not remembered: what strangers send must not fill the memory.
@lru_cache(maxsize=4096)
def _read_basic_iso(text: str) -> int | None:
    if text[8] != "T" or text[15] != "Z" or not text.isascii():
        return None
    if not (text[:8] + text[9:15]).isdigit():
        return None
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        return None


def write_duration(seconds: float) -> str:
    """3725 -> "1 h 2 min": the two largest units."""
    left = int(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if left >= size or (unit == "s" and not parts):
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2])
