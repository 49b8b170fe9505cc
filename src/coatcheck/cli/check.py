"""`coatcheck check`: whether what is in a data directory fits together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from .directory import data_directory, directory_options, need_directory, store_url
from .failures import DAMAGED, OK

if TYPE_CHECKING:
    from coatcheck.engines.upkeep.problems import Problem


@click.command("check")
@directory_options
def command(data: Path | None, as_json: bool) -> int:
    """Say what doesn't fit in a data directory; nothing, where all is right. Works beside a running server.

    Rows against files, counts, sums of rows, keys. The bytes of objects aren't read: `coatcheck scrub` does that.
    """
    from .upkeep import print_problem, upkeep_failures

    found = 0
    with upkeep_failures():
        for problem in _check(data_directory(data)):
            found += 1
            print_problem(problem, as_json=as_json)
    return DAMAGED if found else OK


def _check(data: Path) -> Iterator[Problem]:
    """By the tools of the engines that have the store."""
    from coatcheck.engines.moving.faults import told_ends
    from coatcheck.engines.upkeep.blob_bytes import Pace
    from coatcheck.engines.upkeep.check import check

    from .upkeep import elsewhere

    if not store_url():
        need_directory(data)
    look = elsewhere(data, Pace(0, Event()))
    if look is None:
        yield from check(data)
        return
    with told_ends(), closing(look):
        yield from look.check()
