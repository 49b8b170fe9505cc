"""`coatcheck scrub`: every stored byte against what was written."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Event
from typing import Final

import click

from .directory import data_directory, directory_options, need_directory, tell
from .failures import DAMAGED, INTERRUPTED, OK

_MIB: Final = 1024**2


@click.command("scrub")
@click.option("--rate", type=click.FloatRange(0), default=0, metavar="MIB", help="Read at most so much a second.")
@directory_options
def command(rate: float, data: Path | None, as_json: bool) -> int:
    """Compare every stored byte with what was written; works beside a running server.

    A damaged blob is named with its objects and moved aside: they answer with an error, never with wrong bytes. A scrub
    that was broken off goes on where it was. The server scrubs by itself too (serve --scrub-every).
    """
    from coatcheck.clock import wall_clock
    from coatcheck.engines.upkeep.scrub import scrub

    from .terminal import progress_bar, write_count, write_size
    from .upkeep import ScrubProgress, print_problem, upkeep_failures

    stop = Event()
    previous = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        with upkeep_failures(), progress_bar(wanted=not as_json) as bar:
            note = scrub(
                need_directory(data_directory(data)),
                tell=lambda problem: print_problem(problem, as_json=as_json),
                now=wall_clock,
                bytes_per_s=rate * _MIB,
                stop=stop,
                watch=ScrubProgress(bar),
            )
    finally:
        signal.signal(signal.SIGINT, previous)
    if note is None:
        click.echo("Stopped; the next scrub goes on from here.", err=True)
        return INTERRUPTED
    line = f"Scrubbed {write_size(note.checked_bytes)}: {write_count(note.problems, 'problem')}."
    tell({"checked_bytes": note.checked_bytes, "problems": note.problems}, line, as_json=as_json)
    return DAMAGED if note.problems else OK
