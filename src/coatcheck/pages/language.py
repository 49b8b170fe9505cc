"""Which language a receiver reads. Source: RFC 9110, Accept-Language."""

from __future__ import annotations

from typing import Final

LANGUAGES: Final = ("en", "zh")
_PARTS_MAX: Final = 16


def choose_language(header: str) -> str:
    """The best of ours; English where nothing fits."""
    best, weight = LANGUAGES[0], 0.0
    for part in header.split(",")[:_PARTS_MAX]:
        tag, _, parameters = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and (its := _read_weight(parameters)) > weight:
            best, weight = language, its
    return best


def _read_weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
