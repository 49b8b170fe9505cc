"""Refusals on their way to where they are kept: noted when an exchange ends, and written beside the requests.

What is not written yet when a process dies is lost; it is a moment's worth.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from coatcheck.background.gathering import Gathering
from coatcheck.exchange import Exchange
from coatcheck.ports.refusals import Refusal

log: Final = logging.getLogger("coatcheck")


class RefusalLog:
    """Takes notes and has them kept in the background.

    Args:
        keep: writes some; may wait, and raise an OSError: these are dropped then.
    """

    def __init__(self, keep: Callable[[Sequence[Refusal]], None]) -> None:
        self._keep = keep
        self._failing = False
        self._gathering = Gathering("coatcheck-refusals", self._write)

    def note(self, exchange: Exchange) -> None:
        """Cheap for a request that isn't refused, and never waits."""
        if exchange.refusal:
            self._gathering.add(_refusal_of(exchange))

    def close(self) -> None:
        """Write what waits."""
        self._gathering.close()

    def _write(self, refusals: Sequence[Refusal], dropped: int) -> None:
        if dropped:
            log.warning("refusals dropped=%d: more than can be kept for `coatcheck explain`", dropped)
        try:
            self._keep(refusals)
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
