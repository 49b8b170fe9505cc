"""The task that made a bucket's redundancy another one. Redundancy is a label here, so it was finished at once. Pure.

Source: OSS API reference, CreateBucketDataRedundancyTransition and its like.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from msgspec import Struct

from coatcheck.core.times import write_iso
from coatcheck.core.xml import Node

from .stored import read_stored, write_stored

NAME: Final = "redundancyTransition"
ROOT: Final = "BucketDataRedundancyTransition"
BEFORE: Final = "LRS"
AFTER: Final = "ZRS"  # OSS has no way back


class Transition(Struct, frozen=True):
    """`done_at`: Unix seconds."""

    task_id: str
    done_at: int


def write(bucket: str, transition: Transition) -> list[Node]:
    moment = write_iso(transition.done_at)
    return [
        ("Bucket", bucket),
        ("TaskId", transition.task_id),
        ("Status", "Finished"),
        ("CreateTime", moment),
        ("StartTime", moment),
        ("ProcessPercentage", 100),
        ("EstimatedRemainingTime", 0),
        ("EndTime", moment),
    ]


def to_json(transition: Transition) -> str:
    return write_stored(transition)


@lru_cache(maxsize=256)
def from_json(text: str) -> Transition:
    return read_stored(Transition, text)
