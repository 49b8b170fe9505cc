"""Whether GETs can be answered, and whether anything can be written; looked at once a second at most by all workers.

What one worker has found lies in shared memory for the others. Whoever looks holds a lock on a file meanwhile, which
the kernel gives up with its process.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import mmap
import os
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from coatcheck.core.limits import DISK_RESERVE_BYTES, HEALTH_PROBE_S

_HEAD: Final = struct.Struct("<dI")  # when, by the monotonic clock; how long what follows is
_TEXT_MAX_BYTES: Final = 400
_WAIT_S: Final = 0.01
_PATIENCE_S: Final = 5.0  # with whoever is looking
_PROBE_BYTES: Final = 4096

_IN_WORDS: Final = {
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "disk full",
    errno.EROFS: "read-only",
    errno.EACCES: "read-only",
    errno.EPERM: "read-only",
}


class Condition(NamedTuple):
    """What was found: "" where all is well, else why not, in a few words."""

    reads: str
    writes: str


class Board:
    """The last condition that was found, for every process. Made before the first fork."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _HEAD.size + _TEXT_MAX_BYTES)

    def write(self, condition: Condition) -> None:
        text = json.dumps([part[:100] for part in condition]).encode()[:_TEXT_MAX_BYTES]
        self._memory[_HEAD.size : _HEAD.size + len(text)] = text
        _HEAD.pack_into(self._memory, 0, time.monotonic(), len(text))

    def read(self) -> tuple[float, Condition]:
        """How many seconds ago, and what; infinitely long ago where nobody has looked, or somebody is writing."""
        at, size = _HEAD.unpack_from(self._memory)
        with suppress(ValueError, TypeError):
            return time.monotonic() - at, Condition(*json.loads(self._memory[_HEAD.size : _HEAD.size + size]))
        return float("inf"), Condition("not looked at yet", "not looked at yet")


class Health:
    """Of one worker.

    Args:
        read: reads something from the store that nobody can remember; raises what reading raises.
        write: writes something to it; None where the directory says whether that can be done.
        data: the data directory; None where nothing is written to one.
        lock: a file, made if it isn't there.
    """

    def __init__(
        self,
        board: Board,
        read: Callable[[], Awaitable[object]],
        data: Path | None,
        lock: Path,
        write: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._board = board
        self._read = read
        self._write = write
        self._data = data
        self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._mine = asyncio.Lock()
        self.probes = 0

    async def look(self) -> Condition:
        """What was found less than a second ago, by whomever."""
        give_up_at = time.monotonic() + _PATIENCE_S
        async with self._mine:
            while True:
                age_s, condition = self._board.read()
                if age_s < HEALTH_PROBE_S or time.monotonic() > give_up_at:
                    return condition
                if self._is_mine_to_look():
                    try:
                        return await self._probe()
                    finally:
                        fcntl.flock(self._lock, fcntl.LOCK_UN)
                await asyncio.sleep(_WAIT_S)

    def _is_mine_to_look(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    async def _probe(self) -> Condition:
        age_s, condition = self._board.read()
        if age_s < HEALTH_PROBE_S:  # somebody was faster
            return condition
        self.probes += 1
        reads = await _trouble_of(self._read)
        writes = "" if self._data is None else await asyncio.to_thread(find_write_trouble, self._data)
        if self._write is not None:
            writes = writes or await _trouble_of(self._write)
        condition = Condition(reads, writes)
        self._board.write(condition)
        return condition

    def close(self) -> None:
        os.close(self._lock)


async def _trouble_of(act: Callable[[], Awaitable[object]]) -> str:
    try:
        await act()
    except Exception as error:  # whatever it is, a request would meet it
        return _in_words(error)
    return ""


def find_write_trouble(data: Path) -> str:
    """Why nothing can be written there, "" if something can: a small file is written, and removed."""
    probe = data / "health.probe"
    try:
        disk = os.statvfs(data)
        if disk.f_flag & os.ST_RDONLY:
            return "read-only"
        if disk.f_bavail * disk.f_frsize < DISK_RESERVE_BYTES:
            return "disk full"
        fd = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, bytes(_PROBE_BYTES))
        finally:
            os.close(fd)
            os.unlink(probe)
    except OSError as error:
        return _in_words(error)
    return ""


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return _IN_WORDS.get(error.errno) or os.strerror(error.errno).lower()
    return f"{type(error).__name__}"
