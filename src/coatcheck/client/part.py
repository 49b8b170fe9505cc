"""A download that isn't finished: FILE.part holds what came, FILE.part.json says which bytes those are, and of what.

The two survive an interruption, so the next run fetches only what is missing, provided the object is still the same
(`Remote`: size and validator). The file is locked while one run works on it. Nothing here knows HTTP.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Final

from msgspec import Struct, to_builtins

from .errors import ClientError

_FORMAT: Final = 1

Extent = tuple[int, int]  # half-open [start, stop) in bytes


class Remote(Struct, frozen=True):
    """Which object a download is of.

    Attributes:
        size_bytes: the whole object's; None when the server doesn't say.
        etag: as sent, with quotes; None if absent or weak.
        last_modified: as sent; None if absent.
        crc64: CRC-64/XZ of the whole object; None if the server doesn't say.
        ranges: the server answers ranges.
    """

    size_bytes: int | None
    etag: str | None
    last_modified: str | None
    crc64: int | None
    ranges: bool

    @property
    def resumable(self) -> bool:
        """Whether pieces that are fetched one by one can be known to be of the same object."""
        return self.ranges and self.size_bytes is not None and bool(self.etag or self.last_modified)

    def guard(self) -> dict[str, str]:
        """The condition that makes a server refuse (412) once the object has changed."""
        if self.etag:
            return {"If-Match": self.etag}
        return {"If-Unmodified-Since": self.last_modified} if self.last_modified else {}


class Part:
    """The unfinished file of one download. Writes may come from several threads."""

    def __init__(self, target: Path, remote: Remote) -> None:
        """Open or make TARGET.part, keeping what is there if it is of `remote`.

        Raises: ClientError when another run holds it; OSError.
        """
        self.target = target
        self.remote = remote
        self.file = target.with_name(f"{target.name}.part")
        self._state = target.with_name(f"{target.name}.part.json")
        self._fresh_state = target.with_name(f"{target.name}.part.json.new")
        self._lock = Lock()
        self._fd = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            raise ClientError("AlreadyRunning", f"Another download is writing {self.file}.") from None
        self._done = self._read_state()
        if not self._done:
            os.ftruncate(self._fd, 0)
            self._forget()

    def close(self) -> None:
        """A thread that is still at work after this gets an error; it can't write to whatever has the number next."""
        fd, self._fd = self._fd, -1
        os.close(fd)

    @property
    def done_bytes(self) -> int:
        return sum(stop - start for start, stop in self._done)

    def missing(self) -> list[Extent]:
        """The gaps, in order; of an object of known size."""
        assert self.remote.size_bytes is not None
        gaps, position = [], 0
        for start, stop in [*self._done, (self.remote.size_bytes, self.remote.size_bytes)]:
            if position < start:
                gaps.append((position, start))
            position = stop
        return gaps

    def write(self, position: int, data: bytes) -> None:
        while data:
            written = os.pwrite(self._fd, data, position)
            position, data = position + written, data[written:]

    def mark(self, start: int, stop: int) -> None:
        """[start, stop) has been written; remembered on disk when that is of use to a later run."""
        if start == stop:
            return
        with self._lock:
            self._done = _merge([*self._done, (start, stop)])
            if self.remote.resumable and self.done_bytes != self.remote.size_bytes:
                self._write_state()

    def commit(self) -> None:
        """The file is whole: give it its name, atomically, its bytes on disk first."""
        os.fsync(self._fd)
        os.replace(self.file, self.target)
        self._forget()

    def discard(self) -> None:
        self.file.unlink(missing_ok=True)
        self._forget()

    def _forget(self) -> None:
        self._state.unlink(missing_ok=True)
        self._fresh_state.unlink(missing_ok=True)

    def _read_state(self) -> list[Extent]:
        """The extents that count: of the same object, and within the file as it is. Anything odd means none."""
        try:
            facts = json.loads(self._state.read_text("utf-8"))
            same = facts["format"] == _FORMAT and _identity(Remote(**facts["remote"])) == _identity(self.remote)
            done = _merge((int(start), int(stop)) for start, stop in facts["done"])
        except (OSError, ValueError, KeyError, TypeError):
            return []
        return done if same and self.remote.resumable and _are_within(done, os.fstat(self._fd).st_size) else []

    def _write_state(self) -> None:
        facts = {"format": _FORMAT, "remote": to_builtins(self.remote), "done": self._done}
        self._fresh_state.write_text(json.dumps(facts), "utf-8")
        os.replace(self._fresh_state, self._state)


def _identity(remote: Remote) -> tuple[int | None, str | None, str | None]:
    return remote.size_bytes, remote.etag, None if remote.etag else remote.last_modified


def _are_within(extents: list[Extent], size_bytes: int) -> bool:
    return all(0 <= start < stop <= size_bytes for start, stop in extents)


def _merge(extents: Iterable[Extent]) -> list[Extent]:
    """Sorted, touching ones joined."""
    merged: list[Extent] = []
    for start, stop in sorted(extents):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return merged
