"""Files below a directory, by the names that objects have; and where a key's file belongs, never outside of it.

Names come from strangers in both directions: a key may be "../x", "/etc/passwd" or a hundred folders that are links
elsewhere. What can't be had as a plain file below the directory is refused by name, and the rest goes on.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock

from msgspec import Struct

from .errors import ClientError

Entries = AbstractContextManager[Iterator[os.DirEntry[str]]]


class LocalFile(Struct, frozen=True):
    """A file below a directory. `name` is its path from there, with "/" in between: what comes behind a prefix."""

    name: str
    path: Path
    size_bytes: int
    modified_s: float


def walk(directory: Path, passed_over: Callable[[str, str], None]) -> Iterator[LocalFile]:
    """Every file below, in the order of keys (by UTF-8 bytes of the whole name).

    Links to files are followed, links to directories aren't: they can go in circles.

    Args:
        passed_over: told of each name that no key can have, or no file is behind, and why; as text that may hold
            surrogates.
    Raises: OSError: the directory itself can't be read.
    """
    yield from _walk(os.fspath(directory), "", os.scandir(directory), passed_over)


def _walk(
    directory: str, folder: str, entries: Entries, passed_over: Callable[[str, str], None]
) -> Iterator[LocalFile]:
    for key, entry in sorted(_named(entries, passed_over)):
        if key.endswith("/"):
            try:
                below = os.scandir(entry.path)
            except OSError as error:
                passed_over(entry.path, f"can't be read: {error.strerror}")
                continue
            yield from _walk(entry.path, f"{folder}{key}", below, passed_over)
            continue
        try:
            facts = entry.stat()
        except OSError as error:
            passed_over(entry.path, f"can't be read: {error.strerror}")
            continue
        yield LocalFile(f"{folder}{key}", Path(entry.path), facts.st_size, facts.st_mtime)


def _named(entries: Entries, passed_over: Callable[[str, str], None]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """With the text they sort by: of a directory it ends in "/", as in the keys of what is below.

    Python compares texts by code points, which is the order of their UTF-8.
    """
    with entries as listed:
        for entry in listed:
            if not is_text(entry.name):
                passed_over(entry.path, "its name is not UTF-8")
            elif entry.is_dir(follow_symlinks=False):
                yield f"{entry.name}/", entry
            elif entry.is_file():
                yield entry.name, entry
            else:
                linked = entry.is_dir()
                passed_over(entry.path, "it is a link to a directory" if linked else "it is not a file")


def is_text(name: str) -> bool:
    """Whether a file's name is UTF-8; other bytes are surrogates in it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


class Landing:
    """Where files of keys go below one directory. Safe to use from several threads."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = Lock()
        self._checked: set[str] = {""}  # folders that are there, and no links
        self._folds: bool | None = None  # "A" and "a" are one file on this disk
        self._taken: dict[str, str] = {}

    def place(self, name: str) -> Path:
        """The path of the file for what comes behind the prefix in a key; its folders are made.

        Raises:
            ClientError: UnsafeName: it would be outside, or nowhere; NamesCollide: another key of this run has it.
            OSError: a folder can't be made.
        """
        parts = name.split("/")
        if any(part in ("", ".", "..") or "\0" in part for part in parts) or not is_text(name):
            raise ClientError("UnsafeName", f"No file below {self.directory} can be called {name!r}.")
        with self._lock:
            self._make_folders(parts[:-1])
            self._take(name)
        return self.directory.joinpath(*parts)

    def make_folder(self, name: str) -> None:
        """For a key that ends in "/", which other tools store in the place of a folder. Raises as `place`."""
        self.place(f"{name.rstrip('/')}/x")

    def _make_folders(self, parts: list[str]) -> None:
        if "/".join(parts) in self._checked:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        path, name = self.directory, ""
        for part in parts:
            path, name = path / part, f"{name}/{part}" if name else part
            if name in self._checked:
                continue
            if path.is_symlink():
                raise ClientError("UnsafeName", f"{path} is a link: what is written below it would be elsewhere.")
            path.mkdir(exist_ok=True)
            self._checked.add(name)

    def _take(self, name: str) -> None:
        """Two keys of one file: the second is refused, it would replace the first."""
        if self._folds is None:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._folds = folds_case(self.directory)
        if not self._folds:
            return
        other = self._taken.setdefault(name.casefold(), name)
        if other != name:
            raise ClientError("NamesCollide", f"{name!r} and {other!r} are one file on this disk.")


def folds_case(directory: Path) -> bool:
    """Whether the disk takes "A" and "a" for one name; found out by a file that is gone again at once."""
    probe = directory / f".coatcheck-{secrets.token_hex(6)}"
    try:
        probe.touch(exist_ok=False)
    except OSError:
        return False  # nothing can be written here: the first file says so
    try:
        return probe.with_name(probe.name.upper()).exists()
    finally:
        probe.unlink(missing_ok=True)
