"""Lines of access logs, taken down when a request has ended and written by a thread of their own.

A request of a bucket without a log costs one look. Of one with a log it leaves an entry; several times a second the
thread makes lines of what has gathered and appends them, durably, to a segment a bucket. So what a crash may lose are
the lines of the last second.
"""

from __future__ import annotations

import logging
import threading
from collections import deque

from coatcheck.clock import Clock
from coatcheck.core.limits import LOG_GATHERED_S, LOG_LINES_WAITING_MAX
from coatcheck.exchange import Exchange

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
        self._waiting: deque[LogEntry] = deque()
        self._awake = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._dropped = 0

    def note(self, exchange: Exchange) -> None:
        """Never waits."""
        if exchange.logged is None:
            return
        if len(self._waiting) >= LOG_LINES_WAITING_MAX:
            self._dropped += 1
            return
        entry = entry_of(exchange)
        if entry is not None:
            self._waiting.append(entry)
            if not self._awake.is_set():
                self._wake()

    def close(self) -> None:
        """Write what waits."""
        self._ending.set()
        if self._thread is not None:
            self._awake.set()
            self._thread.join(timeout=5)

    def _wake(self) -> None:
        self._awake.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="coatcheck-access-log", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._awake.wait()
            self._ending.wait(LOG_GATHERED_S)
            self._awake.clear()
            try:
                self._write()
            except Exception:
                log.exception("access log: lines are lost")

    def _write(self) -> None:
        lines: dict[Header, list[bytes]] = {}
        for _ in range(len(self._waiting)):
            entry = self._waiting.popleft()
            lines.setdefault(Header(entry.bucket, entry.document), []).append(write_line(entry))
        hour = int(self._clock() // HOUR_S)
        for header, of_bucket in lines.items():
            try:
                self._segments.append(header, of_bucket, hour)
            except OSError as error:
                log.warning("access log bucket=%s dropped=%d: %s", header.bucket, len(of_bucket), error)
        if self._dropped:
            log.warning("access log dropped=%d: more requests than lines can be written", self._dropped)
            self._dropped = 0
