"""Files that wait in an upload box, as their owner sees them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct


class ArrivedFile(Struct, frozen=True):
    """A file that came into an upload box and is no object yet.

    Attributes:
        id: to accept or refuse it by.
        name: as its sender calls it.
        key: of the object that it becomes.
        size: in bytes.
        content_type: that the object will have.
        sender: the address that it came from.
        ends_at: when it is removed if nobody accepts it.
    """

    id: str
    name: str
    key: str
    size: int
    content_type: str
    sender: str
    started_at: datetime
    ends_at: datetime


class AnsweredFile(Struct, frozen=True):
    """What became of one that was accepted or refused.

    Attributes:
        key: of its object, or that it would have had; None where it wasn't done.
        error, message: why it wasn't done; None if it was.
    """

    id: str
    key: str | None
    error: str | None
    message: str | None


def read_arrived(document: Mapping[str, Any]) -> ArrivedFile:
    moments = {name: datetime.fromisoformat(document[name]) for name in ("started_at", "ends_at")}
    return ArrivedFile(**{**document, **moments})
