"""A number in shared memory that moves with every commit: whether what a process remembers is still true.

It costs a tenth of a microsecond to look at; asking SQLite (`PRAGMA data_version`) takes a statement and four file
locks. A commit makes the number odd, happens, and makes it even again, so a reader that finds the even number it
remembers knows that nothing was committed in between. A writer that died on the way leaves an odd number: then nothing
is believed until the next commit. Only `writer.py` moves it, under the write lock; a foreign tool that writes to the
catalog while a server runs is not noticed.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_SIZE: Final = 8


class Changes:
    """The number, mapped from a file. Anybody reads; one moves it at a time."""

    def __init__(self, path: Path) -> None:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(fd).st_size < _SIZE:
                os.ftruncate(fd, _SIZE)
            self._map = mmap.mmap(fd, _SIZE)
        finally:
            os.close(fd)
        self._numbers = memoryview(self._map).cast("q")

    def number(self) -> int:
        """Another one after any commit of any process; odd while one is under way."""
        return self._numbers[0]

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Around a COMMIT, under the write lock, whether or not it succeeds."""
        self._numbers[0] = odd = self._numbers[0] | 1
        try:
            yield
        finally:
            self._numbers[0] = odd + 1

    def close(self) -> None:
        self._numbers.release()
        self._map.close()
