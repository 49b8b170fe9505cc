"""What requests leave behind, taken down without waiting and written by a thread of its own, several times a second."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from coatcheck.core.limits import LOG_GATHERED_S, LOG_LINES_WAITING_MAX

T = TypeVar("T")

_END_WAIT_S: Final = 5.0


class Gathering(Generic[T]):
    """Entries on their way to be written. One a process and kind; its thread starts with the first entry.

    Args:
        name: of the thread.
        write: is given all that has gathered, in the thread, and how many entries were dropped since the last time.
            It raises nothing.
    """

    def __init__(self, name: str, write: Callable[[Sequence[T], int], None]) -> None:
        self._name = name
        self._write = write
        self._waiting: deque[T] = deque()
        self._awake = threading.Event()
        self._is_awake = False  # as the event says; to look at it costs less
        self._ending = threading.Event()
        self._writer: threading.Thread | None = None
        self._dropped = 0

    def add(self, entry: T) -> None:
        """Never waits: entries past LOG_LINES_WAITING_MAX are counted and dropped."""
        if len(self._waiting) >= LOG_LINES_WAITING_MAX:
            self._dropped += 1
            return
        self._waiting.append(entry)
        if not self._is_awake:
            self._wake()

    def close(self) -> None:
        """Write what waits."""
        self._ending.set()
        if self._writer is not None:
            self._awake.set()
            self._writer.join(timeout=_END_WAIT_S)

    def _wake(self) -> None:
        self._is_awake = True
        self._awake.set()
        if self._writer is None:
            self._writer = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._writer.start()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._awake.wait()
            self._ending.wait(LOG_GATHERED_S)
            self._awake.clear()
            self._is_awake = False
            self._write_waiting()
        self._write_waiting()  # it may have been closed before the thread looked

    def _write_waiting(self) -> None:
        entries = [self._waiting.popleft() for _ in range(len(self._waiting))]
        dropped, self._dropped = self._dropped, 0
        if entries or dropped:
            self._write(entries, dropped)
