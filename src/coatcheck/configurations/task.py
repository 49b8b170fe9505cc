"""How far a task in the background has come: what every kind of task remembers. Pure."""

from __future__ import annotations

import secrets
from typing import Final

from msgspec import Struct

RUNNING: Final = "Running"  # or it waits for its first turn
RETRY: Final = "Retry"  # it failed for now, and waits for its next turn
SUCCESS: Final = "Success"
FAILED: Final = "Failed"
NOT_TOLD: Final = "FetchSuccessCallbackFailed"


class Progress(Struct, frozen=True):
    """One task's.

    Attributes:
        attempts: that were begun.
        due_at: of a next one, Unix seconds.
        error: why the last one failed.
        stored: what it makes is stored; only telling is left.
        ended_at: Unix seconds; 0 before.
    """

    state: str = RUNNING
    attempts: int = 0
    due_at: int = 0
    error: str = ""
    stored: bool = False
    ended_at: int = 0


FRESH: Final = Progress()


def new_task_name(now: float) -> str:
    """The id of a new task. Ids are in the order in which tasks were set up."""
    return f"{int(now):010x}{secrets.token_hex(12)}"
