"""`coatcheck sync`: make one tree as the other."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import click
from msgspec import Struct, field

from coatcheck.client.connection import Connection
from coatcheck.client.errors import ClientError, NotFound
from coatcheck.client.listing import Object, delete_objects, list_objects
from coatcheck.client.local_tree import Landing, walk
from coatcheck.client.matching import compile_filters, has_wildcards
from coatcheck.client.moving import Job, Moved, Mover, Place, Spot
from coatcheck.client.objects import ObjectAddress
from coatcheck.client.profile import Options
from coatcheck.client.syncing import Leaf, Pair, is_same, pair
from coatcheck.client.transfer import Progress

from .batch_run import Batch, describe_copy, make_parts
from .completing import offer_files_or_addresses
from .cp import tree_options
from .options import PLACE, OssAddress, find_profile
from .planning import PassedOver, Wanted, as_folder, read_place
from .terminal import print_json, print_line, printable, warn


@click.command("sync")
@click.argument("source", type=PLACE, metavar="SOURCE", shell_complete=offer_files_or_addresses)
@click.argument("target", type=PLACE, metavar="TARGET", shell_complete=offer_files_or_addresses)
@click.option("--delete", "deletes", is_flag=True, help="Remove from TARGET what SOURCE doesn't have.")
@click.option("--size-only", is_flag=True, help="Files of the same size count as the same.")
@tree_options
def command(
    source: str,
    target: str,
    deletes: bool,
    size_only: bool,
    where: Options,
    as_json: bool,
    **options: Any,
) -> int:
    """Copy from one folder to the other what is missing there or has other bytes; -r is understood.

    SOURCE and TARGET are directories or oss://BUCKET/PREFIX/; keys that end in "/" are left alone. Sizes are compared,
    then CRC-64; what is the same isn't moved. With --delete nothing is removed if a part of SOURCE could not be read,
    or it is empty.
    """
    places = read_place(source), read_place(target)
    _check_places(*places)
    batch = Batch("Copied", as_json, options["trial"], options["workers"])
    with (
        Connection(find_profile(where)) as connection,
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as extra,
    ):
        wanted = compile_filters(options["include"], options["exclude"])
        parts = make_parts(options["above_bytes"], options["part_bytes"])
        mover = Mover(connection, parts, dict(options["headers"]), options["content_type"])
        syncing = _Syncing(mover, batch, extra, size_only)
        counted = batch.run(syncing.plan(places[0], places[1], wanted), syncing.work, describe_copy)
        if deletes:
            syncing.delete(places[1])
        return batch.finish(counted)


def _check_places(source: Path | OssAddress, target: Path | OssAddress) -> None:
    if isinstance(source, Path) and isinstance(target, Path):
        raise click.UsageError("One of the two must be oss://BUCKET/PREFIX/.")
    for place in (source, target):
        if isinstance(place, OssAddress) and has_wildcards(place.key):
            raise click.UsageError("sync takes folders: wildcards go to --include and --exclude.")
        if isinstance(place, Path) and place.exists() and not place.is_dir():
            raise click.UsageError(f"{place} is a file; copy it with: coatcheck cp")
    if isinstance(source, Path) and not source.exists():
        raise NotFound("NothingThere", f"There is no directory {printable(str(source))}.")
    if isinstance(source, OssAddress) and isinstance(target, OssAddress) and source.bucket == target.bucket:
        ours, theirs = as_folder(source.key), as_folder(target.key)
        if ours.startswith(theirs) or theirs.startswith(ours):
            raise click.UsageError("One of the two is within the other.")


class _Syncing(Struct):
    """One run. `extra` gets the names that only the target has, since there may be millions."""

    mover: Mover
    batch: Batch
    extra: IO[str]
    size_only: bool
    _pairs: dict[Path | ObjectAddress, Pair] = field(default_factory=dict)
    _n_source: int = 0
    _n_extra: int = 0

    def plan(self, source: Path | OssAddress, target: Path | OssAddress, wanted: Wanted) -> Iterator[Job]:
        """A job for each name of the source; `work` sees whether there is anything to do."""
        ours = self._leaves(source, wanted, self.batch.pass_over)
        theirs = self._leaves(target, wanted, lambda path, why: None)
        landing = Landing(target) if isinstance(target, Path) else None
        for found in pair(ours, theirs):
            if found.source is None:
                self._n_extra += 1
                self.extra.write(f"{found.name}\0")
                continue
            self._n_source += 1
            if found.target is not None and self.size_only and found.source.size_bytes == found.target.size_bytes:
                self.batch.done["unchanged"] += 1
                continue
            if self.batch.trial and found.target is not None and self._is_same(found):
                self.batch.done["unchanged"] += 1
                continue
            if found.target is not None:
                self._pairs[found.source.place] = found
            yield Job(found.source.place, _make_place(target, landing, found.name), found.source.size_bytes)

    def work(self, job: Job, progress: Progress) -> Moved | None:
        found = self._pairs.pop(job.source, None)
        return None if found is not None and self._is_same(found) else self.mover.do(job, progress)

    def delete(self, target: Path | OssAddress) -> None:
        """Remove what only the target has. Raises: ClientError."""
        if not self._n_extra:
            return
        if self.batch.done["skipped"] or not self._n_source:
            why = "a part of the source could not be read" if self._n_source else "the source is empty"
            warn(f"{why}: nothing was deleted")
            return
        self.extra.seek(0)
        names = _read_names(self.extra)
        if self.batch.trial:
            for name in names:
                self._tell(target, name, trial=True)
        elif isinstance(target, OssAddress):
            folder = as_folder(target.key)
            keys = (folder + name for name in names)
            for key in delete_objects(self.mover.connection, target.bucket, keys):
                self._tell(target, key.removeprefix(folder))
        else:
            for name in names:
                try:
                    (target / name).unlink(missing_ok=True)
                except OSError as error:
                    self.batch.fail(str(target / name), error)
                else:
                    self._tell(target, name)

    def _tell(self, target: Path | OssAddress, name: str, *, trial: bool = False) -> None:
        if not trial:
            self.batch.done["deleted"] += 1
        place = f"oss://{target.bucket}/{as_folder(target.key)}{name}" if isinstance(target, OssAddress) else None
        shown = place or os.fspath(Path(str(target)) / name)
        if self.batch.as_json:
            print_json({"deleted": shown} | ({"dry_run": True} if trial else {}))
        elif trial:
            print_line(f"{'delete':>10}  {printable(shown)}")

    def _is_same(self, found: Pair) -> bool:
        assert found.source is not None
        assert found.target is not None
        return is_same(self.mover.connection, found.source, found.target)

    def _leaves(self, place: Path | OssAddress, wanted: Wanted, passed_over: PassedOver) -> Iterator[Leaf]:
        if isinstance(place, Path):
            if place.is_dir():
                for file in walk(place, passed_over):
                    if wanted(file.name):
                        yield Leaf(file.name, file.path, file.size_bytes)
            return
        folder = as_folder(place.key)
        try:
            for entry in list_objects(self.mover.connection, place.bucket, folder):
                name = entry.key.removeprefix(folder) if isinstance(entry, Object) else ""
                if isinstance(entry, Object) and name and not name.endswith("/") and wanted(name):
                    yield Leaf(name, ObjectAddress(place.bucket, entry.key), entry.size_bytes, entry.etag)
        except ClientError as error:
            error.hint = error.hint.replace("BUCKET", place.bucket)
            raise


def _make_place(target: Path | OssAddress, landing: Landing | None, name: str) -> Place:
    if isinstance(target, OssAddress):
        return ObjectAddress(target.bucket, as_folder(target.key) + name)
    assert landing is not None
    return Spot(landing, name)


def _read_names(file: IO[str]) -> Iterator[str]:
    """Names that end in NUL, which no file's name has, and no listing passes on."""
    rest = ""
    while piece := file.read(65536):
        *names, rest = (rest + piece).split("\0")
        yield from names
