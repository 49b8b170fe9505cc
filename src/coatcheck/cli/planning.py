"""What `cp`, `mv`, `sync` and their kin are to do: arguments -> jobs, read as they are needed."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
from msgspec import Struct

from coatcheck.client.connection import Connection
from coatcheck.client.errors import ClientError, NotFound
from coatcheck.client.listing import Object, list_objects
from coatcheck.client.local_tree import Landing, is_text, walk
from coatcheck.client.matching import compile_wildcards, has_wildcards, split_wildcards
from coatcheck.client.moving import Job, Place, Spot
from coatcheck.client.objects import ObjectAddress, head_object

from .options import OssAddress, read_address
from .terminal import printable

Wanted = Callable[[str], bool]
PassedOver = Callable[[str, str], None]


class Found(Struct, frozen=True):
    """An object below an address: `name` is what comes behind the folder in its key."""

    name: str
    key: str
    size_bytes: int


def read_place(text: str) -> Path | OssAddress:
    """oss://BUCKET/KEY, or a file or folder of this computer. Raises: UsageError."""
    if text.startswith(("http://", "https://")):
        raise click.UsageError("A link is downloaded with: coatcheck get LINK")
    if not text.startswith("oss://"):
        return Path(text)
    try:
        return read_address(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def find_objects(connection: Connection, address: OssAddress, *, recursive: bool) -> Iterator[Found]:
    """Objects that an address with wildcards, or with -r a folder, stands for; in the order of their keys.

    Raises: NotFound: there are none.
    """
    some = False
    for found in _find_objects(connection, address, recursive=recursive):
        some = True
        yield found
    if not some:
        raise NotFound("NothingThere", f"There is nothing at {printable(str(address))}.")


def _find_objects(connection: Connection, address: OssAddress, *, recursive: bool) -> Iterator[Found]:
    if not has_wildcards(address.key) or _is_there(connection, address):
        yield from find_below(connection, address, recursive=recursive)
        return
    prefix, folder = split_wildcards(address.key)
    matches = compile_wildcards(address.key, below=recursive)
    for entry in list_objects(connection, address.bucket, prefix):
        if isinstance(entry, Object) and matches(entry.key):
            yield Found(entry.key.removeprefix(folder), entry.key, entry.size_bytes)


def find_below(connection: Connection, address: OssAddress, *, recursive: bool) -> Iterator[Found]:
    """One object, or with `recursive` all below KEY/; the object KEY itself only if there is nothing below it."""
    folder = address.key if not address.key or address.key.endswith("/") else f"{address.key}/"
    some = False
    if recursive:
        for entry in list_objects(connection, address.bucket, folder):
            if isinstance(entry, Object) and entry.key != folder:
                some = True
                yield Found(entry.key.removeprefix(folder), entry.key, entry.size_bytes)
    if some or not address.key or (recursive and address.key.endswith("/")):
        return
    facts = head_object(connection, ObjectAddress(address.bucket, address.key))
    yield Found(address.key.rpartition("/")[2], address.key, facts.size_bytes)


def _is_there(connection: Connection, address: OssAddress) -> bool:
    """A key may have wildcards in it: "a[1].jpg" that is there is meant."""
    try:
        head_object(connection, ObjectAddress(address.bucket, address.key))
    except ClientError:
        return False
    return True


class Copying(Struct, frozen=True):
    """What a copy was asked for.

    Attributes:
        recursive: folders, with all in them.
        wanted: whether a name below a folder is taken.
        passed_over: told of names that aren't, because they can't be.
        into_folder: the target was written with a "/" at its end.
    """

    connection: Connection
    recursive: bool
    wanted: Wanted
    passed_over: PassedOver
    into_folder: bool = False

    def plan(self, sources: Sequence[Path | OssAddress], target: Path | OssAddress) -> Iterator[Job]:
        """Raises: UsageError; NotFound; OSError."""
        expanded = [place for source in sources for place in _expand(source)]
        several = len(expanded) > 1
        landing = Landing(target) if isinstance(target, Path) else None
        for source in expanded:
            _check_directions(source, target, self.recursive)
            if isinstance(source, Path):
                yield from self._from_disk(source, target, several)
            else:
                yield from self._from_server(source, target, landing, several)

    def _from_disk(self, source: Path, target: Path | OssAddress, several: bool) -> Iterator[Job]:
        assert isinstance(target, OssAddress)
        if source.is_dir():
            if not self.recursive:
                raise click.UsageError(f"{source} is a directory; add -r for all that is in it.")
            folder = as_folder(target.key) + (f"{source.resolve().name}/" if several else "")
            for file in walk(source, self.passed_over):
                if self.wanted(file.name):
                    yield Job(file.path, ObjectAddress(target.bucket, folder + file.name), file.size_bytes)
            return
        size_bytes = source.stat().st_size
        if not is_text(source.name):
            self.passed_over(os.fspath(source), "its name is not UTF-8")
        elif self.wanted(source.name):
            key = as_folder(target.key) + source.name if several or is_folder(target.key) else target.key
            yield Job(source, ObjectAddress(target.bucket, key), size_bytes)

    def _from_server(
        self, source: OssAddress, target: Path | OssAddress, landing: Landing | None, several: bool
    ) -> Iterator[Job]:
        many = several or self.recursive or has_wildcards(source.key)
        for found in find_objects(self.connection, source, recursive=self.recursive):
            if not self.wanted(found.name):
                continue
            place: Place
            if isinstance(target, OssAddress):
                into = many or is_folder(target.key)
                key = as_folder(target.key) + found.name if into else target.key
                place = ObjectAddress(target.bucket, key)
            elif many or self.into_folder or target.is_dir():
                assert landing is not None
                place = Spot(landing, found.name)
            else:
                place = target
            yield Job(ObjectAddress(source.bucket, found.key), place, found.size_bytes)


def is_folder(key: str) -> bool:
    """Whether what goes there keeps its own name: a bucket, or a key that ends in "/"."""
    return not key or key.endswith("/")


def as_folder(key: str) -> str:
    """A key as the beginning of others."""
    return key if is_folder(key) else f"{key}/"


def _expand(source: Path | OssAddress) -> Iterator[Path | OssAddress]:
    """Wildcards that no shell has replaced, as in a quoted argument. Raises: NotFound: they fit no file."""
    text = os.fspath(source) if isinstance(source, Path) else ""
    if not isinstance(source, Path) or not has_wildcards(text) or os.path.lexists(source):
        yield source
        return
    names = sorted(glob.glob(text))
    if not names:
        raise NotFound("NothingThere", f"No file fits {printable(text)}.")
    yield from map(Path, names)


def _check_directions(source: Path | OssAddress, target: Path | OssAddress, recursive: bool) -> None:
    if isinstance(target, Path):
        if isinstance(source, Path):
            raise click.UsageError("One of the two must be oss://BUCKET/KEY; files are copied with: cp")
        return
    if has_wildcards(target.key):
        raise click.UsageError(f"{printable(str(target))}: a target has no wildcards.")
    if not isinstance(source, OssAddress) or source.bucket != target.bucket:
        return
    if recursive and as_folder(target.key).startswith(as_folder(source.key)):
        raise click.UsageError("The target is within the source: the copy would never end.")
    if source.key == target.key:
        raise click.UsageError("Source and target are the same object.")
