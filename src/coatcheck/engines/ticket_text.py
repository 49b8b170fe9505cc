"""Tickets as text, which stores keep."""

from __future__ import annotations

import json
from typing import Any

from msgspec import to_builtins

from ..core.author import Author
from ..ports.tickets import Box, Names, Ticket

_LISTS = ("types", "patterns")


def write_ticket(ticket: Ticket) -> str:
    """All but the id."""
    document = to_builtins(ticket)
    del document["id"]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def read_ticket(link_id: str, text: str) -> Ticket:
    """What `write_ticket` wrote."""
    document = json.loads(text)
    box: dict[str, Any] | None = document["box"]
    return Ticket(
        **document
        | {
            "id": link_id,
            "names": Names(document["names"]),
            "keys": tuple(document["keys"]),
            "author": Author(**document["author"]),
            "box": None if box is None else Box(**box | {name: tuple(box[name]) for name in _LISTS}),
        }
    )
