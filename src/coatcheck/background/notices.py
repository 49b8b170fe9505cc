"""What an operator reads of background work: a line when a piece of it stops, and one when it goes on."""

from __future__ import annotations

import logging

from coatcheck.core.errors import OssError
from coatcheck.ports.catalog import NotWritten, Unknown

log = logging.getLogger("coatcheck")


class Stopped(Exception):
    """A piece of work can't be done as things are; the message says why, for the log. It is tried again later."""


class Notices:
    """Says each stop once, however often the work is tried again. One a process; forgets what it said when it ends."""

    def __init__(self) -> None:
        self._stopped: dict[str, str] = {}

    @property
    def count(self) -> int:
        """How many pieces of work stand still."""
        return len(self._stopped)

    def stopped(self, work: str, why: str) -> None:
        """Args: work: what, as "logging bucket=photos"; each text of a stranger in it quoted."""
        if self._stopped.get(work) != why:
            log.warning("stopped: %s: %s", work, why)
            self._stopped[work] = why

    def ended(self, work: str, error: Exception) -> None:
        """It stopped by an error: of the work, said in words; or a fault of ours, the first of its kind with its
        traceback. Other work goes on."""
        if isinstance(error, (Stopped, OssError, NotWritten, Unknown)):
            self.stopped(work, _why_not(error))
            return
        why = f"a fault of the server: {type(error).__name__}"
        if self._stopped.get(work) != why:
            log.error("stopped: %s: %s", work, why, exc_info=error)
            self._stopped[work] = why

    def goes(self, work: str) -> None:
        if self._stopped.pop(work, None) is not None:
            log.info("goes on: %s", work)


def _why_not(error: Stopped | OssError | NotWritten | Unknown) -> str:
    """A failure in words."""
    match error:
        case OssError():
            return f"{error.code}: {error.message}"
        case NotWritten() | Unknown():
            return f"the store takes no change at the moment: {error}"
        case _:
            return str(error)
