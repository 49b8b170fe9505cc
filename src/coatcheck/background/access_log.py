"""Lines of access logs, taken down when a request has ended and written by a thread of their own.

A request of a bucket without a log costs one look. Of one with a log it leaves an entry; several times a second the
thread makes lines of what has gathered and appends them, durably, to a segment a bucket. So what a crash may lose are
the lines of the last second.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence

from coatcheck.clock import Clock
from coatcheck.exchange import Exchange

from .gathering import Gathering
from .log_line import LogEntry, entry_of, write_line
from .log_segments import HOUR_S, Header, Segments

log = logging.getLogger("coatcheck")


class AccessLog:
    """Takes notes of exchanges. One a process; without a bucket that has a log its thread never starts.

    Args:
        clock: wall time; says which hour lines belong to.
    """

    def __init__(self, segments: Segments, clock: Clock) -> None:
        self._segments = segments
        self._clock = clock
        self._gathering = Gathering("coatcheck-access-log", self._write)

    def note(self, exchange: Exchange) -> None:
        """Never waits."""
        if exchange.logged is not None and (entry := entry_of(exchange)) is not None:
            self._gathering.add(entry)

    def close(self) -> None:
        """Write what waits."""
        self._gathering.close()

    def _write(self, entries: Sequence[LogEntry], dropped: int) -> None:
        try:
            self._append(entries)
        except Exception:
            log.exception("access log: lines are lost")
        if dropped:
            log.warning("access log dropped=%d: more requests than lines can be written", dropped)

    def _append(self, entries: Sequence[LogEntry]) -> None:
        lines: defaultdict[tuple[str, str], list[bytes]] = defaultdict(list)
        for entry in entries:
            lines[entry.bucket, entry.logged.place.document].append(write_line(entry))
        hour = int(self._clock() // HOUR_S)
        for place, of_bucket in lines.items():
            header = Header(*place)
            try:
                self._segments.append(header, of_bucket, hour)
            except OSError as error:
                log.warning("access log bucket=%s dropped=%d: %s", header.bucket, len(of_bucket), error)
