"""Rows of the links' audit, taken down when a request has ended and written by a thread of their own.

A request that no link brought costs one look. Of one that did, its row waits for at most a quarter of a second; then
the thread appends what has gathered with one write and one sync.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from coatcheck.core.limits import LINK_AGENT_MAX_CHARS
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import UsedLink
from coatcheck.ports.link_audit import AuditRow
from coatcheck.wire.reply import RawHeader, WrittenHeaders

from .audit_segments import AuditSegments
from .gathering import Gathering

_VERSION: Final = b"x-oss-version-id"

log = logging.getLogger("coatcheck")


class LinkAuditLog:
    """Takes notes of exchanges. One a process; its thread starts with the first link."""

    def __init__(self, segments: AuditSegments) -> None:
        self._segments = segments
        self._gathering = Gathering("coatcheck-link-audit", self._write)

    def note(self, exchange: Exchange) -> None:
        """Never waits."""
        if exchange.link is not None:
            self._gathering.add(_row_of(exchange, exchange.link))

    def close(self) -> None:
        """Write what waits."""
        self._gathering.close()

    def _write(self, rows: Sequence[AuditRow], dropped: int) -> None:
        try:
            if rows:
                self._segments.append(rows)
        except OSError as error:
            log.warning("link audit dropped=%d: %s", len(rows), error)
        except Exception:
            log.exception("link audit: rows are lost")
        if dropped:
            log.warning("link audit dropped=%d: more requests than rows can be written", dropped)


def _row_of(exchange: Exchange, link: UsedLink) -> AuditRow:
    request, reply, caller = exchange.request, exchange.reply, link.caller
    seconds, refusal = exchange.seconds, exchange.refusal
    version = request.query.get("versionId") if request.query.is_read else None
    return AuditRow(
        int((exchange.now + seconds) * 1000),
        caller.account,
        caller.link,
        link.bucket,
        link.key,
        version or ("" if reply is None else _told_version(reply.headers)),
        exchange.operation,
        0 if reply is None else reply.status,
        f"{refusal} {exchange.ec}".rstrip() if refusal else "",
        request.client,
        request.headers.get("user-agent", "")[:LINK_AGENT_MAX_CHARS],
        exchange.sent_bytes,
        exchange.whole,
        int(seconds * 1000),
        exchange.request_id,
    )


def _told_version(headers: tuple[RawHeader, ...]) -> str:
    if isinstance(headers, WrittenHeaders) and _VERSION not in headers.lines:  # one text, in place of cold pairs
        return ""
    for name, value in headers:
        if name == _VERSION:
            return value.decode("ascii", "replace")
    return ""
