"""Was it as if everything had happened one after the other? A search for an order that explains what was seen.

An event is seen over a span of time and happens at one moment within it. Keys hold a value or nothing. Source: the
definition of linearizability by Herlihy and Wing; the search, one candidate after the other with what was tried
remembered, is that of Wing and Gong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

State = tuple[tuple[str, str], ...]  # key and value, sorted; keys that hold nothing are left out


@dataclass(frozen=True)
class Event:
    """Seen between `start` and `end`.

    Attributes:
        reads: what was seen, by key; None: nothing there.
        writes: what was left, by key; None: deleted.
        after: an event that must come before this one, by its place in the sequence.
    """

    start: float
    end: float
    reads: Mapping[str, str | None] = field(default_factory=dict)
    writes: Mapping[str, str | None] = field(default_factory=dict)
    after: int | None = None


def is_linearizable(events: Sequence[Event]) -> bool:
    """Whether some order of the events, each within its span, explains every read; keys hold nothing at first."""
    tried: set[tuple[frozenset[int], State]] = set()
    waiting: list[tuple[frozenset[int], State]] = [(frozenset(), ())]
    while waiting:
        done, state = waiting.pop()
        if len(done) == len(events):
            return True
        if (done, state) in tried:
            continue
        tried.add((done, state))
        left = [number for number in range(len(events)) if number not in done]
        first_end = min(events[number].end for number in left)
        for number in left:
            event = events[number]
            if event.start <= first_end and (event.after is None or event.after in done):
                values = dict(state)
                if all(values.get(key) == value for key, value in event.reads.items()):
                    values.update({key: value for key, value in event.writes.items() if value is not None})
                    for key, value in event.writes.items():
                        if value is None:
                            values.pop(key, None)
                    waiting.append((done | {number}, tuple(sorted(values.items()))))
    return False
