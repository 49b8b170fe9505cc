"""A program: bring a copy of a released data directory up to date, dying at one SQL statement after the other.

Arguments: the directory, and a place for copies. Prints how many statements an upgrade runs, then how many deaths were
survived. Each death is SIGKILL in a process of its own; a second start then goes on from what is there.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from coatcheck.engines import local
from coatcheck.engines.sqlite.schema import STEPS

from ..audit import audit

_open_connection = vars(local)["open_connection"]


def prepare_noting(data: Path, note: Callable[[], None]) -> None:
    """Prepare the directory; `note` is called before each statement."""

    def open_noting(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = _open_connection(*arguments, **options)
        connection.set_trace_callback(lambda _: note())
        return connection

    vars(local)["open_connection"] = open_noting
    try:
        local.prepare_local(data).close()
    finally:
        vars(local)["open_connection"] = _open_connection


def die_at(number: int) -> Callable[[], None]:
    left = [number]

    def note() -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    return note


def in_a_process(work: Callable[[], None]) -> int:
    """The wait status of a fork that did it."""
    pid = os.fork()
    if not pid:
        work()
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def survives(released: Path, place: Path, number: int) -> bool:
    """Whether a start that dies at that statement is mended by the next one."""
    data = shutil.copytree(released, place / str(number))
    assert os.WTERMSIG(in_a_process(lambda: prepare_noting(data, die_at(number)))) == signal.SIGKILL
    status = in_a_process(lambda: local.prepare_local(data).close())
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        whole = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return (status, version, whole, audit(data).clean) == (0, len(STEPS), "ok", True)


def main(released: Path, place: Path) -> None:
    noted: list[None] = []
    prepare_noting(shutil.copytree(released, place / "whole"), lambda: noted.append(None))
    survived = sum(survives(released, place, number) for number in range(1, len(noted) + 1))
    print(len(noted), survived)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
