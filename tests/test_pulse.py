"""What the processes of a server know of each other."""

from __future__ import annotations

import os
import signal
from math import inf

import pytest

from coatcheck.pulse import Pulse, PulseOfOne


def test_fewest_connections_of_those_that_take_some() -> None:
    shared = Pulse(4)
    assert shared.least() == inf
    first, second = PulseOfOne(shared, 0), PulseOfOne(shared, 1)
    first.note(7)
    second.note(3)
    assert (first.least(), second.least()) == (3, 3)
    second.note(inf)  # it leaves
    assert first.least() == 7
    shared.clear(0)
    assert first.least() == inf


def test_who_looks_while_a_sign_of_life_is_written_sees_one() -> None:
    """A worker that was seen without any would be killed. Two processes, for whatever looks half written."""
    shared = Pulse(1)
    begun = shared.last_beat(0)
    writer = os.fork()
    if not writer:
        while True:
            shared.beat(0, 3)
    try:
        assert all(shared.last_beat(0) >= begun for _ in range(500_000))
    finally:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)


def test_who_gives_no_sign_of_life_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    shared = Pulse(2)
    stuck, alive = PulseOfOne(shared, 0), PulseOfOne(shared, 1)
    stuck.note(0)
    now = 1002.0
    alive.note(5)
    assert alive.least() == 0
    now = 1004.0
    alive.beat()
    assert (alive.least(), shared.last_beat(0), shared.last_beat(1)) == (5, 1000.0, 1004.0)
