"""Telling owners what came of their links: which rows are events, what waits to be told, and what is sent. Pure.

A target is an address that wants to hear of one link, or of all links of a bucket. For each link there is at most one
notice that waits for a target: what happens meanwhile joins it, so a target hears of a link once a minute at most.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

from msgspec import Struct, field, to_builtins
from msgspec.structs import replace

from coatcheck.core.author import Author
from coatcheck.core.limits import LINK_NOTICE_EVERY_S, LINK_NOTICE_RETRY_MAX_S, LINK_NOTICE_RETRY_S, LINK_REFUSALS_TOLD
from coatcheck.core.times import write_iso_ms
from coatcheck.ports.link_audit import AuditRow

_WINDOW_MS: Final = 3_600_000
_UPLOADS: Final = frozenset(
    {"put_object", "post_object", "append_object", "complete_multipart_upload", "ticket_upload"}
)


class Event(Enum):
    """What can be told, the weightiest first: a notice of several is called by the first."""

    ARRIVED = "upload_arrived"
    EXHAUSTED = "exhausted"
    REFUSED = "refused_too_often"
    FIRST_USE = "first_use"
    USE = "use"


class Signing(Enum):
    """How notices are signed."""

    HMAC = "hmac-sha256"
    ED25519 = "ed25519"


class Target(Struct, frozen=True):
    """Who is told of what.

    Attributes:
        link: its id; "" for all links of the bucket.
        sealed: the key that notices are signed with, as only the server can read it.
        public_key: that they are checked with; "" where that is the secret itself.
        author: who set it up; notices are sent as long as they may read the audit.
        gave_up: notices that were dropped after LINK_NOTICE_KEPT_S, with the last reason.
    """

    id: str
    link: str
    key: str
    url: str
    events: tuple[Event, ...]
    signing: Signing
    sealed: str
    public_key: str
    author: Author
    made_at: int
    gave_up: int = 0
    gave_up_why: str = ""


class Told(Struct, frozen=True):
    """What a target was told of a link, and what it took to know that.

    Attributes:
        turn: goes up each time that rows were looked at: of two, the newer has the larger.
        places: by segment, the byte behind the rows that were looked at, as long as they aren't known to be counted.
        used, exhausted: were told.
        refused: refusals since `refused_since_ms`.
        sent_at: Unix seconds of the last notice that arrived; 0 for none.
        last_ms: of the last row.
    """

    turn: int = 0
    places: tuple[tuple[str, int], ...] = ()
    used: bool = False
    exhausted: bool = False
    refused: int = 0
    refused_since_ms: int = 0
    sent_at: float = 0.0
    last_ms: int = 0


class Waiting(Struct, frozen=True):
    """A notice that is to be sent.

    Attributes:
        id: the same for each attempt, so that whoever is told can know one from another.
        told: what the target will have been told with it.
        counts: how often each event happened.
        last: of the newest row: at_ms, key, version, operation, status, code, address, agent, bytes, whole.
        due_at: Unix seconds, not to be sent before.
        why: what the last attempt failed of.
    """

    id: str
    told: Told
    made_at: float
    due_at: float
    counts: Mapping[str, int] = field(default_factory=dict)
    last: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 0
    why: str = ""


def newest(told: Told, waiting: Waiting | None) -> Told:
    """What was told: by its own entry, or by what waits if the process died before that entry was written."""
    return told if waiting is None or waiting.told.turn <= told.turn else replace(waiting.told, sent_at=told.sent_at)


def find_events(
    target: Target, told: Told, rows: Sequence[AuditRow], *, exhausted: bool
) -> tuple[Told, Mapping[Event, int]]:
    """What rows of one link are to a target, and what it then was told."""
    counts: dict[Event, int] = {}

    def note(event: Event) -> None:
        if event in target.events:
            counts[event] = counts.get(event, 0) + 1

    for row in rows:
        if row.code or row.status >= 400 or not row.status:
            told = _refused(told, row.at_ms)
            if told.refused % LINK_REFUSALS_TOLD == 0:
                note(Event.REFUSED)
            continue
        if not told.used:
            note(Event.FIRST_USE)
        told = replace(told, used=True)
        note(Event.USE)
        if row.operation in _UPLOADS:
            note(Event.ARRIVED)
    if exhausted and not told.exhausted:
        note(Event.EXHAUSTED)
        told = replace(told, exhausted=True)
    return replace(told, turn=told.turn + 1, last_ms=rows[-1].at_ms), counts


def _refused(told: Told, at_ms: int) -> Told:
    if abs(at_ms - told.refused_since_ms) > _WINDOW_MS:
        return replace(told, refused=1, refused_since_ms=at_ms)
    return replace(told, refused=told.refused + 1)


def join(
    waiting: Waiting | None, counts: Mapping[Event, int], row: AuditRow, told: Told, place: str, now: float
) -> Waiting:
    """With what a batch of rows came to. Args: place: the target and the link, as their entry's name."""
    last = {
        "at_ms": row.at_ms,
        **{name: getattr(row, name) for name in ("key", "version", "operation", "status", "code", "address", "agent")},
        "bytes": row.sent_bytes,
        "whole": row.whole,
    }
    if waiting is None:
        due_at = max(now, told.sent_at + LINK_NOTICE_EVERY_S if told.sent_at <= now else now)
        waiting = Waiting(name_notice(place, told), told, now, due_at)
    joined = dict(waiting.counts)
    for event, count in counts.items():
        joined[event.value] = joined.get(event.value, 0) + count
    return replace(waiting, told=told, counts=joined, last=last)


def name_notice(place: str, told: Told) -> str:
    """The id of a notice that begins at that turn."""
    return f"msg_{hashlib.sha256(f'{place} {told.turn} {told.places}'.encode()).hexdigest()[:24]}"


def sent(waiting: Waiting, sent_one: Waiting, place: str, now: float) -> Waiting | None:
    """What still waits once one was sent: what joined it while it was on its way."""
    if waiting.told.turn == sent_one.told.turn:
        return None
    left = {name: count - sent_one.counts.get(name, 0) for name, count in waiting.counts.items()}
    counts = {name: count for name, count in left.items() if count > 0}
    if not counts:
        return None
    notice_id = name_notice(place, waiting.told)
    return Waiting(notice_id, waiting.told, now, now + LINK_NOTICE_EVERY_S, counts, waiting.last)


def failed(waiting: Waiting, why: str, now: float) -> Waiting:
    """To be tried again: after 10 seconds, twice as long each time, an hour at most."""
    pause = min(LINK_NOTICE_RETRY_S * 2 ** min(waiting.attempts, 20), LINK_NOTICE_RETRY_MAX_S)
    return replace(waiting, attempts=waiting.attempts + 1, why=why[:200], due_at=now + pause)


def write_body(waiting: Waiting, link: str, bucket: str) -> bytes:
    """What is sent. `event` is the weightiest; `events` has all with how often; `joined` is what a notice stands for
    beside the one that it tells of."""
    event = next(event.value for event in Event if event.value in waiting.counts)
    last = dict(waiting.last)
    at_ms = last.pop("at_ms")
    happened = {name: count for name, count in waiting.counts.items() if name != Event.FIRST_USE.value}
    document = {
        "id": waiting.id,
        "time": write_iso_ms(at_ms),
        "event": event,
        "events": waiting.counts,
        "joined": max(max(happened.values(), default=1), 1) - 1,
        "link": link,
        "bucket": bucket,
        **last,
    }
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace")


# --- as text, which a store keeps -------------------------------------------------------------------------------------


def write_target(target: Target) -> str:
    document = to_builtins(target)
    document |= {"events": [event.value for event in target.events], "signing": target.signing.value}
    return json.dumps(document)


def read_target(text: str) -> Target:
    """Raises: ValueError, TypeError, KeyError for what `write_target` never wrote."""
    document = json.loads(text)
    document |= {
        "events": tuple(Event(name) for name in document["events"]),
        "signing": Signing(document["signing"]),
        "author": Author(**document["author"]),
    }
    return Target(**document)


def write_told(told: Told) -> str:
    return json.dumps(to_builtins(told))


def read_told(text: str | None) -> Told:
    return Told() if text is None else _read_told(json.loads(text))


def _read_told(document: dict[str, Any]) -> Told:
    """An earlier version noted one place."""
    segment, stop = document.pop("segment", ""), document.pop("stop", 0)
    places = document.pop("places", [[segment, stop]] if segment else [])
    return Told(**document, places=tuple((name, byte) for name, byte in places))


def write_waiting(waiting: Waiting) -> str:
    return json.dumps(to_builtins(waiting))


def read_waiting(text: str) -> Waiting:
    document = json.loads(text)
    return Waiting(**{**document, "told": _read_told(document["told"])})
