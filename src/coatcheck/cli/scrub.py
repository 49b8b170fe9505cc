"""`coatcheck scrub`: every stored byte against what was written."""

from __future__ import annotations

import signal
from contextlib import closing
from itertools import chain
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final

import click

from .directory import data_directory, directory_options, need_directory, store_url, tell
from .failures import DAMAGED, INTERRUPTED, OK

if TYPE_CHECKING:
    from coatcheck.engines.upkeep.blob_bytes import Pace
    from coatcheck.engines.upkeep.elsewhere import Elsewhere
    from coatcheck.engines.upkeep.scrub import Tell, Watch
    from coatcheck.engines.upkeep.scrub_note import ScrubNote

_MIB: Final = 1024**2


@click.command("scrub")
@click.option("--rate", type=click.FloatRange(0), default=0, metavar="MIB", help="Read at most so much a second.")
@directory_options
def command(rate: float, data: Path | None, as_json: bool) -> int:
    """Compare every stored byte with what was written; works beside a running server.

    A damaged blob is named with its objects and moved aside: they answer with an error, never with wrong bytes. A scrub
    that was broken off goes on where it was. The server scrubs by itself too (serve --scrub-every). Where the catalog
    is in a database, or blobs are in an object store, damage is named only, and each scrub begins anew.
    """
    from coatcheck.engines.upkeep.blob_bytes import Pace

    from .terminal import progress_bar, write_count, write_size
    from .upkeep import ScrubProgress, print_problem, upkeep_failures

    stop = Event()
    previous = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        with upkeep_failures(), progress_bar(wanted=not as_json) as bar:
            note = _scrub(
                data_directory(data),
                Pace(rate * _MIB, stop),
                lambda problem: print_problem(problem, as_json=as_json),
                ScrubProgress(bar),
            )
    finally:
        signal.signal(signal.SIGINT, previous)
    if note is None:
        click.echo("Stopped; the next scrub goes on from here.", err=True)
        return INTERRUPTED
    line = f"Scrubbed {write_size(note.checked_bytes)}: {write_count(note.problems, 'problem')}."
    tell({"checked_bytes": note.checked_bytes, "problems": note.problems}, line, as_json=as_json)
    return DAMAGED if note.problems else OK


def _scrub(data: Path, pace: Pace, tell: Tell, watch: Watch) -> ScrubNote | None:
    """By the tools of the engines that have the store; None if it was ended before it was through."""
    from coatcheck.clock import wall_clock
    from coatcheck.engines.upkeep.scrub import scrub

    from .upkeep import elsewhere

    if not store_url():
        need_directory(data)
    look = elsewhere(data, pace)
    if look is None:
        return scrub(data, tell=tell, now=wall_clock, bytes_per_s=pace.bytes_per_s, stop=pace.stop, watch=watch)
    with closing(look):
        return _scrub_elsewhere(look, data, tell, watch)


def _scrub_elsewhere(look: Elsewhere, data: Path, tell: Tell, watch: Watch) -> ScrubNote | None:
    from coatcheck.engines.moving.faults import told_ends
    from coatcheck.engines.upkeep.blob_bytes import Stopped
    from coatcheck.engines.upkeep.scrub_note import ScrubNote

    note = ScrubNote()

    def watch_bytes(phase: str, checked: int) -> None:
        note.checked_bytes = checked
        watch(phase, checked)

    try:
        with told_ends():
            for problem in chain(look.check(), look.scrub(data, watch_bytes)):
                note.problems += 1
                tell(problem)
    except Stopped:
        return None
    return note
