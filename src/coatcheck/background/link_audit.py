"""Rows of the links' audit, taken down when a request has ended and written by a thread of their own.

A request that no link brought costs one look. Of one that did, its entry waits for at most a quarter of a second; then
the thread makes rows of what has gathered, and appends them with one write and one sync.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from coatcheck.core.limits import LINK_AGENT_MAX_CHARS
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import UsedLink
from coatcheck.ports.link_audit import AuditRow
from coatcheck.wire.reply import RawHeader

from .audit_segments import AuditSegments
from .gathering import Gathering

log = logging.getLogger("coatcheck")


_Entry = tuple[UsedLink, float, float, str, tuple[RawHeader, ...], str, int, str, str, str, str, int, bool, str]
"""What a row is made of, without what was asked and answered at length: thousands of them may wait. A plain tuple, for
it is made on the request's path.

The link, Unix seconds of the beginning, seconds, the version that was asked for, headers of the reply, operation,
status, refusal and its number, address, agent, sent bytes, whether all was sent, request id.
"""


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
    return (
        link,
        exchange.now,
        exchange.seconds,
        request.query.first.get("versionId", ""),
        () if reply is None else reply.headers,
        exchange.operation,
        0 if reply is None else reply.status,
        exchange.refusal,
        exchange.ec,
        request.client,
        request.headers.get("user-agent", "")[:LINK_AGENT_MAX_CHARS],
        exchange.sent_bytes,
        exchange.whole,
        exchange.request_id,
    )


def _row_of(entry: _Entry) -> AuditRow:
    link, begun, seconds, asked, headers, operation, status, refusal, ec, *seen, request_id = entry
    caller = link.caller
    return AuditRow._make(  # a third of what it takes to name what each is
        (
            *(int((begun + seconds) * 1000), caller.account, caller.link, link.bucket, link.key),
            *(asked or _told_version(headers), operation, status, f"{refusal} {ec}".rstrip() if refusal else ""),
            *(*seen, int(seconds * 1000), request_id),
        )
    )


def _told_version(headers: tuple[RawHeader, ...]) -> str:
    for name, value in headers:
        if name == b"x-oss-version-id":
            return value.decode("ascii", "replace")
    return ""
