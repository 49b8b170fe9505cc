"""What a person sees: colours, tables, progress bars, sizes and local times. Only verbs that print import this.

stdout carries what was asked for and nothing else, so it can be piped; everything said beside it goes to stderr.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

_QUIET_FOR_S: Final = 0.5  # work done sooner shows no bar
_FACTS_CHARS: Final = 46  # "1023.9 MiB/1023.9 GiB  1023.9 MiB/s  999:59", and the spaces between columns
_NAME_CHARS: Final = (8, 24)  # the least and the most of a name
_BAR_CHARS: Final = (4, 30)


def stderr() -> Console:
    """For remarks beside the output."""
    return Console(stderr=True, highlight=False, emoji=False, markup=False)


def print_line(text: str) -> None:
    """One line of output, never wrapped or coloured: it can be copied and piped."""
    click.echo(text)


def print_json(facts: dict[str, Any], *, err: bool = False) -> None:
    """One JSON object on a line of stdout."""
    click.echo(json.dumps(facts, ensure_ascii=False), err=err)


def say(text: str, style: str = "") -> None:
    """A remark on stderr."""
    stderr().print(Text(text, style=style), soft_wrap=True)


def warn(text: str) -> None:
    say(f"warning: {text}", "yellow")


def print_field(label: str, value: str) -> None:
    """A labelled line of output; the value is never wrapped."""
    click.echo(f"{click.style(f'{label:<13} ', bold=True)}{value}")


def printable(text: str) -> str:
    """Names come from strangers: control characters become \\x1b, so that they can't drive the terminal."""
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def write_size(size_bytes: int) -> str:
    """0 B, 999 B, 1.0 KiB, 2.3 GiB."""
    if size_bytes < 1024:
        return f"{size_bytes} B"
    size = float(size_bytes)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        size /= 1024
        if size < 1023.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1024:.1f} PiB"


def write_count(count: int, noun: str) -> str:
    """ "1 object", "2 objects"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def write_duration(length: timedelta | float) -> str:
    """The two largest units: "7 days", "1 hour 30 minutes", "59 seconds"; takes seconds too."""
    left_s = round(length.total_seconds() if isinstance(length, timedelta) else length)
    words = []
    for unit, unit_s in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, left_s = divmod(left_s, unit_s)
        if count:
            words.append(write_count(count, unit))
    return " ".join(words[:2]) or "0 seconds"


def write_local(moment: datetime) -> str:
    """An aware moment in this computer's time zone: "2026-03-05 15:08:09 CST"."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z").strip()


class _Facts(ProgressColumn):
    """ "1.6 GiB/5.0 GiB  650.1 MiB/s  0:06": without colours, which some backgrounds swallow."""

    def render(self, task: Task) -> Text:
        size = write_size(int(task.completed))
        if task.total is not None:
            size += f"/{write_size(int(task.total))}"
        rate = f"  {write_size(int(task.speed))}/s" if task.speed else ""
        left_s = task.time_remaining
        left = f"  {int(left_s) // 60}:{int(left_s) % 60:02}" if left_s is not None else ""
        return Text(f"{size}{rate}{left}", no_wrap=True)


class _Bar:
    """A transfer's progress bar on stderr; shows itself once the work has gone on for a while."""

    def __init__(self, bar: Progress, name_chars: int) -> None:
        self._bar = bar
        self._name_chars = name_chars
        self._task: TaskID | None = None
        self._started_s = time.monotonic()
        self._shown = False
        self._lock = Lock()

    def begin(self, name: str, total_bytes: int | None, done_bytes: int = 0) -> None:
        with self._lock:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(_shorten(name, self._name_chars), total=total_bytes, completed=done_bytes)

    def advance(self, n_bytes: int) -> None:
        with self._lock:
            if self._task is None:
                return
            if not self._shown and time.monotonic() - self._started_s > _QUIET_FOR_S:
                self._shown = True
                self._bar.start()
            self._bar.update(self._task, advance=n_bytes)


class _NoBar:
    """Where nobody watches: stderr is no terminal, or --json."""

    def begin(self, name: str, total_bytes: int | None, done_bytes: int = 0) -> None: ...

    def advance(self, n_bytes: int) -> None: ...


@contextmanager
def progress_bar(*, wanted: bool = True) -> Iterator[_Bar | _NoBar]:
    """A bar for as long as the block lasts, gone afterwards."""
    if not wanted or not sys.stderr.isatty():
        yield _NoBar()
        return
    console = stderr()
    room = console.width - _FACTS_CHARS
    name_chars = _within(_NAME_CHARS, room - _BAR_CHARS[0])
    bar_chars = _within(_BAR_CHARS, room - name_chars)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_chars), _Facts())
    bar = Progress(*columns, console=console, transient=True)
    try:
        yield _Bar(bar, name_chars)
    finally:
        bar.stop()


def _within(bounds: tuple[int, int], wanted: int) -> int:
    return max(bounds[0], min(bounds[1], wanted))


def _shorten(name: str, limit: int) -> str:
    tail = limit // 3
    return name if len(name) <= limit else f"{name[: limit - tail - 1]}…{name[-tail:]}"
