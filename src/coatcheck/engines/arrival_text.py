"""Arrivals as text, which stores keep beside the columns that are searched."""

from __future__ import annotations

import json
from typing import Any, Final

from ..ports.arrivals import Arrival

_KEPT: Final = ("key", "file_name", "content_type", "started_at", "sender", "etags", "crc64", "encryption")


def write_arrival(arrival: Arrival) -> str:
    """What has no column of its own."""
    return json.dumps({name: getattr(arrival, name) for name in _KEPT}, ensure_ascii=False, separators=(",", ":"))


def read_arrival(text: str, **columns: Any) -> Arrival:
    """What `write_arrival` wrote, and the columns."""
    document = json.loads(text)
    return Arrival(**document | {"etags": tuple(document["etags"])}, **columns)
