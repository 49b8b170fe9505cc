"""Refusals on their way to where they are kept: noted when an exchange ends, written by a thread, in batches.

So no request waits for a disk. What is not written yet when a process dies is lost; it is a moment's worth.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from coatcheck.core.limits import REFUSALS_WAITING_MAX
from coatcheck.exchange import Exchange
from coatcheck.ports.refusals import Refusal

_BATCH_S: Final = 0.1

log: Final = logging.getLogger("coatcheck")


class RefusalLog:
    """Takes notes and has them kept in the background.

    Args:
        keep: writes some; may wait, and raise an OSError: these are dropped then.
    """

    def __init__(self, keep: Callable[[Sequence[Refusal]], None]) -> None:
        self._keep = keep
        self._waiting: deque[Refusal] = deque(maxlen=REFUSALS_WAITING_MAX)
        self._wake, self._ending = threading.Event(), threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="coatcheck-refusals", daemon=True)
        self._thread.start()

    def note(self, exchange: Exchange) -> None:
        """Cheap for a request that isn't refused, and never waits."""
        if not exchange.refusal:
            return
        self._waiting.append(_refusal_of(exchange))
        self._wake.set()

    def close(self) -> None:
        """Write what is left, for two seconds at most."""
        self._ending.set()
        self._wake.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.wait()
            self._ending.wait(_BATCH_S)  # more may come
            self._wake.clear()
            self._write()
        self._write()

    def _write(self) -> None:
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not batch:
            return
        try:
            self._keep(batch)
        except OSError as error:
            if not self._failing:
                log.warning("refusals cannot be kept for `coatcheck explain`: %s", error)
            self._failing = True
        else:
            self._failing = False


def _refusal_of(exchange: Exchange) -> Refusal:
    link = exchange.link
    proven = exchange.access_key_id or ("" if link is None else link.caller.access_key_id)
    return Refusal(
        exchange.request_id,
        int(exchange.now),
        exchange.request.method,
        exchange.operation,
        exchange.bucket,
        proven or exchange.claimed,
        bool(proven),
        0 if exchange.reply is None else exchange.reply.status,
        exchange.refusal,
        exchange.ec,
        exchange.reason,
        exchange.hint,
    )
