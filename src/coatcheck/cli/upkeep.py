"""What backup, restore, check and scrub share: their failures, their progress, and how a problem reads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from coatcheck.client.errors import ClientError
from coatcheck.engines.blob_hold import HeldByOther
from coatcheck.engines.moving.faults import told_ends
from coatcheck.engines.upkeep.copying import DiskFull
from coatcheck.engines.upkeep.manifest import NoBackup
from coatcheck.engines.upkeep.problems import Problem

from .directory import failures, store_url

if TYPE_CHECKING:
    from coatcheck.engines.upkeep.blob_bytes import Pace
    from coatcheck.engines.upkeep.elsewhere import Elsewhere


class Bar(Protocol):
    """A progress bar of `terminal`."""

    def begin(self, name: str, total_bytes: int | None, done_bytes: int = 0) -> None: ...

    def advance(self, n_bytes: int) -> None: ...


class Progress:
    """Shows what is copied."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._what, self._done, self._total = "", 0, 0

    def __call__(self, what: str, done: int, total: int) -> None:
        if (what, total) != (self._what, self._total):
            self._bar.begin(what, total, done)
            self._what, self._total = what, total
        else:
            self._bar.advance(done - self._done)
        self._done = done


class ScrubProgress:
    """Shows what was looked at; how much there is isn't known."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._phase, self._done = "", 0

    def __call__(self, phase: str, done: int) -> None:
        if phase != self._phase:
            self._bar.begin(phase, None, done)
            self._phase = phase
        else:
            self._bar.advance(done - self._done)
        self._done = done


def elsewhere(data: Path, pace: Pace) -> Elsewhere | None:
    """The store of a data directory whose catalog is in the database that COATCHECK_STORE names, or whose blobs are in
    an object store; None for one that has both."""
    from coatcheck.engines.upkeep.elsewhere import look_elsewhere

    credentials = os.environ.get("COATCHECK_BYTES_CREDENTIALS")
    with told_ends():
        return look_elsewhere(store_url(), data, Path(credentials) if credentials else None, pace)


@contextmanager
def upkeep_failures() -> Iterator[None]:
    """What these verbs refuse, in the command line's words."""
    try:
        with failures():
            yield
    except NoBackup as error:
        raise ClientError("NoBackup", str(error)) from None
    except (DiskFull, HeldByOther) as error:
        raise click.ClickException(str(error)) from None


def print_problem(problem: Problem, *, as_json: bool) -> None:
    """A line on stdout for each object; under --json one for each problem."""
    if as_json:
        click.echo(json.dumps(problem.facts(), ensure_ascii=False))
    else:
        for line in problem.lines():
            click.echo(line)
