"""Telling the operator, in the log, what keeps the data directory from being written: once a minute each, not with each
request that hears of it."""

from __future__ import annotations

import logging
import time
from typing import Final

_EVERY_S: Final = 60.0

log = logging.getLogger("coatcheck")
_told: dict[str, float] = {}


def tell_trouble(what: str, error: object) -> None:
    """Log an error, unless the same was told lately. May be called in any thread."""
    now = time.monotonic()
    if now - _told.get(what, -_EVERY_S) >= _EVERY_S:
        _told[what] = now
        log.error("%s: %s", what, error)
