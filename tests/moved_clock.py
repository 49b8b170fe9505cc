"""Clocks that tests move: time that goes by, and a wall clock that somebody sets."""

from __future__ import annotations

from dataclasses import dataclass

DAY_S = 24 * 3600


@dataclass
class MovedClock:
    """`true` is the time as it is, Unix seconds; the wall clock is wrong by `wrong_by`."""

    true: float
    wrong_by: float = 0.0

    def wall(self) -> float:
        return self.true + self.wrong_by

    def monotonic(self) -> float:
        return self.true - 1_000_000_000

    def go_by(self, seconds: float) -> None:
        self.true += seconds
