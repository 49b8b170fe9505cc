"""One display over many transfers: files and bytes done of those known so far, the rate, and the time left.

On a terminal a bar, elsewhere a plain line now and then, nothing under --json. Threads only count; one thread draws.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import Final

from rich.progress import BarColumn, Progress, TextColumn

from .terminal import say, stderr, write_duration, write_size

_QUIET_FOR_S: Final = 0.5  # work done sooner shows nothing
_DRAW_EVERY_S: Final = 0.25
_LINE_EVERY_S: Final = 10.0


class Tally:
    """What is planned and what is done; counted by several threads."""

    def __init__(self) -> None:
        self.files = self.total_files = self.bytes = self.total_bytes = 0
        self.planned = False
        self.resumed_bytes = 0
        self._started_s = time.monotonic()
        self._lock = Lock()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started_s

    def plan(self, size_bytes: int) -> None:
        with self._lock:
            self.total_files += 1
            self.total_bytes += size_bytes

    def unplan(self, size_bytes: int) -> None:
        """A job that there was nothing to do about."""
        with self._lock:
            self.total_files -= 1
            self.total_bytes -= size_bytes

    def file_done(self) -> None:
        with self._lock:
            self.files += 1

    def add(self, n_bytes: int, resumed_bytes: int = 0) -> None:
        with self._lock:
            self.bytes += n_bytes
            self.resumed_bytes += resumed_bytes

    def watch(self) -> FileProgress:
        return FileProgress(self)

    def write(self) -> str:
        """ "12 of 100 files, 3.0 MiB of 1.2 GiB, 34.0 MiB/s, 35 seconds left"."""
        rate = (self.bytes - self.resumed_bytes) / max(self.seconds, 0.001)
        left = ""
        if self.planned and rate > 0 and self.total_bytes > self.bytes:
            left = f", {write_duration(max(1.0, (self.total_bytes - self.bytes) / rate))} left"
        many = "" if self.planned else " or more"
        files = f"{self.files:,} of {self.total_files:,}{many} file{'' if self.total_files == 1 else 's'}"
        return f"{files}, {write_size(self.bytes)} of {write_size(self.total_bytes)}, {write_size(int(rate))}/s{left}"

    def write_short(self) -> str:
        """ "12/100  3.0 MiB/1.2 GiB  34.0 MiB/s  0:35": 50 columns at most, for a line with a bar."""
        rate = (self.bytes - self.resumed_bytes) / max(self.seconds, 0.001)
        left = ""
        if self.planned and rate > 0 and self.total_bytes > self.bytes:
            minutes, seconds = divmod(round((self.total_bytes - self.bytes) / rate), 60)
            left = f"  {minutes}:{seconds:02}"
        sizes = f"{write_size(self.bytes)}/{write_size(self.total_bytes)}"
        return f"{self.files:,}/{self.total_files:,}  {sizes}  {write_size(int(rate))}/s{left}"

    def summarize(self, verb: str) -> str:
        """ "Copied 100 files, 1.2 GiB, in 35 seconds (34.0 MiB/s)"."""
        seconds = self.seconds
        text = f"{verb} {self.files:,} file{'' if self.files == 1 else 's'}, {write_size(self.bytes)}"
        if seconds < 1:
            return text
        rate = int((self.bytes - self.resumed_bytes) / seconds)
        return f"{text}, in {write_duration(seconds)} ({write_size(rate)}/s)"


class FileProgress:
    """One transfer's share of a tally; what it had begun is taken back if it starts over."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._counted = 0
        self._lock = Lock()

    def begin(self, name: str, total_bytes: int | None, done_bytes: int = 0) -> None:
        with self._lock:
            self._tally.add(done_bytes - self._counted, done_bytes)
            self._counted = done_bytes

    def advance(self, n_bytes: int) -> None:
        with self._lock:
            self._counted += n_bytes
        self._tally.add(n_bytes)

    def take_back(self) -> None:
        """The transfer failed: its bytes count for nothing."""
        self.begin("", None)


@contextmanager
def tally(*, wanted: bool) -> Iterator[Tally]:
    """Counts for as long as the block lasts, shown if `wanted`."""
    counted = Tally()
    if not wanted:
        yield counted
        return
    halt = Event()
    show = _show_bar if sys.stderr.isatty() else _show_lines
    thread = Thread(target=show, args=(counted, halt), daemon=True)
    thread.start()
    try:
        yield counted
    finally:
        halt.set()
        thread.join(1.0)


def _show_bar(counted: Tally, halt: Event) -> None:
    if halt.wait(_QUIET_FOR_S):
        return
    console = stderr()
    width = max(4, min(30, console.width - 54))
    columns = (BarColumn(bar_width=width), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
        task = bar.add_task("", total=None)
        while True:
            total = counted.total_bytes if counted.planned else None
            bar.update(task, description=counted.write_short(), completed=counted.bytes, total=total, refresh=True)
            if halt.wait(_DRAW_EVERY_S):
                return


def _show_lines(counted: Tally, halt: Event) -> None:
    while not halt.wait(_LINE_EVERY_S):
        say(counted.write())
