"""One line a request: an event and its fields. Never a secret, a signature, a query or a whole link.

Lines are made and written by a thread of their own, so that no request waits for a terminal or a disk. Refusals are
always logged, with their reason; other requests only if the operator asks (`--access-log`).
"""

from __future__ import annotations

import queue
import threading
import time
from typing import Final, TextIO

from coatcheck.core.times import write_iso
from coatcheck.gateway import Trace
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

_QUEUED_MAX: Final = 10_000  # lines; past that they are counted, not kept
_Entry = tuple[float, float, str, str, Trace, int]


class RequestLog:
    """Takes notes and writes them in the background."""

    def __init__(self, out: TextIO, *, everything: bool) -> None:
        self._out = out
        self._everything = everything
        self._dropped = 0
        self._entries: queue.Queue[_Entry | None] = queue.Queue(_QUEUED_MAX)
        self._thread = threading.Thread(target=self._run, name="coatcheck-log", daemon=True)
        self._thread.start()

    def note(self, request: Request, trace: Trace, reply: Reply, started: float) -> None:
        """Cheap for a request that isn't logged, and never waits."""
        if reply.status < 400 and not self._everything:
            return
        try:
            self._entries.put_nowait(
                (started, time.time() - started, request.client, request.method, trace, reply.status)
            )
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        self._entries.put(None)
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while (entry := self._entries.get()) is not None:
            lines = [_write_line(*entry)]
            while not self._entries.empty() and len(lines) < 1000:
                following = self._entries.get()
                if following is None:
                    self._write(lines)
                    return
                lines.append(_write_line(*following))
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


def _write_line(started: float, took_s: float, client: str, method: str, trace: Trace, status: int) -> str:
    fields = {
        "time": write_iso(int(started)),
        "request_id": trace.request_id,
        "client": client,
        "method": method,
        "operation": trace.operation or "-",
        "bucket": trace.bucket or "-",
        "key": trace.key or "-",
        "access_key_id": trace.access_key_id or "-",
        "status": str(status),
        "refusal": trace.refusal or "-",
        "ms": f"{took_s * 1000:.1f}",
    }
    return " ".join(f"{name}={_quoted(value)}" for name, value in fields.items()) + "\n"


def _quoted(value: str) -> str:
    """Bare where that is readable; otherwise quoted and escaped, so that a key can't fake a line."""
    if value.isprintable() and " " not in value and '"' not in value:
        return value
    return ascii(value)
