"""`coatcheck check`: whether what is in a data directory fits together."""

from __future__ import annotations

from pathlib import Path

import click

from .directory import data_directory, directory_options, need_directory
from .failures import DAMAGED, OK


@click.command("check")
@directory_options
def command(data: Path | None, as_json: bool) -> int:
    """Say what doesn't fit in a data directory; nothing, where all is right. Works beside a running server.

    Rows against files, counts, sums of rows, keys. The bytes of objects aren't read: `coatcheck scrub` does that.
    """
    from coatcheck.engines.upkeep.check import check

    from .upkeep import print_problem, upkeep_failures

    found = 0
    with upkeep_failures():
        for problem in check(need_directory(data_directory(data))):
            found += 1
            print_problem(problem, as_json=as_json)
    return DAMAGED if found else OK
