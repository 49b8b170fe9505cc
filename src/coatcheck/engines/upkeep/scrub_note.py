"""How far a scrub has come: `scrub.json` in the data directory, so that one that dies goes on where it was."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field, to_builtins

_NAME: Final = "scrub.json"


class ScrubNote(Struct):
    """
    Attributes:
        phase: of the scrub that is under way; "" for none.
        after: the place of the last row that was looked at in that phase.
        began_at, ended_at: of the scrub under way, and of the last whole one, Unix seconds; 0: never.
        checked_bytes: by the scrub under way, or the last one.
        problems: as many as it has found.
    """

    phase: str = ""
    after: list[Any] = field(default_factory=list)
    began_at: float = 0
    ended_at: float = 0
    checked_bytes: int = 0
    problems: int = 0


def read_note(data: Path) -> ScrubNote:
    """What was noted; nothing, for a note that is missing or can't be read."""
    try:
        return ScrubNote(**json.loads((data / _NAME).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return ScrubNote()


def write_note(data: Path, note: ScrubNote) -> None:
    """Raises: OSError."""
    unfinished = data / f"{_NAME}.new"
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(to_builtins(note), file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(data / _NAME)
