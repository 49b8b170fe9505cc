"""Lines of access logs on their way: segments that worker processes append to, and deliveries that are to be objects.

A segment holds lines of one bucket, of one process, written in one hour. Its first line says whose they are (`Header`);
a bucket that changes where its log goes begins another. When its hour is over, the segments of a bucket are moved into
a delivery, a directory whose name has the object's unique text: from then on its content and its name are fixed, so
that a delivery that dies half-way is made again as the same object.

    HOUR-DIGEST-TOKEN-NUMBER.log     a segment
    gathering-HOUR-DIGEST-TOKEN/     a delivery that segments are being moved into
    ready-HOUR-DIGEST-TOKEN/         one that is complete

HOUR counts from 1970, DIGEST is of the header. Everything here waits for the disk: not for the event loop.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

from coatcheck.core.limits import LOG_OBJECT_MAX_BYTES, LOG_SEGMENT_MAX_BYTES

from .segment_file import append, need_room, sync_directory, when_complete

HOUR_S: Final = 3600
_READ_BYTES: Final = 256 * 1024
_GATHERING, _READY = "gathering-", "ready-"


class Header(NamedTuple):
    """Whose lines these are: the source bucket's name, and its stored document of where they go."""

    bucket: str
    document: str


class Delivery(NamedTuple):
    """Lines that are complete; `token` is the unique text of their object's name."""

    path: Path
    hour: int
    token: str
    size: int

    def header(self) -> Header | None:
        """None where nothing was written whole."""
        for segment in _segments_in(self.path):
            with segment.open("rb") as file:
                line = file.readline()
            if line.endswith(b"\n"):
                return Header(*json.loads(line))
        return None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The lines; one that a crash has cut off is left out."""
        for segment in _segments_in(self.path):
            with segment.open("rb") as file:
                await asyncio.to_thread(file.readline)
                left = b""
                while piece := await asyncio.to_thread(file.read, _READ_BYTES):
                    whole, feed, rest = (left + piece).rpartition(b"\n")
                    left = rest
                    if feed:
                        yield whole + feed

    def remove(self) -> None:
        import shutil

        shutil.rmtree(self.path, ignore_errors=True)


class Segments:
    """The directory. Any number of processes append to their own segments; one at a time makes deliveries."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._token = secrets.token_hex(8)
        self._numbers: dict[tuple[int, str], int] = {}

    def append(self, header: Header, lines: Sequence[bytes], hour: int) -> None:
        """Write lines, at once and durably. Raises: OSError, and none of them is there then."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        need_room(self._directory)
        place = (hour, _digest(header))
        if place not in self._numbers:
            self._numbers = {known: number for known, number in self._numbers.items() if known[0] >= hour - 1}
        first = self._numbers.get(place, 0)
        for number in count(first):
            self._numbers[place] = number
            path = self._directory / f"{hour}-{place[1]}-{self._token}-{number}.log"
            head = json.dumps(header).encode() + b"\n"
            if append(path, b"".join(lines), most_bytes=LOG_SEGMENT_MAX_BYTES, head=head):
                return

    def gather(self, hour: int) -> list[Delivery]:
        """Complete what is of other hours than this one; all deliveries, the oldest first.

        Segments of the hour that follows stay, too: a clock may go back a little.
        """
        if not self._directory.is_dir():
            return []
        for unfinished in self._directory.glob(f"{_GATHERING}*"):
            self._finish(unfinished)
        waiting: dict[tuple[int, str], list[Path]] = {}
        for path in sorted(self._directory.glob("*.log")):
            written, digest = path.name.split("-")[:2]
            if int(written) not in (hour, hour + 1):
                waiting.setdefault((int(written), digest), []).append(path)
        for (its_hour, its_digest), paths in waiting.items():
            for group in _groups(paths):
                self._move(group, f"{its_hour}-{its_digest}-{secrets.token_hex(8).upper()}")
        return sorted((_delivery(path) for path in self._directory.glob(f"{_READY}*")), key=lambda found: found[1:])

    def _move(self, paths: Sequence[Path], name: str) -> None:
        """Whoever is writing to a segment finishes first; whoever comes later finds it gone, and begins another."""
        gathering = self._directory / f"{_GATHERING}{name}"
        gathering.mkdir(mode=0o700)
        for path in paths:
            when_complete(path, lambda complete: complete.rename(gathering / complete.name))
        self._finish(gathering)

    def _finish(self, gathering: Path) -> None:
        sync_directory(gathering)
        with suppress(OSError):
            gathering.rmdir()  # a crash left it empty
            return
        gathering.rename(gathering.with_name(_READY + gathering.name.removeprefix(_GATHERING)))
        sync_directory(self._directory)


@lru_cache(maxsize=1024)
def _digest(header: Header) -> str:
    return hashlib.sha256(json.dumps(header).encode()).hexdigest()[:16]


def _delivery(path: Path) -> Delivery:
    hour, _, token = path.name.removeprefix(_READY).split("-")
    return Delivery(path, int(hour), token, sum(segment.stat().st_size for segment in _segments_in(path)))


def _segments_in(path: Path) -> list[Path]:
    return sorted(path.glob("*.log"))


def _groups(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Segments that go into one object each."""
    group: list[Path] = []
    size = 0
    for path in paths:
        its_size = path.stat().st_size
        if group and size + its_size > LOG_OBJECT_MAX_BYTES:
            yield group
            group, size = [], 0
        group.append(path)
        size += its_size
    if group:
        yield group
