"""Sizes and times as people read them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_UNITS: Final = ("B", "KB", "MB", "GB", "TB", "PB")
_AGO: Final = {
    "en": (("second", "seconds"), ("minute", "minutes"), ("hour", "hours"), ("day", "days")),
    "zh": (("秒",) * 2, ("分钟",) * 2, ("小时",) * 2, ("天",) * 2),
}
_STEPS_S: Final = (1, 60, 3600, 86_400)


def write_size(size_bytes: int) -> str:
    """ "3.4 MB": powers of 1024, as browsers count."""
    size, unit = float(size_bytes), 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    digits = 0 if unit == 0 or size >= 100 else 1
    return f"{size:.{digits}f} {_UNITS[unit]}"


def write_moment(seconds: float) -> str:
    """In UTC, which it says: a page knows nobody's clock."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def write_ago(seconds: float, language: str) -> str:
    """ "3 minutes ago", of some seconds past."""
    step = max(number for number, length in enumerate(_STEPS_S) if seconds >= length or number == 0)
    count = max(1, int(seconds // _STEPS_S[step]))
    one, many = _AGO[language][step]
    return f"{count} {one if count == 1 else many} ago" if language == "en" else f" {count} {many}前"
