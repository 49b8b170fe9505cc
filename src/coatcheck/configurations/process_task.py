"""A picture that is to be made of an object and stored, and how far that has come: an entry of the bucket. Pure.

Source: OSS API reference, AsyncProcessObject.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from coatcheck.core.author import Author

from .stored import read_stored, write_stored
from .task import FRESH, Progress

WAITING: Final = "processTask"  # the kind of entries that aren't done
DONE: Final = "processTaskDone"


class ProcessTask(Struct, frozen=True):
    """One task.

    Attributes:
        key: of the object that the picture is made of.
        plan: what is made of it, as `images.text.read_plan` takes it; a style's was looked up when it was asked for.
        target_bucket, target_key: where it is stored.
    """

    key: str
    plan: str
    target_bucket: str
    target_key: str
    author: Author | None = None
    progress: Progress = FRESH


def to_json(task: ProcessTask) -> str:
    return write_stored(task)


def from_json(text: str) -> ProcessTask:
    return read_stored(ProcessTask, text)
