"""The account of a link's uses as text, which a store keeps.

{"closed": 1, "slack": 400, "open": [[receiver, version, size, taken, [[first, end], ...], sent, heard_at,
[[id, first, end, allowed_to, heard_at], ...]], ...]}; "" is the account of a link that was never used.
"""

from __future__ import annotations

import json
from typing import Final

from .uses import Content, Download, Use, Uses

_WRITER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def read_uses(text: str) -> Uses:
    """Raises: ValueError, for what `write_uses` never wrote."""
    if not text:
        return Uses()
    try:
        document = json.loads(text)
        return Uses(document["closed"], document["slack"], tuple(_read_use(*parts) for parts in document["open"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"no account of uses: {error}") from None


def write_uses(uses: Uses) -> str:
    opened = [
        (
            *(use.receiver, use.content.version, use.content.size, use.taken, use.covered, use.sent, use.heard_at),
            [(each.id, each.first, each.end, each.allowed_to, each.heard_at) for each in use.running],
        )
        for use in uses.open
    ]
    document = {"closed": uses.closed, "slack": uses.slack_spent, "open": opened}
    return _WRITER.encode(document)


def _read_use(
    receiver: str,
    version: str,
    size: int,
    taken: bool,
    covered: list[tuple[int, int]],
    sent: int,
    heard_at: float,
    running: list[tuple[str, int, int, int, float]],
) -> Use:
    return Use(
        receiver,
        Content(version, size),
        taken,
        tuple((first, end) for first, end in covered),
        sent,
        tuple(Download(*parts) for parts in running),
        heard_at,
    )
