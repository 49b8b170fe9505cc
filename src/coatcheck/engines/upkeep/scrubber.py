"""The scrub of a server: see `scrub_schedule.Scrubber`."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Event

from ...clock import Clock
from ..directory_faults import InUse
from .problems import Problem
from .scrub_note import ScrubNote, read_note, write_note

log = logging.getLogger("coatcheck")


class LocalScrubber:
    """Of a data directory."""

    def __init__(self, data: Path, bytes_per_s: int, clock: Clock) -> None:
        self._data, self._rate, self._clock = data, bytes_per_s, clock

    def begun_or_ended(self) -> tuple[bool, float]:
        note = read_note(self._data)
        return bool(note.phase), note.ended_at

    def note_start(self) -> None:
        write_note(self._data, ScrubNote(ended_at=self._clock()))

    def run(self, stop: Event) -> str:
        from .scrub import scrub  # it is due once in many days, in one process

        try:
            note = scrub(self._data, tell=log_problem, now=self._clock, bytes_per_s=self._rate, stop=stop)
        except InUse:
            return ""  # somebody scrubs by hand
        return "" if note is None else f"bytes={note.checked_bytes} problems={note.problems}"


def log_problem(problem: Problem) -> None:
    """A line for each object, as a reader that finds damage writes it."""
    for line in problem.lines():
        log.error("%s", line)
