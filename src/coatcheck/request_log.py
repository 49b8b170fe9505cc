"""One line a request, when it has ended: an event and its fields. Never a secret, a signature, a query or a whole link.

Lines are made and written by a thread of their own, so that no request waits for a terminal or a disk. Refusals are
always logged, with their reason, and so are replies that broke off; other requests only if the operator asks
(`--access-log`).
"""

from __future__ import annotations

import queue
import threading
from typing import Final, NamedTuple, TextIO

from coatcheck.core.times import write_iso
from coatcheck.exchange import Exchange

_QUEUED_MAX: Final = 10_000  # lines; past that they are counted, not kept


class _Entry(NamedTuple):
    """What a line says, without what was asked and answered at length: thousands of them may wait."""

    now: float
    request_id: str
    client: str
    method: str
    operation: str
    bucket: str
    key: str
    access_key_id: str
    status: int
    refusal: str
    sent_bytes: int
    whole: bool
    seconds: float


class RequestLog:
    """Takes notes and writes them in the background."""

    def __init__(self, out: TextIO, *, everything: bool) -> None:
        self._out = out
        self._everything = everything
        self._dropped = 0
        self._entries: queue.Queue[_Entry | None] = queue.Queue(_QUEUED_MAX)
        self._thread = threading.Thread(target=self._run, name="coatcheck-log", daemon=True)
        self._thread.start()

    def note(self, exchange: Exchange) -> None:
        """Cheap for a request that isn't logged, and never waits."""
        refused = exchange.reply is None or exchange.reply.status >= 400
        if not (refused or self._everything) and exchange.whole:
            return
        try:
            self._entries.put_nowait(_entry_of(exchange))
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        self._entries.put(None)
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while (entry := self._entries.get()) is not None:
            lines = [_write_line(entry)]
            while not self._entries.empty() and len(lines) < 1000:
                following = self._entries.get()
                if following is None:
                    self._write(lines)
                    return
                lines.append(_write_line(following))
            self._write(lines)

    def _write(self, lines: list[str]) -> None:
        if self._dropped:
            lines.append(f"dropped={self._dropped}\n")
            self._dropped = 0
        try:
            self._out.write("".join(lines))
            self._out.flush()
        except (OSError, ValueError):
            return  # nobody reads the log any more; the server goes on


def _entry_of(exchange: Exchange) -> _Entry:
    return _Entry(
        exchange.now,
        exchange.request_id,
        exchange.request.client,
        exchange.request.method,
        exchange.operation,
        exchange.bucket,
        exchange.key,
        exchange.access_key_id,
        0 if exchange.reply is None else exchange.reply.status,
        exchange.refusal,
        exchange.sent_bytes,
        exchange.whole,
        exchange.seconds,
    )


def _write_line(entry: _Entry) -> str:
    fields = {
        "time": write_iso(int(entry.now)),
        "request_id": entry.request_id,
        "client": entry.client,
        "method": entry.method,
        "operation": entry.operation or "-",
        "bucket": entry.bucket or "-",
        "key": entry.key or "-",
        "access_key_id": entry.access_key_id or "-",
        "status": str(entry.status or "-"),
        "refusal": entry.refusal or "-",
        "bytes": str(entry.sent_bytes),
        "end": "whole" if entry.whole else "broken",
        "ms": f"{entry.seconds * 1000:.1f}",
    }
    return " ".join(f"{name}={_quoted(value)}" for name, value in fields.items()) + "\n"


def _quoted(value: str) -> str:
    """Bare where that is readable; otherwise quoted and escaped, so that a key can't fake a line."""
    if value.isprintable() and " " not in value and '"' not in value:
        return value
    return ascii(value)
