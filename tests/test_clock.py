"""Who may ask what time it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from coatcheck.clock import SteadyClock, wall_date
from coatcheck.core.times import Moments

from .moved_clock import MovedClock
from .test_rooms import imported, is_within, modules

WALL: dict[str, set[str]] = {"time": {"time", "time_ns"}, "datetime": {"now", "utcnow", "today"}, "date": {"today"}}
HANDS_IT_DOWN = {
    "app",
    "process",
    "cli",
    "client",
    "engines.local",
    "engines.memory",
    "engines.memory_keyring",
    "engines.memory_store",
    "engines.postgres.server_check",
    "engines.postgres.store",
    "engines.upkeep.elsewhere",
    "signing.presigner",
}


def asked(tree: ast.AST) -> Iterator[str]:
    """Every way to wall time: an attribute, or a name imported from `time`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value).split(".")[-1]
            if node.attr in WALL.get(owner, ()):
                yield f"{owner}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (f"time.{alias.name}" for alias in node.names if alias.name in WALL["time"])


def test_wall_time_is_asked_in_one_file() -> None:
    assert {name for name, tree in modules() if list(asked(tree))} == {"clock"}


@pytest.mark.parametrize(
    "source",
    ["time.time()", "f(clock=time.time)", "from time import time_ns", "datetime.now(UTC)", "d.datetime.utcnow()"],
)
def test_a_question_is_found(source: str) -> None:
    assert list(asked(ast.parse(source)))


def test_who_hands_the_clock_down() -> None:
    """Everybody else may know what a clock is, and gets it as an argument."""
    taking = {name for name, tree in modules() if "clock" in imported(name) and "wall_clock" in ast.unparse(tree)}
    assert {name for name in taking if not is_within(name, HANDS_IT_DOWN)} == set()


def test_a_clock_says_the_date() -> None:
    assert wall_date(lambda: 1772694489.0).isoformat() == "2026-03-05T07:08:09+00:00"


def test_a_steady_clock_goes_on_as_time_does_whatever_the_wall_clock_says() -> None:
    clock = MovedClock(1000.0)
    steady = SteadyClock(Moments(1000.0, 1000.0), clock.wall, clock.monotonic)
    clock.go_by(5)
    assert steady.moments() == (1005.0, 1005.0)
    clock.wrong_by = 100
    assert steady.moments() == (1005.0, 1105.0)
    clock.wrong_by = -100
    assert steady.moments() == (905.0, 1005.0)


def test_a_steady_clock_begins_between_two_moments() -> None:
    clock = MovedClock(1000.0)
    steady = SteadyClock(Moments(400.0, 1200.0), clock.wall, clock.monotonic)
    clock.go_by(5)
    assert steady.moments() == (405.0, 1205.0)
