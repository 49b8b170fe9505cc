"""`coatcheck migrate`: a whole store moved to other engines, or back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coatcheck.clock import wall_clock
from coatcheck.core.database_urls import has_password, is_database

from .directory import data_directory, directory_options, need_directory, store_url, tell
from .failures import DAMAGED, OK, WontStart
from .upkeep import Progress, upkeep_failures

if TYPE_CHECKING:
    from coatcheck.engines.moving.move import Estimate, Moved, Wanted

_FILES = "file:"


@click.command("migrate")
@click.option("--store", metavar="URL", help="Where the catalog shall be: postgresql://..., or file:")
@click.option("--bytes", "place", metavar="URL", help="Where blobs shall be: s3://BUCKET/PREFIX, or file: for files.")
@click.option(
    "--bytes-credentials",
    "credentials",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keys of the object store, in the form of ~/.aws/credentials; else the AWS_* variables.",
)
@click.option("--verify", is_flag=True, help="Read back and compare every row and every byte.")
@click.option("--offline", is_flag=True, help="Refuse while a server runs on the directory, and keep it from starting.")
@click.option("--cancel", is_flag=True, help="Take back a move: the store may be written again where it was.")
@directory_options
def command(
    store: str | None,
    place: str | None,
    credentials: Path | None,
    verify: bool,
    offline: bool,
    cancel: bool,
    data: Path | None,
    as_json: bool,
) -> int:
    """Move a store: its catalog with --store, its blobs with --bytes, or both.

    The catalog is taken from where COATCHECK_STORE says it is; if that isn't set, from the data directory. A server may
    run meanwhile. Blobs are copied first; then, while rows are copied, writes are refused and reads go on. Called again
    after it was broken off, it goes on where it was.
    """
    directory, source = data_directory(data), store_url() or _FILES
    if source == _FILES:
        need_directory(directory)
    with upkeep_failures(), _lock(directory, offline=offline):
        if cancel:
            return _cancel(directory, source, as_json=as_json)
        return _move(_wanted(directory, source, store, place, credentials, verify), as_json=as_json)


def _wanted(
    data: Path, source: str, store: str | None, place: str | None, credentials: Path | None, verify: bool
) -> Wanted:
    """Raises: click.UsageError."""
    from coatcheck.engines.moving.move import Wanted
    from coatcheck.engines.object_store.place import BytePlace

    if store is None and place is None:
        raise click.UsageError("Say where to: --store, --bytes, or both.")
    if store is not None and not is_database(store):
        if store not in (_FILES, f"{_FILES}{data}"):
            raise click.UsageError(f"--store takes postgresql://..., or {_FILES} for the catalog in --data.")
        store = _FILES
    if store is not None and has_password(store):
        raise click.UsageError("Everybody may read a password there. Set PGPASSWORD or PGPASSFILE.")
    if store == source:
        raise click.UsageError("The catalog is there already. COATCHECK_STORE says where it is now; --store, where to.")
    target = None if place is None else BytePlace(place, None if place == _FILES else credentials)
    return Wanted(data, source, store, target, credentials, verify)


def _move(wanted: Wanted, *, as_json: bool) -> int:
    from coatcheck.engines.moving.move import Move

    from .terminal import progress_bar, say

    with (
        _failures(),
        progress_bar(wanted=not as_json) as bar,
        closing(Move(wanted, wall_clock, Progress(bar), say)) as move,
    ):
        say(_tell_estimate(move.estimate()))
        moved = move.run()
    return _tell_end(moved, as_json=as_json)


def _tell_estimate(estimate: Estimate) -> str:
    from .terminal import write_count, write_duration, write_size

    line = f"To move: {write_count(estimate.rows, 'row')}"
    if estimate.blobs:
        line += f", {write_count(estimate.blobs, 'blob')} ({write_size(estimate.bytes)}), blobs before the pause"
    return f"{line}. Writes will be refused for about {write_duration(max(estimate.pause_s, 1))}."


def _tell_end(moved: Moved, *, as_json: bool) -> int:
    from .terminal import write_count, write_size

    copied = moved.copied
    facts = {
        "place": moved.place,
        "rows": moved.rows,
        "blobs": copied.blobs,
        "bytes": copied.bytes,
        "damaged": [{"blob": blob_id, "why": why} for blob_id, why in copied.damaged],
    }
    line = (
        f"Moved to {moved.place}: {write_count(moved.rows, 'row')}, {write_count(copied.blobs, 'blob')} "
        f"({write_size(copied.bytes)}). End the server that runs, and start it on that."
    )
    for blob_id, why in copied.damaged:
        line += f"\nblob {blob_id}: {why}"
    tell(facts, line, as_json=as_json)
    return DAMAGED if copied.damaged else OK


def _cancel(data: Path, source: str, *, as_json: bool) -> int:
    from coatcheck.engines.move_mark import ARRIVING, LEFT
    from coatcheck.engines.moving.move import cancel, open_catalog

    with _failures(), closing(open_catalog(source, data, wall_clock)) as catalog:
        state = cancel(catalog)
        if state == ARRIVING:
            raise WontStart(f"{catalog.name} is not whole. Finish the move, or cancel it where it comes from.")
        line = f"{catalog.name} may be written."
        if state == LEFT:
            line += " What was written at the place where it was moved to isn't here."
        tell({"store": catalog.name, "was": state}, line, as_json=as_json)
    return OK


@contextmanager
def _lock(data: Path, *, offline: bool) -> Iterator[None]:
    """While no other move of this directory is under way; and with `offline` no server. Raises: InUse."""
    from coatcheck.engines.local import FileLock

    if not data.is_dir():
        raise WontStart(f"{data} is not a data directory.")
    with closing(FileLock(data / "migrate.lock")) as alone, closing(FileLock(data / "server.lock")) as server:
        alone.own(0)
        if offline:
            server.own(0)
        yield


@contextmanager
def _failures() -> Iterator[None]:
    """What a move refuses, in the command line's words."""
    from coatcheck.engines.moving.blobs import NotTheSame
    from coatcheck.engines.moving.faults import told_ends
    from coatcheck.engines.moving.move import AlreadyMoved
    from coatcheck.engines.moving.rows import Differs

    try:
        with told_ends():
            yield
    except AlreadyMoved as error:
        raise WontStart(str(error)) from None
    except (Differs, NotTheSame) as error:
        raise click.ClickException(str(error)) from None
