"""Which blobs a move has begun to copy: files of ids in their order, each page written down before it is copied.

So whatever happens to the process, nothing is at the new place that isn't in a list; and the next process goes on where
the last page begins.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ID_BYTES: Final = 16
_READ_AT_ONCE: Final = 4096 * ID_BYTES


class BlobList:
    """One file. It is made when the first page is added."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.exists():  # a page that was cut short
            os.truncate(path, path.stat().st_size // ID_BYTES * ID_BYTES)

    def add(self, page: Sequence[bytes]) -> None:
        """Durably."""
        with self._path.open("ab") as file:
            file.write(b"".join(page))
            file.flush()
            os.fsync(file.fileno())

    def take_back(self, page: int) -> list[bytes]:
        """The last ids, as many as a page has, which may have been copied or not; `cut` them when they are gone."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(-min(page * ID_BYTES, self._path.stat().st_size), os.SEEK_END)
            block = file.read()
        return [block[at : at + ID_BYTES] for at in range(0, len(block), ID_BYTES)]

    def cut(self, count: int) -> bytes | None:
        """Take the last ids off; the one that is the last then, None where there is none."""
        if not self._path.exists():
            return None
        os.truncate(self._path, self._path.stat().st_size - count * ID_BYTES)
        return next(iter(self.take_back(1)), None)

    def __iter__(self) -> Iterator[bytes]:
        """In their order."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            while block := file.read(_READ_AT_ONCE):
                for at in range(0, len(block), ID_BYTES):
                    yield block[at : at + ID_BYTES]
