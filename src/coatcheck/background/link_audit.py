"""Rows of the links' audit, taken down when a request has ended and written by a thread of their own.

A request that no link brought costs one look. Of one that did, its entry waits for at most a quarter of a second; then
the thread makes rows of what has gathered, and appends them with one write and one sync.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from coatcheck.core.limits import LINK_AGENT_MAX_CHARS
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import UsedLink
from coatcheck.ports.link_audit import AuditRow
from coatcheck.wire.reply import RawHeader

from .audit_segments import AuditSegments
from .gathering import Gathering

log = logging.getLogger("coatcheck")


class _Entry(NamedTuple):
    """What a row is made of, without what was asked and answered at length: thousands of them may wait."""

    link: UsedLink
    ended_at: float
    asked_version: str
    headers: tuple[RawHeader, ...]
    operation: str
    status: int
    code: str
    address: str
    agent: str
    sent_bytes: int
    whole: bool
    seconds: float
    request_id: str


class LinkAuditLog:
    """Takes notes of exchanges. One a process; its thread starts with the first link."""

    def __init__(self, segments: AuditSegments) -> None:
        self._segments = segments
        self._gathering = Gathering("coatcheck-link-audit", self._write)

    def note(self, exchange: Exchange) -> None:
        """Never waits."""
        if exchange.link is not None:
            self._gathering.add(_entry_of(exchange, exchange.link))

    def close(self) -> None:
        """Write what waits."""
        self._gathering.close()

    def _write(self, entries: Sequence[_Entry], dropped: int) -> None:
        try:
            if entries:
                self._segments.append([_row_of(entry) for entry in entries])
        except OSError as error:
            log.warning("link audit dropped=%d: %s", len(entries), error)
        except Exception:
            log.exception("link audit: rows are lost")
        if dropped:
            log.warning("link audit dropped=%d: more requests than rows can be written", dropped)


def _entry_of(exchange: Exchange, link: UsedLink) -> _Entry:
    request, reply = exchange.request, exchange.reply
    return _Entry(
        link,
        exchange.now + exchange.seconds,
        request.query.first.get("versionId", ""),
        () if reply is None else reply.headers,
        exchange.operation,
        0 if reply is None else reply.status,
        f"{exchange.refusal} {exchange.ec}".rstrip() if exchange.refusal else "",
        request.client,
        request.headers.get("user-agent", "")[:LINK_AGENT_MAX_CHARS],
        exchange.sent_bytes,
        exchange.whole,
        exchange.seconds,
        exchange.request_id,
    )


def _row_of(entry: _Entry) -> AuditRow:
    link = entry.link
    return AuditRow(
        int(entry.ended_at * 1000),
        link.caller.account,
        link.caller.link,
        link.bucket,
        link.key,
        entry.asked_version or _told_version(entry.headers),
        entry.operation,
        entry.status,
        entry.code,
        entry.address,
        entry.agent,
        entry.sent_bytes,
        entry.whole,
        int(entry.seconds * 1000),
        entry.request_id,
    )


def _told_version(headers: tuple[RawHeader, ...]) -> str:
    for name, value in headers:
        if name == b"x-oss-version-id":
            return value.decode("ascii", "replace")
    return ""
