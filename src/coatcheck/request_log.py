"""One line a request, when its reply has ended: its fields, as text or as JSON. Never a secret, a signature or a query.

Lines are made and written by a thread of their own, many at once, so that no request waits for a terminal or a disk.
Refusals are always logged, with their code, and so are replies that broke off; other requests only if the operator asks
(`--access-log`). What a client chose (a key, its agent, the host) is shown as it is as far as it can be read: what
isn't printable is escaped, and what looks like a signature is left out, for some clients send links in the wrong place.
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, Final, Protocol

from coatcheck.core.limits import LOG_GATHERED_S, LOG_LINES_WAITING_MAX, LOG_TEXT_MAX_CHARS
from coatcheck.core.operation_names import write_operation
from coatcheck.core.times import write_iso_ms
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import Caller

_LINES_MAX: Final = 200  # in one write
_ASCII_MAX: Final = 0x7F
_ERRORS_FROM: Final = 500  # status

_SECRET: Final = re.compile(
    r"(?i)((?:signature|security-token|policy|authorization|cookie|secret)\s*(?:=|%3D|:)\s*)[^&\s,;]+"
    r"|(\bOSS\s+[^\s:]+:)\S+"
)


class Out(Protocol):
    """Where lines go."""

    def write(self, lines: str, /) -> object: ...


# What a line says, without what was asked and answered at length, for thousands of them may wait: now, request id,
# client, method, host, operation, bucket, access key id, refusal, agent, status, key, who came by a link, bytes,
# whether whole, seconds. (A plain tuple is made and read faster than a named one.)
_Entry = tuple[
    *tuple[float, str, str, str, str, str, str, str, str, str],
    *tuple[int, str, Caller | None, int, bool, float],
]


class RequestLog:
    """Takes notes and writes them in the background.

    Args:
        everything: what was answered well, too.
        errors_only: only what was answered with 500 or more; for `--log-level warning` and `error`.
    Attributes:
        dropped: lines, so far, that came faster than they could be written.
    """

    def __init__(self, out: Out, *, everything: bool, as_json: bool = False, errors_only: bool = False) -> None:
        self._out = out
        self._everything = everything and not errors_only
        self._least = _ERRORS_FROM if errors_only else 400
        self._broken_too = not errors_only
        self._write_line = _write_json if as_json else _write_text
        self.dropped = 0
        self._told = 0  # of those that were dropped
        self._entries: deque[_Entry] = deque()
        self._awake, self._ending = threading.Event(), threading.Event()
        self._is_awake = False  # as the event says; to look at it costs less
        self._writer = threading.Thread(target=self._run, name="coatcheck-log", daemon=True)
        self._writer.start()

    def note(self, exchange: Exchange) -> None:
        """Cheap for a request that isn't logged, and never waits."""
        if not self._everything:
            refused = exchange.reply is None or exchange.reply.status >= self._least
            if not refused and (exchange.whole or not self._broken_too):
                return
        if len(self._entries) >= LOG_LINES_WAITING_MAX:
            self.dropped += 1
            return
        self._entries.append(_entry_of(exchange))
        if not self._is_awake:
            self._is_awake = True
            self._awake.set()

    def close(self) -> None:
        """Write what waits."""
        self._ending.set()
        self._awake.set()
        self._writer.join(timeout=2)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._awake.wait()
            self._ending.wait(LOG_GATHERED_S)
            self._awake.clear()
            self._is_awake = False
            self._write_waiting()
        self._write_waiting()

    def _write_waiting(self) -> None:
        while self._entries or self._told < self.dropped:
            lines = [self._write_line(self._entries.popleft()) for _ in range(min(len(self._entries), _LINES_MAX))]
            if self._told < self.dropped:
                dropped = self.dropped
                lines.append(self._write_dropped(dropped - self._told))
                self._told = dropped
            try:
                self._out.write("".join(lines))
            except (OSError, ValueError):
                continue  # nobody reads the log any more; the server goes on

    def _write_dropped(self, lines: int) -> str:
        if self._write_line is _write_text:
            return f"dropped={lines}\n"
        return json.dumps({"level": "warning", "event": "dropped", "lines": lines}) + "\n"


def _entry_of(exchange: Exchange) -> _Entry:
    request, reply, link = exchange.request, exchange.reply, exchange.link
    headers = request.headers
    return (
        exchange.now,
        exchange.request_id,
        request.client,
        request.method,
        headers.get("host", ""),
        exchange.operation,
        exchange.bucket,
        exchange.access_key_id,
        exchange.refusal,
        headers.get("user-agent", ""),
        0 if reply is None else reply.status,
        exchange.key,
        None if link is None else link.caller,
        exchange.sent_bytes,
        exchange.whole,
        exchange.seconds,
    )


def _write_json(entry: _Entry) -> str:
    now, request_id, *who, key, by_link, sent, whole, seconds = entry
    tenths, at = int(seconds * 10_000), write_iso_ms(int(now * 1000))
    return (
        f'{{"time":"{at}","request_id":"{request_id}",{_write_who(*who)},"key":{_short_json(key)},'
        f'"link":"{by_link.link if by_link else ""}","bytes":{sent},'
        f'"end":"{"whole" if whole else "broken"}","ms":{tenths // 10}.{tenths % 10}}}\n'
    )


@lru_cache(maxsize=4096)
def _write_who(
    client: str, method: str, host: str, operation: str, bucket: str, access_key_id: str, refusal: str, *rest: Any
) -> str:
    """What one client's requests have in common."""
    agent, status = rest
    level = "error" if status >= _ERRORS_FROM else "info"
    return (
        f'"level":"{level}","event":"request","client":{_quote_json(client)},"method":{_quote_json(method)},'
        f'"host":{_quote_json(host)},"agent":{_quote_json(agent)},"operation":"{write_operation(operation)}",'
        f'"bucket":{_quote_json(bucket)},"access_key_id":{_quote_json(access_key_id)},"status":{status},'
        f'"code":{_quote_json(refusal)}'
    )


def _quote_json(value: str) -> str:
    value = _without_secrets(value)
    if value.isprintable():
        return encode_basestring(value)
    return "".join(char if char.isprintable() else _escape(char) for char in encode_basestring(value))


def _escape(char: str) -> str:
    return json.dumps(char)[1:-1] if ord(char) > _ASCII_MAX else f"\\u{ord(char):04x}"


_short_json = lru_cache(maxsize=4096)(_quote_json)


def _write_text(entry: _Entry) -> str:
    (now, request_id, client, method, host, operation, bucket, access_key_id, refusal, agent) = entry[:10]
    status, key, by_link, sent, whole, seconds = entry[10:]
    fields = {
        "time": write_iso_ms(int(now * 1000)),
        "request_id": request_id,
        "client": client,
        "method": method,
        "operation": operation or "-",
        "bucket": bucket or "-",
        "key": key or "-",
        "access_key_id": access_key_id or "-",
        "status": str(status or "-"),
        "refusal": refusal or "-",
        "bytes": str(sent),
        "end": "whole" if whole else "broken",
        "ms": f"{seconds * 1000:.1f}",
        "link": by_link.link if by_link else "-",
        "host": host or "-",
        "agent": agent or "-",
    }
    return " ".join(f"{name}={_quoted(value)}" for name, value in fields.items()) + "\n"


def _quoted(value: str) -> str:
    """Bare where that is readable; otherwise quoted, and escaped where it can't be read, so that a key can't fake a
    line. As a reader of JSON or of Python takes it."""
    value = _without_secrets(value)
    if value.isprintable() and not _NEEDS_QUOTES.search(value):
        return value
    return _quote_json(value)


_NEEDS_QUOTES: Final = re.compile(r"[ \"'\\]")


def _without_secrets(value: str) -> str:
    """Shortened, and without what may be a secret in the wrong place."""
    if len(value) > LOG_TEXT_MAX_CHARS:
        value = value[:LOG_TEXT_MAX_CHARS] + "..."
    if "=" in value or ":" in value or "%" in value:
        return _SECRET.sub(lambda found: (found[1] or found[2]) + "-", value)
    return value
